package main

import (
	"fmt"
	"slices"

	"github.com/sockeye-io/sockeye/bench/load"
)

// guarantee is work whose outcome is right or wrong rather than cheap or dear.
type guarantee struct {
	key   string
	title string
	work  load.Work
	// count is what a run is judged by; want is its only right value.
	count func(*load.Result) int64
	want  int64
	// perRun shows in how many runs the count was wrong, instead of the count.
	perRun bool
}

func delivered(r *load.Result) int64 { return r.Delivered }
func reordered(r *load.Result) int64 { return r.Reordered + r.Lost }
func failed(r *load.Result) int64    { return int64(r.FailedConnects) }
func lost(r *load.Result) int64      { return r.Lost + int64(r.FailedConnects) + int64(r.Disconnected) }

// guarantees are those that the design names as its reason for a core of its own.
func guarantees() []guarantee {
	burst := load.Work{Kind: load.Fanout, Clients: 10, Window: 1000, Messages: 1000}
	upgraded := burst
	upgraded.Transport = load.Upgrade
	ordered := load.Work{Kind: load.Echo, Clients: 1, Window: 2000, Messages: 2000}
	storm := load.Work{Kind: load.Connect, Clients: 2000, Dials: 64}
	polled := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 300, Window: 32, Messages: 200}
	return []guarantee{
		{"burst-ws", "1000 broadcasts in a burst to 10 WebSocket clients: delivered of 10000", burst, delivered, 10_000, false},
		{"burst-upgrade", "same, clients that upgraded from polling", upgraded, delivered, 10_000, false},
		{"order", "2000 events sent by one client: lost or answered out of order", ordered, reordered, 0, false},
		{"storm", "2000 clients connecting, 64 at a time: runs with failed connects", storm, failed, 0, true},
		{"polling-loss", "200 broadcasts to 300 polling clients, 32 in flight: runs that lost messages", polled, lost, 0, true},
	}
}

// cell is what the table says of one server's runs, and whether all were right.
func (g guarantee) cell(runs []outcome) (string, bool) {
	var counts []int64
	var wrong, broken int
	for _, o := range runs {
		switch {
		case o.Result == nil:
			broken++
		case g.count(o.Result) != g.want:
			wrong++
			fallthrough
		default:
			counts = append(counts, g.count(o.Result))
		}
	}
	ok := wrong+broken == 0
	if len(counts) == 0 {
		return "failed", false
	}
	lo, hi := slices.Min(counts), slices.Max(counts)
	text := fmt.Sprint(lo)
	switch {
	case g.perRun:
		text = fmt.Sprintf("%d of %d", wrong+broken, len(runs))
	case lo != hi:
		text = fmt.Sprintf("%d to %d", lo, hi)
	}
	if broken > 0 && !g.perRun {
		text += fmt.Sprintf(", %d failed", broken)
	}
	return text, ok
}
