package sse_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/handlers/sse"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// kept is a plan in which rooms keep so many messages.
func kept(length int) *plan {
	return &plan{history: &socketio.HistoryLimits{Length: length, Bytes: 64 << 20}}
}

// TestAReaderThatComesBackMissesNothing: with the header of EventSource, with what a page
// can say, and from before it heard anything.
func TestAReaderThatComesBackMissesNothing(t *testing.T) {
	h := open(t, kept(100))
	h.say("a", "before")
	s := h.ready("room=a&room=b")
	if s.Last == "" || s.Last == "-" {
		t.Fatalf("the stream begins with the id %q", s.Last)
	}
	start := s.Last
	s.Cut()
	h.say("a", "one")
	h.say("b", "two")
	h.say("a", "three")
	header := h.events("room=a&room=b&since=zzz", "Last-Event-ID", start)
	for _, back := range []*sockettest.Stream{header, h.events("room=a&room=b&lastEventId=" + start), h.events("room=a&room=b&since=" + start)} {
		back.Expect("msg", `"one"`)
		two := back.Expect("msg", `"two"`)
		three := back.Expect("msg", `"three"`)
		if e := back.Expect(sse.ReadyEvent, `{"rooms":["a","b"],"offset":"`+three.ID+`"}`); e.ID != three.ID || two.ID == three.ID {
			t.Errorf("the ids are %q, %q, %q", two.ID, three.ID, e.ID)
		}
	}
	h.say("b", "four")
	header.Expect("msg", `"four"`)
	header.Cut()
	again := h.events("room=a&room=b&envelope=1", "Last-Event-ID", header.Last)
	if e := again.Next(); e.Name != sse.ReadyEvent {
		t.Errorf("got %+v", e)
	}
	h.say("a", "five")
	if e := again.Next(); !strings.HasPrefix(e.Data, `{"type":"event","room":"a","event":"msg","data":["five"],"offset":"`) {
		t.Errorf("got %+v", e)
	}
}

// TestTheNewestMessages are for who comes for the first time.
func TestTheNewestMessages(t *testing.T) {
	h := open(t, kept(500))
	for i := range 300 {
		h.say("a", i)
	}
	for query, first := range map[string]int{"&since=": 200, "&since=&limit=2": 298, "&since=&limit=1000": 0, "": 300, "&limit=7": 300} {
		s := h.events("room=a" + query)
		for i := first; i < 300; i++ {
			s.Expect("msg", strconv.Itoa(i))
		}
		if e := s.Next(); e.Name != sse.ReadyEvent {
			t.Errorf("%s: got %+v", query, e)
		}
	}
}

// TestHistoryComesPageByPage: more than one answer of the history has, by number and by
// size.
func TestHistoryComesPageByPage(t *testing.T) {
	h := open(t, kept(5000))
	start := h.ready("room=a&room=b")
	long := strings.Repeat("x", 100<<10)
	for i := range 2500 {
		h.say([]string{"a", "b"}[i%2], i)
	}
	for range 20 {
		h.say("b", long)
	}
	s := h.events("room=a&room=b", "Last-Event-ID", start.Last)
	for i := range 2500 {
		s.Expect("msg", strconv.Itoa(i))
	}
	for range 20 {
		s.Expect("msg", `"`+long+`"`)
	}
	if e := s.Next(); e.Name != sse.ReadyEvent || len(h.Of("/").Sockets()) != 2 {
		t.Errorf("got %+v", e)
	}
	h.say("a", "live")
	s.Expect("msg", `"live"`)
}

// TestWhoMissedMoreThanIsKeptIsTold, and gets what is kept.
func TestWhoMissedMoreThanIsKeptIsTold(t *testing.T) {
	h := open(t, kept(2))
	first := h.ready("room=a")
	for i := range 5 {
		h.say("a", i)
	}
	s := h.events("room=a", "Last-Event-ID", first.Last)
	s.Expect(sse.GapEvent, `{"rooms":["a"],"since":"`+first.Last+`"}`)
	s.Expect("msg", "3")
	s.Expect("msg", "4")
	last := s.Next()
	if last.Name != sse.ReadyEvent {
		t.Fatalf("got %+v", last)
	}
	for query, want := range map[string][]string{
		"room=a&since=another-1":         {`gap {"rooms":["a"],"since":"another-1"}`, "msg 3", "msg 4"}, // of another epoch
		"room=x&since=" + last.ID:        {`gap {"rooms":["x"],"since":"` + last.ID + `"}`},             // which keeps nothing
		"room=x&since=-":                 {`gap {"rooms":["x"],"since":""}`},
		"room=a&room=x&since=" + last.ID: {`gap {"rooms":["x"],"since":"` + last.ID + `"}`},
		"room=x":                         nil,
	} {
		s := h.events(query)
		var got []string
		for e := s.Next(); e.Name != sse.ReadyEvent; e = s.Next() {
			got = append(got, strings.TrimPrefix(e.Name, "sockeye:")+" "+e.Data)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	if s := h.ready("room=x"); s.Last != "-" {
		t.Errorf("a stream without history begins with the id %q", s.Last)
	}
}

// churn has a reader come and go, between the nodes, while something is said on all of
// them, and expects that it hears everything once, in the order of each node.
func churn(t *testing.T, nodes []*house, total int) {
	t.Helper()
	s := nodes[0].ready("room=a&room=b")
	last := s.Last
	s.Cut()
	ahead := make(chan struct{}, 100) // what was said and is not heard yet
	done := make(chan error, len(nodes))
	for i, h := range nodes {
		go func() {
			for k := range total {
				ahead <- struct{}{}
				if err := h.Of("/").To([]string{"a", "b"}[k%2]).Emit("msg", fmt.Sprint(i, ":", k)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	next := make([]int, len(nodes))
	for heard, came := 0, 0; heard < total*len(nodes); came++ {
		s := nodes[came%len(nodes)].events("room=a&room=b", "Last-Event-ID", last)
		for range 37 {
			if heard == total*len(nodes) {
				break
			}
			e := s.Next()
			if e.Name == sse.GapEvent {
				t.Fatalf("it missed something: %+v", e)
			}
			if e.Name != "msg" {
				continue
			}
			heard++
			<-ahead
			of, text, _ := strings.Cut(strings.Trim(e.Data, `"`), ":")
			node, _ := strconv.Atoi(of)
			if text != strconv.Itoa(next[node]) {
				t.Fatalf("heard %s, want the %dth of that node", e.Data, next[node])
			}
			next[node]++
		}
		last = s.Last
		s.Cut()
	}
	for range nodes {
		if err := sockettest.Receive(t, "the end of what is said", done); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadersThatComeAndGoHearEverythingOnce(t *testing.T) {
	churn(t, []*house{open(t, kept(10_000))}, 2000)
}

// TestReadersAtAnyNode hear everything once, also when a node sends them away.
func TestReadersAtAnyNode(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	one, two := onRedis(t, url, prefix, "one"), onRedis(t, url, prefix, "two")
	churn(t, []*house{one, two}, 300)

	s := one.ready("room=a")
	one.say("a", "last")
	if err := one.Engine().Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	s.Expect("msg", `"last"`)
	s.ExpectEnd()
	if refused := one.events("room=a"); refused.Resp.StatusCode != 503 {
		t.Errorf("a node that stops answered %s", refused.Resp.Status)
	}
	two.say("a", "meanwhile")
	back := two.events("room=a", "Last-Event-ID", s.Last)
	back.Expect("msg", `"meanwhile"`)
	if e := back.Next(); e.Name != sse.ReadyEvent {
		t.Errorf("got %+v", e)
	}
}

// onRedis opens a node.
func onRedis(t *testing.T, url, prefix, name string) *house {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	hub, err := redisstreams.New(c, redisstreams.Options{NodeID: prefix + name, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hub.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	sockettest.Eventually(t, "the log is there", hub.Up)
	p := kept(10_000)
	p.adapter = hub.Factory()
	return open(t, p)
}

// TestWhatCouldNotBeKeptIsNoSilentGap: while Redis is away a node tells its own readers what
// is said on it, and who comes back from that is told that there may have been more.
func TestWhatCouldNotBeKeptIsNoSilentGap(t *testing.T) {
	redis := redistest.Start(t)
	h := onRedis(t, redis.URL(), redistest.Prefix(t), "alone")
	s := h.ready("room=a")
	h.say("a", "one")
	s.Expect("msg", `"one"`)
	redis.Stop(t)
	for s.Last[:1] != socketio.OffsetUnlogged {
		if err := h.Of("/").To("a").Emit("msg", "away"); err != nil && !errors.Is(err, socketio.ErrThisNodeOnly) {
			t.Fatal(err)
		}
		s.Expect("msg", `"away"`)
	}
	s.Cut()
	redis.Start(t)
	// A stream that begins before the node has found its place in the new log ends once more,
	// and EventSource comes back as it was.
	var first sockettest.StreamEvent
	sockettest.Eventually(t, "a stream tells something", func() bool {
		back := h.events("room=a", "Last-Event-ID", s.Last)
		defer back.Cut()
		for e, ok := back.Read(); ok; e, ok = back.Read() {
			if e.Name != "" {
				first = e
				return true
			}
		}
		return false
	})
	if first.Name != sse.GapEvent || !strings.HasPrefix(first.Data, `{"rooms":["a"]`) {
		t.Errorf("it begins with %+v", first)
	}
}
