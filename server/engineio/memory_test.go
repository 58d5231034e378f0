package engineio

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// memoryListener hands out in-memory connections, so that a whole server runs in
// a synctest bubble.
type memoryListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *memoryListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serveInMemory is serve on a memoryListener. It stops when the bubble's test
// function returns.
func serveInMemory(t *testing.T, o *Options, hear func(p *peer, data []byte, binary bool) error) *fixture {
	t.Helper()
	h := &opener{hear: hear, peers: make(map[string]*peer)}
	srv, err := NewServer(h, o)
	if err != nil {
		t.Fatal(err)
	}
	l := newMemoryListener()
	web := &httptest.Server{Listener: l, Config: &http.Server{Handler: srv, ReadHeaderTimeout: time.Hour}}
	web.Start()
	f := &fixture{opener: h, t: t, srv: srv, http: web, url: web.URL + "/engine.io/", patient: true}
	f.web = &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	t.Cleanup(f.stop)
	return f
}

// wsInMemory opens a session over WebSocket on an in-memory connection.
func (f *fixture) wsInMemory() *socket {
	f.t.Helper()
	l, ok := f.http.Listener.(*memoryListener)
	if !ok {
		f.t.Fatal("not in memory")
	}
	c, err := l.dial(f.t.Context(), "", "")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	br, _, err := (ws.Dialer{}).Upgrade(c, mustURL(f.url+"?EIO=4&transport=websocket"))
	if err != nil {
		f.t.Fatal(err)
	}
	s := &socket{t: f.t, conn: c, in: c}
	if br != nil {
		s.in = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), c)
	}
	s.handshake = parseOpen(f.t, s.text())
	return s
}

// patientWant is want without a time limit.
func (s *socket) patientWant(text string) {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Time{})
	f, err := ws.ReadFrame(s.in)
	if err != nil || string(f.Payload) != text {
		s.t.Fatalf("got %q, %v, want %q", f.Payload, err, text)
	}
}
