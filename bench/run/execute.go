package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

// runTimeout bounds one run: what the work takes by itself, and this for
// connecting, stalls and stopping.
const runTimeout = 90 * time.Second

// givenUp is after how many starts that failed, one after the other, a server is not
// started again: each may take as long as child.StartTimeout.
const givenUp = 2

// outcome is one run: a result, or why there is none.
type outcome struct {
	Result *load.Result `json:"result,omitempty"`
	Error  string       `json:"error,omitempty"`

	dead bool // the server did not start
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
	t := newTeller(p, progress)
	defer t.end()
	dead := make(map[string]int)
	tables := slices.Concat(rep.Guarantees, rep.Rows)
	for i, r := range p.everything() {
		if err := p.repeat(ctx, r, tables[i].Servers, dead, t); err != nil {
			return err
		}
	}
	return nil
}

// repeat does a row. dead counts starts that failed, by server.
func (p *plan) repeat(ctx context.Context, r row, cells map[string]*cell, dead map[string]int, t *teller) error {
	for rep := range p.reps {
		for _, s := range p.servers {
			times := p.times(s, r)
			if rep >= times {
				continue
			}
			w := p.workOf(s, r)
			t.begin(s.name, r.title, rep+1, times, expected(s, r, w))
			o := outcome{Error: "did not start before, and was not tried again"}
			if dead[s.name] < givenUp {
				o = do(ctx, s.set(r), r, w, t.tick)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if o.dead {
				dead[s.name]++
			} else if o.Result != nil {
				dead[s.name] = 0
			}
			cells[s.name].Runs = append(cells[s.name].Runs, o)
			t.tell(o)
		}
	}
	return nil
}

// do is one run. tick is called meanwhile.
func do(ctx context.Context, s *server, r row, w load.Work, tick func()) outcome {
	if r.across != "" {
		r.work = w
		return onTwo(ctx, s, r, tick)
	}
	return once(ctx, s, w, tick)
}

// once starts a fresh server, does w and stops the server.
func once(ctx context.Context, s *server, w load.Work, tick func()) outcome {
	ctx, cancel := bounded(ctx, w)
	defer cancel()
	c, err := child.Start(ctx, s.command...)
	if err != nil {
		return outcome{Error: err.Error(), dead: true}
	}
	return work(ctx, c.Target, w, tick, c)
}

// bounded is the time that a run may take at all.
func bounded(ctx context.Context, w load.Work) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, runTimeout+w.Warmup+w.Measure+2*w.Settle)
}

// work does w and stops the servers.
func work(ctx context.Context, t load.Target, w load.Work, tick func(), servers ...*child.Child) outcome {
	result, err := load.Run(ctx, t, w, load.OnProgress(func(load.Progress) { tick() }))
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
