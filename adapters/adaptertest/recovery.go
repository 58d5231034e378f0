package adaptertest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// cut breaks the client's connection and waits until its node has noticed.
func (m *member) cut() {
	m.cluster.t.Helper()
	m.Cut()
	sockettest.Receive(m.cluster.t, "the end of the socket", m.socket.Context().Done())
}

// back connects again, to the next node, as the official client does.
func (m *member) back() {
	m.cluster.t.Helper()
	c := m.cluster
	m.node = c.nodes[c.dials%len(c.nodes)]
	c.dials++
	m.Client = sockettest.Dial(c.t, m.node.URL)
	old := m.answer
	m.answer = m.Connect("/", fmt.Sprintf(`{"pid":%q,"offset":%q}`, old.PID, m.offset))
	m.find()
	if m.answer != old || !m.socket.Recovered() {
		c.t.Fatalf("not recovered: was %+v, is %+v", old, m.answer)
	}
}

func testRecovery(t *testing.T, c *cluster) {
	m := c.join("r")
	other := c.join()
	m.socket.SetData(map[string]string{"name": "ann"})
	must(t, c.nodes[0].Emit("seen", "text"))
	m.event(`2["seen","text"]`)
	other.event(`2["seen","text"]`)
	node := m.node
	m.cut()
	if !node.Of("/").OwnRoom(m.answer.SID) {
		t.Error("the room of a socket that is away is anyone's")
	}
	for _, node := range c.nodes {
		must(t, node.To("r").Emit("missed", "text"))
		must(t, node.To("q").Emit("not mine"))
		must(t, node.Volatile().Emit("volatile"))
		must(t, node.Except("r").Emit("not mine"))
	}
	m.back()
	for range c.nodes {
		m.event(`2["missed","text"]`)
	}
	found, err := m.node.To(m.answer.SID).FetchSockets(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("%d sockets, %v", len(found), err)
	}
	var data struct{ Name string }
	if err := found[0].DecodeData(&data); err != nil || data.Name != "ann" {
		t.Errorf("data %+v, %v", data, err)
	}
	must(t, c.nodes[0].To("r").Emit("live"))
	m.event(`2["live"]`)
}

// testRecoveryWhilePublishing has a client come and go while events are
// published: it gets each once, in order.
func testRecoveryWhilePublishing(t *testing.T, c *cluster) {
	m := c.join("r")
	const total = 1000
	var wg sync.WaitGroup
	defer wg.Wait()
	ended := make(chan struct{})
	defer close(ended)
	wg.Go(func() {
		for i := range total {
			select {
			case <-ended: // the test has failed
				return
			default:
			}
			if err := c.nodes[0].To("r").Emit("n", i); err != nil {
				t.Error(err)
			}
			if i%20 == 0 {
				<-time.After(time.Millisecond)
			}
		}
	})
	for i := range total {
		m.event(fmt.Sprintf(`2["n",%d]`, i))
		if i%157 == 100 {
			m.cut()
			m.back()
		}
	}
}

func testRecoveryOfRooms(t *testing.T, c *cluster) {
	m := c.join("before", strings.Repeat("long", 20))
	must(t, c.nodes[0].Emit("seen"))
	m.event(`2["seen"]`)
	m.socket.Leave("before")
	must(t, m.socket.Join("after"))
	m.cut()
	for _, room := range []string{"before", "after", strings.Repeat("long", 20)} {
		must(t, c.nodes[0].To(room).Emit("in", len(room)))
	}
	m.back()
	m.event(`2["in",5]`)
	m.event(`2["in",80]`)
	if rooms := m.socket.Rooms(); len(rooms) != 3 {
		t.Errorf("rooms %q", rooms)
	}
}
