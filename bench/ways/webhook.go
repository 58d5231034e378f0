package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

var _ = register(&row{
	name: "webhook",
	about: "100 clients emit events with an acknowledgement (64 bytes), which a backend in Go, in the process of the bench, answers through a webhook; " +
		"the relay's echo is the same without a webhook. One in flight per client, and 32: of one client only one is ever under way to the backend.",
	measure: measureWebhook,
})

// webhookConfig leaves "/" to a backend, which may be asked by all clients at once.
const webhookConfig = `relay: {contract: false}
webhooks:
  /:
    url: http://%s/
    secret: a secret of the bench, of 32 bytes or more
    calls: [event]
    concurrency: 100
`

func measureWebhook(ctx context.Context, l *lab) (*result, error) {
	r := &result{}
	backend, err := serveEcho(ctx)
	if err != nil {
		return r, err
	}
	defer func() { _ = backend.Close() }() // nothing is under way
	for _, way := range []struct{ name, config string }{
		{"relay", ""}, {"webhook", fmt.Sprintf(webhookConfig, backend.Addr)},
	} {
		for _, window := range []int{1, 32} {
			n, err := l.start(ctx, way.config)
			if err != nil {
				return r, err
			}
			if err := webhookFigures(ctx, l, n, way.name, window, r); err != nil {
				return r, err
			}
			if err := l.end(); err != nil { // one at a time
				return r, err
			}
		}
	}
	return r, nil
}

// webhookFigures measures one way with one window.
func webhookFigures(ctx context.Context, l *lab, n *node, way string, window int, r *result) error {
	name := fmt.Sprintf("%s, %d in flight", way, window)
	res, err := l.work(ctx, n, name, load.Work{
		Kind: load.Echo, Clients: l.pick(100, 10), Window: window,
		Warmup: l.time(time.Second, 100*time.Millisecond), Measure: l.time(4*time.Second, 300*time.Millisecond),
	}, r)
	if err != nil {
		return err
	}
	rate := figure{name: name, value: res.PerSecond(), unit: "events/s"}
	cpu := figure{name: name + ", CPU", value: res.CPUPerUnit(), unit: "µs per event"}
	if way == "webhook" {
		rate.of, cpu.of = fmt.Sprintf("relay, %d in flight", window), fmt.Sprintf("relay, %d in flight, CPU", window)
	}
	r.add(rate)
	r.add(cpu)
	r.add(figure{name: name + ", p99", value: float64(res.P99) / 1e6, unit: "ms"})
	return nil
}

// serveEcho is a backend that acknowledges every event with its arguments, and does as
// little as it can.
func serveEcho(ctx context.Context) (*http.Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &http.Server{Addr: listener.Addr().String(), Handler: http.HandlerFunc(echoArgs), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(listener) }() // until Close
	return s, nil
}

// echoArgs finds the arguments without reading the rest of the request.
func echoArgs(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	_, rest, found := bytes.Cut(body, []byte(`"args":`))
	args, _, ended := bytes.Cut(rest, []byte(`,"ack":`))
	if err != nil || !found || !ended {
		http.Error(w, errors.Join(errors.New("no arguments"), err).Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"ack":%s}`, args) // the server may have gone
}
