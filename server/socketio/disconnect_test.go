package socketio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// Node's words for every way a socket ends.
func TestDisconnectReasons(t *testing.T) {
	for name, tc := range map[string]struct {
		end    func(c *sockettest.Client, s *socketio.Socket)
		reason string
		detail string
	}{
		"client leaves": {func(c *sockettest.Client, _ *socketio.Socket) { c.Send("1") }, "client namespace disconnect", ""},
		"server":        {func(_ *sockettest.Client, s *socketio.Socket) { s.Disconnect(false) }, "server namespace disconnect", ""},
		"server, all":   {func(_ *sockettest.Client, s *socketio.Socket) { s.Disconnect(true) }, "server namespace disconnect", ""},
		"kick":          {func(_ *sockettest.Client, s *socketio.Socket) { s.End("kick", "bye") }, "server namespace disconnect", "kick"},
		"cut":           {func(c *sockettest.Client, _ *socketio.Socket) { c.Cut() }, "transport close", "connection lost"},
		"malformed":     {func(c *sockettest.Client, _ *socketio.Socket) { c.Send("9") }, "forced close", "bad message"},
		"conn.Close":    {func(_ *sockettest.Client, s *socketio.Socket) { s.Conn().Close() }, "forced close", "server disconnect"},
		"no pong":       {nil, "ping timeout", "no pong"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &socketio.Options{}
			if tc.end == nil {
				o.Engine = engineio.Options{PingInterval: 20 * time.Millisecond, PingTimeout: time.Millisecond}
			}
			srv := serve(t, o)
			type ending struct {
				r     socketio.DisconnectReason
				rooms []string
			}
			before, after := make(chan ending, 1), make(chan ending, 1)
			srv.OnConnection(func(s *socketio.Socket) {
				_ = s.Join("r")
				s.OnDisconnecting(func(r socketio.DisconnectReason) { before <- ending{r, s.Rooms()} })
				s.OnDisconnect(func(r socketio.DisconnectReason) { after <- ending{r, s.Rooms()} })
			})
			dial := sockettest.Dial
			if tc.end == nil {
				dial = sockettest.DialMute
			}
			c := dial(t, srv.URL)
			a := c.Connect("/", "")
			sockettest.Eventually(t, "the room", func() bool { return srv.Of("/").RoomSize("r") == 1 })
			s, _ := srv.Of("/").Socket(a.SID)
			if tc.end != nil {
				tc.end(c, s)
			}
			want := socketio.DisconnectReason{Reason: tc.reason, Detail: tc.detail}
			e := sockettest.Receive(t, "disconnecting", before)
			if e.r != want || !slices.Equal(e.rooms, []string{a.SID, "r"}) {
				t.Errorf("disconnecting: %+v in %q, want %+v", e.r, e.rooms, want)
			}
			e = sockettest.Receive(t, "disconnect", after)
			if e.r != want || len(e.rooms) != 0 {
				t.Errorf("disconnect: %+v in %q, want %+v", e.r, e.rooms, want)
			}
			if n := srv.Of("/").Len(); n != 0 {
				t.Errorf("%d sockets left", n)
			}
		})
	}
}

func TestDisconnectOfAllNamespacesClosesTheTransport(t *testing.T) {
	srv := serve(t, nil)
	srv.Of("/a")
	c, a := join(t, srv)
	c.Connect("/a", "")
	socketOf(t, srv, a).Disconnect(true)
	got := []string{c.Next().Text, c.Next().Text}
	slices.Sort(got)
	if got[0] != "1" || got[1] != "1/a," {
		t.Errorf("got %q, want a DISCONNECT for each namespace", got)
	}
	c.ExpectClose()
}

func TestEndNamesTheReasonFirst(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	s.End("blocked", "you are blocked")
	s.End("again", "ignored")
	s.Disconnect(false)
	if err := s.Emit("late"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit after the end: %v", err)
	}
	_ = srv.Emit("late")
	c.Expect(`2["sockeye:end",{"code":"blocked","message":"you are blocked"}]`)
	c.Expect("1")
	c.Connect("/", "")
	c.Fence()
}

// stuck is an adapter whose log cannot be written: what it is to keep waits for good.
type stuck struct {
	socketio.RecoveryAdapter
	over chan struct{}
}

func (a stuck) EmitTo(s *socketio.Socket, p *socketio.Packet, f socketio.Flags) error {
	if !f.Local {
		<-a.over
	}
	return a.RecoveryAdapter.EmitTo(s, p, f)
}

// What ends a client, such as that its token has expired, waited for the log of recovery,
// while Redis was slow or away, and the client with it.
func TestTheEndDoesNotWaitForTheLog(t *testing.T) {
	over, open := make(chan struct{}), memory.New()
	srv := serve(t, &socketio.Options{Recovery: socketio.Recovery{MaxDisconnection: time.Minute}, Adapter: func(l *socketio.Local) (socketio.Adapter, error) {
		a, err := open(l)
		kept, _ := a.(socketio.RecoveryAdapter)
		return stuck{kept, over}, err
	}})
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	waiting := make(chan error)
	go func() { waiting <- s.Emit("news") }()
	_ = s.Tell("limit")
	s.End("token_expired", "connect with a new one")
	for _, want := range []string{`2["limit"`, `2["sockeye:end",{"code":"token_expired"`, "1"} {
		if got := c.Next().Text; !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	close(over)
	<-waiting
}

func TestServerDisconnectDropsQueuedEvents(t *testing.T) {
	srv := serve(t, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	gone := make(chan struct{})
	srv.OnConnection(func(s *socketio.Socket) {
		s.On("first", func(context.Context, *socketio.Event) {
			close(entered)
			<-release
			s.Disconnect(false)
		})
		s.On("second", func(context.Context, *socketio.Event) { t.Error("handled after the end") })
		s.OnDisconnect(func(socketio.DisconnectReason) { close(gone) })
	})
	c, _ := join(t, srv)
	c.Send(`2["first"]`)
	c.Send(`2["second"]`)
	sockettest.Receive(t, "handler", entered)
	close(release)
	sockettest.Receive(t, "disconnect", gone)
}

// What a client sent before it left is handled, and answered.
func TestEventsBeforeTheClientLeftAreHandled(t *testing.T) {
	srv := serve(t, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	srv.On("slow", func(_ context.Context, e *socketio.Event) {
		close(entered)
		<-release
		_ = e.Ack("slow")
	})
	srv.On("quick", func(_ context.Context, e *socketio.Event) { _ = e.Ack("quick") })
	c, _ := join(t, srv)
	c.Send(`21["slow"]`)
	c.Send(`22["quick"]`)
	c.Send("1")
	sockettest.Receive(t, "handler", entered)
	close(release)
	c.Expect(`31["slow"]`)
	c.Expect(`32["quick"]`)
}

func TestCloseEndsTransportsWithoutDisconnectPackets(t *testing.T) {
	srv := serve(t, nil)
	var mu sync.Mutex
	var reasons []socketio.DisconnectReason
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) {
		mu.Lock()
		defer mu.Unlock()
		reasons = append(reasons, r)
	})
	entered := make(chan struct{})
	srv.On("wait", func(ctx context.Context, _ *socketio.Event) {
		close(entered)
		<-ctx.Done()
	})
	a, _ := join(t, srv)
	b, _ := join(t, srv)
	a.Send(`2["wait"]`)
	sockettest.Receive(t, "handler", entered)
	if err := srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*sockettest.Client{a, b} {
		c.ExpectClose()
		c.ExpectNothing()
	}
	mu.Lock()
	defer mu.Unlock()
	want := socketio.DisconnectReason{Reason: "server shutting down", Detail: "shutdown"}
	if len(reasons) != 2 || reasons[0] != want || reasons[1] != want {
		t.Errorf("reasons %+v", reasons)
	}
	if err := srv.Close(t.Context()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestCloseDoesNotWaitForeverForAHandler(t *testing.T) {
	srv := serve(t, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	srv.On("stuck", func(context.Context, *socketio.Event) {
		close(entered)
		<-release
	})
	c, _ := join(t, srv)
	c.Send(`2["stuck"]`)
	sockettest.Receive(t, "handler", entered)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := srv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close with a stuck handler: %v", err)
	}
	close(release)
}
