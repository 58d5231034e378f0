package load

import (
	"context"
	"errors"
	"time"
)

// connect opens a few clients unmeasured, then measures the rest.
func (r *run) connect(ctx context.Context) error {
	if err := r.joinBaseline(ctx); err != nil {
		return err
	}
	r.res.FailedConnects = 0
	before := len(r.clients)
	from, err := r.read()
	if err != nil {
		return err
	}
	d, stop := r.join(ctx, r.work.Clients)
	if d == nil {
		return stop
	}
	to, err := r.read()
	if err != nil {
		return err
	}
	r.opened(d, len(r.clients)-before)
	if err := r.measured(from, to, d.finished); err != nil || stop != nil {
		return errors.Join(err, stop)
	}
	return r.serve(ctx, 100*time.Millisecond) // whoever is thrown out at once shows here
}

// opened counts what d has opened.
func (r *run) opened(d *dialer, n int) {
	r.res.Units, r.res.Delivered = int64(n), int64(n)
	r.res.Expected = d.tried.Load() // all, unless the run was stopped
	r.latency(&d.spent)
}

// idle reads the server's memory with the baseline clients and with all.
func (r *run) idle(ctx context.Context) error {
	if err := r.joinBaseline(ctx); err != nil {
		return err
	}
	var before int64
	if len(r.pids) > 0 {
		var err error
		if before, err = r.settle(ctx); err != nil {
			return err
		}
	}
	first := len(r.clients)
	from, err := r.read()
	if err != nil {
		return err
	}
	d, stop := r.join(ctx, r.work.Clients)
	if d == nil {
		return stop
	}
	var after int64
	if stop == nil {
		if after, stop = r.hold(ctx); stop != nil && ctx.Err() == nil {
			return stop
		}
	}
	to, err := r.read()
	if err != nil {
		return err
	}
	opened := len(r.clients) - first
	r.opened(d, opened)
	for _, c := range r.clients[first:] {
		if c.err != nil {
			r.res.Units--
		}
	}
	if err := r.measured(from, to, to.at); err != nil {
		return err
	}
	r.res.RSSClients, r.res.RSSBefore = opened, before
	if stop == nil {
		r.res.RSSAfter = after
	}
	return stop
}

// hold settles, then serves the clients for what is left of Work.Hold, and returns
// the last reading of memory.
func (r *run) hold(ctx context.Context) (int64, error) {
	until := time.Now().Add(r.work.Hold)
	rss, err := r.settle(ctx)
	if err != nil || !time.Now().Before(until) {
		return rss, err
	}
	for left := time.Until(until); left > 0; left = time.Until(until) {
		r.tell(Holding, shareOf(r.work.Hold, until, time.Now()), 0)
		if err := r.serve(ctx, min(left, settleStep)); err != nil {
			return 0, err
		}
	}
	return r.rss()
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
		r.tell(Settling, shareOf(r.work.Settle, until, time.Now()), 0)
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
