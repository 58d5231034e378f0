package redisstreams

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// messages are n entries of a size.
func messages(n int64, size int) []redis.XMessage {
	all := make([]redis.XMessage, n)
	for i := range all {
		all[i].Values = map[string]any{fieldData: strings.Repeat("x", size)}
	}
	return all
}

func TestLargeEntriesAreReadFewAtATime(t *testing.T) {
	var p pace
	if n := p.count(500); n != firstCount {
		t.Errorf("%d at first", n)
	}
	for range 20 {
		p.took(messages(p.count(500), 100), 1<<20)
	}
	if n := p.count(500); n != 500 {
		t.Errorf("%d small ones at once", n)
	}
	p.took(messages(p.count(500), 100_000), 1<<20)
	if n := p.count(500); n < 5 || n > 12 {
		t.Errorf("%d at once after large ones", n)
	}
	p.took(messages(p.count(500), 10<<20), 1<<20)
	if n := p.count(500); n != 1 {
		t.Errorf("%d at once after huge ones", n)
	}
	p.took(messages(0, 0), 1<<20)
	p.took(messages(1, 1<<19), 1<<20)
	if n := p.count(500); n != 1 {
		t.Errorf("%d at once after some of half the size", n)
	}
	p.took(messages(1, 100), 1<<20)
	if n := p.count(500); n != 2 {
		t.Errorf("%d at once after a small one", n)
	}
}

// Many clients may come back at once, to a node that has nothing in memory.
func TestAReplayHoldsOnlyWhatItsClientIsGiven(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("first"))
	v.event(`2["first"]`)
	v.cut()
	const total = 100
	for i := range total {
		must(t, a.To("r").Emit("n", i, strings.Repeat("x", 100_000)))
		must(t, a.To("other").Emit("n", i, strings.Repeat("x", 100_000)))
	}
	a.hub.recent.forget() // as of a node that was started just now
	most := 0
	rp := &replay{a: a.adapter(), upTo: *a.hub.at.Load(), who: &history{sid: v.answer.SID, rooms: map[string]bool{"r": true}}}
	rp.from, _ = parseOffset(v.offset)
	for i := range total {
		p, err := rp.next()
		if err != nil || p == nil {
			t.Fatal(i, p, err)
		}
		args, ok := p.Args()[0].(socketio.Args)
		if got, _ := args.At(0).Value(); !ok || got != float64(i) {
			t.Fatalf("got %v, want %d", got, i)
		}
		most = max(most, len(rp.page))
	}
	if most > firstCount/2 {
		t.Errorf("%d packets of 100 KB were held", most)
	}
	if p, err := rp.next(); p != nil || err != nil {
		t.Errorf("after the end: %v, %v", p, err)
	}
}
