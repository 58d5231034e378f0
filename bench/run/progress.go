package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/sockeye-io/sockeye/bench/figures"
)

// teller shows how far it is: a bar on a terminal, with lines above it for what failed, and
// elsewhere a line for each run. It is used by one goroutine.
type teller struct {
	out         io.Writer
	bar         *progressbar.ProgressBar // nil where there is no terminal
	done, total int
	since       time.Time
	// spent and all are estimates: of the runs that are over, and of all.
	spent, all time.Duration
}

func newTeller(p *plan, out io.Writer) *teller {
	t := &teller{out: out, total: p.runs(), since: time.Now(), all: p.expected()}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // #nosec G115 -- small numbers
		t.bar = progressbar.NewOptions64(t.all.Milliseconds(),
			progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))
	}
	return t
}

// left is how long the rest takes, in the pace of what is over.
func (t *teller) left() time.Duration {
	rest := t.all - t.spent
	if t.spent > 0 {
		rest = time.Duration(float64(rest) * float64(time.Since(t.since)) / float64(t.spent))
	}
	return max(rest, 0).Round(time.Second)
}

// begin says what is to run now. Where there is no terminal, tell will.
func (t *teller) begin(server, title string, rep, reps int) {
	if t.bar != nil {
		t.bar.Describe(fmt.Sprintf("%v left · %s · %s · %d/%d", t.left(), title, server, rep, reps))
	}
}

// tell says what came out of a run that was expected to take about so long.
func (t *teller) tell(server, title string, rep, reps int, about time.Duration, o outcome) {
	t.done++
	t.spent += about
	f := o.failure()
	if t.bar != nil {
		if f != "" {
			_ = t.bar.Clear() // a bar that cannot be drawn keeps nothing from being measured
			_, _ = fmt.Fprintf(t.out, "%s · %s · %d/%d: FAILED: %s\n", title, server, rep, reps, f)
		}
		_ = t.bar.Set64(min(t.spent, t.all).Milliseconds())
		return
	}
	text := "no result"
	if r := o.Result; r != nil {
		text = fmt.Sprintf("%s µs each, %s/s, p99 %s ms", figures.Text(r.CPUPerUnit()), figures.Text(r.PerSecond()), figures.Text(float64(r.P99)/1e6))
		if r.RSSClients > 0 {
			text = figures.Text(r.RSSPerClient()) + " KiB each"
		}
	}
	if f != "" {
		text += " FAILED: " + f
	}
	_, _ = fmt.Fprintf(t.out, "[%3d/%d, about %v left] %s · %s · %d/%d: %s\n",
		t.done, t.total, t.left(), title, server, rep, reps, text)
}

// end takes the bar away.
func (t *teller) end() {
	if t.bar != nil {
		_ = t.bar.Finish()
	}
}
