package socketio_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestTheServersMethodsAreThoseOfTheRootNamespace(t *testing.T) {
	srv := serve(t, nil)
	trace := []string{}
	done := make(chan struct{})
	srv.OnAny(noting(&trace, "any"))
	srv.OnUnhandled(noting(&trace, "unhandled"))
	srv.On("off", noting(&trace, "never"))
	srv.Off("off")
	srv.OnDisconnecting(func(*socketio.Socket, socketio.DisconnectReason) { trace = append(trace, "disconnecting") })
	srv.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) {
		trace = append(trace, "disconnect")
		close(done)
	})
	c, a := join(t, srv)
	s, ok := srv.Socket(a.SID)
	if all := srv.Sockets(); !ok || len(all) != 1 || all[0] != s {
		t.Fatalf("Socket gives %v, Sockets %v", ok, all)
	}
	rooms := make(chan socketio.RoomEvent, 16)
	srv.OnRoom(func(e socketio.RoomEvent) { rooms <- e })
	if err := s.Join("r"); err != nil {
		t.Fatal(err)
	}
	if e := <-rooms; e.Kind != socketio.RoomCreated || e.Room != "r" {
		t.Errorf("heard %+v", e)
	}
	c.Send(`2["off"]`)
	c.Send("1")
	sockettest.Receive(t, "the end", done)
	if got, want := strings.Join(trace, " "), "any:off unhandled:off disconnecting disconnect"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// three is an adapter that claims two more nodes. What it should send to them comes
// back as if they had sent it.
type three struct{ *socketio.Local }

func (three) ServerCount(context.Context) (int, error) { return 3, nil }

func (a three) ServerSideEmit(event string, _ []any) error {
	a.ServerSide(event, socketio.Args{}, nil)
	return nil
}

func (three) ServerSideEmitAck(context.Context, string, []any) ([]socketio.Args, error) {
	return nil, nil
}

func openThree(l *socketio.Local) (socketio.Adapter, error) { return three{l}, nil }

func TestServerSideListenersComeAndGo(t *testing.T) {
	srv := serve(t, &socketio.Options{Adapter: openThree})
	var trace []string
	listen := func(what string) socketio.Listener {
		return srv.OnServerSide("hi", func(socketio.Args, func(...any)) { trace = append(trace, what) })
	}
	first := listen("first")
	listen("second")
	for range 2 {
		if err := srv.ServerSideEmit("hi"); err != nil {
			t.Fatal(err)
		}
		first.Off()
	}
	if got := strings.Join(trace, " "); got != "first second second" {
		t.Errorf("got %s", got)
	}
}

func TestServerCount(t *testing.T) {
	for name, c := range map[string]struct {
		adapter socketio.AdapterFactory
		want    int
	}{
		"without an adapter": {nil, 1},
		"memory":             {memory.New(), 1},
		"a cluster's":        {openThree, 3},
	} {
		srv := serve(t, &socketio.Options{Adapter: c.adapter})
		if n, err := srv.ServerCount(t.Context()); n != c.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, n, err, c.want)
		}
		if n, err := srv.Of("/x").ServerCount(t.Context()); n != c.want || err != nil {
			t.Errorf("%s, another namespace: %d, %v, want %d", name, n, err, c.want)
		}
	}
}
