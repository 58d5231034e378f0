package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// plan is what one invocation does.
type plan struct {
	name       string
	names      []string  // in the order of the columns
	servers    []*server // the same, once they are prepared
	absent     []*absent // those that cannot be started here
	rows       []row
	guarantees []guarantee
	reps       int
}

// row is one line of the table.
type row struct {
	key     string
	title   string
	work    load.Work
	measure measure
	goals   []goal
	// across is the adapter between two nodes with a Redis between them, as Sockeye
	// calls it; "" is one node without.
	across string
	// carried rows compare polls that reach the wrong one of two nodes with polls that
	// reach the right one.
	carried bool
}

// measure is the figure that a row compares.
type measure struct {
	unit  string
	value func(*load.Result) float64
}

var (
	cpuDelivery = measure{"CPU µs per delivery", (*load.Result).CPUPerUnit}
	cpuConnect  = measure{"CPU µs per connect", (*load.Result).CPUPerUnit}
	cpuEcho     = measure{"CPU µs per ack", (*load.Result).CPUPerUnit}
	rssClient   = measure{"RSS KiB per client", (*load.Result).RSSPerClient}
	p50         = measure{"p50 ms", func(r *load.Result) float64 { return float64(r.P50) / 1e6 }}
	p99         = measure{"p99 ms", func(r *load.Result) float64 { return float64(r.P99) / 1e6 }}
)

// goal bounds the ratio of Sockeye's figure to that of another server, or, where plus
// is not 0, the difference between them, in the unit of the row.
type goal struct {
	against string
	atMost  float64
	plus    float64
}

func toNode(atMost float64) []goal { return []goal{{against: nodeServer, atMost: atMost}} }

// rows returns the work of a full bench. The goals are those of the first step
// of the project; they hold for these sizes.
func rows(measured time.Duration) []row {
	return []row{
		{"idle-ws", "idle WebSocket clients, 3000", load.Work{Kind: load.Idle, Clients: 3000, Settle: 8 * time.Second}, rssClient, toNode(0.6), "", false},
		{"idle-polling", "idle polling clients, 3000", load.Work{Kind: load.Idle, Transport: load.Polling, Clients: 3000, Settle: 8 * time.Second}, rssClient, nil, "", false},
		{"connect", "connect (WebSocket), 2000", load.Work{Kind: load.Connect, Clients: 2000}, cpuConnect, toNode(0.6), "", false},
		{"fanout-w1", "room of 500, 1 in flight", load.Work{Kind: load.Fanout, Clients: 500, Window: 1, Measure: measured}, cpuDelivery, toNode(0.75), "", false},
		{"fanout-w32", "room of 500, 32 in flight", load.Work{Kind: load.Fanout, Clients: 500, Window: 32, Measure: measured}, cpuDelivery, toNode(0.25), "", false},
		{"rate", "room of 1000, 20 messages/s", load.Work{Kind: load.Fanout, Clients: 1000, Rate: 20, Measure: measured * 5 / 3}, p99, nil, "", false},
		{"echo-w1", "echo, 100 clients, 1 in flight", load.Work{Kind: load.Echo, Clients: 100, Window: 1, Measure: measured}, cpuEcho, toNode(0.75), "", false},
		{"echo-w32", "echo, 100 clients, 32 in flight", load.Work{Kind: load.Echo, Clients: 100, Window: 32, Measure: measured}, cpuEcho, nil, "", false},
		{"polling-fanout", "polling, room of 300, 1 in flight", load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 300, Measure: measured}, cpuDelivery, nil, "", false},
		{"polling-echo", "polling, echo, 100 clients, 1 in flight", load.Work{Kind: load.Echo, Transport: load.Polling, Clients: 100, Measure: measured}, cpuEcho, nil, "", false},
		two("streams-w1", "two nodes + Redis Streams, room of 400, 1 in flight", adapterStreams, 1, measured, 0.5),
		two("streams-w32", "two nodes + Redis Streams, room of 400, 32 in flight", adapterStreams, 32, measured, 0.25),
		two("pubsub-w1", "two nodes + Redis Pub/Sub, room of 400, 1 in flight", adapterPubSub, 1, measured, 0.5),
		two("pubsub-w32", "two nodes + Redis Pub/Sub, room of 400, 32 in flight", adapterPubSub, 32, measured, 0.25),
	}
}

// two is a row of two nodes: the publisher and half of the room are on the first.
func two(key, title, adapter string, window int, measured time.Duration, toNodes float64) row {
	w := load.Work{Kind: load.Fanout, Clients: 400, Window: window, Measure: measured}
	return row{"two-" + key, title, w, cpuDelivery, toNode(toNodes), adapter, false}
}

// carriedRows are the work of polls that are carried. Latency is that of servers with
// little to do. In the larger room it is mostly that of the polls before: all members are
// answered at once, by two processes on the same processors.
func carriedRows(measured time.Duration) []row {
	echo := load.Work{Kind: load.Echo, Transport: load.Polling, Clients: 100, Window: 1, Measure: measured}
	fanout := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 300, Window: 1, Measure: measured}
	few := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 10, Rate: 20, Measure: 2 * measured}
	many := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 50, Rate: 10, Measure: 2 * measured}
	return []row{
		{"carried-echo", "carried polls, echo, 100 clients, 1 in flight", echo, cpuEcho, []goal{{against: localServer, atMost: 3}}, adapterStreams, true},
		{"carried-fanout", "carried polls, room of 300, 1 in flight", fanout, cpuDelivery, []goal{{against: localServer, atMost: 3}}, adapterStreams, true},
		{"carried-few", "carried polls, room of 10, 20 messages/s", few, p50, []goal{{against: localServer, plus: 1}}, adapterStreams, true},
		{"carried-many", "carried polls, room of 50, 10 messages/s", many, p50, nil, adapterStreams, true},
	}
}

// profile returns the plan of that name: full takes about 10 minutes, quick two,
// peers about 12, carried one.
func profile(name string) (*plan, error) {
	p := &plan{name: name, names: []string{sockeyeServer, nodeServer, floorServer}, reps: 3}
	switch name {
	case "full":
		p.rows = rows(3 * time.Second)
	case "quick":
		p.reps = 1
		p.rows = quick(rows(time.Second))
	case "carried":
		p.names = []string{sockeyeServer, localServer}
		p.rows = carriedRows(3 * time.Second)
	case "peers":
		p.names = []string{sockeyeServer, nodeServer, floorServer, zishang2Server, zishang3Server}
		p.rows = rows(2 * time.Second)
		p.keep(regexp.MustCompile(`^(idle-ws|connect|fanout-w1|fanout-w32|echo-w1|polling-fanout)$`))
		p.guarantees = guarantees()
	default:
		return nil, fmt.Errorf("unknown profile %q: full, quick, carried or peers", name)
	}
	return p, nil
}

// quick makes the work small. Goals are for the full sizes, so what quick says
// of them is a hint.
func quick(all []row) []row {
	for i := range all {
		w := &all[i].work
		w.Warmup = 500 * time.Millisecond
		w.Settle = min(w.Settle, 2*time.Second)
		switch {
		case w.Kind == load.Idle && w.Transport == load.Polling:
			w.Clients, all[i].title = 500, "idle polling clients, 500"
		case w.Kind == load.Idle:
			w.Clients, all[i].title = 1500, "idle WebSocket clients, 1500"
		case w.Kind == load.Connect:
			w.Clients, all[i].title = 500, "connect (WebSocket), 500"
		}
	}
	return all
}

// alone drops the rows of two nodes and says so.
func (p *plan) alone(progress io.Writer) {
	before := len(p.rows)
	p.rows = slices.DeleteFunc(p.rows, func(r row) bool { return r.across != "" })
	if n := before - len(p.rows); n > 0 {
		_, _ = fmt.Fprintf(progress, "LEFT OUT: %d rows of two nodes (%s is missing)\n", n, redisServer)
	}
}

// keep drops the rows and guarantees whose key does not match.
func (p *plan) keep(match *regexp.Regexp) {
	p.rows = slices.DeleteFunc(p.rows, func(r row) bool { return !match.MatchString(r.key) })
	p.guarantees = slices.DeleteFunc(p.guarantees, func(g guarantee) bool { return !match.MatchString(g.key) })
}
