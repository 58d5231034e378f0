package main

import (
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// rows returns the work of a full bench, with the goals of the design and of the last step
// of the project; they hold for these sizes. Rows with goals of CPU time are repeated as
// often as the plan says. Memory differs little between runs, and takes long.
func rows(measured time.Duration) []row {
	const warmup = 500 * time.Millisecond
	fanout := func(clients, window int) load.Work {
		return load.Work{Kind: load.Fanout, Clients: clients, Window: window, Warmup: warmup, Measure: measured}
	}
	echo := func(window int) load.Work {
		return load.Work{Kind: load.Echo, Clients: 100, Window: window, Warmup: warmup, Measure: measured}
	}
	polled := func(w load.Work) load.Work { w.Transport = load.Polling; return w }
	idle := load.Work{Kind: load.Idle, Clients: 8000, Settle: 5 * time.Second}
	idlePolling := polled(idle)
	idlePolling.Clients = 3000
	rate := load.Work{Kind: load.Fanout, Clients: 1000, Rate: 20, Warmup: warmup, Measure: measured + time.Second}
	return append([]row{
		{key: "idle-ws", title: "idle WebSocket clients, 8000", work: idle, measure: rssClient, goals: []goal{atMost(8), times(0.5, nodeServer), times(1, bunServer)}, reps: 2, guests: true, guestClients: 2000},
		{key: "idle-mode", title: "same, Sockeye's --idle-mode", work: idle, measure: rssClient, goals: []goal{atMost(4)}, reps: 1, idleMode: true},
		{key: "idle-polling", title: "idle polling clients, 3000", work: idlePolling, measure: rssClient, goals: []goal{atMost(24), times(0.8, nodeServer), atMost(18).further(), times(1, bunServer).further()}, reps: 2},
		{key: "connect", title: "connect (WebSocket), 2000", work: load.Work{Kind: load.Connect, Clients: 2000}, measure: cpuConnect, goals: []goal{atMost(150), times(0.35, nodeServer)}, guests: true},
		{key: "fanout-w1", title: "room of 500, 1 in flight", work: fanout(500, 1), measure: cpuDelivery, goals: []goal{atMost(9), times(0.6, nodeServer), times(1.2, floorServer)}, guests: true},
		{key: "fanout-w32", title: "room of 500, 32 in flight", work: fanout(500, 32), measure: cpuDelivery, goals: []goal{atMost(1.5), times(0.15, nodeServer), times(1.7, floorServer), atLeast(700_000).of(perSecond)}, guests: true},
		{key: "rate", title: "room of 1000, 20 messages/s", work: rate, measure: p99, goals: []goal{atMost(17), times(1, nodeServer), times(1, bunServer)}},
		{key: "echo-w1", title: "echo, 100 clients, 1 in flight", work: echo(1), measure: cpuEcho, goals: []goal{atMost(15), times(0.55, nodeServer)}, guests: true},
		{key: "echo-w32", title: "echo, 100 clients, 32 in flight", work: echo(32), measure: cpuEcho, goals: []goal{atMost(5), times(0.35, nodeServer), times(1, bunServer)}},
		{key: "polling-fanout", title: "polling, room of 300, 1 in flight", work: polled(fanout(300, 1)), measure: cpuDelivery, goals: []goal{atMost(30), times(0.45, nodeServer)}, guests: true},
		{key: "polling-echo", title: "polling, echo, 100 clients, 1 in flight", work: polled(echo(1)), measure: cpuEcho, goals: []goal{atMost(80), times(0.45, nodeServer)}},
		two("streams-w1", "two nodes + Redis Streams, room of 400, 1 in flight", adapterStreams, fanout(400, 1), 11, 0.5),
		two("streams-w32", "two nodes + Redis Streams, room of 400, 32 in flight", adapterStreams, fanout(400, 32), 2, 0.25),
		two("pubsub-w1", "two nodes + Redis Pub/Sub, room of 400, 1 in flight", adapterPubSub, fanout(400, 1), 11, 0.5),
		two("pubsub-w32", "two nodes + Redis Pub/Sub, room of 400, 32 in flight", adapterPubSub, fanout(400, 32), 2, 0.25),
	}, moreRows(warmup, measured)...)
}

// moreRows have no goals. They are measured once.
func moreRows(warmup, measured time.Duration) []row {
	of := func(key, title string, change func(*load.Work)) row {
		w := load.Work{Kind: load.Fanout, Clients: 500, Window: 32, Warmup: warmup, Measure: measured}
		change(&w)
		return row{key: key, title: title, work: w, measure: cpuDelivery, reps: 1}
	}
	return []row{
		of("large-room", "room of 10,000, 1 message/s", func(w *load.Work) {
			w.Clients, w.Rate, w.Window, w.Measure = 10_000, 1, 0, measured+2*time.Second
		}),
		of("rooms", "1,000 rooms of 5, 32 in flight", func(w *load.Work) { w.Clients, w.Rooms = 5000, 1000 }),
		of("1k", "room of 500, 1 KB, 32 in flight", func(w *load.Work) { w.Payload = 1 << 10 }),
		of("16k", "room of 500, 16 KB, 8 in flight", func(w *load.Work) { w.Payload, w.Window = 16<<10, 8 }),
		of("binary", "room of 500, binary, 1 KB, 32 in flight", func(w *load.Work) { w.Binary, w.Payload = true, 1<<10 }),
		of("msgpack", "room of 500, MessagePack, 32 in flight", func(w *load.Work) { w.Parser = load.MsgPack }),
		of("deflate", "room of 500, permessage-deflate, 2 KB, 1 in flight", func(w *load.Work) { w.Deflate, w.Payload, w.Window = true, 2<<10, 1 }),
		of("churn", "room of 500, 1 in flight, 200 clients/s come and go", func(w *load.Work) { w.Window, w.Churn = 1, 200 }),
		of("stalled", "room of 500, 32 in flight, 5 % do not read", func(w *load.Work) { w.Stalled = 0.05 }),
	}
}

// two is a row of two nodes: the publisher and half of the room are on the first.
func two(key, title, adapter string, w load.Work, most, toNodes float64) row {
	return row{key: "two-" + key, title: title, work: w, measure: cpuDelivery, goals: []goal{atMost(most), times(toNodes, nodeServer).further()}, across: adapter}
}

// full is the bench: everything, beside everybody.
func full() *plan {
	guests := []string{zishang2Server, zishang3Server, pythonServer, flaskServer}
	return &plan{
		names:  append([]string{sockeyeServer, nodeServer, bunServer, floorServer}, guests...),
		guests: guests, reps: 3, rows: rows(1500 * time.Millisecond),
		page: "README.md", pictures: pictures,
	}
}

// quick is small and short.
func quick() *plan {
	all := only(rows(600*time.Millisecond), "idle-ws", "idle-polling", "connect", "fanout-w1", "fanout-w32", "echo-w1", "echo-w32", "polling-fanout", "polling-echo", "two-streams-w32")
	for i := range all {
		r := &all[i]
		r.work.Warmup = 300 * time.Millisecond
		r.work.Settle = min(r.work.Settle, 2*time.Second)
		switch r.key {
		case "idle-polling":
			r.work.Clients, r.title = 500, "idle polling clients, 500"
		case "idle-ws":
			r.work.Clients, r.title = 1000, "idle WebSocket clients, 1000"
		case "connect":
			r.work.Clients, r.title = 500, "connect (WebSocket), 500"
		}
	}
	return &plan{names: []string{sockeyeServer, nodeServer, floorServer}, reps: 1, rows: all, small: true}
}

// peers is a comparison of the guarantees that the design names as its reason for a core
// of its own, with what they cost.
func peers() *plan {
	all := only(rows(1500*time.Millisecond), "idle-ws", "connect", "fanout-w1", "fanout-w32", "echo-w1", "polling-fanout")
	for i := range all {
		if all[i].key == "idle-ws" {
			all[i].work.Clients, all[i].title = 2000, "idle WebSocket clients, 2000"
		}
	}
	return &plan{
		names: []string{sockeyeServer, nodeServer, floorServer, zishang2Server, zishang3Server},
		reps:  3, rows: all, guarantees: guarantees(), small: true,
	}
}

// carried is the work of polls that are carried. Latency is that of servers with
// little to do. In the larger room it is mostly that of the polls before: all members are
// answered at once, by two processes on the same processors.
func carried() *plan {
	const measured = 3 * time.Second
	echo := load.Work{Kind: load.Echo, Transport: load.Polling, Clients: 100, Window: 1, Measure: measured}
	fanout := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 300, Window: 1, Measure: measured}
	few := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 10, Rate: 20, Measure: 2 * measured}
	many := load.Work{Kind: load.Fanout, Transport: load.Polling, Clients: 50, Rate: 10, Measure: 2 * measured}
	all := []row{
		{key: "carried-echo", title: "carried polls, echo, 100 clients, 1 in flight", work: echo, measure: cpuEcho, goals: []goal{times(3, localServer)}},
		{key: "carried-fanout", title: "carried polls, room of 300, 1 in flight", work: fanout, measure: cpuDelivery, goals: []goal{times(3, localServer)}},
		{key: "carried-few", title: "carried polls, room of 10, 20 messages/s", work: few, measure: p50, goals: []goal{{against: localServer, plus: 1}}},
		{key: "carried-many", title: "carried polls, room of 50, 10 messages/s", work: many, measure: p50},
	}
	for i := range all {
		all[i].across, all[i].carried = adapterStreams, true
	}
	return &plan{names: []string{sockeyeServer, localServer}, reps: 3, rows: all}
}
