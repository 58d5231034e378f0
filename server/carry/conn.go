package carry

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// dialTimeout bounds how long a connection to an owner may take, with its TLS.
const dialTimeout = 1500 * time.Millisecond

// restedLong is how long a connection may have been idle before it is looked at
// first, and maxRest after how long it is closed. It is under the two minutes after
// which the owner closes it.
const (
	restedLong = time.Second
	maxRest    = 45 * time.Second
)

// receiveBuffer bounds the kernel's buffer for what an owner sends, in bytes, so that
// a client that reads slowly is one to its owner too, and soon.
const receiveBuffer = 256 << 10

// keepAlive notices within half a minute that an owner's machine is gone.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// conn is a connection to an owner. Who holds it has it alone.
type conn struct {
	net.Conn

	lazy   *lazyReader // nil: it cannot read without a buffer
	rested time.Time   // since when nobody holds it
	reused bool
	peer   *peer
}

// dial opens a connection to an owner.
func (p *peer) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := net.Dialer{KeepAliveConfig: keepAlive}
	c, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(receiveBuffer) // without it the kernel's own bound holds
	}
	if p.tls == nil {
		return &conn{Conn: c, lazy: newLazyReader(c), peer: p}, nil
	}
	secure := tls.Client(c, p.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the first error says it
		return nil, err
	}
	return &conn{Conn: secure, peer: p}, nil
}

// next waits for bytes and returns them. The caller frees the buffer.
func (c *conn) next() (*buffer, error) { return next(c.Conn, c.lazy) }

// smallRead is what is held of a connection that cannot wait without a buffer.
const smallRead = 4 << 10

// next waits for bytes of a connection and returns them; lazy may be nil.
func next(c net.Conn, lazy *lazyReader) (*buffer, error) {
	if lazy != nil {
		return lazy.next()
	}
	b := &buffer{b: make([]byte, 0, smallRead)}
	n, err := c.Read(b.room())
	if n > 0 {
		b.fill(n)
		return b, nil
	}
	return nil, err
}

// usable reports whether an idle connection, as far as one can tell, is still open.
func (c *conn) usable(now time.Time) bool {
	rested := now.Sub(c.rested)
	return rested < maxRest && (rested < restedLong || c.lazy == nil || c.lazy.quiet())
}
