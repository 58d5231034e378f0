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

	// Of the run that is going on:
	what  string
	began time.Time
	about time.Duration // an estimate
}

func newTeller(p *plan, out io.Writer) *teller {
	t := &teller{out: out, total: p.runs(), since: time.Now(), all: p.expected()}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // #nosec G115 -- small numbers
		t.bar = newBar(t.all, out)
	}
	return t
}

func newBar(all time.Duration, out io.Writer) *progressbar.ProgressBar {
	return progressbar.NewOptions64(all.Milliseconds(),
		progressbar.OptionSetWriter(out), progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true))
}

// left is how long the rest takes, in the pace of what is over.
func (t *teller) left() time.Duration {
	rest := t.all - t.spent
	if t.spent > 0 {
		rest = time.Duration(float64(rest) * float64(time.Since(t.since)) / float64(t.spent))
	}
	return max(rest, 0).Round(time.Second)
}

// begin says what is to run now, and about how long it takes.
func (t *teller) begin(server, title string, rep, reps int, about time.Duration) {
	t.what = fmt.Sprintf("%s · %s · %d/%d", title, server, rep, reps)
	t.began, t.about = time.Now(), about
	t.tick()
}

// tick moves the bar while a run goes on.
func (t *teller) tick() {
	if t.bar == nil {
		return
	}
	at := min(t.spent+min(time.Since(t.began), t.about), t.all)
	t.bar.Describe(fmt.Sprintf("%v left · %s", t.left(), t.what))
	_ = t.bar.Set64(at.Milliseconds()) // a bar that cannot be drawn keeps nothing from being measured
}

// tell says what came out of the run that began last.
func (t *teller) tell(o outcome) {
	t.done++
	t.spent += t.about
	f := o.failure()
	if t.bar != nil {
		if f != "" {
			_ = t.bar.Clear()
			_, _ = fmt.Fprintf(t.out, "%s: FAILED: %s\n", t.what, f)
		}
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
	_, _ = fmt.Fprintf(t.out, "[%3d/%d, about %v left] %s: %s\n", t.done, t.total, t.left(), t.what, text)
}

// end takes the bar away.
func (t *teller) end() {
	if t.bar != nil {
		_ = t.bar.Finish()
	}
}
