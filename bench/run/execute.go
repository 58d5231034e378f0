package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/load"
)

// runTimeout bounds one run: what the work takes by itself, and this for
// connecting, stalls and stopping.
const runTimeout = 90 * time.Second

// outcome is one run: a result, or why there is none.
type outcome struct {
	Result *load.Result `json:"result,omitempty"`
	Error  string       `json:"error,omitempty"`
}

// failure says what was wrong with the run, or "".
func (o outcome) failure() string {
	if o.Result == nil {
		return o.Error
	}
	text := o.Result.Failure()
	if o.Error != "" {
		if text != "" {
			text += ", "
		}
		text += o.Error
	}
	return text
}

// execute runs everything, the servers taking turns, and puts the outcomes into
// rep. Its only error is the context's: a server that fails is an outcome.
func (p *plan) execute(ctx context.Context, rep *report, progress io.Writer) error {
	t := &teller{out: progress, total: p.runs(), since: time.Now()}
	for i, g := range p.guarantees {
		if err := p.repeat(ctx, row{title: g.title, work: g.work}, rep.Guarantees[i].Servers, t); err != nil {
			return err
		}
	}
	for i, r := range p.rows {
		if err := p.repeat(ctx, r, rep.Rows[i].Servers, t); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) repeat(ctx context.Context, r row, cells map[string]*cell, t *teller) error {
	for rep := range p.reps {
		for _, s := range p.servers {
			if !s.can(r) {
				continue
			}
			var o outcome
			if r.across != "" {
				o = onTwo(ctx, s.set(r), r)
			} else {
				o = once(ctx, s.set(r), r.work)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			cells[s.name].Runs = append(cells[s.name].Runs, o)
			t.tell(s.name, r.title, rep+1, p.reps, o)
		}
	}
	return nil
}

// runs is how many runs the plan has.
func (p *plan) runs() int {
	n := 0
	for _, s := range p.servers {
		for _, r := range p.everything() {
			if s.can(r) {
				n += p.reps
			}
		}
	}
	return n
}

// once starts a fresh server, does w and stops the server.
func once(ctx context.Context, s *server, w load.Work) outcome {
	ctx, cancel := bounded(ctx, w)
	defer cancel()
	c, err := child.Start(ctx, s.command...)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return work(ctx, c.Target, w, c)
}

// bounded is the time that a run may take at all.
func bounded(ctx context.Context, w load.Work) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, runTimeout+w.Warmup+w.Measure+2*w.Settle)
}

// work does w and stops the servers.
func work(ctx context.Context, t load.Target, w load.Work, servers ...*child.Child) outcome {
	result, err := load.Run(ctx, t, w)
	o := outcome{Result: result}
	if err != nil {
		o.Error = err.Error()
	}
	for _, c := range servers {
		if err := c.Crashed(); err != nil {
			o.Error = err.Error()
		}
		if err := c.Stop(); err != nil && o.Error == "" {
			o.Error = err.Error()
		}
	}
	return o
}

// teller writes a line per run.
type teller struct {
	out         io.Writer
	done, total int
	since       time.Time
}

func (t *teller) tell(server, title string, rep, reps int, o outcome) {
	t.done++
	elapsed := time.Since(t.since)
	left := elapsed / time.Duration(t.done) * time.Duration(t.total-t.done)
	text := "no result"
	if r := o.Result; r != nil {
		text = fmt.Sprintf("%s µs each, %s/s, p99 %s ms", figures.Text(r.CPUPerUnit()), figures.Text(r.PerSecond()), figures.Text(float64(r.P99)/1e6))
		if r.RSSClients > 0 {
			text = figures.Text(r.RSSPerClient()) + " KiB each"
		}
	}
	if f := o.failure(); f != "" {
		text += " FAILED: " + f
	}
	_, _ = fmt.Fprintf(t.out, "[%3d/%d, about %v left] %s · %s · %d/%d: %s\n",
		t.done, t.total, left.Round(time.Second), title, server, rep, reps, text)
}
