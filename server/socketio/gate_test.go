package socketio_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// gate lets so many packets pass.
type gate struct {
	left   atomic.Int64
	asked  atomic.Int64
	expel  atomic.Bool
	silent atomic.Bool
}

func (*gate) Read(int) time.Duration { return 0 }
func (*gate) Leave()                 {}
func (g *gate) Notify() bool         { return !g.silent.Load() }

func (g *gate) Packet() (time.Duration, bool) {
	left := g.left.Add(-1)
	g.asked.Add(1)
	if left >= 0 {
		return 0, false
	}
	return 1500 * time.Millisecond, g.expel.Load()
}

// gated starts a server whose connections have this gate.
func gated(t *testing.T, g *gate, o *socketio.Options) *sockettest.Server {
	t.Helper()
	o.Engine.Enter = func(*http.Request) (engineio.Pass, error) { return g, nil }
	return serve(t, o)
}

func TestEventsAboveTheRateAreAnsweredAndNotHandled(t *testing.T) {
	g := &gate{}
	g.left.Store(2)
	srv := gated(t, g, &socketio.Options{})
	var handled atomic.Int64
	srv.On("hit", func(_ context.Context, e *socketio.Event) {
		handled.Add(1)
		_ = e.Ack("ok")
	})
	c, a := join(t, srv)
	if got, ok := socketOf(t, srv, a).Conn().Pass().(*gate); !ok || got != g {
		t.Errorf("the pass is %v", got)
	}
	c.Send(`21["hit"]`)
	c.Expect(`31["ok"]`)
	c.Send(`22["hit"]`)
	c.Expect(`32[{"error":{"code":"rate_limited","limit":"events","message":"too many events: slow down","retryAfter":1500}}]`)
	c.Send(`2["hit"]`)
	c.Expect(`2["limit",{"limit":"events","message":"too many events: slow down","retryAfter":1500}]`)
	c.Send("51-" + `["hit",{"_placeholder":true,"num":0}]`) // an attachment goes with its event
	c.SendBinary([]byte("x"))
	c.Expect(`2["limit",{"limit":"events","message":"too many events: slow down","retryAfter":1500}]`)
	g.silent.Store(true)
	before := g.asked.Load()
	c.Send(`2["hit"]`)
	sockettest.Eventually(t, "it is refused", func() bool { return g.asked.Load() > before })
	g.left.Store(100)
	c.Fence()
	if n := handled.Load(); n != 1 {
		t.Errorf("%d were handled", n)
	}
}

func TestConnectsAboveTheRateAreRefused(t *testing.T) {
	g := &gate{}
	g.left.Store(1)
	srv := gated(t, g, &socketio.Options{})
	srv.Of("/a")
	c, _ := join(t, srv)
	for range 3 {
		c.Send("0/a,")
		c.Expect(`4/a,{"data":{"code":"rate_limited","message":"too many packets: slow down","retryAfter":1500},"message":"too many packets: slow down"}`)
	}
	g.left.Store(100)
	c.Connect("/a", "")
	c.Fence()
}

// The server's own questions cost the client nothing; answers to nothing do.
func TestAcksThatAreAwaitedAreNotCounted(t *testing.T) {
	g := &gate{}
	g.left.Store(1)
	srv := gated(t, g, &socketio.Options{})
	c, a := join(t, srv)
	answered := make(chan error, 1)
	go func() {
		_, err := socketOf(t, srv, a).EmitWithAck(context.Background(), "q")
		answered <- err
	}()
	id := strings.TrimSuffix(strings.TrimPrefix(c.Next().Text, "2"), `["q"]`)
	c.Send("3" + id + "[]")
	if err := sockettest.Receive(t, "the answer", answered); err != nil {
		t.Fatal(err)
	}
	if n := g.asked.Load(); n != 1 { // the connect
		t.Errorf("asked %d times", n)
	}
	g.expel.Store(true)
	c.Send("3" + id + "[]")
	c.Expect(`2["sockeye:end",{"code":"rate_limited","message":"disconnected: too much was sent for too long"}]`)
}

// Who goes on is told why, and sent away from every namespace, so that the client does
// not come back by itself.
func TestWhoGoesOnIsSentAway(t *testing.T) {
	for name, packet := range map[string]string{"events": `2["x"]`, "connects": "0/b,", "disconnects": "1/nowhere,"} {
		g := &gate{}
		g.left.Store(2)
		srv := gated(t, g, &socketio.Options{})
		srv.Of("/a")
		ended := make(chan socketio.DisconnectReason, 2)
		srv.OnConnection(func(s *socketio.Socket) { s.OnDisconnect(func(r socketio.DisconnectReason) { ended <- r }) })
		c, _ := join(t, srv)
		c.Connect("/a", "")
		g.expel.Store(true)
		c.Send(packet)
		c.Expect(`2["sockeye:end",{"code":"rate_limited","message":"disconnected: too much was sent for too long"}]`)
		c.Expect("1")
		c.Expect(`2/a,["sockeye:end",{"code":"rate_limited","message":"disconnected: too much was sent for too long"}]`)
		c.Expect("1/a,")
		c.ExpectClose()
		want := socketio.DisconnectReason{Reason: "server namespace disconnect", Detail: "rate_limited"}
		if r := sockettest.Receive(t, "disconnect", ended); r != want {
			t.Errorf("%s: ended with %+v", name, r)
		}
	}
}

func TestEventNamesAreBounded(t *testing.T) {
	srv := serve(t, &socketio.Options{MaxEventName: 5})
	c, _ := join(t, srv)
	long := strings.Repeat("x", 6)
	c.Send(fmt.Sprintf(`27[%q]`, long))
	c.Expect(`37[{"error":{"code":"event_name_too_long","limit":"event-name","message":"the event's name is longer than 5 bytes"}}]`)
	c.Send(fmt.Sprintf(`2[%q]`, long))
	c.Expect(`2["limit",{"limit":"event-name","message":"the event's name is longer than 5 bytes"}]`)
	c.Fence()
	if _, err := socketio.New(&socketio.Options{MaxEventName: -1}); err == nil {
		t.Error("a bound below zero is taken")
	}
}
