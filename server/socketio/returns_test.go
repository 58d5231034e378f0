package socketio_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// socket.disconnect().connect() of the official client asks for recovery on the
// connection it has just left a namespace on, which used to be closed then, with
// all other namespaces.
func TestAClientThatLeavesAndComesBackKeepsItsConnection(t *testing.T) {
	srv := recovering(t, nil)
	hold := make(chan struct{})
	srv.Of("/a").On("slow", func(context.Context, *socketio.Event) { <-hold })
	c, _ := join(t, srv)
	first := c.Connect("/a", "")
	c.Send(`2/a,["slow"]`)
	c.Send(`1/a,`)
	second := c.Connect("/a", `{"pid":"`+first.PID+`","offset":"x"}`)
	if second.PID == first.PID || second.SID == first.SID {
		t.Error("a client that left was recovered")
	}
	close(hold)
	c.Fence()
}

// The same, back on another connection: the one it left a namespace on goes on.
func TestAClientThatLeftANamespaceIsNotReplaced(t *testing.T) {
	srv := recovering(t, nil)
	hold, handling := make(chan struct{}), make(chan struct{})
	srv.Of("/a").On("slow", func(context.Context, *socketio.Event) { close(handling); <-hold })
	c, _ := join(t, srv)
	first := c.Connect("/a", "")
	c.Send(`2/a,["slow"]`)
	sockettest.Receive(t, "the event", handling)
	c.Send(`1/a,`)
	c.Fence()
	second := sockettest.Dial(t, srv.URL).Connect("/a", `{"pid":"`+first.PID+`"}`)
	if second.PID == first.PID || second.SID == first.SID {
		t.Error("a client that left was recovered")
	}
	close(hold)
	c.Fence()
}

// A client that is back while its old socket is still leaving the rooms used to
// leave that one in the namespace for ever.
func TestAClientThatIsBackEarlyLeavesNoSocketBehind(t *testing.T) {
	srv := recovering(t, nil)
	hold, leaving := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var mu sync.Mutex
	count := map[string]int{} // of events of the sockets' own rooms
	srv.Of("/").OnRoom(func(e socketio.RoomEvent) {
		if e.Kind == socketio.RoomLeft && e.Room == "r" {
			once.Do(func() { close(leaving); <-hold })
		}
		if e.Room != "r" {
			mu.Lock()
			count[e.Room+fmt.Sprint(e.Kind)]++
			mu.Unlock()
		}
	})
	gone := make(chan struct{}, 2)
	srv.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { gone <- struct{}{} })
	srv.OnConnection(func(s *socketio.Socket) { _ = s.Join("r") })
	c, a := join(t, srv)
	c.Fence()
	c.Cut()
	sockettest.Receive(t, "the old socket's leaving", leaving)
	back := sockettest.Dial(t, srv.URL)
	if b := back.Connect("/", `{"pid":"`+a.PID+`"}`); b != a {
		t.Fatalf("not recovered: %v, was %v", b, a)
	}
	close(hold)
	sockettest.Receive(t, "the old socket's end", gone)
	if n := srv.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets, one is there", n)
	}
	if _, ok := srv.Of("/").Socket(a.SID); !ok {
		t.Error("the socket that came back cannot be found")
	}
	back.Cut()
	sockettest.Receive(t, "the end", gone)
	if n := srv.Of("/").Len(); n != 0 {
		t.Errorf("%d sockets, none is there", n)
	}
	mu.Lock()
	defer mu.Unlock()
	for kind, want := range map[socketio.RoomEventKind]int{
		socketio.RoomCreated: 1, socketio.RoomJoined: 2, socketio.RoomLeft: 2, socketio.RoomDeleted: 1,
	} {
		if n := count[a.SID+fmt.Sprint(kind)]; n != want {
			t.Errorf("%d events of kind %d of its own room, want %d", n, kind, want)
		}
	}
}

// A client that came and went while a namespace was being announced used to take
// it away from the one it was made for, which heard "Invalid namespace".
func TestANamespaceIsKeptForWhoItWasMadeFor(t *testing.T) {
	srv := serve(t, &socketio.Options{CleanupEmptyChildNamespaces: true})
	hold, making := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p := srv.OfFunc(func(context.Context, string, *socketio.Handshake) bool { return true })
	gone := make(chan struct{}, 2)
	p.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { gone <- struct{}{} })
	srv.OnNewNamespace(func(*socketio.Namespace) { once.Do(func() { close(making); <-hold }) })
	a, b := sockettest.Dial(t, srv.URL), sockettest.Dial(t, srv.URL)
	a.Send("0/dyn,")
	sockettest.Receive(t, "the announcement", making)
	b.Connect("/dyn", "")
	b.Send("1/dyn,")
	sockettest.Receive(t, "the other client's end", gone)
	close(hold)
	if f := a.Next(); f.Text[:min(len(f.Text), 6)] != "0/dyn," {
		t.Errorf("got %q", f.Text)
	}
}

// The timer of attachments and the reader used to share a field without a lock. On a busy
// machine a client may really be late: then it is shut out, and another comes.
func TestAttachmentsComeAndGoBesideTheirTimer(t *testing.T) {
	srv := serve(t, &socketio.Options{ConnectTimeout: 5 * time.Millisecond})
	var came atomic.Int64
	srv.On("x", func(context.Context, *socketio.Event) { came.Add(1) })
	reasons := make(chan socketio.DisconnectReason, 301)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
	var c *sockettest.Client
	for range 300 {
		if c == nil || !c.Open() {
			c = sockettest.Dial(t, srv.URL)
			c.Send("0")
			sockettest.Eventually(t, "connected, or too late", func() bool { return len(c.Frames()) > 0 || !c.Open() })
		}
		before := came.Load()
		c.Send(`51-["x",{"_placeholder":true,"num":0}]`)
		c.SendBinary([]byte("x"))
		sockettest.Eventually(t, "the message, or the end of its client", func() bool { return came.Load() > before || !c.Open() })
	}
	if came.Load() == 0 {
		t.Error("no message came")
	}
	for {
		select {
		case r := <-reasons:
			if r.Detail != "attachment timeout" && r.Detail != "connect timeout" {
				t.Errorf("reason %+v", r)
			}
		default:
			return
		}
	}
}
