package socketio_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// gauge writes down what the metrics are told of events and recovery.
type gauge struct {
	socketio.NopObserver
	told chan string
}

func newGauge() *gauge { return &gauge{told: make(chan string, 100)} }

func (g *gauge) EventReceived(ns string, bytes int) {
	g.told <- fmt.Sprintf("received %s %d", ns, bytes)
}

func (g *gauge) EventSent(ns string, n, bytes int) {
	g.told <- fmt.Sprintf("sent %s %d %d", ns, n, bytes)
}

func (g *gauge) FannedOut(ns string, n int, took time.Duration) {
	if took <= 0 {
		g.told <- "no time"
	}
	g.told <- fmt.Sprintf("fanned out %s %d", ns, n)
}

func (g *gauge) RecoveryTried(ns string, outcome socketio.Miss) {
	g.told <- fmt.Sprintf("recovery %s %s", ns, string(outcome))
}

func (g *gauge) expect(t *testing.T, want string) {
	t.Helper()
	if got := sockettest.Receive(t, want, g.told); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestEventsAreCountedWithTheirBytes(t *testing.T) {
	g := newGauge()
	srv := serve(t, &socketio.Options{Observer: g})
	srv.On("x", func(context.Context, *socketio.Event) {})
	c, a := join(t, srv)
	other, _ := join(t, srv)
	c.Send(`2["x","12345"]`)
	g.expect(t, "received / 14")
	c.Send(`51-["x",{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte("123"))
	g.expect(t, "received / 41")

	if err := socketOf(t, srv, a).Emit("one", 1); err != nil {
		t.Fatal(err)
	}
	g.expect(t, "sent / 1 10") // 2["one",1]
	if err := srv.Emit("all", 1); err != nil {
		t.Fatal(err)
	}
	g.expect(t, "sent / 2 20")
	g.expect(t, "fanned out / 2")
	if err := srv.To("nobody").Emit("all", 1); err != nil {
		t.Fatal(err)
	}
	g.expect(t, "fanned out / 0")
	other.Expect(`2["all",1]`)
}

func TestOutcomesOfRecoveryAreTold(t *testing.T) {
	g := newGauge()
	srv := serve(t, &socketio.Options{Observer: g, Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}})
	arrived := arrive(t, srv)
	unknown := arrived.answer.PID[20:] + arrived.answer.PID[:20]
	arrived.cut()
	for auth, want := range map[string]string{
		`{"pid":"short"}`: "malformed",
		fmt.Sprintf(`{"pid":%q,"offset":1}`, unknown): "malformed",
		fmt.Sprintf(`{"pid":%q}`, unknown):            "unknown session",
	} {
		sockettest.Dial(t, srv.URL).Connect("/", auth)
		g.expect(t, "recovery / "+want)
	}
	sockettest.Dial(t, srv.URL).Connect("/", `{"token":"nothing was asked for"}`)
	if !arrived.back() {
		t.Fatal("not recovered")
	}
	g.expect(t, "recovery / recovered")
	arrived.cut()
	sockettest.Dial(t, srv.URL).Connect("/", fmt.Sprintf(`{"pid":%q,"offset":"none"}`, arrived.answer.PID))
	g.expect(t, "recovery / incomplete")
}
