package sockettest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Plain is a WebSocket client without Engine.IO. It answers WebSocket pings.
type Plain struct {
	t    testing.TB
	conn net.Conn
	in   io.Reader

	// Protocol is the subprotocol that the server chose.
	Protocol string
}

// DialPlain opens a WebSocket. header and protocols may be left out.
func DialPlain(t testing.TB, url string, options ...func(d *ws.Dialer)) *Plain {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	defer cancel()
	d := ws.Dialer{}
	for _, o := range options {
		o(&d)
	}
	conn, br, hs, err := d.Dial(ctx, strings.Replace(url, "http", "ws", 1))
	if err != nil {
		t.Fatalf("dialing %s: %v", url, err)
	}
	p := &Plain{t: t, conn: conn, in: conn, Protocol: hs.Protocol}
	if br != nil {
		p.in = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return p
}

// WithHeader adds a header to the handshake of DialPlain.
func WithHeader(name, value string) func(d *ws.Dialer) {
	return func(d *ws.Dialer) { d.Header = ws.HandshakeHeaderHTTP(http.Header{name: {value}}) }
}

// WithProtocols offers subprotocols in DialPlain.
func WithProtocols(names ...string) func(d *ws.Dialer) {
	return func(d *ws.Dialer) { d.Protocols = names }
}

// Send sends a text message.
func (p *Plain) Send(text string) {
	_ = wsutil.WriteClientMessage(p.conn, ws.OpText, []byte(text)) // a test notices by what does not come
}

// SendBinary sends a binary message.
func (p *Plain) SendBinary(data []byte) {
	_ = wsutil.WriteClientMessage(p.conn, ws.OpBinary, data) // see Send
}

// frame returns the next frame that is no ping.
func (p *Plain) frame() (ws.Frame, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(Wait))
	for {
		h, err := ws.ReadHeader(p.in)
		f := ws.Frame{Header: h, Payload: make([]byte, max(h.Length, 0))}
		if err == nil {
			_, err = io.ReadFull(p.in, f.Payload)
		}
		if err != nil || h.OpCode != ws.OpPing {
			return f, err
		}
		_ = wsutil.WriteClientMessage(p.conn, ws.OpPong, f.Payload) // see Send
	}
}

// Next returns the next text message.
func (p *Plain) Next() string {
	p.t.Helper()
	f, err := p.frame()
	if err != nil {
		p.t.Fatalf("no message came: %v", err)
	}
	if f.Header.OpCode != ws.OpText {
		p.t.Fatalf("got a frame %+v %q, want text", f.Header, f.Payload)
	}
	return string(f.Payload)
}

// Expect fails unless the next message is this text.
func (p *Plain) Expect(text string) {
	p.t.Helper()
	if got := p.Next(); got != text {
		p.t.Fatalf("got %s, want %s", got, text)
	}
}

// ExpectClosed reads up to the close frame, and fails unless it says this.
func (p *Plain) ExpectClosed(code int, text string) {
	p.t.Helper()
	for {
		f, err := p.frame()
		if err != nil {
			p.t.Fatalf("no close frame came: %v", err)
		}
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		got := int(binary.BigEndian.Uint16(f.Payload))
		if got != code || string(f.Payload[2:]) != text {
			p.t.Fatalf("closed with %d %q, want %d %q", got, f.Payload[2:], code, text)
		}
		_ = p.conn.Close()
		return
	}
}

// Cut closes the TCP connection without a word.
func (p *Plain) Cut() { _ = p.conn.Close() }

// ExpectPrefix fails unless the next message begins so, and returns it.
func (p *Plain) ExpectPrefix(text string) string {
	p.t.Helper()
	got := p.Next()
	if !strings.HasPrefix(got, text) {
		p.t.Fatalf("got %s, want %s…", got, text)
	}
	return got
}
