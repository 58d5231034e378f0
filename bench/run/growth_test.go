package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// grown is the page of the profile growth when the rows cost as much as cost says, in KiB
// and in microseconds; 0 is a row that was not measured.
func grown(t *testing.T, cost func(key string) int) (page string, rep *report) {
	t.Helper()
	p, err := profile("growth")
	if err != nil {
		t.Fatal(err)
	}
	p.servers = []*server{{name: sockeyeServer}}
	rep = newReport(p)
	for _, row := range rep.Rows {
		if n := cost(row.Key); n > 0 {
			r := &load.Result{Units: 1, CPU: time.Duration(n) * time.Microsecond, RSSClients: 1, RSSAfter: int64(n) << 10}
			row.Servers[sockeyeServer].Runs = []outcome{{Result: r}}
		}
	}
	return rep.markdown(), rep
}

func line(t *testing.T, page, begin string) string {
	t.Helper()
	for l := range strings.Lines(page) {
		if strings.HasPrefix(l, begin) {
			return strings.TrimSpace(l)
		}
	}
	t.Fatalf("no line %q in:\n%s", begin, page)
	return ""
}

func TestWhatGrowsIsNotCalledFlat(t *testing.T) {
	cost := map[string]int{
		"room-10": 30, "room-100": 10, "room-1000": 8, "room-10000": 12, // below 100 it may be dearer
		"rooms-1": 5, "rooms-10": 10, "rooms-100": 10, "rooms-1000": 10, "rooms-10000": 13, "rooms-100000": 10, // one is too much
		"few-1": 10, "few-10": 10, "few-100": 13, "few-1000": 10,
		"idle-1000": 10, "idle-2000": 10, "idle-4000": 10, "idle-8000": 10, // the largest failed
	}
	page, rep := grown(t, func(key string) int { return cost[key] })
	for begin, want := range map[string]string{
		"| CPU per delivery, by size of a room":                  "| 100 | 1.20 | flat |",
		"| CPU per delivery, by number of rooms of 5 with 5,000": "| 1,000 | 1.30 | **grows** |",
		"| CPU per delivery, by number of rooms of 5 with 100":   "| 1 | 1.30 | **grows** |",
		"| Memory per idle WebSocket client, by":                 "| 1,000 | – | not measured |",
		"| Memory per idle WebSocket client with":                "| 1,000 | – | not measured |",
		"| CPU per idle WebSocket client, connecting ":           "| 1,000 | – | not measured |",
	} {
		if got := line(t, page, begin); !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	drawn := make(map[string]bool)
	for _, pic := range rep.drawings() {
		drawn[pic.file] = true
		if _, err := pic.chart.SVG(); err != nil {
			t.Errorf("%s: %v", pic.file, err)
		}
	}
	if !drawn["growth-room.svg"] || !drawn["growth-rooms.svg"] || !drawn["growth-idle.svg"] || drawn["growth-idle-mode.svg"] {
		t.Errorf("drawn: %v", drawn)
	}
}

// What is compared differs in size alone: the deliveries in flight are always as many.
func TestGrowthComparesLikeWithLike(t *testing.T) {
	p, err := profile("growth")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.rows {
		w := r.work
		size := w.RoomSize
		if size == 0 {
			size = w.Clients / max(w.Rooms, 1)
		}
		switch {
		case strings.HasPrefix(r.key, "room-") && (w.Clients != 10_000 || size*w.Window != 10_000):
			t.Errorf("%s: %d clients, %d deliveries in flight", r.key, w.Clients, size*w.Window)
		case strings.HasPrefix(r.key, "rooms-") && (w.Clients != 5000 || size != 5 || w.Window > 1):
			t.Errorf("%s: %d clients, rooms of %d, %d in flight", r.key, w.Clients, size, w.Window)
		}
	}
}
