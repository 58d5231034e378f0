package socketio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// overflow drops everything that recovery keeps in a server of losing.
func overflow(srv *sockettest.Server) {
	for range 100 {
		_ = srv.Emit("filler", strings.Repeat("x", 1000))
	}
}

func losing(o *socketio.Options) { o.Recovery.MaxBytes = 50_000 }

// When the packets that a client missed were dropped while middleware ran, the
// client used to get a socket with another id and without the data that middleware
// had set. It gets a new socket, and middleware is asked about that one.
func TestASessionLostDuringMiddlewareStartsAnew(t *testing.T) {
	srv := recovering(t, losing)
	type seen struct {
		s         *socketio.Socket
		id        string
		recovered bool
	}
	var mu sync.Mutex
	var asked []seen
	var left []string
	srv.Of("/").OnRoom(func(e socketio.RoomEvent) {
		if e.Kind == socketio.RoomDeleted {
			mu.Lock()
			left = append(left, e.Room)
			mu.Unlock()
		}
	})
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		mu.Lock()
		asked = append(asked, seen{s, s.ID(), s.Recovered()})
		mu.Unlock()
		s.SetData("ann")
		_ = s.Emit("hello")
		if !s.Recovered() {
			return nil
		}
		overflow(srv)
		return s.Join("of " + s.ID())
	})
	connected := make(chan *socketio.Socket, 2)
	srv.OnConnection(func(s *socketio.Socket) {
		if s.Data() != "ann" {
			t.Errorf("middleware set the data, the connection handler sees %v", s.Data())
		}
		connected <- s
	})
	r := arrive(t, srv)
	r.event(`2["hello"]`)
	sockettest.Receive(t, "connection", connected)
	before := r.answer.SID
	r.cut()
	_ = srv.Emit("missed")
	if r.back() {
		t.Fatal("recovered, though not everything was kept")
	}
	r.event(`2["hello"]`)
	r.fence()
	now := sockettest.Receive(t, "connection", connected)
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 3 || asked[1].id != before || !asked[1].recovered || asked[2].id != now.ID() || asked[2].recovered {
		t.Fatalf("middleware saw %+v", asked)
	}
	if lost := asked[1].s; lost == now || lost.ID() != before || lost.Context().Err() == nil {
		t.Error("the socket that was not taken did not end")
	}
	if rooms := now.Rooms(); len(rooms) != 1 || !slices.Contains(left, "of "+before) {
		t.Errorf("the client is in %q, rooms deleted: %q", rooms, left)
	}
	if n := srv.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets, one is there", n)
	}
	if err := asked[1].s.Emit("more"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit on the socket that was not taken: %v", err)
	}
}

// loser is an adapter that loses every session between Restore and Resume.
type loser struct{ socketio.RecoveryAdapter }

func openLoser(l *socketio.Local) (socketio.Adapter, error) {
	a, err := memory.New()(l)
	if err != nil {
		return nil, err
	}
	return loser{a.(*memory.Adapter)}, nil
}

func (loser) Resume(*socketio.Session, func(string, func() (*socketio.Packet, error))) error {
	return errors.New("lost")
}

// A client whose session was lost in that moment used to be let in without
// middleware when recovery skips it.
func TestASessionLostLateDoesNotGetAroundMiddleware(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) {
		o.Adapter = openLoser
		o.Recovery.SkipMiddleware = true
	})
	var mu sync.Mutex
	refuse := false
	srv.Use(func(context.Context, *socketio.Socket) error {
		mu.Lock()
		defer mu.Unlock()
		if refuse {
			return errors.New("not any more")
		}
		return nil
	})
	r := arrive(t, srv)
	r.cut()
	mu.Lock()
	refuse = true
	mu.Unlock()
	c := sockettest.Dial(t, srv.URL)
	c.Send(`0{"pid":"` + r.answer.PID + `"}`)
	c.Expect(`4{"message":"not any more"}`)
}
