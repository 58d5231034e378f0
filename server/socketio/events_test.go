package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestReservedEventNames(t *testing.T) {
	srv := serve(t, nil)
	_, a := join(t, srv)
	s := socketOf(t, srv, a)
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		for what, err := range map[string]error{
			"Socket.Emit": s.Emit(name), "Server.Emit": srv.Emit(name), "To.Emit": srv.To("x").Emit(name),
			"Volatile.Emit": s.Volatile().Emit(name), "ServerSideEmit": srv.ServerSideEmit(name),
		} {
			if !errors.Is(err, socketio.ErrReserved) {
				t.Errorf("%s(%q): %v", what, name, err)
			}
		}
		if _, err := s.EmitWithAck(t.Context(), name); !errors.Is(err, socketio.ErrReserved) {
			t.Errorf("EmitWithAck(%q): %v", name, err)
		}
		c, _ := join(t, srv)
		c.Send(`2["` + name + `"]`)
		c.ExpectClose()
	}
}

func TestArgumentsThatCannotBeEncodedAreErrors(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	bad := make(chan int)
	if err := socketOf(t, srv, a).Emit("x", bad); err == nil {
		t.Error("Socket.Emit of a channel gave no error")
	}
	if err := srv.To("nobody").Emit("x", bad); err == nil {
		t.Error("Broadcast.Emit of a channel to an empty room gave no error")
	}
	c.Fence()
}

func TestEventsOfOneSocketRunInOrderOneAtATime(t *testing.T) {
	srv := serve(t, nil)
	const n = 20000
	var got []int
	running := make(chan struct{}, 1)
	done := make(chan struct{})
	srv.On("n", func(_ context.Context, e *socketio.Event) {
		running <- struct{}{}
		var i int
		if err := e.Bind(&i); err != nil {
			t.Error(err)
		}
		got = append(got, i)
		if len(got) == n {
			close(done)
		}
		<-running
	})
	c, _ := join(t, srv)
	for i := range n {
		c.Send(fmt.Sprintf(`2["n",%d]`, i))
	}
	sockettest.Receive(t, "all events", done)
	if !slices.IsSorted(got) || len(got) != n {
		t.Errorf("%d events, sorted: %v", len(got), slices.IsSorted(got))
	}
}

func TestListenersAndTheirOrder(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	note := func(what string) socketio.Handler {
		return func(_ context.Context, e *socketio.Event) { trace = append(trace, what+":"+e.Name()) }
	}
	srv.Of("/").OnAny(note("ns any"))
	srv.Of("/").OnUnhandled(note("ns unhandled"))
	srv.On("a", note("ns"))
	srv.OnConnection(func(s *socketio.Socket) {
		s.OnAny(note("any"))
		s.OnUnhandled(note("unhandled"))
		s.Use(func(_ context.Context, e *socketio.Event) error {
			trace = append(trace, "middleware:"+e.Name())
			if e.Name() == "bad" {
				return errors.New("bad event")
			}
			return nil
		})
		s.OnError(func(err error) { trace = append(trace, "error:"+err.Error()) })
		s.On("a", note("socket"))
		s.On("a", note("socket again"))
		s.On("off", note("removed"))
		s.Off("off")
		s.On("bad", note("never"))
	})
	c, _ := join(t, srv)
	c.Send(`2["a"]`)
	c.Send(`21["bad"]`)
	c.Send(`2["off"]`)
	c.Fence() // the client sees nothing of the middleware's error, as in Node
	want := "ns any:a any:a middleware:a ns:a socket:a socket again:a " +
		"ns any:bad any:bad middleware:bad error:bad event " +
		"ns any:off any:off middleware:off ns unhandled:off unhandled:off ns any:fence any:fence middleware:fence"
	if got := strings.Join(trace, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOutgoingListenersHearEmitsAndBroadcasts(t *testing.T) {
	srv := serve(t, nil)
	heard := make(chan string, 10)
	srv.OnConnection(func(s *socketio.Socket) {
		s.OnAnyOutgoing(func(event string, args []any) {
			heard <- fmt.Sprint(event, args)
			if event == "one" { // a listener may emit
				_ = srv.Emit("three", 3)
			}
		})
	})
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	_ = s.Emit("one", 1)
	_ = srv.To(s.ID()).Emit("two", 2)
	for _, want := range []string{`2["one",1]`, `2["three",3]`, `2["two",2]`} {
		c.Expect(want)
	}
	got := []string{<-heard, <-heard, <-heard}
	slices.Sort(got)
	if strings.Join(got, " ") != "one[1] three[3] two[2]" {
		t.Errorf("heard %q", got)
	}
}

func TestPanicEndsOnlyItsSocket(t *testing.T) {
	srv := serve(t, nil)
	reasons := make(chan socketio.DisconnectReason, 1)
	setUp := func(s *socketio.Socket) {
		s.On("boom", func(context.Context, *socketio.Event) { panic("boom") })
		s.OnDisconnect(func(r socketio.DisconnectReason) { reasons <- r })
	}
	srv.Of("/a").OnConnection(setUp)
	srv.Of("/b").OnConnection(func(*socketio.Socket) { panic("at once") })
	c, _ := join(t, srv)
	c.Connect("/a", "")
	c.Send(`2/a,["boom"]`)
	c.Send(`2/a,["boom"]`)
	c.Expect(`2/a,["sockeye:end",{"code":"handler_panic","message":"the server failed while it handled an event"}]`)
	c.Expect("1/a,")
	want := socketio.DisconnectReason{Reason: "server namespace disconnect", Detail: "handler panic"}
	if r := sockettest.Receive(t, "disconnect", reasons); r != want {
		t.Errorf("reason %+v", r)
	}
	c.Connect("/b", "")
	c.Expect(`2/b,["sockeye:end",{"code":"handler_panic","message":"the server failed while it handled an event"}]`)
	c.Expect("1/b,")
	c.Fence()
}

func TestInboxIsBoundedAndPausesReading(t *testing.T) {
	full := make(chan struct{}, 1)
	srv := serve(t, &socketio.Options{InboxEvents: 10, Observer: fullObserver{full: full}})
	release := make(chan struct{})
	handled := make(chan int, 1000)
	srv.On("n", func(_ context.Context, e *socketio.Event) {
		<-release
		var i int
		_ = e.Bind(&i)
		handled <- i
	})
	c, _ := join(t, srv)
	for i := range 100 {
		c.Send(fmt.Sprintf(`2["n",%d]`, i))
	}
	sockettest.Receive(t, "a full inbox", full)
	close(release)
	for i := range 100 {
		if got := sockettest.Receive(t, "event", handled); got != i {
			t.Fatalf("event %d came as number %d", got, i)
		}
	}
}

type fullObserver struct {
	socketio.NopObserver
	full chan struct{}
}

func (o fullObserver) InboxFull(string) {
	select {
	case o.full <- struct{}{}:
	default:
	}
}

func TestHandlerStallEndsTheConnection(t *testing.T) {
	srv := serve(t, &socketio.Options{InboxEvents: 2, Engine: engineio.Options{
		HandlerStall: 50 * time.Millisecond,
	}})
	release := make(chan struct{})
	gone := make(chan socketio.DisconnectReason, 1)
	handled := make(chan struct{}, 100)
	srv.On("n", func(context.Context, *socketio.Event) {
		<-release
		handled <- struct{}{}
	})
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { gone <- r })
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	for range 10 {
		c.Send(`2["n"]`)
	}
	other, _ := join(t, srv)
	sockettest.Eventually(t, "the end of the connection", func() bool { return !s.Connected() })
	close(release)
	if r := sockettest.Receive(t, "disconnect", gone); r.Detail != "handler stall" {
		t.Errorf("reason %+v", r)
	}
	if n := len(handled); n < 3 || n > 4 { // one at work, two queued, perhaps the one that waited
		t.Errorf("%d events handled", n)
	}
	other.Fence()
}

func TestContextEndsWithTheSocketAndNotBeforeItsEvents(t *testing.T) {
	srv := serve(t, nil)
	release := make(chan struct{})
	errs := make(chan error, 2)
	srv.On("work", func(ctx context.Context, _ *socketio.Event) {
		<-release
		errs <- ctx.Err()
	})
	gone := make(chan error, 1)
	srv.Of("/").OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { gone <- s.Context().Err() })
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	derived, cancel := context.WithTimeout(s.Context(), time.Hour)
	defer cancel()
	c.Send(`2["work"]`)
	c.Send(`2["work"]`)
	c.Send("1")
	sockettest.Eventually(t, "the end", func() bool { return !s.Connected() })
	close(release)
	for range 2 {
		if err := sockettest.Receive(t, "handler", errs); err != nil {
			t.Errorf("an event sent before the end saw %v", err)
		}
	}
	if err := sockettest.Receive(t, "disconnect", gone); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end the context says %v", err)
	}
	sockettest.Receive(t, "end of a derived context", derived.Done())
}

func TestHandlerThatWaitsForItsContextIsReleased(t *testing.T) {
	srv := serve(t, nil)
	entered := make(chan struct{})
	srv.On("wait", func(ctx context.Context, _ *socketio.Event) {
		close(entered)
		<-ctx.Done()
	})
	gone := make(chan socketio.DisconnectReason, 1)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { gone <- r })
	c, _ := join(t, srv)
	c.Send(`2["wait"]`)
	sockettest.Receive(t, "handler", entered)
	c.Cut()
	if r := sockettest.Receive(t, "disconnect", gone); r.Reason != string(engineio.ReasonTransportClose) {
		t.Errorf("reason %+v", r)
	}
}

// t.FailNow and the like leave a handler by runtime.Goexit: the socket lives on.
func TestHandlerLeftByGoexitDoesNotStopTheSocket(t *testing.T) {
	srv := serve(t, nil)
	srv.On("exit", func(context.Context, *socketio.Event) { goexit() })
	c, _ := join(t, srv)
	c.Send(`2["exit"]`)
	c.Fence()
}
