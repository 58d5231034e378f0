package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/bench/process"
)

// Run does w against t and returns what it found. It stops by itself, and early
// when ctx ends: then nothing more is said, what is in flight is awaited for at most
// 5 s, and the error is ctx's. If anything was measured by then, it is in the result
// beside that error, which has Stopped set. A server that loses messages or refuses
// clients is no error: the result says so. Where not all clients were tried, the error
// is a [ConnectError], with a result beside it in the same way. Any other error means
// that there is no result: w or t is not valid, or no client could connect.
func Run(ctx context.Context, t Target, w Work, options ...Option) (*Result, error) {
	w, err := w.filled()
	if err != nil {
		return nil, err
	}
	eps, onward, err := resolveAll(ctx, t)
	if err != nil {
		return nil, err
	}
	if onward != nil && w.Transport == WebSocket {
		return nil, errors.New("load: a session that is opened by WebSocket cannot be sent on")
	}
	f, err := newFormat(t, w)
	if err != nil {
		return nil, err
	}
	if err := process.RaiseFileLimit(uint64(w.connections() + w.Dials + 128)); err != nil {
		return nil, err
	}
	portable := false
	for i := range eps {
		eps[i].spread(w.connections())
		portable = portable || eps[i].tls != nil
	}
	l, err := newLoop(portable)
	if err != nil {
		return nil, err
	}
	defer l.close()
	r := newRun(w, eps, f, l)
	r.onward, r.pids, r.aside = onward, t.pids(), t.Aside
	for _, o := range options {
		o(r)
	}
	defer r.closeStalled()
	err = r.do(ctx)
	r.leave(ctx)
	var short *ConnectError
	early := errors.As(err, &short) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	if err != nil && (!early || !r.figures) {
		return nil, err
	}
	r.res.Stopped = early
	return r.res, err
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
	format  *format
	tools   *tools
	dialled int       // clients, those that failed too
	clients []*client // those that the loop owns
	stalled []*client // those that nobody reads
	res     *Result
	figures bool // whether the result has any

	onProgress func(Progress) // nil for nobody
	reported   time.Time
	shown      Phase // reported last
}

func newRun(w Work, eps []endpoint, f *format, l loop) *run {
	return &run{work: w, eps: eps, format: f, loop: l, tools: newTools(0), res: &Result{Work: w}}
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

// ConnectError says that a run has not tried all of its clients: its context ended, or the
// server had let nobody in for two rounds of Work.Dials.
type ConnectError struct {
	Connected, Clients int
	Failed             int
	Err                error // the context's, or why the last client failed
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("load: %d of %d clients connected, %d failed: %v", e.Connected, e.Clients, e.Failed, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

var errNobody = errors.New("load: no client could connect")

// dialer returns one for the clients of the run.
func (r *run) dialer() *dialer {
	return &dialer{eps: r.eps, onward: r.onward, work: r.work, format: r.format}
}

// adoptEvery is how long clients that are open may wait until the loop serves them. To
// take them over one by one would cost time of the connecting that is measured.
const adoptEvery = time.Second

// join opens n more clients while the loop keeps serving those that are there, soon the
// new ones too: servers throw out who answers no pings. The dialler says how long that
// took. When ctx ends, those that are open by then stay.
func (r *run) join(ctx context.Context, n int) (*dialer, error) {
	d := r.dialer()
	if r.work.Stalled > 0 {
		d.stalled = r.work.stalledOnes()
	}
	first, before, stalled := r.dialled, len(r.clients), len(r.stalled)
	r.dialled += n
	dialling, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.dialAll(dialling, first, n)
	}()
	adopted := time.Now()
	err := r.serveUntil(done, func() error {
		tried := d.tried.Load()
		r.tell(Connecting, float64(tried)/float64(n), tried)
		if time.Since(adopted) < adoptEvery {
			return nil
		}
		adopted = time.Now()
		return r.adopt(d)
	})
	cancel()
	<-done
	if err == nil {
		err = r.adopt(d)
	}
	r.res.FailedConnects += d.failed
	for _, e := range d.errs {
		r.res.note("%v", e)
	}
	if err != nil {
		for _, c := range slices.Concat(r.clients, d.take()) {
			c.tr.close()
		}
		return nil, err
	}
	r.order(before)
	opened := len(r.clients) + len(r.stalled) - before - stalled
	untried := opened+d.failed < n
	switch {
	case ctx.Err() != nil && untried:
		return d, &ConnectError{opened, n, d.failed, ctx.Err()}
	case ctx.Err() != nil:
		return d, ctx.Err()
	case len(r.clients) == before:
		return nil, fmt.Errorf("%w: %w", errNobody, errors.Join(d.errs...))
	case untried:
		return d, &ConnectError{opened, n, d.failed, d.last}
	}
	return d, r.look()
}

// joinBaseline opens the clients that come before those that are measured.
func (r *run) joinBaseline(ctx context.Context) error {
	_, err := r.join(ctx, r.work.Baseline)
	var short *ConnectError
	if errors.As(err, &short) {
		short.Clients = r.work.Clients
	}
	return err
}

// adopt has the loop serve the clients that d has opened.
func (r *run) adopt(d *dialer) error {
	var err error
	for _, c := range d.take() {
		c.app, c.tools = r, r.tools
		if d.stalled != nil && d.stalled[c.number] {
			r.stalled = append(r.stalled, c)
			continue
		}
		c.index = len(r.clients)
		r.clients = append(r.clients, c)
		if err == nil {
			err = c.tr.attach(r.loop)
		}
	}
	return err
}

// order puts the clients from the given one on into the order of their numbers, which
// is that in which they take turns.
func (r *run) order(from int) {
	slices.SortFunc(r.clients[from:], func(a, b *client) int { return cmp.Compare(a.number, b.number) })
	for i, c := range r.clients {
		c.index = i
	}
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

// serveUntil runs the loop until done is closed. It calls tick meanwhile, and once
// after that.
func (r *run) serveUntil(done <-chan struct{}, tick func() error) error {
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for over := false; ; {
		select {
		case <-done:
			over = true
		default:
		}
		if err := tick(); err != nil || over {
			return err
		}
		if len(r.clients) == 0 {
			select {
			case <-done:
			case <-pause.C:
			}
			continue
		}
		if err := r.loop.wait(5 * time.Millisecond); err != nil {
			return err
		}
	}
}

// packet makes the run the app of clients that have nothing to do.
func (r *run) packet(_ *client, m packet) {
	r.res.Malformed++
	r.res.note("unexpected packet %.80q", m.raw)
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
	received         int64
}

// read reads the CPU clocks. The server's stays 0 without a PID.
func (r *run) read() (usage, error) {
	u := usage{at: time.Now(), self: process.Self(), received: r.loop.received()}
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
	r.figures = true
	r.res.Elapsed = end.Sub(from.at)
	r.res.Received = to.received - from.received
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
