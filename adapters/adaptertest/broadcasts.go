package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testTargets checks who gets what, from every node. After each event comes a
// marker for everybody: what a client should not get would come before it.
func testTargets(t *testing.T, c *cluster) {
	members := map[rune]*member{
		'a': c.join("1", "2"), 'b': c.join("2"), 'c': c.join("3"), 'd': c.join("3", "4"), 'e': c.join(),
	}
	n := 0
	for i, node := range c.nodes {
		for _, tc := range []struct {
			to   *socketio.Broadcast
			want string
		}{
			{node.To(), "abcde"},
			{node.To("1"), "a"},
			{node.To("2"), "ab"},
			{node.To("1", "3"), "acd"},
			{node.To("1").To("2"), "ab"},
			{node.To("nobody"), ""},
			{node.Except("2"), "cde"},
			{node.Except("1", "3"), "be"},
			{node.To("2", "3").Except("1", "4"), "bc"},
			{node.To(members['c'].socket.ID()), "c"},
			{node.Except(members['c'].socket.ID()), "abde"},
			{members['a'].socket.Broadcast(), "bcde"},
			{members['a'].socket.To("2"), "b"},
			{members['d'].socket.To("3").Compress(false), "c"},
		} {
			n++
			must(t, tc.to.Emit("n", n))
			for _, name := range tc.want {
				members[name].event(fmt.Sprintf(`2["n",%d]`, n))
			}
			must(t, node.Emit("marker", n))
			for name, m := range members {
				got, want := m.Next().Text, fmt.Sprintf(`2["marker",%d]`, n)
				if m.answer.PID != "" {
					got, _ = split(got)
				}
				if got != want {
					t.Fatalf("node %d, event %d: %c got %q, want the marker", i, n, name, got)
				}
			}
		}
	}
}

func testOrder(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	const n = 500
	for i := range n {
		must(t, c.nodes[0].To("r").Emit("n", i))
	}
	for _, m := range m {
		for i := range n {
			m.event(fmt.Sprintf(`2["n",%d]`, i))
		}
	}
}

func testBinary(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	must(t, c.nodes[0].To("r").Emit("b", []byte{1, 2}, map[string]any{"c": []byte{3}}, "text", nil, 1.5))
	for _, m := range m {
		want := `52-["b",{"_placeholder":true,"num":0},{"c":{"_placeholder":true,"num":1}},"text",null,1.5`
		if got := m.Next().Text; len(got) < len(want) || got[:len(want)] != want {
			t.Fatalf("got %q", got)
		}
		m.ExpectBinary("\x01\x02")
		m.ExpectBinary("\x03")
	}
}

func testNamespaces(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	for _, m := range m {
		a := m.Connect("/other", "")
		s, _ := m.node.Of("/other").Socket(a.SID)
		must(t, s.Join("r"))
	}
	must(t, c.nodes[0].Of("/other").To("r").Emit("n", 1))
	must(t, c.nodes[0].To("r").Emit("n", 2))
	for _, m := range m {
		// Two namespaces have no order between each other.
		got := []string{m.Next().Text, m.Next().Text}
		if m.answer.PID != "" {
			got[0], _ = split(got[0])
			got[1], _ = split(got[1])
		}
		slices.Sort(got)
		if want := []string{`2/other,["n",1]`, `2["n",2]`}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}
}

func testLocal(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	must(t, c.nodes[0].To("r").Local().Emit("local"))
	must(t, c.nodes[0].To("r").Emit("marker"))
	for _, m := range m {
		if m.node == c.nodes[0] {
			m.event(`2["local"]`)
		}
		m.event(`2["marker"]`)
	}
}

type ackResult struct {
	answers []string
	err     error
}

func emitWithAck(b *socketio.Broadcast) chan ackResult {
	out := make(chan ackResult, 1)
	go func() {
		got, err := b.EmitWithAck(context.Background(), "ask", 1)
		var r ackResult
		var missing *socketio.AckError
		if errors.As(err, &missing) {
			got = missing.Responses
		}
		for _, a := range got {
			s, _ := a.At(0).String()
			r.answers = append(r.answers, s)
		}
		slices.Sort(r.answers)
		r.err = err
		out <- r
	}()
	return out
}

// answer takes a question and answers it.
func (m *member) answerWith(text string) {
	m.cluster.t.Helper()
	q := m.Next().Text
	var id int
	var rest string
	if _, err := fmt.Sscanf(q, "2%d%s", &id, &rest); err != nil || rest != `["ask",1]` {
		m.cluster.t.Fatalf("got %q, want a question", q)
	}
	m.Send(fmt.Sprintf(`3%d[%q]`, id, text))
}

func testAcks(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r"), c.join()}
	out := emitWithAck(c.nodes[0].To("r").Timeout(sockettest.Wait))
	for i, m := range m[:3] {
		m.answerWith(fmt.Sprint("answer ", i))
	}
	r := sockettest.Receive(t, "answers", out)
	if r.err != nil || !slices.Equal(r.answers, []string{"answer 0", "answer 1", "answer 2"}) {
		t.Errorf("%+v", r)
	}
	r = sockettest.Receive(t, "no answers", emitWithAck(c.nodes[0].To("nobody").Timeout(sockettest.Wait)))
	if r.err != nil || len(r.answers) != 0 {
		t.Errorf("to nobody: %+v", r)
	}
	m[3].ExpectNothing()
}

func testAcksMissing(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("r")}
	out := emitWithAck(c.nodes[0].To("r").Timeout(500 * time.Millisecond))
	m[0].answerWith("one")
	m[2].answerWith("three")
	r := sockettest.Receive(t, "answers", out)
	var missing *socketio.AckError
	if !errors.As(r.err, &missing) || missing.Missing != 1 || !errors.Is(r.err, socketio.ErrTimeout) ||
		!slices.Equal(r.answers, []string{"one", "three"}) {
		t.Errorf("%+v", r)
	}
}
