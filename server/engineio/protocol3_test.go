package engineio

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func TestProtocol3Handshake(t *testing.T) {
	t.Parallel()
	f := serve(t, suiteOptions(), echo)
	wantOpen(t, f.poll(3).handshake, TransportWebSocket)
	wantOpen(t, f.ws(3).handshake)
	for _, q := range []string{"EIO=3", "EIO=3&transport=abc"} {
		f.get(q).refused(t, http.StatusBadRequest, 0, "Transport unknown")
		if _, err := f.tryUpgrade(q); err == nil {
			t.Errorf("?%s opened a WebSocket", q)
		}
	}
	f.post("EIO=3&transport=polling", "").refused(t, http.StatusBadRequest, 2, "Bad handshake method")
	// Whoever does not say 4 speaks 3.
	if a := f.get("transport=polling"); a.status != http.StatusOK || !strings.Contains(a.body, ":0{") {
		t.Errorf("without EIO: %d %q", a.status, a.body)
	}
}

func TestProtocol3PollingMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	for _, body := range []string{"6:4hello", "6:4test16:4test26:4test3", "6:4hello10:b4AQIDBA==", "5:4€😀b2:4c"} {
		c := f.poll(3, "b64=1")
		c.post(body).want(t, http.StatusOK, "ok")
		a := c.get()
		a.want(t, http.StatusOK, body)
		if got := a.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
			t.Errorf("content type %q", got)
		}
	}
}

func TestProtocol3BinaryPayloadForClientsThatTakeIt(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, echo).poll(3)
	c.post("6:4hello10:b4AQIDBA==").want(t, http.StatusOK, "ok")
	a := c.get()
	a.want(t, http.StatusOK, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04")
	if got := a.header.Get("Content-Type"); got != "application/octet-stream" {
		t.Errorf("content type %q", got)
	}
}

func TestProtocol3BinaryBody(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, nil).poll(3)
	a := c.do(t.Context(), http.MethodPost, c.query, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04",
		http.Header{"Content-Type": {"application/octet-stream"}})
	a.want(t, http.StatusOK, "ok")
	if got := await(t, "text", c.side().in); got != (received{"hello", false}) {
		t.Errorf("got %+v", got)
	}
	if got := await(t, "binary", c.side().in); got != (received{"\x01\x02\x03\x04", true}) {
		t.Errorf("got %+v", got)
	}
}

func TestProtocol3PollingEndsOnABadPacket(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, echo).poll(3)
	c.post("abc").refused(t, http.StatusBadRequest, 3, "Bad request: bad packet: engine.io: no packet length at byte 0")
	c.gone(t)
}

func TestProtocol3PollingEndsOnTwoPolls(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, echo).poll(3)
	first := c.hold("")
	c.getT("burst").refused(t, http.StatusBadRequest, 3, "Bad request")
	await(t, "the first poll", first.answer).want(t, http.StatusOK, "1:1")
	c.gone(t)
}

func TestProtocol3WebSocketMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	s := f.ws(3)
	s.send("4hello")
	s.want("4hello")
	s.sendBinary([]byte{4, 1, 2, 3, 4})
	got, err := s.next()
	if err != nil || got.Header.OpCode != ws.OpBinary || string(got.Payload) != "\x04\x01\x02\x03\x04" {
		t.Fatalf("got %+v, %v", got, err)
	}
	s.send("b4AQIDBA==") // a client without binary
	if got, err = s.next(); err != nil || string(got.Payload) != "\x04\x01\x02\x03\x04" {
		t.Fatalf("got %+v, %v", got, err)
	}
	s.send("abc")
	s.closes()
	s.side(f).ended(t, ReasonParseError, DetailBadPacket)
}

func TestProtocol3Heartbeat(t *testing.T) {
	t.Parallel()
	f := serve(t, beating(100*time.Millisecond, within), echo)
	c, s := f.poll(3), f.ws(3)
	for range 3 {
		c.post("1:2").want(t, http.StatusOK, "ok")
		c.get().want(t, http.StatusOK, "1:3")
		s.send("2")
		s.want("3")
	}
}

func TestProtocol3PingTimeout(t *testing.T) {
	t.Parallel()
	f := serve(t, beating(100*time.Millisecond, 100*time.Millisecond), echo)
	c, s := f.poll(3), f.ws(3)
	s.closes()
	s.side(f).ended(t, ReasonPingTimeout, DetailNoPong)
	c.side().ended(t, ReasonPingTimeout, DetailNoPong)
	c.post("1:2").refused(t, http.StatusBadRequest, 1, "Session ID unknown")
}

func TestProtocol3ClientCloses(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	c := f.poll(3)
	w := c.hold("")
	c.post("1:1").want(t, http.StatusOK, "ok")
	await(t, "the poll", w.answer).want(t, http.StatusOK, "1:6")
	c.gone(t)

	s := f.ws(3)
	s.send("1")
	s.closes()
	s.side(f).ended(t, ReasonTransportClose, DetailClosePacket)
}

func TestProtocol3Upgrade(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	c := f.poll(3)
	s := f.upgrade("EIO=3&transport=websocket&sid=" + c.SID)
	s.send("2probe")
	s.want("3probe")
	c.get().want(t, http.StatusOK, "1:6")
	s.send("5")
	s.send("4hello")
	s.want("4hello")
	c.get().refused(t, http.StatusBadRequest, 3, "Bad request")
	f.upgrade("EIO=3&transport=websocket&sid=" + c.SID).closes()
	s.send("4still")
	s.want("4still")
}
