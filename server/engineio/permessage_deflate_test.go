package engineio

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// offer is a permessage-deflate offer as browsers make it.
var offer = wsflate.Parameters{ClientNoContextTakeover: true, ServerNoContextTakeover: true}.Option()

const rsv1 = 4

func deflateOptions() *Options {
	return &Options{PerMessageDeflate: &Compression{Threshold: 200}, MaxPayload: 100_000}
}

func inflateFrame(t *testing.T, f ws.Frame) string {
	t.Helper()
	b, err := inflate(f.Payload, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWebSocketMessagesAreDeflatedBothWays(t *testing.T) {
	t.Parallel()
	f := serve(t, deflateOptions(), echo)
	s := f.ws(4, offer)
	if !s.deflated {
		t.Fatal("not negotiated")
	}
	long := "4" + strings.Repeat("hello ", 1000)
	for range 3 { // no context is kept from one to the next
		s.write(frame(true, rsv1, ws.OpText, deflate([]byte(long))))
		got, err := s.next()
		if err != nil || got.Header.Rsv != rsv1 || len(got.Payload) > 200 {
			t.Fatalf("got %+v, %d bytes, %v", got.Header, len(got.Payload), err)
		}
		if inflateFrame(t, got) != long {
			t.Error("the echo is another")
		}
	}
	// In fragments, of which only the first has RSV1.
	z := deflate([]byte(long))
	s.write(cat(frame(false, rsv1, ws.OpText, z[:5]), frame(true, 0, 0, z[5:])))
	if got, err := s.next(); err != nil || inflateFrame(t, got) != long {
		t.Errorf("fragments: %v", err)
	}
	// Not everything is deflated, either way.
	s.send("4plain")
	s.want("4plain")
	s.write(frame(true, rsv1, ws.OpText, deflate([]byte("4short"))))
	s.want("4short")
	s.write(frame(true, rsv1, ws.OpBinary, deflate(bytes.Repeat([]byte{7}, 500))))
	if got, err := s.next(); err != nil || got.Header.OpCode != ws.OpBinary || inflateFrame(t, got) != strings.Repeat("\x07", 500) {
		t.Errorf("binary: %+v, %v", got.Header, err)
	}
	if err := s.side(f).Send(says(strings.Repeat("x", 500)), NoCompress); err != nil {
		t.Fatal(err)
	}
	s.want("4" + strings.Repeat("x", 500))
	s.write(frame(true, rsv1, ws.OpText, deflate([]byte("4")))) // an empty message
	s.want("4")
}

func TestOffersOfDeflate(t *testing.T) {
	t.Parallel()
	f := serve(t, deflateOptions(), echo)
	for offered, want := range map[string]string{
		"":                   "",
		"permessage-deflate": "permessage-deflate",
		"permessage-deflate; client_max_window_bits":                                 "permessage-deflate",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover": "permessage-deflate",
		"permessage-deflate; client_max_window_bits, permessage-deflate":             "permessage-deflate",
		"permessage-deflate; server_max_window_bits=99":                              "", // no number of bits
		"permessage-deflate; what=ever, permessage-deflate":                          "permessage-deflate",
		"x-webkit-deflate-frame":                                                     "",
		"permessage-deflate; server_max_window_bits=10":                              "", // not kept to, so not accepted
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":          "permessage-deflate",
	} {
		conn := f.dial()
		h := wsHeaders
		if offered != "" {
			h += "Sec-WebSocket-Extensions: " + offered + "\r\n"
		}
		conn.request(http.MethodGet, "EIO=4&transport=websocket", h, "")
		a := conn.response()
		got := a.header.Get("Sec-WebSocket-Extensions")
		if a.status != http.StatusSwitchingProtocols || want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %d %q", offered, a.status, got)
		}
		if want != "" && (!strings.Contains(got, "server_no_context_takeover") || !strings.Contains(got, "client_no_context_takeover") || strings.Contains(got, "window_bits")) {
			t.Errorf("%q: accepted as %q", offered, got)
		}
		_ = conn.Close()
	}
	if s := serve(t, nil, nil).ws(4, offer); s.deflated {
		t.Error("accepted though it is off")
	}
}

func TestDeflatedMessagesThatAreNone(t *testing.T) {
	t.Parallel()
	f := serve(t, deflateOptions(), echo)
	other := f.ws(4)
	bomb := deflate(bytes.Repeat([]byte("4"), 100_001))
	nested := deflate(make([]byte, 8<<20))
	for name, c := range map[string]struct {
		frames []byte
		code   int
		detail Detail
	}{
		"garbage":                 {frame(true, rsv1, ws.OpText, []byte("\xff\xff\xff\xff")), 1002, DetailDecompression},
		"cut off":                 {frame(true, rsv1, ws.OpText, deflate([]byte(strings.Repeat("4hello", 99)))[:6]), 1002, DetailDecompression},
		"a bit above the limit":   {frame(true, rsv1, ws.OpText, bomb), 1009, DetailPayloadTooLarge},
		"a bomb":                  {frame(true, rsv1, ws.OpBinary, nested), 1009, DetailPayloadTooLarge},
		"RSV1 on a continuation":  {cat(frame(false, 0, ws.OpText, []byte("4")), frame(true, rsv1, 0, []byte("x"))), 1002, DetailBadFrame},
		"RSV1 on a control frame": {frame(true, rsv1, ws.OpPing, nil), 1002, DetailBadFrame},
		"no UTF-8":                {frame(true, rsv1, ws.OpText, deflate([]byte("4\xff"))), 1007, DetailBadUTF8},
	} {
		s := f.ws(4, offer)
		s.write(c.frames)
		if code := s.closes(); code != c.code {
			t.Errorf("%s: close code %d, want %d", name, code, c.code)
		}
		t.Log(name)
		s.side(f).ended(t, ReasonTransportError, c.detail)
	}
	other.send("4still")
	other.want("4still")
}
