package socketio_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// noting returns a handler that adds a word to trace.
func noting(trace *[]string, what string) socketio.Handler {
	return func(_ context.Context, e *socketio.Event) { *trace = append(*trace, what+":"+e.Name()) }
}

func TestOffRemovesOneListenerOfAnyKind(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	note := func(what string) { trace = append(trace, what) }
	var off []socketio.Listener
	ended := make(chan struct{})
	srv.OnConnection(func(s *socketio.Socket) {
		for range 2 { // the second of each kind stays
			off = append(
				off,
				s.On("a", noting(&trace, "on")),
				s.OnAny(noting(&trace, "any")),
				s.OnUnhandled(noting(&trace, "unhandled")),
				s.OnAnyOutgoing(func(event string, _ []any) { note("outgoing:" + event) }),
				s.Use(func(_ context.Context, e *socketio.Event) error {
					note("middleware")
					if e.Name() == "bad" {
						return errors.New("bad")
					}
					return nil
				}),
				s.OnError(func(error) { note("error") }),
				s.OnDisconnecting(func(socketio.DisconnectReason) { note("disconnecting") }),
				s.OnDisconnect(func(socketio.DisconnectReason) { note("disconnect") }),
			)
		}
		for _, l := range off[:len(off)/2] {
			l.Off()
			l.Off() // does nothing
		}
		s.OnDisconnect(func(socketio.DisconnectReason) { close(ended) })
	})
	srv.On("emit", func(_ context.Context, e *socketio.Event) { _ = e.Socket().Emit("out") })
	c, _ := join(t, srv)
	for _, packet := range []string{`2["a"]`, `2["bad"]`, `2["none"]`, `2["emit"]`, "1"} {
		c.Send(packet)
	}
	sockettest.Receive(t, "disconnect", ended)
	want := "any:a middleware on:a any:bad middleware error any:none middleware unhandled:none " +
		"any:emit middleware outgoing:out disconnecting disconnect"
	if got := strings.Join(trace, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOffWithoutANameRemovesAllEventHandlers(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	srv.Of("/x").OnConnection(func(s *socketio.Socket) {
		s.On("a", noting(&trace, "socket"))
		s.Once("b", noting(&trace, "once"))
		s.OnAny(noting(&trace, "any"))
		s.Off()
		s.On("c", noting(&trace, "later"))
		s.On("d", noting(&trace, "named"))
		s.On("e", noting(&trace, "named"))
		s.Off("d", "e")
	})
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/x", "")
	c.Connect("/", "")
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		c.Send(`2/x,["` + name + `"]`)
	}
	done := make(chan struct{})
	srv.Of("/x").OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { close(done) })
	c.Send("1/x,")
	sockettest.Receive(t, "the end", done)
	if got, want := strings.Join(trace, " "), "any:a any:b any:c later:c any:d any:e"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOnceTakesOneEventAndIsRemovedBefore(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	srv.OnConnection(func(s *socketio.Socket) {
		s.OnUnhandled(noting(&trace, "unhandled"))
		var again socketio.Handler
		again = func(ctx context.Context, e *socketio.Event) {
			noting(&trace, "once")(ctx, e)
			if len(trace) == 1 { // it is gone by now: this one is for the next event
				s.Once("a", again)
			}
		}
		s.Once("a", again)
		s.Once("b", noting(&trace, "never")).Off()
	})
	c, _ := join(t, srv)
	for range 3 {
		c.Send(`2["a"]`)
	}
	c.Send(`2["b"]`)
	c.Fence()
	if got, want := strings.Join(trace, " "), "once:a once:a unhandled:a unhandled:b"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Listeners come and go on all sides while events are handled.
func TestListenersMayChangeWhileEventsAreHandled(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	var once, kept atomic.Int32
	const rounds = 300
	s.Once("n", func(context.Context, *socketio.Event) { once.Add(1) })
	s.On("n", func(context.Context, *socketio.Event) { kept.Add(1) })
	nothing := func(context.Context, *socketio.Event) {}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range rounds {
				of := []socketio.Listener{
					s.On("n", nothing), s.OnAnyOutgoing(func(string, []any) {}), srv.On("n", nothing), srv.OnAny(nothing),
				}
				for _, l := range of {
					l.Off()
				}
			}
		})
	}
	for range rounds {
		c.Send(`2["n"]`)
	}
	all.Wait()
	c.Fence()
	if once.Load() != 1 || kept.Load() != rounds {
		t.Errorf("once was called %d times, the other one %d times", once.Load(), kept.Load())
	}
}

func TestOffOfANamespacesListeners(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	ns := srv.Of("/x")
	off := []socketio.Listener{
		ns.Use(func(context.Context, *socketio.Socket) error { return errors.New("refused") }),
		ns.OnConnection(func(*socketio.Socket) { trace = append(trace, "connection") }),
		ns.On("a", noting(&trace, "on")),
		ns.OnAny(noting(&trace, "any")),
		ns.OnUnhandled(noting(&trace, "unhandled")),
		ns.OnDisconnecting(func(*socketio.Socket, socketio.DisconnectReason) { trace = append(trace, "disconnecting") }),
		ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { trace = append(trace, "disconnect") }),
		ns.OnRoom(func(socketio.RoomEvent) { trace = append(trace, "room") }),
	}
	ns.On("a", noting(&trace, "kept"))
	ns.On("b", noting(&trace, "by name"))
	done := make(chan struct{})
	ns.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { close(done) })
	for _, l := range off {
		l.Off()
	}
	ns.Off("b")
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/x", "")
	c.Send(`2/x,["a"]`)
	c.Send(`2/x,["b"]`)
	c.Send("1/x,")
	sockettest.Receive(t, "the end", done)
	if got := strings.Join(trace, " "); got != "kept:a" {
		t.Errorf("got %s", got)
	}
}

// What a child namespace took over from its pattern stays when the pattern's
// listener is removed, and the ids of the two do not meet.
func TestOffOfAPatternsListenersHoldsForLaterChildren(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	p := srv.OfPattern(regexp.MustCompile("^/p[12]$"))
	l := p.On("a", noting(&trace, "pattern"))
	first := srv.Of("/p1")
	own := first.On("a", noting(&trace, "own"))
	l.Off()
	p.On("b", noting(&trace, "gone"))
	p.Off()
	own.Off()
	done := make(chan struct{}, 2)
	c := sockettest.Dial(t, srv.URL)
	for _, name := range []string{"/p1", "/p2"} {
		srv.Of(name).OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { done <- struct{}{} })
		c.Connect(name, "")
		c.Send(`2` + name + `,["a"]`)
		c.Send(`2` + name + `,["b"]`)
		c.Send("1" + name + ",")
		sockettest.Receive(t, "the end", done)
	}
	if got := strings.Join(trace, " "); got != "pattern:a" {
		t.Errorf("got %s", got)
	}
}

func TestAZeroListenerIsNone(_ *testing.T) { socketio.Listener{}.Off() }
