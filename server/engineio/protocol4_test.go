package engineio

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// This file restates the public conformance suite of Engine.IO protocol 4;
// protocol3_test.go that of protocol 3.

// suiteOptions are the intervals that the suites expect.
func suiteOptions() *Options {
	return &Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, AllowEIO3: true}
}

// beating are options for tests of the heartbeat.
func beating(interval, timeout time.Duration) *Options {
	return &Options{PingInterval: interval, PingTimeout: timeout, AllowEIO3: true}
}

func wantOpen(t *testing.T, h handshake, upgrades ...string) {
	t.Helper()
	if h.SID == "" || h.PingInterval != 300 || h.PingTimeout != 200 || h.MaxPayload != 1_000_000 {
		t.Errorf("open packet %+v", h)
	}
	if !slices.Equal(h.Upgrades, upgrades) {
		t.Errorf("upgrades %q, want %q", h.Upgrades, upgrades)
	}
}

func TestProtocol4Handshake(t *testing.T) {
	t.Parallel()
	o := suiteOptions()
	o.AllowEIO3 = false
	f := serve(t, o, echo)
	wantOpen(t, f.poll(4).handshake, TransportWebSocket)
	s := f.ws(4)
	wantOpen(t, s.handshake)
	if s.Upgrades == nil {
		t.Error("upgrades is null, not an empty list")
	}
	for _, q := range []string{"transport=polling", "EIO=abc&transport=polling"} {
		f.get(q).refused(t, http.StatusBadRequest, 5, "Unsupported protocol version")
	}
	for _, q := range []string{"EIO=4", "EIO=4&transport=abc"} {
		f.get(q).refused(t, http.StatusBadRequest, 0, "Transport unknown")
	}
	for _, m := range []string{http.MethodPost, http.MethodPut} {
		f.must(m, "EIO=4&transport=polling", "").refused(t, http.StatusBadRequest, 2, "Bad handshake method")
	}
	for _, q := range []string{"transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"} {
		if _, err := f.tryUpgrade(q); err == nil {
			t.Errorf("?%s opened a WebSocket", q)
		}
	}
}

func TestProtocol4PollingMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	for _, body := range []string{"4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="} {
		c := f.poll(4)
		c.post(body).want(t, http.StatusOK, "ok")
		c.get().want(t, http.StatusOK, body)
	}
}

func TestProtocol4PollingEndsOnABadPacket(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, echo).poll(4)
	c.post("abc").refused(t, http.StatusBadRequest, 3, "Bad request: bad packet: engine.io: unknown packet type 'a' at byte 0")
	c.gone(t)
	c.side().ended(t, ReasonParseError, DetailBadPacket)
}

func TestProtocol4PollingEndsOnTwoPolls(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, echo).poll(4)
	first := c.hold("")
	c.getT("burst").refused(t, http.StatusBadRequest, 3, "Bad request")
	await(t, "the first poll", first.answer).want(t, http.StatusOK, "1")
	c.gone(t)
}

func TestProtocol4WebSocketMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	s := f.ws(4)
	s.send("4hello")
	s.want("4hello")
	s.sendBinary([]byte{1, 2, 3, 4})
	got, err := s.next()
	if err != nil || got.Header.OpCode != ws.OpBinary || string(got.Payload) != "\x01\x02\x03\x04" {
		t.Fatalf("got %+v, %v", got, err)
	}
	s.send("abc")
	s.closes()
	s.side(f).ended(t, ReasonParseError, DetailBadPacket)
}

func TestProtocol4Heartbeat(t *testing.T) {
	t.Parallel()
	f := serve(t, beating(100*time.Millisecond, within), echo)
	c, s := f.poll(4), f.ws(4)
	for range 3 {
		c.get().want(t, http.StatusOK, "2")
		c.post("3").want(t, http.StatusOK, "ok")
		s.want("2")
		s.send("3")
	}
}

func TestProtocol4PingTimeout(t *testing.T) {
	t.Parallel()
	f := serve(t, beating(100*time.Millisecond, 100*time.Millisecond), echo)
	c, s := f.poll(4), f.ws(4)
	s.closes()
	s.side(f).ended(t, ReasonPingTimeout, DetailNoPong)
	c.side().ended(t, ReasonPingTimeout, DetailNoPong)
	c.gone(t)
}

func TestProtocol4ClientCloses(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	c := f.poll(4)
	w := c.hold("")
	c.post("1").want(t, http.StatusOK, "ok")
	await(t, "the poll", w.answer).want(t, http.StatusOK, "6")
	c.side().ended(t, ReasonTransportClose, DetailClosePacket)
	c.gone(t)

	s := f.ws(4)
	s.send("1")
	s.closes()
	s.side(f).ended(t, ReasonTransportClose, DetailClosePacket)
}

func TestProtocol4Upgrade(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	c := f.poll(4)
	s := f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	s.send("2probe")
	s.want("3probe")
	c.get().want(t, http.StatusOK, "6")
	s.send("5")
	s.send("4hello")
	s.want("4hello")
	if got := c.side().Transport(); got != TransportWebSocket {
		t.Errorf("transport is %s", got)
	}
}

func TestProtocol4RequestsWithTheSidAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	c := f.poll(4)
	s := f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	s.send("2probe") // the client does not wait
	s.send("5")
	s.want("3probe")
	eventually(t, "upgraded", func() bool { return c.side().Transport() == TransportWebSocket })
	c.get().refused(t, http.StatusBadRequest, 3, "Bad request")
	c.post("4x").refused(t, http.StatusBadRequest, 3, "Bad request")
	second := f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	second.closes()
	s.send("4hello")
	s.want("4hello")
}
