package main

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

var _ = register(&row{
	name:    "webhook",
	about:   "100 clients, each with one event in flight, acknowledged by the relay.",
	measure: measureWebhook,
})

func measureWebhook(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	n, err := l.start(ctx, "")
	if err != nil {
		return r, err
	}
	res, err := l.work(ctx, n, "relay", load.Work{
		Kind: load.Echo, Clients: l.pick(100, 10),
		Warmup: l.time(time.Second, 100*time.Millisecond), Measure: l.time(4*time.Second, 300*time.Millisecond),
	}, r)
	if err != nil {
		return r, err
	}
	r.add(figure{name: "relay", value: res.PerSecond(), unit: "events/s"})
	r.add(figure{name: "relay, CPU", value: res.CPUPerUnit(), unit: "CPU µs per event"})
	return r, nil
}
