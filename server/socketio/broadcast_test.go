package socketio_test

import (
	"fmt"
	"testing"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// Which rooms and exceptions reach whom; the shared suite of adapters has the
// same for other nodes.
func TestTargets(t *testing.T) {
	srv := serve(t, nil)
	clients := map[string]*sockettest.Client{}
	socks := map[string]*socketio.Socket{}
	for name, rooms := range map[string][]string{"a": {"1", "2"}, "b": {"2"}, "c": {"3"}} {
		c, answer := join(t, srv)
		clients[name], socks[name] = c, socketOf(t, srv, answer)
		_ = socks[name].Join(rooms...)
	}
	n := 0
	for _, tc := range []struct {
		to   *socketio.Broadcast
		want string
	}{
		{srv.To(), "abc"},
		{srv.To("1"), "a"},
		{srv.To("1", "2"), "ab"},
		{srv.To("1").In("2").To("3"), "abc"},
		{srv.To("nobody"), ""},
		{srv.Except("2"), "c"},
		{srv.Except("1").Except("3"), "b"},
		{srv.To("2").Except("1"), "b"},
		{srv.To("2").Except("1", "2"), ""},
		{srv.In(socks["b"].ID()), "b"},
		{srv.Except(socks["b"].ID()), "ac"},
		{socks["a"].Broadcast(), "bc"},
		{socks["a"].To("2"), "b"},
		{socks["a"].In("1", "3"), "c"},
		{socks["a"].Except("2"), "c"},
		{socks["a"].Local(), "bc"},
		{socks["a"].Compress(false).To("2"), "b"},
		{socks["a"].Timeout(1).Except("3"), "b"},
		{srv.Local().Compress(true), "abc"},
	} {
		n++
		if err := tc.to.Emit("n", n); err != nil {
			t.Fatal(err)
		}
		for _, r := range tc.want {
			clients[string(r)].Expect(fmt.Sprintf(`2["n",%d]`, n))
		}
		for name, c := range clients {
			c.Send(fmt.Sprintf(`2%d["fence"]`, n))
			if f := c.Next(); f.Text != fmt.Sprintf(`3%d[]`, n) {
				t.Errorf("target %d: %s got %q", n, name, f.Text)
			}
		}
	}
}

func TestBuildersAreImmutable(t *testing.T) {
	srv := serve(t, nil)
	a, aa := join(t, srv)
	b, ba := join(t, srv)
	_ = socketOf(t, srv, aa).Join("a")
	_ = socketOf(t, srv, ba).Join("b")
	base := srv.To("x", "y", "z")
	toA, toB := base.To("a"), base.To("b")
	_ = toA.Emit("a")
	_ = toB.Emit("b")
	_ = base.Emit("none")
	a.Expect(`2["a"]`)
	b.Expect(`2["b"]`)
	a.Fence()
	b.Fence()
}

func TestFetchAndActOnSockets(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	s.SetData(map[string]string{"name": "ann"})
	_ = s.Join("r")
	found, err := srv.To("r").FetchSockets(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("%d sockets, %v", len(found), err)
	}
	f := found[0]
	var data struct{ Name string }
	if err := f.DecodeData(&data); err != nil || data.Name != "ann" {
		t.Errorf("data %+v, %v", data, err)
	}
	if local, ok := f.Local(); !ok || local != s || f.ID() != s.ID() || f.Handshake().Address != "127.0.0.1" {
		t.Error("not the local socket")
	}
	_ = f.Emit("hi")
	c.Expect(`2["hi"]`)
	answers := make(chan string, 1)
	go func() {
		got, err := f.EmitWithAck(t.Context(), "ask")
		text, _ := got.At(0).String()
		answers <- fmt.Sprint(text, err)
	}()
	c.Expect(`20["ask"]`)
	c.Send(`30["yes"]`)
	if got := sockettest.Receive(t, "answer", answers); got != "yes<nil>" {
		t.Errorf("answer %s", got)
	}
	_ = f.Join("q")
	_ = srv.In("q").SocketsLeave("r")
	if rooms := f.Rooms(); len(rooms) != 2 || rooms[1] != "q" {
		t.Errorf("rooms %q", rooms)
	}
	_ = srv.SocketsJoin("all")
	_ = srv.In("all").DisconnectSockets(false)
	c.Expect("1")
	if n := srv.Of("/").RoomSize("all"); n != 0 {
		t.Errorf("%d still to be reached", n)
	}
}

func TestSlowClientDoesNotHoldUpTheRoom(t *testing.T) {
	srv := serve(t, &socketio.Options{Engine: engineio.Options{OutboxLimit: 1 << 16, OutboxMax: 1 << 17}})
	c, a := join(t, srv)
	quick, _ := join(t, srv)
	s := socketOf(t, srv, a)
	c.Stop()
	big := make([]byte, 1<<14)
	for i := range 2000 {
		_ = srv.Emit("big", i, big)
		quick.Next()
		quick.Next()
		if !s.Connected() {
			break
		}
	}
	sockettest.Eventually(t, "the end of the slow one", func() bool { return !s.Connected() })
	quick.Fence()
}
