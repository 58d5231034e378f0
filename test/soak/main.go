package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clean, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if !clean {
		os.Exit(2)
	}
}

// options are the flags.
type options struct {
	duration, warmup, settle time.Duration
	sockeye, out             string
}

// short reports whether the soak is one that a person waits for.
func (o options) short() bool { return o.duration < time.Minute }

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&o.duration, "duration", 10*time.Minute, "how long")
	f.DurationVar(&o.warmup, "warmup", 0, "how long the round before it is, whose end is the start (a fifth, at most a minute)")
	f.DurationVar(&o.settle, "settle", 2*time.Minute, "how long at most until everything is back")
	f.StringVar(&o.sockeye, "sockeye", filepath.Join("bin", "sockeye"), "Sockeye's binary, from the top of the repository")
	f.StringVar(&o.out, "out", "", "write the report to this `file` too")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.duration <= 0 || o.settle <= 0 || o.warmup < 0 {
		return o, errors.New("durations are above 0")
	}
	if o.warmup == 0 {
		o.warmup = min(o.duration/5, time.Minute)
	}
	return o, nil
}

// run reports whether nothing was lost and nothing was left.
func run(ctx context.Context, args []string, out, progress io.Writer) (clean bool, err error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	if !filepath.IsAbs(o.sockeye) {
		root, err := child.Repository()
		if err != nil {
			return false, err
		}
		o.sockeye = filepath.Join(root, o.sockeye)
	}
	srv, err := start(ctx, o.sockeye)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, srv.Stop()) }()
	rep, err := soak(ctx, srv, o, progress)
	if err != nil {
		return false, errors.Join(err, srv.Crashed())
	}
	text := rep.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return false, err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text), 0o644); err != nil {
			return false, err
		}
	}
	return rep.clean(), nil
}

// roomShort and roomLong are what resident memory may be above the start at least, after a
// short soak, whose peak is a matter of chance, and after one of a minute or more.
const roomShort, roomLong = 16 << 20, 4 << 20

// kept is for how long goroutines may be kept that nobody needs: see server/workers.
const kept = 11 * time.Second

// soak does both rounds and compares.
func soak(ctx context.Context, srv *server, o options, progress io.Writer) (*report, error) {
	rep := &report{options: o, began: time.Now()}
	room := int64(roomLong)
	if o.short() {
		room = roomShort
	}
	if err := rep.round(ctx, srv, o.warmup, "warm-up", progress); err != nil {
		return nil, err
	}
	first, err := srv.meter.settle(ctx, o.settle, idle)
	if err != nil {
		return nil, err
	}
	// What the runtime gives back to the system it gives back slowly, and goroutines that have
	// worked are kept for a while.
	since := time.Now()
	before, err := srv.meter.settle(ctx, 2*kept+o.warmup, func(r reading) bool {
		last := first
		first = r
		if r.goroutines < last.goroutines {
			since = time.Now()
		}
		return idle(r) && time.Since(since) > kept && r.rss > last.rss-last.rss/200
	})
	if err != nil {
		return nil, err
	}
	if err := rep.round(ctx, srv, o.duration, "soak", progress); err != nil {
		return nil, err
	}
	tell(progress, "waiting for what is left")
	after, err := srv.meter.settle(ctx, o.settle, func(r reading) bool { return passed(compare(before, r, room)) })
	if err != nil {
		return nil, err
	}
	rep.before, rep.figures = before, compare(before, after, room)
	rep.took = time.Since(rep.began)
	return rep, srv.Crashed()
}

// round does one round, with a line of progress at times.
func (rep *report) round(ctx context.Context, srv *server, d time.Duration, name string, progress io.Writer) error {
	c := &rep.counts
	done := make(chan error, 1)
	r := round{base: srv.Target.URL, counts: c, cutPolls: !rep.options.short()}
	go func() { done <- r.run(ctx, d) }()
	every := time.NewTicker(max(time.Second, d/60))
	defer every.Stop()
	for began := time.Now(); ; {
		select {
		case err := <-done:
			return err
		case <-every.C:
			tell(progress, "%s: %v of %v, %d connects, %d messages heard, %d faults", name, time.Since(began).Round(time.Second), d,
				c.connects[0].Load()+c.connects[1].Load()+c.connects[2].Load(), c.heard.Load(), c.faults())
		}
	}
}

func tell(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // there is nobody else to tell
}
