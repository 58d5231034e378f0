package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// quick is well below the time-outs of requests: what is known to be gone is not
// waited for.
const quick = 3 * time.Second

// testOrderOfSeveral has every node publish at once, to rooms and to all: each
// client gets what each node published in its order.
func testOrderOfSeveral(t *testing.T, c *cluster) {
	m := []*member{c.join("a", "b"), c.join("a", "b"), c.join("b", "a")}
	const each, publishers = 200, 3
	var wg sync.WaitGroup
	for p := range publishers {
		node := c.nodes[p%len(c.nodes)]
		wg.Go(func() {
			for i := range each {
				to := []*socketio.Broadcast{node.To("a"), node.To(), node.To("a", "b"), node.To("b").Except("nobody")}[i%4]
				if err := to.Emit("n", p, i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, m := range m {
		var next [publishers]int
		for range each * publishers {
			var p, n int
			got := m.Next().Text
			if _, err := fmt.Sscanf(got, `2["n",%d,%d`, &p, &n); err != nil || p < 0 || p >= publishers {
				t.Fatalf("got %q", got)
			}
			if n != next[p] {
				t.Fatalf("publisher %d: got %d, want %d", p, n, next[p])
			}
			next[p]++
		}
	}
	wg.Wait()
}

// testVolatile checks that who is ready gets what is volatile, on every node, and
// that others of the room do not.
func testVolatile(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r"), c.join("q")}
	for i, node := range c.nodes {
		var got [4]bool
		n := 0
		sockettest.Eventually(t, "every client was ready once", func() bool {
			n++
			must(t, node.To("r").Volatile().Emit("v", i))
			must(t, node.Emit("marker", n))
			for k, m := range m {
				text := m.Next().Text
				if m.answer.PID != "" {
					text, _ = split(text)
				}
				if text == fmt.Sprintf(`2["v",%d]`, i) {
					got[k] = true
					m.event(fmt.Sprintf(`2["marker",%d]`, n))
				} else if want := fmt.Sprintf(`2["marker",%d]`, n); text != want {
					t.Fatalf("got %q, want %q", text, want)
				}
			}
			return got[0] && got[1] && got[2]
		})
		if got[3] {
			t.Error("a client outside of the room got the event")
		}
	}
}

// testNumericRooms uses names that Node's users have as numbers.
func testNumericRooms(t *testing.T, c *cluster) {
	m := []*member{c.join("5"), c.join("5", "-1"), c.join("1.5")}
	for _, node := range c.nodes {
		must(t, node.To("5").Emit("five"))
		must(t, node.To("1.5", "-1").Emit("two"))
		must(t, node.To("5").Except("-1").Emit("one"))
		must(t, node.Emit("marker"))
		m[0].event(`2["five"]`)
		m[0].event(`2["one"]`)
		m[1].event(`2["five"]`)
		m[1].event(`2["two"]`)
		m[2].event(`2["two"]`)
		for _, m := range m {
			m.event(`2["marker"]`)
		}
	}
}

// testManyNamespaces opens namespaces while the nodes are in use: each is on its own.
func testManyNamespaces(t *testing.T, c *cluster) {
	m := []*member{c.join(), c.join(), c.join()}
	const n = 20
	name := func(i int) string { return fmt.Sprintf("/many/%d#[x]*", i) }
	for i := range n {
		for _, node := range c.nodes {
			node.Of(name(i))
		}
	}
	for i := range n {
		c.together(name(i))
		for _, m := range m {
			m.Connect(name(i), "")
		}
	}
	for i := range n {
		must(t, c.nodes[i%len(c.nodes)].Of(name(i)).Emit("hi", i))
	}
	for _, m := range m {
		got := make(map[string]bool)
		for range n {
			text := m.Next().Text
			if m.answer.PID != "" {
				text, _ = split(text)
			}
			got[text] = true
		}
		for i := range n {
			if want := fmt.Sprintf(`2%s,["hi",%d]`, name(i), i); !got[want] {
				t.Fatalf("%q did not come", want)
			}
		}
	}
}

// testAckCounts checks that exactly those answer who were asked, however they are
// spread over the nodes.
func testAckCounts(t *testing.T, c *cluster) {
	members := make([]*member, 7)
	for i := range members {
		rooms := []string{"all", fmt.Sprintf("third%d", i%3)}
		members[i] = c.join(rooms...)
	}
	for _, node := range c.nodes {
		for _, tc := range []struct {
			to  *socketio.Broadcast
			who []int
		}{
			{node.To("all"), []int{0, 1, 2, 3, 4, 5, 6}},
			{node.To("third0"), []int{0, 3, 6}},
			{node.To("all").Except("third0"), []int{1, 2, 4, 5}},
			{node.To(members[4].answer.SID), []int{4}},
			{node.To("all").Except("third0", "third1", "third2"), nil},
		} {
			out := emitWithAck(tc.to.Timeout(sockettest.Wait))
			var want []string
			for _, i := range tc.who {
				members[i].answerWith(fmt.Sprint(i))
				want = append(want, fmt.Sprint(i))
			}
			slices.Sort(want)
			r := sockettest.Receive(t, "answers", out)
			if r.err != nil || !slices.Equal(r.answers, want) {
				t.Fatalf("got %+v, want %q", r, want)
			}
		}
	}
}

// testAckLost checks that a client which leaves without an answer is not waited for.
func testAckLost(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	start := time.Now()
	out := emitWithAck(c.nodes[0].To("r").Timeout(sockettest.Wait))
	m[0].answerWith("zero")
	m[1].answerWith("one")
	m[2].Next()
	m[2].Cut()
	r := sockettest.Receive(t, "answers", out)
	var missing *socketio.AckError
	if !errors.As(r.err, &missing) || missing.Missing != 1 || !errors.Is(r.err, socketio.ErrDisconnected) ||
		!slices.Equal(r.answers, []string{"one", "zero"}) {
		t.Errorf("%+v", r)
	}
	if took := time.Since(start); took > quick {
		t.Errorf("took %s", took)
	}
}

// testDisconnectClose checks that connections are closed on every node.
func testDisconnectClose(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r"), c.join()}
	must(t, c.nodes[0].In("r").DisconnectSockets(true))
	for _, m := range m[:3] {
		m.ExpectClose()
	}
	must(t, c.nodes[0].Emit("marker"))
	m[3].event(`2["marker"]`)
}

// testServerSideAcks checks the answers of the other nodes, and that each answers
// once.
func testServerSideAcks(t *testing.T, c *cluster) {
	for i, node := range c.nodes {
		node.Of("/").OnServerSide("sum", func(args socketio.Args, ack func(...any)) {
			var a, b int
			if err := args.Bind(&a, &b); err != nil {
				t.Error(err)
			}
			ack(a+b+i, "more", []int{i})
			ack("a second answer")
		})
	}
	for asking, node := range c.nodes {
		answers, err := node.ServerSideEmitWithAck(t.Context(), "sum", 20, 10)
		must(t, err)
		var got, want []string
		for _, a := range answers {
			text, err := a.MarshalJSON()
			must(t, err)
			got = append(got, string(text))
		}
		for i := range c.nodes {
			if i != asking {
				want = append(want, fmt.Sprintf(`[%d,"more",[%d]]`, 30+i, i))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// testServerSideAsks has a listener of one node ask the nodes itself, before it
// answers.
func testServerSideAsks(t *testing.T, c *cluster) {
	c.join("r")
	c.join("r")
	c.join("r")
	for _, node := range c.nodes {
		node.Of("/").OnServerSide("count", func(_ socketio.Args, ack func(...any)) {
			found, err := node.In("r").FetchSockets(context.Background())
			if err != nil {
				t.Error(err)
			}
			ack(len(found))
		})
	}
	answers, err := c.nodes[0].ServerSideEmitWithAck(t.Context(), "count")
	must(t, err)
	if len(answers) != len(c.nodes)-1 {
		t.Errorf("%d answers", len(answers))
	}
	for _, a := range answers {
		if text, err := a.MarshalJSON(); err != nil || string(text) != "[3]" {
			t.Errorf("answer %s, %v", text, err)
		}
	}
}

// testNodeLeaves ends a node while the others wait for it.
func testNodeLeaves(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	asked := make(chan struct{}, 2)
	for i, node := range c.nodes {
		node.Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) {
			asked <- struct{}{}
			if i != 2 {
				ack(i)
			}
		})
	}
	type result struct {
		answers []socketio.Args
		err     error
	}
	answers := make(chan result, 1)
	go func() {
		a, err := c.nodes[0].ServerSideEmitWithAck(context.Background(), "ask")
		answers <- result{a, err}
	}()
	out := emitWithAck(c.nodes[0].To("r").Timeout(sockettest.Wait))
	sockettest.Receive(t, "the question", asked)
	sockettest.Receive(t, "the question", asked)
	m[0].answerWith("zero")
	m[1].answerWith("one")
	m[2].Next()

	must(t, c.nodes[2].Close(t.Context()))
	start := time.Now()
	got := sockettest.Receive(t, "the answer of the node that stayed", answers)
	if got.err != nil || len(got.answers) != 1 {
		t.Errorf("%d answers, %v", len(got.answers), got.err)
	}
	r := sockettest.Receive(t, "answers of the clients that stayed", out)
	var missing *socketio.AckError
	if !errors.As(r.err, &missing) || missing.Missing != 1 || !errors.Is(r.err, socketio.ErrDisconnected) ||
		!slices.Equal(r.answers, []string{"one", "zero"}) {
		t.Errorf("%+v", r)
	}
	if took := time.Since(start); took > quick {
		t.Errorf("took %s", took)
	}

	// The rest goes on as a smaller cluster.
	sockettest.Eventually(t, "two nodes are left", func() bool {
		n, err := c.nodes[0].Of("/").ServerCount(t.Context())
		return err == nil && n == 2
	})
	found, err := c.nodes[1].FetchSockets(t.Context())
	if err != nil || len(found) != 2 {
		t.Errorf("%d sockets, %v", len(found), err)
	}
	must(t, c.nodes[0].Emit("left"))
	m[0].event(`2["left"]`)
	m[1].event(`2["left"]`)
}
