package engineio

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// wayBack is a listener whose connections are those that go back from the lane to their
// HTTP server.
type wayBack struct {
	srv     *http.Server
	addr    net.Addr
	idle    time.Duration
	headMax int
	unfit   atomic.Bool // its connections cannot be in the lane

	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*wayBack)(nil)

func newWayBack(srv *http.Server, r *http.Request) *wayBack {
	w := &wayBack{srv: srv, idle: laneIdle(srv), headMax: laneHeadMax(srv), conns: make(chan net.Conn), closed: make(chan struct{})}
	w.addr = addr("")
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		w.addr = a
	}
	return w
}

// serve has the HTTP server serve what goes back, until that one or the way is closed.
func (w *wayBack) serve() {
	_ = w.srv.Serve(w) // the error is that it was closed
	_ = w.Close()
}

// give hands a connection over. Where nobody takes it any more it is closed.
func (w *wayBack) give(r *returned) {
	var c net.Conn = r
	if secure, ok := r.Conn.(*tls.Conn); ok {
		c = &returnedTLS{r, secure}
	}
	select {
	case w.conns <- c:
	case <-w.closed:
		_ = c.Close()
	}
}

// Accept waits for the next connection.
func (w *wayBack) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (w *wayBack) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wayBack) isClosed() bool {
	select {
	case <-w.closed:
		return true
	default:
		return false
	}
}

// Addr is the address that the connections came to.
func (w *wayBack) Addr() net.Addr { return w.addr }

var _ net.Conn = (*returned)(nil)

// returned is a connection that has been in the lane, as net/http sees it: what was read
// of it there is read first.
type returned struct {
	net.Conn

	addr     string // the other end
	early    []byte
	patterns patterns
	misses   int
}

// Read reads what was read before, and then the connection.
func (r *returned) Read(b []byte) (int, error) {
	if len(r.early) > 0 {
		n := copy(b, r.early)
		if r.early = r.early[n:]; len(r.early) == 0 {
			r.early = nil
		}
		return n, nil
	}
	return r.Conn.Read(b)
}

// NetConn is the connection itself, for who looks for one of a type, as of a *tls.Conn.
func (r *returned) NetConn() net.Conn { return r.Conn }

// TCPConn is that of the connection: see plainTCP.
func (r *returned) TCPConn() (*net.TCPConn, bool) { return plainTCP(r.Conn) }

// CloseWrite ends the sending side.
func (r *returned) CloseWrite() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// LocalAddr is the connection's, with a note on where it has been: net/http shows it to
// handlers (http.LocalAddrContextKey).
func (r *returned) LocalAddr() net.Addr { return returnedAddr{r.Conn.LocalAddr(), r} }

// returnedAddr is the local address of a connection that has been in the lane.
type returnedAddr struct {
	net.Addr

	conn *returned
}

// returnedTLS is a returned connection of TLS, whose state net/http asks for.
type returnedTLS struct {
	*returned

	secure *tls.Conn
}

// ConnectionState is that of the connection.
func (r *returnedTLS) ConnectionState() tls.ConnectionState { return r.secure.ConnectionState() }

// wasReturned returns what a connection was given back as, or nil.
func wasReturned(c net.Conn) *returned {
	switch c := c.(type) {
	case *returned:
		return c
	case *returnedTLS:
		return c.returned
	}
	return nil
}

// unreturned is the connection itself once nothing is left of what was read early, so that
// what has become of it is not in the way of those who look at it.
func unreturned(c net.Conn) net.Conn {
	if r := wasReturned(c); r != nil && len(r.early) == 0 {
		return r.Conn
	}
	return c
}
