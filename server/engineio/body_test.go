package engineio

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestABodyAboveMaxPayloadIsRefused(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{MaxPayload: 100}, nil)
	for name, send := range map[string]func(c *pollClient, conn *rawHTTP, body string){
		"by its length": func(c *pollClient, conn *rawHTTP, body string) {
			conn.request(http.MethodPost, c.query, "Content-Length: 101\r\n", body)
		},
		"by its announced length, unsent": func(c *pollClient, conn *rawHTTP, _ string) {
			conn.request(http.MethodPost, c.query, "Content-Length: 101\r\n", "4")
		},
		"in chunks": func(c *pollClient, conn *rawHTTP, body string) {
			conn.request(http.MethodPost, c.query, "Transfer-Encoding: chunked\r\n", "32\r\n"+body[:50]+"\r\n33\r\n"+body[50:]+"\r\n0\r\n\r\n")
		},
		"in chunks without end": func(c *pollClient, conn *rawHTTP, body string) {
			conn.request(http.MethodPost, c.query, "Transfer-Encoding: chunked\r\n", "65\r\n"+body+"\r\n")
		},
	} {
		c := f.poll(4)
		conn := f.dial()
		send(c, conn, "4"+strings.Repeat("a", 100))
		t.Log(name)
		conn.response().refused(t, http.StatusRequestEntityTooLarge, 3, "Payload too large")
		c.side().ended(t, ReasonTransportError, DetailPayloadTooLarge)
		if len(c.side().in) != 0 {
			t.Errorf("%s: delivered", name)
		}
	}
	c := f.poll(4)
	c.post("4"+strings.Repeat("a", 99)).want(t, http.StatusOK, "ok")
	if got := await(t, "the message", c.side().in); len(got.data) != 99 {
		t.Errorf("%d bytes", len(got.data))
	}
}

func TestChunkedAndSplitBodies(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{MaxPayload: 2 << 20}, nil)
	c := f.poll(4)
	conn := f.dial()
	conn.request(http.MethodPost, c.query, "Transfer-Encoding: chunked\r\n", "2\r\n41\r\n1\r\n2\r\n1\r\n3\r\n0\r\n\r\n")
	conn.response().want(t, http.StatusOK, "ok")
	if got := await(t, "the message", c.side().in); got.data != "123" {
		t.Errorf("got %q", got.data)
	}
	big := strings.Repeat("a", 1_000_000)
	conn.request(http.MethodPost, c.query, "Content-Length: 1000001\r\n", "4"+big[:500_000])
	if _, err := conn.Write([]byte(big[500_000:])); err != nil {
		t.Fatal(err)
	}
	conn.response().want(t, http.StatusOK, "ok")
	if got := await(t, "the message", c.side().in); got.data != big {
		t.Errorf("got %d bytes", len(got.data))
	}
}

func TestBodiesThatAreNoPayload(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	for name, q := range map[string]struct {
		protocol   int
		body, kind string
		message    string
		reason     Reason
		detail     Detail
	}{
		"binary in protocol 4":   {4, "\x01\x02", "application/octet-stream", "Bad content type: protocol 4 sends binary as base64 text", ReasonTransportError, DetailBadContentType},
		"no UTF-8":               {4, "4\xff\xfe", "text/plain", "Request body is not UTF-8", ReasonTransportError, DetailBadUTF8},
		"no UTF-8 in protocol 3": {3, "2:4\xff", "text/plain", "Request body is not UTF-8", ReasonTransportError, DetailBadUTF8},
		"empty":                  {4, "", "", "Bad request: bad packet: engine.io: empty packet at byte 0", ReasonParseError, DetailBadPacket},
		"empty in protocol 3":    {3, "", "", "Bad request: bad packet: engine.io: empty payload at byte 0", ReasonParseError, DetailBadPacket},
		"an unknown type":        {4, "4a\x1e9", "", "Bad request: bad packet: engine.io: unknown packet type '9' at byte 3", ReasonParseError, DetailBadPacket},
		"bad base64":             {4, "b!", "", "Bad request: bad packet: engine.io: bad base64 at byte 1", ReasonParseError, DetailBadPacket},
		"a length that lies":     {3, "9:4a", "", "Bad request: bad packet: engine.io: packet shorter than its length at byte 2", ReasonParseError, DetailBadPacket},
		"binary that is none":    {3, "\x07", "application/octet-stream", "Bad request: bad packet: engine.io: packet is neither text nor binary at byte 0", ReasonParseError, DetailBadPacket},
		"a ping in protocol 4":   {4, "2", "", "Bad request: heartbeat direction", ReasonTransportError, DetailHeartbeat},
		"a pong in protocol 3":   {3, "1:3", "", "Bad request: heartbeat direction", ReasonTransportError, DetailHeartbeat},
	} {
		c := f.poll(q.protocol)
		h := http.Header{}
		if q.kind != "" {
			h.Set("Content-Type", q.kind)
		}
		t.Log(name)
		f.do(t.Context(), http.MethodPost, c.query, q.body, h).refused(t, http.StatusBadRequest, 3, q.message)
		c.side().ended(t, q.reason, q.detail)
	}
}

func TestPacketsBeforeTheBadOneAreDelivered(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	c.post("4one\x1e4two\x1exx\x1e4three").refused(t, http.StatusBadRequest, 3, "Bad request: bad packet: engine.io: unknown packet type 'x' at byte 10")
	for _, want := range []string{"one", "two"} {
		if got := await(t, want, c.side().in); got.data != want {
			t.Errorf("got %q, want %q", got.data, want)
		}
	}
	c.side().ended(t, ReasonParseError, DetailBadPacket)
	if len(c.side().in) != 0 {
		t.Error("delivered after the bad packet")
	}
}

func TestPacketsAfterACloseAreNotDelivered(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	c.post("4one\x1e1\x1e4two").want(t, http.StatusOK, "ok")
	c.side().ended(t, ReasonTransportClose, DetailClosePacket)
	if n := len(c.side().in); n != 1 {
		t.Errorf("%d messages delivered, want 1", n)
	}
}

func TestOtherPacketsOfAClientAreIgnored(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, echo).poll(4)
	c.post("6\x1e5\x1e0{}\x1e4x").want(t, http.StatusOK, "ok")
	c.get().want(t, http.StatusOK, "4x")
}

// A body that dribbles, or stops, is given up after BodyTimeout, and nothing of
// it keeps a connection or a goroutine.
func TestABodyThatNeverEnds(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{BodyTimeout: 100 * time.Millisecond}, nil)
	other := f.poll(4)
	for name, headers := range map[string]string{"with a length": "Content-Length: 1000\r\n", "chunked": "Transfer-Encoding: chunked\r\n"} {
		c := f.poll(4)
		w := c.hold("")
		conn := f.dial()
		conn.request(http.MethodPost, c.query, headers, "")
		conn.response().refused(t, http.StatusRequestTimeout, 3, "Request body timeout")
		c.side().ended(t, ReasonTransportError, DetailBodyTimeout)
		await(t, "the poll", w.answer).want(t, http.StatusOK, "1")
		if _, err := conn.r.ReadByte(); err == nil {
			t.Errorf("%s: more than one answer", name)
		}
	}
	other.post("4x").want(t, http.StatusOK, "ok")
}

// The body of a request that is refused for another reason is not waited for
// either.
func TestTheBodyOfARefusedPostIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	conn := f.dial()
	conn.request(http.MethodPost, "EIO=4&transport=polling&sid=none", "Content-Length: 1000\r\n", "4")
	conn.response().refused(t, http.StatusBadRequest, 1, "Session ID unknown")
}

func TestACutBodyEndsTheSession(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, extra := range []string{"", "&t=abc"} {
		c := f.poll(4)
		w := c.hold("")
		conn := f.dial()
		conn.request(http.MethodPost, c.query+extra, "Content-Length: 1000\r\n", "4half")
		eventually(t, "the POST is being read", func() bool { return c.posting() != nil })
		_ = conn.Close()
		c.side().ended(t, ReasonTransportError, DetailBodyAborted)
		await(t, "the poll", w.answer).want(t, http.StatusOK, "1")
	}
}

func (c *pollClient) posting() *post {
	s := c.side().Session
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poll.posting
}
