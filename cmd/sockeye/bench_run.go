package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/sockeye-io/sockeye/bench/load"
)

const (
	// publishers are how many members of a fan-out take turns to say, so that no single client
	// meets a limit of what one may say.
	publishers = 100
	// politeDials is how many connections are opened at once to a server that is not to be
	// loaded, and dials to another.
	politeDials, dials = 16, 64
	// settle is how long the server's memory may take to stand still.
	settle = 5 * time.Second
	// baseline is how many clients connect before a server's memory is read for the first time.
	baseline = 50
)

// aim says where the clients go.
func (b *bench) aim(local bool) {
	b.target = load.Target{URL: b.base.String(), PID: b.PID, Remote: !local, Auth: b.auth, Header: b.header}
	if b.Namespace != "/" {
		b.target.Namespace = b.Namespace
	}
	if b.base.Scheme == "https" {
		b.target.TLS = b.tls()
	}
}

// tls is how https is spoken.
func (b *bench) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: b.Insecure} //nolint:gosec // asked for by --insecure
}

// work is what the flags make of a kind.
func (b *bench) work(kind load.Kind) load.Work {
	w := load.Work{
		Kind: kind, Transport: load.Transport(b.Transport), Parser: load.Parser(b.Parser), Deflate: b.Deflate,
		Clients: b.Clients, Baseline: 1, Dials: politeDials, DialTimeout: b.Timeout, Stall: b.Timeout,
	}
	if b.Clients > politeClients {
		w.Dials = dials
	}
	switch kind {
	case load.Connect:
		return w
	case load.Idle:
		w.Hold, w.Settle = b.Duration, min(b.Duration, settle)
		if b.PID != 0 {
			w.Baseline = baseline
		}
		return w
	case load.Fanout:
		w.Room, w.Rooms, w.Stalled = b.Room, b.Rooms, b.Stalled
		w.Publishers = min(publishers, b.Clients)
	case load.Echo:
	}
	w.Window, w.Rate, w.Payload, w.Binary, w.Churn = b.Window, b.Rate, b.Payload, b.Binary, b.Churn
	w.Warmup, w.Measure = max(b.Warmup, time.Nanosecond), b.Duration
	return w
}

// run does all works. An error means that there is nothing to report.
func (b *bench) run(ctx context.Context) (*benchReport, error) {
	rep := b.newReport()
	defer b.progress.end()
	b.progress.plan(b.expected(b.works), b.Warmup)
	var last error
	for i, kind := range b.works {
		b.progress.begin(kind, b.expected(b.works[:i]), b.expected(b.works[:i+1]))
		w := b.work(kind)
		r, err := load.Run(ctx, b.target, w, load.OnProgress(b.progress.moment))
		var short *load.ConnectError
		switch {
		case ctx.Err() != nil:
			rep.interrupt(w, r, err)
		case errors.As(err, &short):
			last = rep.giveUp(w, r, short)
		case err != nil:
			last = rep.failed(w, err)
		default:
			rep.add(r)
		}
		if rep.Interrupted {
			break
		}
	}
	if last != nil && !rep.measured() {
		return nil, last
	}
	rep.end()
	return rep, nil
}

// connecting is how long it takes about until the clients of a work are there.
const connecting = time.Second

// expected is how long works take, more or less.
func (b *bench) expected(works []load.Kind) time.Duration {
	var sum time.Duration
	for _, kind := range works {
		sum += connecting
		switch kind {
		case load.Connect:
		case load.Idle:
			sum += b.Duration
		case load.Fanout, load.Echo:
			sum += b.Warmup + b.Duration
		}
	}
	return sum
}

// name is a kind for people.
func name(kind load.Kind) string {
	if kind == load.Fanout {
		return "fan-out"
	}
	return string(kind)
}

// benchProgress shows how far the works are: a bar on a terminal, and elsewhere a line for each.
// How long a bench takes is known before, so the bar is of time. It is used by one goroutine.
type benchProgress struct {
	w        io.Writer
	bar      *progressbar.ProgressBar
	kind     load.Kind
	from, to time.Duration // where the work is within the whole
	warmup   time.Duration
	at       time.Duration // shown last: the bar does not go back
}

func newBenchProgress(w io.Writer) *benchProgress { return &benchProgress{w: w} }

// plan says how long all takes.
func (p *benchProgress) plan(total, warmup time.Duration) {
	p.warmup = warmup
	if f, ok := p.w.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // #nosec G115 -- small numbers
		p.bar = newBenchBar(p.w, total)
	}
}

func newBenchBar(w io.Writer, total time.Duration) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total.Milliseconds(),
		progressbar.OptionSetWriter(w), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
}

// begin says that a work begins, which lasts from the one time within the whole to the other.
func (p *benchProgress) begin(kind load.Kind, from, to time.Duration) {
	p.kind, p.from, p.to = kind, from, to
	if p.bar == nil {
		_, _ = fmt.Fprintf(p.w, "%s: about %v\n", name(kind), (to - from).Round(time.Second)) // there is nobody else to tell
		return
	}
	p.moment(load.Progress{Phase: load.Connecting})
}

// moment shows where a work is.
func (p *benchProgress) moment(m load.Progress) {
	if p.bar == nil {
		return
	}
	at, lasts := p.from, connecting
	switch m.Phase {
	case load.Connecting:
	case load.WarmingUp:
		at, lasts = at+connecting, p.warmup
	case load.Settling: // takes no time of what was planned
		lasts = 0
	case load.Holding:
		at, lasts = at+connecting, p.to-p.from-connecting
	case load.Measuring:
		at += connecting + p.warmup
		lasts = p.to - at
	case load.Draining:
		at, lasts = p.to, 0
	}
	what := fmt.Sprintf("%s, %s", name(p.kind), m.Phase)
	if m.Units > 0 {
		what += ", " + grouped(float64(m.Units))
	}
	p.bar.Describe(fmt.Sprintf("%-36s", what))
	p.at = max(p.at, at+time.Duration(m.Done*float64(lasts)))
	_ = p.bar.Set64(p.at.Milliseconds()) // a bar that cannot be drawn keeps nothing from being done
}

// end takes the bar away.
func (p *benchProgress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // see above
	}
}
