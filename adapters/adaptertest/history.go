package adaptertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// limitsOf says which rooms keep a history in the tests: those whose names begin with
// "h:", two of them narrow and two wide.
func limitsOf(namespace, room string) (socketio.HistoryLimits, bool) {
	switch {
	case namespace != "/":
	case room == "h:short":
		return socketio.HistoryLimits{Length: 3}, true
	case room == "h:many", room == "h:few":
		return socketio.HistoryLimits{Bytes: 4 << 20}, true
	case room == "h:small":
		return socketio.HistoryLimits{Bytes: 10_000}, true
	}
	return socketio.HistoryLimits{}, namespace == "/" && strings.HasPrefix(room, "h:")
}

// told shows a history: event and arguments of each message.
func told(h *socketio.History) string {
	var all []string
	for _, m := range h.Messages {
		text, err := json.Marshal(m.Args)
		if err != nil {
			text = []byte(err.Error())
		}
		all = append(all, m.Event+string(text))
	}
	return strings.Join(all, " ")
}

// history asks a node until it has come to what is wanted: what another node said is there
// a moment later.
func (c *cluster) history(node int, q socketio.HistoryQuery, want string) *socketio.History {
	c.t.Helper()
	var h *socketio.History
	sockettest.Eventually(c.t, fmt.Sprintf("node %d tells %q", node, want), func() bool {
		var err error
		if h, err = c.nodes[node].Of("/").History(c.t.Context(), q); err != nil {
			c.t.Fatal(err)
		}
		return told(h) == want
	})
	return h
}

func testHistory(t *testing.T, c *cluster) {
	node := c.nodes[0]
	m := c.join("h:a")
	must(t, node.To("h:a").Emit("one", 1))
	must(t, node.To("h:a", "h:b").Except("h:c").Emit("two", "text", []byte{7}))
	must(t, node.To("h:a").Volatile().Emit("no"))
	must(t, node.To("h:a").Local().Emit("no"))
	must(t, node.To("plain").Emit("no"))
	must(t, node.Emit("no"))
	must(t, node.To(m.socket.ID()).Emit("no"))
	must(t, node.ToUser("h:a").Emit("no"))
	must(t, node.Of("/other").To("h:a").Emit("no"))
	last := c.nodes[len(c.nodes)-1]
	must(t, last.To("h:b", "h:b").Emit("three"))
	must(t, m.socket.To("h:a").Emit("four", map[string]int{"a": 1}))
	for i := range c.nodes {
		h := c.history(i, socketio.HistoryQuery{Rooms: []string{"h:a"}}, `one[1] two["text","Bw=="] four[{"a":1}]`)
		if !h.Complete || h.More || h.Offset == "" {
			t.Errorf("node %d: %+v", i, h)
		}
		if b, err := h.Messages[1].Args.At(1).Value(); err != nil || fmt.Sprint(b) != "[7]" {
			t.Errorf("node %d: binary %v, %v", i, b, err)
		}
		h = c.history(i, socketio.HistoryQuery{Rooms: []string{"h:b", "h:a"}}, `one[1] two["text","Bw=="] three[] four[{"a":1}]`)
		if r := h.Messages[1].Room; r != "h:b" {
			t.Errorf("node %d: room %q", i, r)
		}
	}
	if _, err := node.Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"plain", m.socket.ID()}}); !errors.Is(err, socketio.ErrNoHistory) {
		t.Errorf("of rooms without history: %v", err)
	}
	if _, err := node.Of("/other").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:a"}}); !errors.Is(err, socketio.ErrNoHistory) {
		t.Errorf("of another namespace: %v", err)
	}
	mixed, err := node.Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"plain", "h:a"}})
	if err != nil || mixed.Complete || len(mixed.Messages) != 3 {
		t.Errorf("of a room with and one without: %+v, %v", mixed, err)
	}
}

func testHistoryByPages(t *testing.T, c *cluster) {
	const total = 25
	for i := range total {
		must(t, c.nodes[i%len(c.nodes)].To([]string{"h:a", "h:b"}[i%2]).Emit("n", i))
	}
	rooms := []string{"h:a", "h:b"}
	all := make([]string, total)
	for i := range all {
		all[i] = fmt.Sprintf("n[%d]", i)
	}
	for node := range c.nodes {
		newest := c.history(node, socketio.HistoryQuery{Rooms: rooms, Limit: 5}, strings.Join(all[total-5:], " "))
		if newest.Complete || !newest.More {
			t.Errorf("node %d, the newest: %+v", node, newest)
		}
		first := c.history(node, socketio.HistoryQuery{Rooms: rooms}, strings.Join(all, " ")).Messages[0].Offset
		got := all[:1]
		for since, more := first, true; more; {
			h, err := c.nodes[node].Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: rooms, Since: since, Limit: 7})
			if err != nil || !h.Complete {
				t.Fatalf("since %s: %+v, %v", since, h, err)
			}
			got = append(got[:len(got):len(got)], strings.Fields(told(h))...)
			since, more = h.Offset, h.More
		}
		if strings.Join(got, " ") != strings.Join(all, " ") {
			t.Errorf("node %d, by pages: %q", node, got)
		}
	}
	large := strings.Repeat("x", 200_000)
	for range 4 {
		must(t, c.nodes[0].To("h:large").Emit("l", large))
	}
	h, err := c.nodes[0].Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:large"}})
	if err != nil || len(h.Messages) != 2 || !h.More {
		t.Errorf("large messages: %d, %v", len(h.Messages), err)
	}
}

// testHistoryOfManyBytes reads more than one answer holds, of one room and of several of
// which one has more than the others: no page may end before what the next begins with.
func testHistoryOfManyBytes(t *testing.T, c *cluster) {
	node := c.nodes[0].Of("/")
	start, err := node.History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:many"}})
	must(t, err)
	const total = 1000
	filler := strings.Repeat("x", 400) // near the most bytes of an answer, with what is around it
	for i := range total {
		to := []string{"h:many", "h:few"}
		if i%4 != 0 {
			to = to[:1]
		}
		must(t, node.To(to...).Emit("n", i, filler))
	}
	for rooms, want := range map[string]int{"h:many": total, "h:few": total / 4, "h:few h:many": total, "h:a h:few h:b h:many h:c": total} {
		got, last := 0, -1
		for since, more := start.Offset, true; more; {
			h, err := node.History(t.Context(), socketio.HistoryQuery{Rooms: strings.Fields(rooms), Since: since, Limit: socketio.MaxHistoryLimit})
			if err != nil || !h.Complete || h.More && len(h.Messages) == 0 {
				t.Fatalf("%s since %s: %v, %d messages, complete %v, more %v", rooms, since, err, len(h.Messages), h.Complete, h.More)
			}
			for _, m := range h.Messages {
				var n int
				if err := m.Args.At(0).Decode(&n); err != nil || n <= last {
					t.Fatalf("%s: %d after %d, %v", rooms, n, last, err)
				}
				last = n
			}
			got += len(h.Messages)
			since, more = h.Offset, h.More
		}
		if got != want {
			t.Errorf("%s: %d messages by pages, want %d", rooms, got, want)
		}
		newest, err := node.History(t.Context(), socketio.HistoryQuery{Rooms: strings.Fields(rooms), Limit: socketio.MaxHistoryLimit})
		must(t, err)
		if n := len(newest.Messages); newest.More != (n < want) || newest.Complete == newest.More {
			t.Errorf("%s, the newest: %d of %d, more %v, complete %v", rooms, n, want, newest.More, newest.Complete)
		}
		for i := 1; i < len(newest.Messages); i++ {
			var a, b int
			_, _ = newest.Messages[i-1].Args.At(0).Decode(&a), newest.Messages[i].Args.At(0).Decode(&b)
			if want == total && b != a+1 {
				t.Fatalf("%s, the newest: %d after %d", rooms, b, a)
			}
		}
	}
}

func testHistoryLimits(t *testing.T, c *cluster) {
	node := c.nodes[0].Of("/")
	var offsets []string
	m := c.join("h:short")
	for i := range 6 {
		must(t, node.To("h:short").Emit("n", i))
		m.event(fmt.Sprintf(`2["n",%d]`, i))
		offsets = append(offsets, m.offset)
	}
	for i, want := range []struct {
		told     string
		complete bool
	}{
		{"n[3] n[4] n[5]", false},
		{"n[3] n[4] n[5]", false},
		{"n[3] n[4] n[5]", true},
		{"n[4] n[5]", true},
		{"n[5]", true},
		{"", true},
	} {
		h := c.history(len(c.nodes)-1, socketio.HistoryQuery{Rooms: []string{"h:short"}, Since: offsets[i]}, want.told)
		if h.Complete != want.complete || h.More {
			t.Errorf("since %d: %+v", i, h)
		}
	}
	if h, err := node.History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:short"}}); err != nil || h.Complete || h.More {
		t.Errorf("the newest: %+v, %v", h, err)
	}
	for i := range 100 {
		must(t, node.To("h:small").Emit("n", i, strings.Repeat("x", 300)))
	}
	h, err := node.History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:small"}})
	if err != nil || len(h.Messages) < 5 || len(h.Messages) > 30 || h.Complete {
		t.Fatalf("bounded by bytes: %d messages, %v", len(h.Messages), err)
	}
	if text := told(h); !strings.HasPrefix(text[strings.LastIndex(text, "n["):], "n[99") {
		t.Error("the newest is missing")
	}
	must(t, node.To("h:small").Emit("n", strings.Repeat("x", 20_000)))
	if h, err = node.History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:small"}, Since: h.Offset}); err != nil || len(h.Messages) != 0 || h.Complete {
		t.Errorf("one that is too large: %+v, %v", h, err)
	}
	for _, q := range []socketio.HistoryQuery{
		{},
		{Rooms: make([]string, socketio.MaxHistoryRooms+1)},
		{Rooms: []string{"h:a"}, Limit: socketio.MaxHistoryLimit + 1},
		{Rooms: []string{"h:a"}, Limit: -1},
		{Rooms: []string{"h:a"}, Since: strings.Repeat("x", socketio.MaxOffset+1)},
	} {
		if _, err := node.History(t.Context(), q); !errors.Is(err, socketio.ErrHistoryQuery) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func testHistoryOfUnknownOffsets(t *testing.T, c *cluster) {
	must(t, c.nodes[0].To("h:a").Emit("n", 1))
	must(t, c.nodes[0].To("h:a").Emit("n", 2))
	for _, since := range []string{"nonsense", "m3x9k2a1.1f.q3Zt", "q3Zt9A.1f", "-", "!", "!0", "zzzzzzzzzzzzz.0.AAAA"} {
		h := c.history(0, socketio.HistoryQuery{Rooms: []string{"h:a"}, Since: since, Limit: 1}, "n[1]")
		if h.Complete || !h.More {
			t.Errorf("since %q: %+v", since, h)
		}
		if h = c.history(0, socketio.HistoryQuery{Rooms: []string{"h:a"}, Since: h.Offset}, "n[2]"); !h.Complete {
			t.Errorf("what follows %q: %+v", since, h)
		}
	}
}

func testJoinSince(t *testing.T, c *cluster) {
	first := c.join()
	h, err := first.socket.JoinSince(t.Context(), "", 0, "h:a", "h:b")
	if err != nil || !h.Complete || len(h.Messages) != 0 {
		t.Fatalf("the first: %+v, %v", h, err)
	}
	start := h.Offset
	must(t, first.node.To("h:a").Emit("n", 1))
	first.event(`2["n",1]`)
	must(t, first.node.To("h:b").Emit("n", 2))
	first.event(`2["n",2]`)
	second := c.join() // perhaps on a node that is behind
	h, err = second.socket.JoinSince(t.Context(), start, 0, "h:a", "h:b")
	if err != nil || !h.Complete {
		t.Fatalf("the second: %+v, %v", h, err)
	}
	if got := told(h); !strings.HasPrefix("n[1] n[2]", got) {
		t.Errorf("got %q", got)
	}
	for i := len(h.Messages); i < 2; i++ {
		second.event(fmt.Sprintf(`2["n",%d]`, i+1))
	}
	must(t, first.node.To("h:b").Emit("n", 3))
	second.event(`2["n",3]`)
	third := c.join()
	h, err = third.socket.JoinSince(t.Context(), first.offset, 0, "plain", "h:b")
	if err != nil || h.Complete { // of the plain room nothing is known
		t.Errorf("the third: %+v, %v", h, err)
	}
	h, err = third.socket.JoinSince(t.Context(), first.offset, 0, "plain2")
	if err != nil || h.Complete || h.Offset != first.offset || len(third.socket.Rooms()) != 4 {
		t.Errorf("a room without history: %+v, %v, in %q", h, err, third.socket.Rooms())
	}
}

// testJoinSinceWhilePublishing has clients without sessions come and go, on any node,
// while every node publishes: what they are told when they enter and what they hear
// afterwards is everything, once, in order.
func testJoinSinceWhilePublishing(t *testing.T, c *cluster) {
	const each, joiners = 250, 3
	publishers := len(c.nodes)
	var wg sync.WaitGroup
	var ended atomic.Bool
	defer wg.Wait()
	defer ended.Store(true)
	starts := make([]*member, joiners)
	offsets := make([]string, joiners)
	for j := range joiners {
		starts[j] = c.join()
		h, err := starts[j].socket.JoinSince(t.Context(), "", 0, "h:p")
		if err != nil {
			t.Fatal(err)
		}
		offsets[j] = h.Offset
	}
	for p := range publishers {
		wg.Go(func() {
			for i := 0; i < each && !ended.Load(); i++ {
				if err := c.nodes[p].To("h:p").Emit("n", p, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for j, m := range starts {
		next := make([]int, publishers)
		got := 0
		heard := func(p, i int, offset string) {
			if p < 0 || p >= publishers || next[p] != i {
				t.Fatalf("joiner %d: publisher %d: got %d, want %d", j, p, i, next[p])
			}
			next[p]++
			got++
			offsets[j] = offset
		}
		for visit := 1; got < each*publishers; visit++ {
			for n := 0; n < 20*visit && got < each*publishers; n++ {
				var p, i int
				text, offset := split(m.Next().Text)
				if _, err := fmt.Sscanf(text, `2["n",%d,%d]`, &p, &i); err != nil {
					t.Fatalf("got %q", text)
				}
				heard(p, i, offset)
			}
			m.Cut()
			m = c.join()
			h, err := m.socket.JoinSince(t.Context(), offsets[j], socketio.MaxHistoryLimit, "h:p")
			if err != nil || !h.Complete || h.More {
				t.Fatalf("joiner %d: %+v, %v", j, h, err)
			}
			for _, e := range h.Messages {
				var p, i int
				if err := e.Args.Bind(&p, &i); err != nil {
					t.Fatal(err)
				}
				heard(p, i, e.Offset)
			}
		}
	}
}
