package limit

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

// house is a listener with a Door before it, and the connections that were let in.
type house struct {
	t    *testing.T
	door *Door
	addr string

	mu sync.Mutex
	in []net.Conn
}

func open(t *testing.T, o *Options, proxies func(netip.Addr) bool) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, door: New(o), addr: l.Addr().String()}
	guarded := h.door.Listen(l, proxies)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := guarded.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.in = append(h.in, c)
			h.mu.Unlock()
			_, _ = io.WriteString(c, "in")
		}
	}()
	t.Cleanup(func() {
		_ = guarded.Close()
		<-ended
		for _, c := range h.in {
			_ = c.Close()
		}
	})
	return h
}

// knock reports whether a connection is let in; it stays open until the end.
func (h *house) knock() bool {
	h.t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if errors.Is(err, syscall.ECONNRESET) {
		return false
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.Read(make([]byte, 2))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		h.t.Fatal("neither let in nor closed")
	}
	return n > 0
}

func nobody(netip.Addr) bool { return false }

func TestConnectionsThatNeverBecomeASessionAreBounded(t *testing.T) {
	t.Parallel()
	seen := &heard{}
	h := open(t, &Options{IPConnections: 2, Observer: seen}, nobody)
	for i := range connsPerSession * 2 {
		if !h.knock() {
			t.Fatalf("connection %d is not let in", i)
		}
	}
	if h.knock() {
		t.Fatal("one too many is let in")
	}
	if seen.of(IPConnections, Shut) != 1 {
		t.Errorf("heard %v", seen.hits)
	}
	h.mu.Lock()
	first, second := h.in[0], h.in[1]
	h.mu.Unlock()
	_ = first.Close()
	_ = first.Close()       // counts once
	ConnOf(second).LetOff() // it is another node's
	_ = second.Close()
	more := 0
	for h.knock() {
		more++
	}
	if more != 2 {
		t.Errorf("%d more are let in, want 2", more)
	}
	if tcp, ok := first.(interface{ TCPConn() (*net.TCPConn, bool) }); !ok {
		t.Error("the TCP connection cannot be found")
	} else if c, ok := tcp.TCPConn(); !ok || c == nil {
		t.Error("there is no TCP connection")
	}
}

// Of those that say nothing there may be fewer than of those that ask for something.
func TestConnectionsWithoutARequestAreBoundedMore(t *testing.T) {
	t.Parallel()
	h := open(t, &Options{IPConnections: 80}, nobody)
	in := 0
	for h.knock() {
		in++
	}
	if in != 80/unheardShare {
		t.Errorf("%d are let in", in)
	}
	h.mu.Lock()
	first, second := ConnOf(h.in[0]), ConnOf(tls.Server(h.in[1], &tls.Config{MinVersion: tls.VersionTLS13}))
	h.mu.Unlock()
	first.Heard()
	first.Heard() // counts once
	second.Heard()
	_ = second.Close()
	more := 0
	for h.knock() {
		more++
	}
	if more != 2 {
		t.Errorf("two that were heard make room for %d more", more)
	}
	if ConnOf(&net.TCPConn{}) != nil {
		t.Error("a connection that is not counted is")
	}
}

func TestProxiesAndExceptionsAreNotCounted(t *testing.T) {
	t.Parallel()
	loopback := func(a netip.Addr) bool { return a.IsLoopback() }
	for name, h := range map[string]*house{
		"proxy":     open(t, &Options{IPConnections: 1}, loopback),
		"exception": open(t, &Options{IPConnections: 1, Except: loopback}, nobody),
	} {
		for range 2 * connsPerSession {
			if !h.knock() {
				t.Errorf("%s: not let in", name)
			}
		}
		if _, plain := h.in[0].(*net.TCPConn); !plain {
			t.Errorf("%s: it is wrapped", name)
		}
	}
}

func TestWhoGoesOnAfterRefusalsIsShunned(t *testing.T) {
	t.Parallel()
	h := open(t, &Options{IPHandshakes: Rate{PerSecond: 1, Burst: 1}}, nobody)
	remote := "127.0.0.1:1"
	for range 3 * abuseFactor { // a second may end in between
		h.door.Misbehaved(remote)
	}
	if h.knock() {
		t.Error("let in")
	}
	h.door.Misbehaved("192.0.2.1:1")
	if !h.door.connect(netip.MustParseAddr("192.0.2.1"), time.Now()) {
		t.Error("another one is shunned")
	}
}
