package ws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/ws"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestWhoIsNotLetIn is told by a close code.
func TestWhoIsNotLetIn(t *testing.T) {
	h := open(t, &plan{strict: true, ws: ws.Config{AuthTimeout: 20 * time.Millisecond}})
	sockettest.DialPlain(t, h.URL+"/ws").ExpectClosed(4001, "Authentication required") // in time
	sockettest.DialPlain(t, h.URL+"/ws?namespace=/none&ticket=x").ExpectClosed(4004, "Unknown namespace")
	bad := sockettest.DialPlain(t, h.URL+"/ws?ticket=bad")
	bad.ExpectPrefix(`{"type":"error","error":{"code":"invalid_token"`)
	bad.ExpectClosed(4002, "Invalid token")

	patient := open(t, &plan{strict: true})
	for message, want := range map[string]int{
		`{"type":"join","room":"r"}`:     4001,
		`{"type":"auth"}`:                4001,
		`what?`:                          4001,
		`{"type":"auth","token":"fake"}`: 4002,
	} {
		c := sockettest.DialPlain(t, patient.URL+"/ws")
		c.Send(message)
		c.ExpectClosed(want, map[int]string{4001: "Authentication required", 4002: "Invalid token"}[want])
	}
	sockettest.Eventually(t, "no session is left", func() bool { return patient.Engine().Len() == 0 })
}

// TestWhoHasToGo: a token that ends, a block, and the application's own wish.
func TestWhoHasToGo(t *testing.T) {
	h := open(t, &plan{strict: true})
	h.desk.Give("short", "ann", 300*time.Millisecond)
	h.desk.Give("long", "bob", 0)
	ann, bob := sockettest.DialPlain(t, h.URL+"/ws?ticket=short"), sockettest.DialPlain(t, h.URL+"/ws?ticket=long")
	ann.ExpectPrefix(`{"type":"welcome"`)
	ann.ExpectPrefix(`{"type":"event","event":"auth:expiring","data":[{"expires":`)
	ann.ExpectPrefix(`{"type":"event","event":"sockeye:end","data":[{"code":"token_expired"`)
	ann.ExpectClosed(4002, "Token expired")
	bob.ExpectPrefix(`{"type":"welcome"`)
	h.desk.Hear("bob", auth.Block{Reason: "be nice"})
	bob.ExpectPrefix(`{"type":"event","event":"sockeye:end","data":[{"code":"blocked"`)
	bob.ExpectClosed(4003, "Blocked")
	kicked := sockettest.DialPlain(t, h.URL+"/ws?ticket=long")
	kicked.ExpectPrefix(`{"type":"welcome"`)
	if err := h.Of("/").DisconnectSockets(true); err != nil {
		t.Fatal(err)
	}
	kicked.ExpectClosed(4000, "Disconnected by the server")
}

// TestAbuse: who sends what is no message, too much at once, or too much for too long.
func TestAbuse(t *testing.T) {
	h := open(t, &plan{engine: engineio.Options{MaxPayload: 1000}, limits: limit.Options{Events: limit.Rate{PerSecond: 1, Burst: 20}}})
	c := h.ws()
	for range 9 {
		c.Send(`no`)
		c.ExpectPrefix(`{"type":"error"`)
	}
	c.Send(`no`)
	c.ExpectClosed(1008, "Too many malformed messages")

	c = h.ws()
	c.Send(strings.Repeat(" ", 1001))
	c.ExpectClosed(4009, "Message too large")

	c = h.ws()
	c.SendBinary([]byte{1})
	c.ExpectClosed(1003, "Text messages only")

	c = h.ws()
	for range 40 {
		c.Send(`{"type":"ping","id":1}`)
	}
	refused := 0
	for refused == 0 {
		if strings.Contains(c.Next(), `{"type":"error","id":1,"error":{"code":"rate_limited"`) {
			refused++
		}
	}
	for range 60 {
		c.Send(`{"type":"ping","id":1}`)
	}
	c.ExpectClosed(4008, "Rate limited")
}

// TestDrainSendsClientsElsewhere: they are told that the service restarts, after what is
// queued.
func TestDrainSendsClientsElsewhere(t *testing.T) {
	h := open(t, &plan{})
	c := h.ws()
	if err := h.Of("/").Emit("last", 1); err != nil {
		t.Fatal(err)
	}
	if err := h.Engine().Release(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	c.Expect(`{"type":"event","event":"last","data":[1]}`)
	c.ExpectClosed(1012, "Service restart")
	if r := sockettest.Receive(t, "the end", h.ends); r.Reason != string(engineio.ReasonShutdown) || r.Detail != string(engineio.DetailDrain) {
		t.Errorf("ended with %v", r)
	}
}

// TestTheSilentAndTheSlow: who answers no ping is gone, and who takes nothing is cut.
func TestTheSilentAndTheSlow(t *testing.T) {
	h := open(t, &plan{engine: engineio.Options{PingInterval: 20 * time.Millisecond, PingTimeout: 30 * time.Millisecond}})
	_ = h.ws() // which reads no more, so that it answers nothing
	if r := sockettest.Receive(t, "the end", h.ends); r.Reason != string(engineio.ReasonPingTimeout) {
		t.Errorf("the silent one ended with %v", r)
	}

	h = open(t, &plan{engine: engineio.Options{OutboxLimit: 1 << 10, OutboxMax: 64 << 10}})
	_ = sockettest.DialPlain(t, h.URL+"/ws")
	sockettest.Eventually(t, "it is there", func() bool { return len(h.Of("/").Sockets()) == 1 })
	text := strings.Repeat("x", 32<<10)
	for len(h.Of("/").Sockets()) > 0 {
		if err := h.Of("/").Emit("flood", text); err != nil {
			t.Fatal(err)
		}
	}
	if r := sockettest.Receive(t, "the end", h.ends); r.Detail != string(engineio.DetailOutboxOverflow) {
		t.Errorf("the slow one ended with %v", r)
	}
}
