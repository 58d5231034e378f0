package load

import (
	"context"
	"time"
)

// connect opens a few clients unmeasured, then measures the rest.
func (r *run) connect(ctx context.Context) error {
	if _, err := r.join(ctx, r.work.Baseline, ""); err != nil {
		return err
	}
	r.res.FailedConnects = 0
	before := len(r.clients)
	from, err := r.read()
	if err != nil {
		return err
	}
	d, err := r.join(ctx, r.work.Clients, "")
	if err != nil {
		return err
	}
	to, err := r.read()
	if err != nil {
		return err
	}
	opened := len(r.clients) - before
	r.res.Units = int64(opened)
	r.res.Expected, r.res.Delivered = int64(r.work.Clients), int64(opened)
	r.latency(&d.spent)
	if err := r.measured(from, to, d.finished); err != nil {
		return err
	}
	return r.serve(ctx, 100*time.Millisecond) // whoever is thrown out at once shows here
}

// idle reads the server's memory with the baseline clients and with all.
func (r *run) idle(ctx context.Context) error {
	if _, err := r.join(ctx, r.work.Baseline, ""); err != nil {
		return err
	}
	before, err := r.settle(ctx)
	if err != nil {
		return err
	}
	first := len(r.clients)
	from, err := r.read()
	if err != nil {
		return err
	}
	d, err := r.join(ctx, r.work.Clients, "")
	if err != nil {
		return err
	}
	after, err := r.settle(ctx)
	if err != nil {
		return err
	}
	to, err := r.read()
	if err != nil {
		return err
	}
	opened := len(r.clients) - first
	r.res.Units, r.res.RSSClients = int64(opened), opened
	r.res.Expected, r.res.Delivered = int64(r.work.Clients), int64(opened)
	r.latency(&d.spent)
	if err := r.measured(from, to, to.at); err != nil {
		return err
	}
	r.res.RSSBefore, r.res.RSSAfter = before, after
	return nil
}

const (
	settleStep    = 250 * time.Millisecond
	settleSamples = 6 // memory stands still when so many readings differ by less than 1 %
)

// settle serves the clients until the server's memory stands still, for at most
// Work.Settle, and returns the last reading.
func (r *run) settle(ctx context.Context) (int64, error) {
	var last []int64
	for until := time.Now().Add(r.work.Settle); ; {
		if err := r.serve(ctx, min(settleStep, r.work.Settle)); err != nil {
			return 0, err
		}
		rss, err := r.rss()
		if err != nil {
			return 0, err
		}
		if last = append(last, rss); len(last) > settleSamples {
			last = last[1:]
		}
		if time.Now().After(until) || len(last) == settleSamples && steady(last) {
			return rss, nil
		}
	}
}

func steady(readings []int64) bool {
	lo, hi := readings[0], readings[0]
	for _, v := range readings {
		lo, hi = min(lo, v), max(hi, v)
	}
	return hi-lo <= hi/100
}
