package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// Every kind of malformed input ends the connection that sent it, with a name,
// and harms nobody else in the room.
func TestMalformedInputHarmsOnlyItsSender(t *testing.T) {
	srv := serve(t, nil)
	type ending struct {
		r      socketio.DisconnectReason
		errors int
	}
	endings := make(chan ending, 1)
	srv.OnConnection(func(s *socketio.Socket) {
		_ = s.Join("room")
		failures := 0
		s.OnError(func(error) { failures++ })
		s.OnDisconnect(func(r socketio.DisconnectReason) { endings <- ending{r, failures} })
	})
	srv.On("say", func(_ context.Context, e *socketio.Event) {
		_ = srv.To("room").Emit("msg", e.Args().Values()...)
	})
	other, _ := join(t, srv)
	for name, messages := range map[string][]string{
		"no type":               {""},
		"no such type":          {"7"},
		"text for attachment":   {`51-["say",{"_placeholder":true,"num":0}]`, `2["say",1]`},
		"no attachments":        {`5["say"]`},
		"too many attachments":  {`511-["say",` + strings.Repeat(`{"_placeholder":true,"num":0},`, 10) + `{"_placeholder":true,"num":0}]`},
		"placeholder too high":  {`51-["say",{"_placeholder":true,"num":1}]`, "binary"},
		"placeholder negative":  {`51-["say",{"_placeholder":true,"num":-1}]`, "binary"},
		"placeholder of text":   {`51-["say",{"_placeholder":true,"num":"0"}]`, "binary"},
		"reserved name":         {`2["disconnect","x"]`},
		"reserved binary":       {`51-["connect_error",{"_placeholder":true,"num":0}]`, "binary"},
		"deep":                  {`2["say",` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "]"},
		"huge event name":       {`2["` + strings.Repeat("x", 100_000) + `"]`},
		"no event name":         {"2[]"},
		"object for event name": {`2[{}]`},
		"not JSON":              {`2["say",]`},
		"half a string":         {`2["say","`},
		"huge ack id":           {`299999999999999999999["say"]`},
		"ack without id":        {"3[]"},
		"namespace half":        {"2/room"},
		"binary out of turn":    {"binary"},
		"CONNECT_ERROR":         {`4{"message":"x"}`},
	} {
		c, _ := join(t, srv)
		for _, m := range messages {
			if m == "binary" {
				c.SendBinary([]byte{1})
				continue
			}
			c.Send(m)
		}
		c.ExpectClose()
		e := sockettest.Receive(t, "disconnect: "+name, endings)
		unexpected := e.r == socketio.DisconnectReason{Reason: "forced server close", Detail: "unexpected packet"}
		malformed := e.r == socketio.DisconnectReason{Reason: "forced close", Detail: "bad message"}
		if !unexpected && !malformed {
			t.Errorf("%s: reason %+v", name, e.r)
		}
		if malformed != (e.errors == 1) {
			t.Errorf("%s: %+v, %d calls of OnError", name, e.r, e.errors)
		}
	}
	other.ExpectNothing()
	other.Fence()
}

// What one client says is relayed byte for byte, or not at all: 0x1E, quotes and
// control characters must not break the frames of the others.
func TestRelayedArgumentsCannotBreakOthers(t *testing.T) {
	srv := serve(t, nil)
	srv.OnConnection(func(s *socketio.Socket) { _ = s.Join("room") })
	srv.On("say", func(_ context.Context, e *socketio.Event) {
		_ = srv.To("room").Emit("msg", e.Args().Values()...)
	})
	a, _ := join(t, srv)
	b, _ := join(t, srv)
	b.Fence()
	for _, arg := range []string{
		`"\u001e4"`, `"\\\"]"`, `{"_placeholder":true,"num":0}`, `{"a":{"_placeholder":true}}`, `"\ud83d\ude00"`, `1e400`, `-0.0`,
	} {
		a.Send(`2["say",` + arg + `]`)
		want := `2["msg",` + arg + `]`
		got := b.Next().Text
		if got != want {
			t.Errorf("%s was relayed as %s", arg, got)
		}
		if a.Next().Text != got {
			t.Error("two members got different bytes")
		}
	}
	// Raw control characters are not JSON.
	a.Send("2[\"say\",\"\x1e\"]")
	a.ExpectClose()
	b.Fence()
}

func TestAttachmentsThatNeverComeEndTheConnection(t *testing.T) {
	srv := serve(t, &socketio.Options{ConnectTimeout: 100 * time.Millisecond})
	reasons := make(chan socketio.DisconnectReason, 1)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
	srv.On("bin", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	c, _ := join(t, srv)
	for range 3 { // those that come do no harm, nor does time between them
		c.Send(`51-1["bin",{"_placeholder":true,"num":0}]`)
		c.SendBinary([]byte{1})
		c.Expect("31[]")
		<-time.After(60 * time.Millisecond)
	}
	c.Send(`51-["bin",{"_placeholder":true,"num":0}]`)
	c.ExpectClose()
	want := socketio.DisconnectReason{Reason: "forced server close", Detail: "attachment timeout"}
	if r := sockettest.Receive(t, "disconnect", reasons); r != want {
		t.Errorf("reason %+v", r)
	}
}

// Connecting and leaving without a pause: the work this makes is bounded.
func TestConnectAndLeaveFlood(t *testing.T) {
	srv := serve(t, &socketio.Options{MaxNamespaces: 5})
	release := make(chan struct{})
	srv.OnConnection(func(*socketio.Socket) { <-release })
	c := sockettest.Dial(t, srv.URL)
	refused := 0
	for range 200 {
		c.Send("0")
		f := c.Next()
		if strings.HasPrefix(f.Text, "4") {
			refused++
			continue
		}
		c.Send("1")
	}
	close(release)
	if refused < 150 {
		t.Errorf("%d of 200 refused while no handler returned", refused)
	}
	sockettest.Eventually(t, "the end of all sockets", func() bool { return srv.Of("/").Len() == 0 })
	c.Send("0")
	if f := c.Next(); !strings.HasPrefix(f.Text, "0") {
		t.Errorf("afterwards: %q", f.Text)
	}
}

func TestHugeNumberOfRoomsIsLeftQuickly(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	for i := range 20000 {
		_ = s.Join(fmt.Sprint("room ", i))
	}
	for i := range 100 {
		s.Leave(fmt.Sprint("room ", i*100))
	}
	c.Cut()
	sockettest.Receive(t, "the end", s.Context().Done())
	if rooms := srv.Of("/").Rooms(); len(rooms) != 0 {
		t.Errorf("%d rooms left", len(rooms))
	}
}
