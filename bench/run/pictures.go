package main

import (
	"math"
	"slices"

	"github.com/sockeye-io/sockeye/bench/charts"
	"github.com/sockeye-io/sockeye/bench/load"
)

// pictures are those of the full bench.
func pictures(rep *report) []picture {
	cpu := measure{"server CPU, µs", (*load.Result).CPUPerUnit}
	all := []struct {
		file, alt, title string
		measure          measure
		guests           bool
		keys             []string
	}{
		{
			"cpu.svg", "CPU per delivery and acknowledgement", "CPU per delivery or acknowledgement, WebSocket (less is better)",
			cpu, false,
			[]string{"fanout-w1", "fanout-w32", "echo-w1", "echo-w32", "two-streams-w1", "two-streams-w32"},
		},
		{
			"memory.svg", "memory per idle client", "Memory per idle client (less is better)",
			measure{"RSS, KiB per client", rssClient.value},
			false,
			[]string{"idle-ws", "idle-mode", "idle-polling"},
		},
		{
			"throughput.svg", "deliveries and acknowledgements per second", "Deliveries or acknowledgements per second (more is better)",
			measure{"per second, with the load generator on the same processors", perSecond.value},
			false,
			[]string{"fanout-w1", "fanout-w32", "echo-w32", "rooms"},
		},
		{
			"latency.svg", "latency", "Latency, 99th percentile (less is better)",
			measure{"ms", p99.value},
			false,
			[]string{"rate", "fanout-w1", "echo-w1", "polling-fanout", "two-streams-w1", "large-room"},
		},
		{
			"connect.svg", "CPU per connect", "CPU per connect, WebSocket (less is better)",
			cpu, true,
			[]string{"connect"},
		},
		{
			"polling.svg", "CPU of polling", "CPU per delivery or acknowledgement, polling (less is better)",
			cpu, true,
			[]string{"polling-fanout", "polling-echo"},
		},
		{
			"more.svg", "CPU of other work", "CPU per delivery of other work, Node = 1 (less is better)",
			measure{"server CPU, as a multiple of Node's", cpu.value},
			false,
			[]string{"large-room", "rooms", "1k", "16k", "binary", "msgpack", "deflate", "churn", "stalled", "two-pubsub-w1", "two-pubsub-w32"},
		},
		{
			"others.svg", "CPU per delivery and acknowledgement, other servers", "CPU per delivery or acknowledgement, all servers (less is better)",
			cpu, true,
			[]string{"fanout-w1", "fanout-w32", "echo-w1"},
		},
	}
	var drawn []picture
	for _, c := range all {
		bars := rep.bars(c.keys, c.measure, c.guests)
		if c.file == "more.svg" { // whose rows differ too much for one axis
			bars = relative(bars, nodeServer)
		}
		if bars.Title = c.title; len(bars.Groups) > 0 {
			drawn = append(drawn, picture{c.file, c.alt, bars})
		}
	}
	return drawn
}

// bars are the medians of rows, for the servers that have one. Rows that nobody has a figure
// in are left out.
func (rep *report) bars(keys []string, m measure, guests bool) charts.Bars {
	b := charts.Bars{Unit: m.unit}
	for _, s := range rep.Servers {
		took := slices.ContainsFunc(keys, func(key string) bool { _, _, ok := rep.figureOf(key, s.Name, m); return ok })
		if took && (guests || !s.Guest) {
			b.Names = append(b.Names, s.Name)
		}
	}
	for _, key := range keys {
		g, found := charts.Group{}, false
		for _, name := range b.Names {
			title, value, ok := rep.figureOf(key, name, m)
			if !ok {
				value = math.NaN()
			}
			g.Label, found = title, found || ok
			g.Values = append(g.Values, value)
		}
		if found {
			b.Groups = append(b.Groups, g)
		}
	}
	return b
}

// relative are bars as multiples of one server's; groups without it are left out.
func relative(b charts.Bars, to string) charts.Bars {
	at := slices.Index(b.Names, to)
	groups := b.Groups
	b.Groups = nil
	for _, g := range groups {
		if at < 0 || math.IsNaN(g.Values[at]) || g.Values[at] == 0 {
			continue
		}
		values := make([]float64, len(g.Values))
		for i, v := range g.Values {
			values[i] = v / g.Values[at]
		}
		b.Groups = append(b.Groups, charts.Group{Label: g.Label, Values: values})
	}
	return b
}
