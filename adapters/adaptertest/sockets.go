package adaptertest

import (
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func ids(found []*socketio.RemoteSocket) []string {
	var out []string
	for _, r := range found {
		out = append(out, r.ID())
	}
	slices.Sort(out)
	return out
}

func testFetch(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r", "q"), c.join("q")}
	for i, m := range m {
		m.socket.SetData(map[string]int{"n": i})
	}
	want := func(ms ...*member) []string {
		var out []string
		for _, m := range ms {
			out = append(out, m.answer.SID)
		}
		slices.Sort(out)
		return out
	}
	for _, node := range c.nodes {
		if ns := node.Of("/"); !ns.OwnRoom(m[2].answer.SID) || ns.OwnRoom("nobodysroomnobodysro") || ns.OwnRoom("r") {
			t.Error("the room of a socket is anyone's, or a room of anyone's is a socket's")
		}
		for _, tc := range []struct {
			to   *socketio.Broadcast
			want []string
		}{
			{node.To(), want(m...)},
			{node.To("r"), want(m[0], m[1])},
			{node.To("r").Except("q"), want(m[0])},
			{node.To(m[2].answer.SID), want(m[2])},
			{node.To("nobody"), nil},
		} {
			found, err := tc.to.FetchSockets(t.Context())
			must(t, err)
			if got := ids(found); !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		}
		found, err := node.To(m[1].answer.SID).FetchSockets(t.Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("%d sockets, %v", len(found), err)
		}
		r := found[0]
		var data struct{ N int }
		must(t, r.DecodeData(&data))
		rooms := slices.Sorted(slices.Values(r.Rooms()))
		wantRooms := slices.Sorted(slices.Values([]string{m[1].answer.SID, "q", "r"}))
		if data.N != 1 || !slices.Equal(rooms, wantRooms) || r.Handshake().Address != "127.0.0.1" {
			t.Errorf("data %+v, rooms %q, address %q", data, rooms, r.Handshake().Address)
		}
		must(t, r.Emit("hi"))
		m[1].event(`2["hi"]`)
	}
}

func testJoinLeave(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("other")}
	node := c.nodes[0]
	must(t, node.In("r").SocketsJoin("x", "y"))
	must(t, node.To("x").Emit("joined"))
	m[0].event(`2["joined"]`)
	m[1].event(`2["joined"]`)
	must(t, node.In("r").Except(m[1].answer.SID).SocketsLeave("x"))
	must(t, node.To("x").Emit("left"))
	must(t, node.Emit("marker"))
	m[1].event(`2["left"]`)
	for _, m := range m {
		m.event(`2["marker"]`)
	}
}

func testDisconnect(t *testing.T, c *cluster) {
	m := []*member{c.join("r"), c.join("r"), c.join("other")}
	a := m[1].Connect("/other", "")
	must(t, c.nodes[0].In("r").DisconnectSockets(false))
	m[0].Expect("1")
	m[1].Expect("1")
	must(t, c.nodes[0].Of("/other").In(a.SID).DisconnectSockets(true))
	m[1].Expect("1/other,")
	m[1].ExpectClose()
	must(t, c.nodes[0].Emit("marker"))
	m[2].event(`2["marker"]`)
	m[0].ExpectNothing()
	if !m[0].Open() {
		t.Error("the transport was closed, too")
	}
}

func testServerSide(t *testing.T, c *cluster) {
	heard := make(chan string, 10)
	for _, node := range c.nodes {
		node.Of("/").OnServerSide("tell", func(args socketio.Args, ack func(...any)) {
			s, _ := args.At(0).String()
			if ack != nil {
				s += " with ack"
			}
			heard <- s
		})
		node.Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) { ack("answer") })
	}
	others := len(c.nodes) - 1
	must(t, c.nodes[0].ServerSideEmit("tell", "news"))
	for range others {
		if got := sockettest.Receive(t, "event on another node", heard); got != "news" {
			t.Errorf("heard %q", got)
		}
	}
	answers, err := c.nodes[0].ServerSideEmitWithAck(t.Context(), "ask")
	if err != nil || len(answers) != others {
		t.Errorf("%d answers, %v", len(answers), err)
	}
	if len(heard) != 0 {
		t.Error("the sender heard itself")
	}
}
