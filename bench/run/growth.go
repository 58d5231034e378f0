package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/charts"
	"github.com/sockeye-io/sockeye/bench/load"
)

// flatBound is up to which multiple of its figure at the size from which it is judged a
// cost that does not grow may be.
const flatBound = 1.25

// curve is one thing that grows and what each step of it costs.
type curve struct {
	key, file, title, alt string
	x                     string // what grows, in words
	sizes                 []int
	// from is the size from which the cost is to be flat: below it, what is paid once is
	// much of each.
	from    int
	measure measure
	row     func(size int) row
	// same takes the runs of another curve's rows, of which it shows another figure.
	same string
}

// The sizes at which everything grows. What is said in rooms differs in one thing only:
//
//   - By size of a room, there are always 10,000 clients, each in one room, and as many
//     messages in flight as there are rooms, one in each: so always 10,000 deliveries are,
//     one at each connection, and nothing is coalesced at any size. A message costs
//     something by itself, which a room of 10 pays for a tenth of its deliveries: flat is
//     meant from 100 on.
//   - By number of rooms, all rooms have 5 members, and one message is in flight: so the
//     deliveries are always 5, to others each time. Only 1,000 rooms reach each of 5,000
//     clients; fewer reach some of them again and again, whose memory the processor still
//     has. So flat is meant from there on, and with 100 clients, of whom each may be in 100
//     rooms, from one room on.
//   - Idle clients are connected by a new server each time, after 50 that are not counted.
var (
	idleSizes = []int{1000, 2000, 4000, 8000, 15_000}
	roomSizes = []int{10, 100, 1000, 10_000}
	roomCount = []int{1, 10, 100, 1000, 10_000, 100_000}
	fewCount  = []int{1, 10, 100, 1000}
)

func curves(measured time.Duration) []curve {
	const warmup = 500 * time.Millisecond
	idle := func(size int) load.Work {
		return load.Work{Kind: load.Idle, Clients: size, Settle: 5 * time.Second}
	}
	roomsOf5 := func(rooms, clients int) load.Work {
		return load.Work{Kind: load.Fanout, Clients: clients, Rooms: rooms, RoomSize: 5, Warmup: warmup, Measure: measured}
	}
	cpuIdle := measure{"CPU µs per client, connecting included", (*load.Result).CPUPerUnit}
	return []curve{
		{key: "idle", file: "growth-idle.svg", title: "Memory per idle WebSocket client, by number of clients", alt: "memory per idle client by number of clients", x: "clients", sizes: idleSizes, from: 1000, measure: rssClient, row: func(size int) row {
			return row{title: "idle WebSocket clients, " + thousands(size), work: idle(size), reps: 1}
		}},
		{key: "idle-cpu", same: "idle", file: "growth-idle-cpu.svg", title: "CPU per idle WebSocket client, connecting included, by number of clients", alt: "CPU per idle client by number of clients", x: "clients", sizes: idleSizes, from: 1000, measure: cpuIdle},
		{key: "idle-mode", file: "growth-idle-mode.svg", title: "Memory per idle WebSocket client with --idle-mode, by number of clients", alt: "memory per idle client with --idle-mode by number of clients", x: "clients", sizes: idleSizes, from: 1000, measure: rssClient, row: func(size int) row {
			return row{title: "idle WebSocket clients, --idle-mode, " + thousands(size), work: idle(size), idleMode: true, reps: 1}
		}},
		{key: "room", file: "growth-room.svg", title: "CPU per delivery, by size of a room", alt: "CPU per delivery by size of a room", x: "members of each room", sizes: roomSizes, from: 100, measure: cpuDelivery, row: func(size int) row {
			const clients = 10_000
			return row{title: fmt.Sprintf("%s rooms of %s, one message in flight in each", thousands(clients/size), thousands(size)), work: load.Work{
				Kind: load.Fanout, Clients: clients, Rooms: clients / size, Window: clients / size, Warmup: warmup, Measure: measured,
			}}
		}},
		{key: "rooms", file: "growth-rooms.svg", title: "CPU per delivery, by number of rooms of 5 with 5,000 clients", alt: "CPU per delivery by number of rooms, 5,000 clients", x: "rooms", sizes: roomCount, from: 1000, measure: cpuDelivery, row: func(size int) row {
			return row{title: thousands(size) + " rooms of 5, 5,000 clients, 1 in flight", work: roomsOf5(size, 5000)}
		}},
		{key: "few", file: "growth-rooms-few.svg", title: "CPU per delivery, by number of rooms of 5 with 100 clients", alt: "CPU per delivery by number of rooms, 100 clients", x: "rooms", sizes: fewCount, from: 1, measure: cpuDelivery, row: func(size int) row {
			return row{title: thousands(size) + " rooms of 5, 100 clients, 1 in flight", work: roomsOf5(size, 100)}
		}},
	}
}

// rowKey is the key of a curve's row.
func (c curve) rowKey(size int) string {
	if c.same != "" {
		return fmt.Sprint(c.same, "-", size)
	}
	return fmt.Sprint(c.key, "-", size)
}

// growth is the bench of how cost grows.
func growth() *plan {
	all := curves(1500 * time.Millisecond)
	p := &plan{names: []string{sockeyeServer, nodeServer, floorServer}, reps: 3, page: "growth.md"}
	for _, c := range all {
		for _, size := range c.sizes {
			if c.row == nil {
				continue
			}
			r := c.row(size)
			r.key, r.measure = c.rowKey(size), c.measure
			p.rows = append(p.rows, r)
		}
	}
	p.pictures = func(rep *report) []picture { return growthPictures(rep, all) }
	p.section = func(rep *report, b *strings.Builder) { growthTable(rep, all, b) }
	return p
}

func growthPictures(rep *report, all []curve) []picture {
	var drawn []picture
	for _, c := range all {
		lines := charts.Lines{Title: c.title, X: c.x, Y: c.measure.unit, LogX: true}
		for _, s := range rep.Servers {
			if line, ok := c.series(rep, s.Name); ok {
				lines.Series = append(lines.Series, line)
			}
		}
		if len(lines.Series) > 0 {
			drawn = append(drawn, picture{c.file, c.alt, lines})
		}
	}
	return drawn
}

// series is a server's line, if there is a point of it.
func (c curve) series(rep *report, server string) (line charts.Series, ok bool) {
	line.Name = server
	for _, size := range c.sizes {
		_, value, measured := rep.figureOf(c.rowKey(size), server, c.measure)
		if !measured {
			value = math.NaN()
		}
		ok = ok || measured
		line.X, line.Y = append(line.X, float64(size)), append(line.Y, value)
	}
	return line, ok
}

// rise is the dearest figure at or above the size from which a curve is judged, as a
// multiple of the figure at that size; 0 where one of them was not measured.
func (c curve) rise(rep *report, server string) (worst float64) {
	base := 0.0
	for _, size := range c.sizes {
		if size < c.from {
			continue
		}
		_, value, ok := rep.figureOf(c.rowKey(size), server, c.measure)
		switch {
		case !ok || value <= 0:
			return 0
		case base == 0:
			base = value
		}
		worst = max(worst, value/base)
	}
	return worst
}

// growthTable says what is flat.
func growthTable(rep *report, all []curve, b *strings.Builder) {
	fmt.Fprintf(b, "## What is flat\n\nThe dearest figure from the given size on, as a multiple of that at this size; up to %g is called flat.\n\n| Cost | from |", flatBound)
	for _, s := range rep.Servers {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	b.WriteString(" Sockeye |\n|---|---:|" + strings.Repeat("---:|", len(rep.Servers)) + "---|\n")
	for _, c := range all {
		fmt.Fprintf(b, "| %s | %s |", c.title, thousands(c.from))
		for _, s := range rep.Servers {
			fmt.Fprintf(b, " %s |", ratioText(c.rise(rep, s.Name)))
		}
		result := "not measured"
		if rise := c.rise(rep, sockeyeServer); rise > flatBound {
			result = "**grows**"
		} else if rise > 0 {
			result = "flat"
		}
		fmt.Fprintf(b, " %s |\n", result)
	}
	b.WriteString("\nBy size of a room there are always 10,000 clients, each in one room, and one message in flight in each room: always 10,000 deliveries, " +
		"one at each connection, so that nothing is coalesced at any size. A message costs something by itself, which in a room of 10 is a tenth of each delivery's cost. " +
		"By number of rooms one message is in flight, and its 5 deliveries go to others than the last. 1,000 rooms are the first that reach each of 5,000 clients, " +
		"which is why those are judged from there; fewer reach the same few again and again, whose memory the processor still has. " +
		"With 100 clients there is less of that, and they are judged from one room on. In the most rooms each client is in 100 of them in the first case, and in 50 in the second.\n\n")
}

// thousands writes a number with its thousands apart.
func thousands(n int) string {
	text := fmt.Sprint(n)
	if len(text) > 3 {
		return text[:len(text)-3] + "," + text[len(text)-3:]
	}
	return text
}
