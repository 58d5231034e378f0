package socketio_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestRoomEventsTellWhatHappened(t *testing.T) {
	srv := serve(t, nil)
	var mu sync.Mutex
	var got []string
	srv.Of("/").OnRoom(func(e socketio.RoomEvent) {
		mu.Lock()
		defer mu.Unlock()
		name := e.Room
		if len(name) == 20 {
			name = "own"
		}
		got = append(got, fmt.Sprintf("%s %s %v", [...]string{"create", "delete", "join", "leave"}[e.Kind], name, e.Socket != ""))
	})
	c, a := join(t, srv)
	c.Fence()
	s := socketOf(t, srv, a)
	_ = s.Join("r", "r")
	_ = s.Join("q")
	s.Leave("r", "never joined")
	s.Disconnect(false)
	sockettest.Eventually(t, "end", func() bool { return errors.Is(s.Join("x"), socketio.ErrDisconnected) && s.Context().Err() != nil })
	want := []string{
		"create own false", "join own true", "create r false", "join r true", "create q false", "join q true",
		"leave r true", "delete r false", "leave q true", "delete q false", "leave own true", "delete own false",
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestASocketMayLeaveItsOwnRoom(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	s.Leave(s.ID())
	_ = srv.To(s.ID()).Emit("lost")
	_ = srv.Emit("all")
	c.Expect(`2["all"]`)
	_ = s.Join(s.ID())
	_ = srv.To(s.ID()).Emit("mine")
	c.Expect(`2["mine"]`)
}

// A room that happens to have the name of a socket's own room.
func TestRoomNamedLikeASocket(t *testing.T) {
	srv := serve(t, nil)
	a, aa := join(t, srv)
	b, ba := join(t, srv)
	_ = socketOf(t, srv, ba).Join(aa.SID)
	_ = srv.To(aa.SID).Emit("both")
	a.Expect(`2["both"]`)
	b.Expect(`2["both"]`)
	_ = srv.Except(aa.SID).Emit("none")
	a.Fence()
	b.Fence()
}

func TestBroadcastWhileMembersComeAndGo(t *testing.T) {
	srv := serve(t, nil)
	const steady, fickle, rounds = 20, 20, 300
	clients := make([]*sockettest.Client, steady)
	for i := range clients {
		c, a := join(t, srv)
		clients[i] = c
		_ = socketOf(t, srv, a).Join("r")
	}
	others := make([]*socketio.Socket, fickle)
	for i := range others {
		_, a := join(t, srv)
		others[i] = socketOf(t, srv, a)
	}
	var wg sync.WaitGroup
	for _, s := range others {
		wg.Go(func() {
			for range rounds {
				_ = s.Join("r")
				s.Leave("r")
			}
		})
	}
	for i := range rounds {
		if err := srv.To("r").Emit("n", i); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	for _, c := range clients {
		for i := range rounds {
			c.Expect(fmt.Sprintf(`2["n",%d]`, i))
		}
	}
	if n := srv.Of("/").RoomSize("r"); n != steady {
		t.Errorf("%d members, want %d", n, steady)
	}
	if names := srv.Of("/").Rooms(); !slices.Equal(names, []string{"r"}) {
		t.Errorf("rooms %q", names)
	}
}

// Two publishers at once: each client gets the events of either in order.
func TestOrderPerPublisher(t *testing.T) {
	srv := serve(t, nil)
	c, _ := join(t, srv)
	const n = 500
	var wg sync.WaitGroup
	for p := range 2 {
		wg.Go(func() {
			for i := range n {
				_ = srv.Emit("n", p, i)
			}
		})
	}
	wg.Wait()
	next := [2]int{}
	for range 2 * n {
		var p, i int
		if _, err := fmt.Sscanf(c.Next().Text, `2["n",%d,%d]`, &p, &i); err != nil {
			t.Fatal(err)
		}
		if i != next[p] {
			t.Fatalf("publisher %d: event %d came when %d was due", p, i, next[p])
		}
		next[p]++
	}
}
