package socketio_test

import (
	"context"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestIdentityInOrder: who the client is now is heard after the events that came before,
// and what was set before the socket was connected is not heard of.
func TestIdentityInOrder(t *testing.T) {
	t.Parallel()
	heard := make(chan any, 10)
	srv := sockettest.Serve(t, &socketio.Options{
		Admit: func(_ context.Context, s *socketio.Socket) error {
			s.SetIdentity("first")
			return nil
		},
		Entered: func(s *socketio.Socket) { heard <- s.Identity() },
	})
	ns := srv.Of("/")
	ns.OnConnection(func(*socketio.Socket) { heard <- "connection" })
	ns.OnIdentity(func(s *socketio.Socket, was any) { heard <- was.(string) + ", then " + s.Identity().(string) })
	ns.On("change", func(_ context.Context, e *socketio.Event) {
		for _, s := range e.Socket().Conn().Sockets() {
			s.SetIdentity("second")
		}
		heard <- "changed"
	})
	srv.Of("/other").OnIdentity(func(*socketio.Socket, any) { heard <- "elsewhere" })
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/", "")
	for _, want := range []string{"first", "connection"} {
		if got := sockettest.Receive(t, want, heard); got != want {
			t.Fatalf("heard %v, want %v", got, want)
		}
	}
	c.Send(`2["change"]`)
	for _, want := range []string{"changed", "first, then second"} {
		if got := sockettest.Receive(t, want, heard); got != want {
			t.Fatalf("heard %v, want %v", got, want)
		}
	}
	c.Connect("/other", "")
	if got := sockettest.Receive(t, "the other namespace", heard); got != "first" {
		t.Fatalf("heard %v", got)
	}
	c.Send(`2["change"]`)
	got := map[any]bool{}
	for range 3 {
		got[sockettest.Receive(t, "both sockets", heard)] = true
	}
	for _, want := range []string{"changed", "second, then second", "elsewhere"} {
		if !got[want] {
			t.Errorf("%s was not heard, of %v", want, got)
		}
	}
}
