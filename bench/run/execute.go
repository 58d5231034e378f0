package main

import (
	"context"
	"fmt"
	"io"
	"time"

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
		if err := p.repeat(ctx, g.work, g.title, rep.Guarantees[i].Servers, t); err != nil {
			return err
		}
	}
	for i, r := range p.rows {
		if err := p.repeat(ctx, r.work, r.title, rep.Rows[i].Servers, t); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) repeat(ctx context.Context, w load.Work, title string, cells map[string]*cell, t *teller) error {
	for rep := range p.reps {
		for _, s := range p.servers {
			if !s.can(w) {
				continue
			}
			o := once(ctx, s, w)
			if err := ctx.Err(); err != nil {
				return err
			}
			cells[s.name].Runs = append(cells[s.name].Runs, o)
			t.tell(s.name, title, rep+1, p.reps, o)
		}
	}
	return nil
}

func (s *server) can(w load.Work) bool {
	return !s.webSocketOnly || w.Transport == "" || w.Transport == load.WebSocket
}

// runs is how many runs the plan has.
func (p *plan) runs() int {
	n := 0
	for _, s := range p.servers {
		for _, r := range p.rows {
			if s.can(r.work) {
				n += p.reps
			}
		}
		for _, g := range p.guarantees {
			if s.can(g.work) {
				n += p.reps
			}
		}
	}
	return n
}

// once starts a fresh server, does w and stops the server.
func once(ctx context.Context, s *server, w load.Work) outcome {
	ctx, cancel := context.WithTimeout(ctx, runTimeout+w.Warmup+w.Measure+2*w.Settle)
	defer cancel()
	c, err := start(ctx, s)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	result, err := load.Run(ctx, c.target, w)
	o := outcome{Result: result}
	if c.crashed() {
		o.Error = "server ended: " + errOr(c.status).Error() + ": " + c.lastWords()
	} else if err != nil {
		o.Error = err.Error()
	}
	if err := c.stop(); err != nil && o.Error == "" {
		o.Error = err.Error()
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
		text = fmt.Sprintf("%s µs each, %s/s, p99 %s ms", figure(r.CPUPerUnit()), figure(r.PerSecond()), figure(float64(r.P99)/1e6))
		if r.RSSClients > 0 {
			text = figure(r.RSSPerClient()) + " KiB each"
		}
	}
	if f := o.failure(); f != "" {
		text += " FAILED: " + f
	}
	_, _ = fmt.Fprintf(t.out, "[%3d/%d, about %v left] %s · %s · %d/%d: %s\n",
		t.done, t.total, left.Round(time.Second), title, server, rep, reps, text)
}
