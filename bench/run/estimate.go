package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// slowness is how long the connecting of one client takes, in microseconds, on the two
// processors that the design's figures are from. It is for estimates only.
var slowness = map[string]int{
	sockeyeServer: 250, localServer: 250, floorServer: 150, bunServer: 350, nodeServer: 700,
	zishang2Server: 900, zishang3Server: 900, pythonServer: 2500, flaskServer: 3500,
}

// expected is how long the work takes on a server, about: starting it, connecting, the
// phases that have a length, stopping it.
func expected(s *server, r row, w load.Work) time.Duration {
	each := time.Duration(slowness[s.name]) * time.Microsecond
	if w.Transport == load.Polling || w.Transport == load.Upgrade {
		each *= 2
	}
	if w.Kind == load.Fanout { // they join too
		each += each / 2
	}
	d := 700*time.Millisecond + each*time.Duration(max(w.Clients, 1))
	if s.name == pythonServer || s.name == flaskServer {
		d += time.Second
	}
	if r.across != "" {
		d += time.Second
	}
	switch {
	case w.Kind == load.Idle:
		d += w.Settle * 6 / 5 // before and after, and mostly earlier than it may
	case w.Kind == load.Connect || w.Messages > 0:
	default:
		d += w.Warmup + w.Measure
	}
	return d
}

// expected is how long the whole plan takes, about.
func (p *plan) expected() time.Duration {
	var d time.Duration
	for _, r := range p.everything() {
		for _, s := range p.servers {
			d += time.Duration(p.times(s, r)) * expected(s, r, p.workOf(s, r))
		}
	}
	return d
}

// tell prints the plan: how often which server does what, and how long that takes.
func (p *plan) tell(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d runs, about %v\n\n| Work |", p.runs(), p.expected().Round(time.Second))
	for _, s := range p.servers {
		fmt.Fprintf(&b, " %s |", s.name)
	}
	b.WriteString(" about |\n|---|" + strings.Repeat("---:|", len(p.servers)+1) + "\n")
	for _, r := range p.everything() {
		fmt.Fprintf(&b, "| %s |", r.title)
		var d time.Duration
		for _, s := range p.servers {
			n := p.times(s, r)
			d += time.Duration(n) * expected(s, r, p.workOf(s, r))
			text := "–"
			if n > 0 {
				text = fmt.Sprintf("%d ×", n)
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		fmt.Fprintf(&b, " %v |\n", d.Round(time.Second))
	}
	for _, line := range p.leftOut() {
		fmt.Fprintf(&b, "\nleft out: %s", line)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(out, b.String())
	return err
}
