package engineio

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
)

// socket is a WebSocket client, raw: it sends any frame, right or wrong.
type socket struct {
	handshake

	t        testing.TB
	conn     net.Conn
	in       io.Reader
	deflated bool // permessage-deflate was negotiated
}

// upgrade opens a WebSocket with this query and reads nothing.
func (f *fixture) upgrade(query string, extensions ...httphead.Option) *socket {
	f.t.Helper()
	s, err := f.tryUpgrade(query, extensions...)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) tryUpgrade(query string, extensions ...httphead.Option) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	d := ws.Dialer{Extensions: extensions, TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, br, hs, err := d.Dial(ctx, "ws"+strings.TrimPrefix(f.url, "http")+"?"+query)
	if err != nil {
		return nil, err
	}
	s := &socket{t: f.t, conn: conn, in: conn, deflated: len(hs.Extensions) > 0}
	if br != nil {
		s.in = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), conn)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	return s, nil
}

// ws opens a session over WebSocket and reads its open packet.
func (f *fixture) ws(protocol int, extensions ...httphead.Option) *socket {
	f.t.Helper()
	s := f.upgrade("EIO="+strconv.Itoa(protocol)+"&transport=websocket", extensions...)
	open, err := s.next()
	if err != nil {
		f.t.Fatal(err)
	}
	if open.Header.Rsv != 0 && s.deflated {
		if open.Payload, err = inflate(open.Payload, 1<<20); err != nil {
			f.t.Fatal(err)
		}
	}
	s.handshake = parseOpen(f.t, string(open.Payload))
	return s
}

// frame builds a client's frame.
func frame(fin bool, rsv byte, op ws.OpCode, payload []byte) []byte {
	h := ws.Header{Fin: fin, Rsv: rsv, OpCode: op, Masked: true, Mask: [4]byte{0x12, 0x34, 0x56, 0x78}, Length: int64(len(payload))}
	masked := append([]byte(nil), payload...)
	ws.Cipher(masked, h.Mask, 0)
	var b strings.Builder
	if err := ws.WriteHeader(&b, h); err != nil {
		panic(err)
	}
	return append([]byte(b.String()), masked...)
}

// whole is an unfragmented frame.
func whole(op ws.OpCode, payload string) []byte { return frame(true, 0, op, []byte(payload)) }

// write sends raw bytes; a connection that the server has closed may refuse them.
func (s *socket) write(b []byte) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(within))
	_, _ = s.conn.Write(b)
}

func (s *socket) send(text string)    { s.write(whole(ws.OpText, text)) }
func (s *socket) sendBinary(b []byte) { s.write(whole(ws.OpBinary, string(b))) }

// next reads one frame.
func (s *socket) next() (ws.Frame, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(within))
	return ws.ReadFrame(s.in)
}

// text reads one frame, which must be whole and text.
func (s *socket) text() string {
	s.t.Helper()
	f, err := s.next()
	if err != nil {
		s.t.Fatalf("no text frame: %v", err)
	}
	if f.Header.OpCode != ws.OpText || !f.Header.Fin || f.Header.Masked || f.Header.Rsv != 0 {
		s.t.Fatalf("got frame %+v %q, want text", f.Header, f.Payload)
	}
	return string(f.Payload)
}

// want reads one text frame and compares it.
func (s *socket) want(text string) {
	s.t.Helper()
	if got := s.text(); got != text {
		s.t.Fatalf("got %q, want %q", got, text)
	}
}

// closes reads until the close frame and returns its code, 0 for none. The
// connection must end after it, and both sides are closed then.
func (s *socket) closes() int {
	s.t.Helper()
	for {
		f, err := s.next()
		if err != nil {
			s.wantEnd(err)
			return 0
		}
		if f.Header.OpCode != ws.OpClose {
			continue
		}
		code := 0
		if len(f.Payload) >= 2 {
			code = int(binary.BigEndian.Uint16(f.Payload))
		}
		if _, err = s.next(); err == nil {
			s.t.Fatal("a frame after the close frame")
		}
		s.wantEnd(err)
		return code
	}
}

// wantEnd fails when err is only that waiting took too long.
func (s *socket) wantEnd(err error) {
	s.t.Helper()
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		s.t.Fatal("waited in vain for the end of the connection")
	}
	_ = s.conn.Close()
}

// side is the server's side of the session.
func (s *socket) side(f *fixture) *peer { s.t.Helper(); return f.peer(s.SID) }

// wire is a raw HTTP connection.
type rawHTTP struct {
	net.Conn

	t testing.TB
	r *bufio.Reader
}

func (f *fixture) dial() *rawHTTP {
	f.t.Helper()
	c, err := net.Dial("tcp", f.http.Listener.Addr().String())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return &rawHTTP{c, f.t, bufio.NewReader(c)}
}

// request writes a request; headers end in CRLF each.
func (c *rawHTTP) request(method, query, headers, body string) {
	c.t.Helper()
	if _, err := io.WriteString(c, method+" /engine.io/?"+query+" HTTP/1.1\r\nHost: test\r\n"+headers+"\r\n"+body); err != nil {
		c.t.Fatal(err)
	}
}

// response reads one.
func (c *rawHTTP) response() answer {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(within))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b), err}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
