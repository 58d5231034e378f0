package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/bench/process"
)

// descriptorsPerClient is how many files a client of each transport holds open
// in the generator; the server holds as many.
const descriptorsPerClient = 2

// Run does w against t and returns what it found. It stops by itself, and early
// when ctx ends, within a second and with ctx's error. If clients were connected
// by then, the result beside that error is what was measured until then, and has
// Stopped set. A server that loses messages or refuses clients is no error: the
// result says so. Any other error means that there is no result: w or t is not
// valid, or no client could connect.
func Run(ctx context.Context, t Target, w Work, options ...Option) (*Result, error) {
	w, err := w.filled()
	if err != nil {
		return nil, err
	}
	if err := notYet(t, w); err != nil {
		return nil, err
	}
	eps, onward, err := resolveAll(ctx, t)
	if err != nil {
		return nil, err
	}
	if onward != nil && w.Transport == WebSocket {
		return nil, errors.New("load: a session that is opened by WebSocket cannot be sent on")
	}
	need := w.Clients*descriptorsPerClient + w.Baseline*descriptorsPerClient + 64
	if err := process.RaiseFileLimit(uint64(need)); err != nil {
		return nil, err
	}
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	defer l.close()
	r := &run{work: w, eps: eps, onward: onward, pids: t.pids(), aside: t.Aside, loop: l, res: &Result{Work: w}}
	for _, o := range options {
		o(r)
	}
	if err := r.do(ctx); err != nil {
		return nil, err
	}
	return r.res, nil
}

// notYet refuses what is declared and not done, so that no figure lies.
func notYet(t Target, w Work) error {
	if t.Remote || t.Namespace != "" || len(t.Auth) > 0 || len(t.Header) > 0 || t.TLS != nil ||
		w.seats() > w.Clients || w.Rooms > 1 || w.RoomSize > 0 || w.Binary || w.Parser != JSON || w.Deflate || w.Churn > 0 || w.Stalled > 0 {
		return errors.New("load: not done yet")
	}
	return nil
}

// run is one run. It belongs to the goroutine that called Run.
type run struct {
	work   Work
	eps    []endpoint // one for each node
	onward *endpoint  // where clients go with an open session, nil to stay
	pids   []int      // of the nodes; none leaves CPU and memory out
	aside  int
	tree   []int // the nodes' processes, as of the first join

	loop    loop
	clients []*client
	res     *Result

	onProgress func(Progress) // nil for nobody
}

func (r *run) do(ctx context.Context) error {
	switch r.work.Kind {
	case Idle:
		return r.idle(ctx)
	case Connect:
		return r.connect(ctx)
	case Fanout:
		return r.fanout(ctx)
	case Echo:
		return r.echo(ctx)
	default:
		return fmt.Errorf("load: unknown kind of work %q", r.work.Kind)
	}
}

var errNobody = errors.New("load: no client could connect")

// join opens n more clients while the loop keeps serving those that are there.
// The dialler says how long that took.
func (r *run) join(ctx context.Context, n int, room string) (*dialer, error) {
	d := &dialer{eps: r.eps, onward: r.onward, transport: r.work.Transport, room: room, atOnce: r.work.Dials}
	first := len(r.clients)
	dialled := make(chan []*client, 1)
	go func() { dialled <- d.dialAll(ctx, first, n) }()
	opened, err := r.serveUntil(dialled)
	if err == nil {
		err = ctx.Err()
	}
	r.res.FailedConnects += d.failed
	for _, e := range d.errs {
		r.res.note("%v", e)
	}
	for _, c := range opened {
		c.index, c.app = len(r.clients), r
		r.clients = append(r.clients, c)
		if err == nil {
			err = c.tr.attach(r.loop)
		}
	}
	if err != nil {
		for _, c := range r.clients {
			c.tr.close()
		}
		return nil, err
	}
	if len(opened) == 0 {
		return nil, fmt.Errorf("%w: %w", errNobody, errors.Join(d.errs...))
	}
	return d, r.look()
}

// look finds the server's processes, once. It takes milliseconds, so it is no
// part of a reading.
func (r *run) look() error {
	if len(r.tree) > 0 {
		return nil
	}
	for _, pid := range r.pids {
		tree, err := process.Tree(pid)
		if err != nil {
			return err
		}
		r.tree = append(r.tree, tree...)
	}
	return nil
}

// serveUntil runs the loop until dialled delivers. It always waits for that, so
// that no goroutine is left.
func (r *run) serveUntil(dialled <-chan []*client) ([]*client, error) {
	for {
		select {
		case opened := <-dialled:
			return opened, nil
		default:
		}
		if len(r.clients) == 0 {
			return <-dialled, nil
		}
		if err := r.loop.wait(5 * time.Millisecond); err != nil {
			return <-dialled, err
		}
	}
}

// packet makes the run the app of clients that have nothing to do.
func (r *run) packet(_ *client, p []byte) {
	r.res.Malformed++
	r.res.note("unexpected packet %.80q", p)
}

func (r *run) gone(c *client, err error) {
	r.res.Disconnected++
	r.res.note("client %d: %v", c.index, err)
}

// serve runs the loop for d.
func (r *run) serve(ctx context.Context, d time.Duration) error {
	for until := time.Now().Add(d); ; {
		left := time.Until(until)
		if left <= 0 {
			return ctx.Err()
		}
		if err := r.loop.wait(min(left, 20*time.Millisecond)); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// usage is a reading of all processes.
type usage struct {
	at               time.Time
	cpu, self, aside time.Duration
}

// read reads the CPU clocks. The server's stays 0 without a PID.
func (r *run) read() (usage, error) {
	u := usage{at: time.Now(), self: process.Self()}
	if len(r.tree) == 0 {
		return u, nil
	}
	var err error
	if u.cpu, err = process.CPU(r.tree); err != nil || r.aside == 0 {
		return u, err
	}
	u.aside, err = process.CPU([]int{r.aside})
	return u, err
}

// measured puts the difference of two readings into the result.
func (r *run) measured(from, to usage, end time.Time) error {
	r.res.Elapsed = end.Sub(from.at)
	r.res.CPU = to.cpu - from.cpu
	r.res.Generator = to.self - from.self
	r.res.Aside = to.aside - from.aside
	rss, err := r.rss()
	r.res.RSSAfter = rss
	return err
}

func (r *run) rss() (int64, error) {
	if len(r.tree) == 0 {
		return 0, nil
	}
	return process.RSS(r.tree)
}

func (r *run) latency(l *latencies) {
	r.res.P50, r.res.P99, r.res.Max = l.quantile(0.5), l.quantile(0.99), l.max
}
