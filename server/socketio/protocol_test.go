package socketio_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// The cases of the protocol's own test suite (socket.io-protocol, test-suite),
// against the small server it asks for.
func protocolServer(t *testing.T) *sockettest.Server {
	t.Helper()
	srv := serve(t, &socketio.Options{
		ConnectTimeout: time.Second,
		Engine:         engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 5 * time.Second},
	})
	setUp := func(s *socketio.Socket) {
		_ = s.Emit("auth", s.Handshake().Auth)
		s.On("message", func(_ context.Context, e *socketio.Event) {
			_ = s.Emit("message-back", e.Args().Values()...)
		})
		s.On("message-with-ack", func(_ context.Context, e *socketio.Event) {
			_ = e.Ack(e.Args().Values()...)
		})
	}
	srv.OnConnection(setUp)
	srv.Of("/custom").OnConnection(setUp)
	return srv
}

func TestConnectAnswersWithSidAndAuth(t *testing.T) {
	srv := protocolServer(t)
	for _, tc := range []struct{ send, prefix, auth string }{
		{"0", "0", `2["auth",{}]`},
		{`0{"token":"123"}`, "0", `2["auth",{"token":"123"}]`},
		{"0/custom,", "0/custom,", `2/custom,["auth",{}]`},
		{"0/custom", "0/custom,", `2/custom,["auth",{}]`},
		{`0/custom,{"token":"abc"}`, "0/custom,", `2/custom,["auth",{"token":"abc"}]`},
	} {
		c := sockettest.Dial(t, srv.URL)
		c.Send(tc.send)
		f := c.Next()
		rest, ok := strings.CutPrefix(f.Text, tc.prefix)
		if !ok {
			t.Fatalf("answer to %q: %q", tc.send, f.Text)
		}
		var body map[string]string
		if err := json.Unmarshal([]byte(rest), &body); err != nil {
			t.Fatalf("answer to %q: %v", tc.send, err)
		}
		if len(body) != 1 || !regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`).MatchString(body["sid"]) {
			t.Errorf("answer to %q holds %v, want a sid of 20 characters and nothing else", tc.send, body)
		}
		c.Expect(tc.auth)
	}
}

func TestUnknownNamespaceIsRefused(t *testing.T) {
	c := sockettest.Dial(t, protocolServer(t).URL)
	c.Send("0/random")
	c.Expect(`4/random,{"message":"Invalid namespace"}`)
}

func TestMalformedHandshakeEndsTheConnection(t *testing.T) {
	c := sockettest.Dial(t, protocolServer(t).URL)
	c.Send("abc")
	c.ExpectClose()
}

func TestConnectionWithoutNamespaceIsClosed(t *testing.T) {
	c := sockettest.Dial(t, protocolServer(t).URL)
	c.ExpectClose()
}

func TestClientLeavesMainNamespaceAndStaysConnected(t *testing.T) {
	srv := protocolServer(t)
	reasons := make(chan socketio.DisconnectReason, 1)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
	c, _ := join(t, srv)
	c.Expect(`2["auth",{}]`)
	c.Send("1")
	if r := sockettest.Receive(t, "disconnect", reasons); r.Reason != "client namespace disconnect" {
		t.Errorf("reason %q", r.Reason)
	}
	c.Connect("/", "")
	c.Expect(`2["auth",{}]`)
}

func TestClientLeavesOneNamespaceAndKeepsTheOther(t *testing.T) {
	c, _ := join(t, protocolServer(t))
	c.Expect(`2["auth",{}]`)
	c.Connect("/custom", "")
	c.Expect(`2/custom,["auth",{}]`)
	c.Send("1/custom,")
	c.Send(`2["message","message to main namespace"]`)
	c.Expect(`2["message-back","message to main namespace"]`)
}

func TestMessagesComeBackUnchanged(t *testing.T) {
	c, _ := join(t, protocolServer(t))
	c.Expect(`2["auth",{}]`)

	c.Send(`2["message",1,"2",{"3":[true]}]`)
	c.Expect(`2["message-back",1,"2",{"3":[true]}]`)

	c.Send(`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.SendBinary([]byte("\x01\x02\x03"))
	c.SendBinary([]byte("\x04\x05\x06"))
	c.Expect(`52-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.ExpectBinary("\x01\x02\x03")
	c.ExpectBinary("\x04\x05\x06")

	c.Send(`2456["message-with-ack",1,"2",{"3":[false]}]`)
	c.Expect(`3456[1,"2",{"3":[false]}]`)

	c.Send(`52-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.SendBinary([]byte("\x01\x02\x03"))
	c.SendBinary([]byte("\x04\x05\x06"))
	c.Expect(`62-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.ExpectBinary("\x01\x02\x03")
	c.ExpectBinary("\x04\x05\x06")
}

func TestMalformedPacketsEndTheConnection(t *testing.T) {
	srv := protocolServer(t)
	for _, packet := range []string{"abc", "2{}", `2abc["message-with-ack",1,"2",{"3":[false]}]`} {
		c, _ := join(t, srv)
		c.Expect(`2["auth",{}]`)
		c.Send(packet)
		c.ExpectClose()
	}
}
