package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/process"
)

// report is a soak that is over.
type report struct {
	options options
	began   time.Time
	took    time.Duration
	counts  counts
	before  reading
	figures []figure
}

// clean reports whether nothing went wrong and nothing was left.
func (rep *report) clean() bool {
	return rep.counts.faults() == 0 && passed(rep.figures) && rep.worked()
}

// worked reports whether all that a soak is about has happened at all.
func (rep *report) worked() bool {
	for _, r := range rep.work() {
		if r.n == 0 && r.due {
			return false
		}
	}
	return true
}

type line struct {
	what string
	n    int64
	due  bool // it happens in any soak
}

func (rep *report) work() []line {
	c := &rep.counts
	return []line{
		{"connects by WebSocket", c.connects[bySocket].Load(), true},
		{"connects by polling", c.connects[byPolling].Load(), true},
		{"connects by polling, to upgrade", c.connects[byUpgrade].Load(), true},
		{"upgrades under traffic", c.upgrades.Load(), true},
		{"clients that said goodbye", c.goodbyes.Load(), true},
		{"clients that were cut off", c.cuts.Load(), true},
		{"stalled readers that the server ended", c.stalled.Load(), true},
		{"joins and leaves", c.moves.Load(), true},
		{"messages said in rooms, acknowledged", c.said.Load(), true},
		{"messages heard and compared", c.heard.Load(), true},
		{"of them with an attachment", c.attached.Load(), true},
		{"echoes, acknowledged and compared", c.echoed.Load(), true},
	}
}

func (rep *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Soak: %v\n\n", rep.options.duration)
	fmt.Fprintf(&b, "%s, after a warm-up of %v; took %v in all. %d CPUs (%s), %s. Clients and server share the machine.\n\n",
		rep.began.UTC().Format("2006-01-02 15:04 MST"), rep.options.warmup, rep.took.Round(time.Second), runtime.NumCPU(), process.Machine(), runtime.Version())
	fmt.Fprintf(&b, "%d clients stay, in %d rooms; %d at once come and go, in the same rooms, and %d at once stop reading.\n\n", rooms*len(stays), rooms, churners, stallers)
	b.WriteString("| Work | |\n|---|---:|\n")
	for _, l := range rep.work() {
		fmt.Fprintf(&b, "| %s | %d |\n", l.what, l.n)
	}
	c := &rep.counts
	b.WriteString("\n| Faults | |\n|---|---:|\n")
	for _, l := range []line{
		{"lost", c.lost.Load(), false},
		{"out of order", c.reordered.Load(), false},
		{"twice", c.doubled.Load(), false},
		{"not what was sent", c.torn.Load(), false},
		{"could not be done", c.failed.Load(), false},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", l.what, l.n)
	}
	b.WriteString("\nWhen all clients are gone, after a collection, beside the same after the warm-up:\n\n")
	b.WriteString("| Left | start | end | may be | |\n|---|---:|---:|---:|---|\n")
	for _, f := range rep.figures {
		result := "pass"
		if !f.pass() {
			result = "**miss**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.name, f.text(f.before), f.text(f.after), f.text(f.most), result)
	}
	for _, note := range c.notes {
		fmt.Fprintf(&b, "\n- %s", note)
	}
	if rep.clean() {
		b.WriteString("\nok: nothing was lost, reordered or left.\n")
	} else {
		b.WriteString("\n**FAILED.**\n")
	}
	return b.String()
}

func (f figure) text(v int64) string {
	if f.bytes {
		return fmt.Sprintf("%.1f MiB", float64(v)/(1<<20))
	}
	return fmt.Sprint(v)
}
