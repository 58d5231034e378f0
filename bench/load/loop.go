package load

import (
	"crypto/tls"
	"net"
	"time"
)

// receiver hears what arrives on a link. The loop calls it, so nothing of a
// client needs a lock.
type receiver interface {
	// feed takes bytes in the order of arrival; p is valid only during the
	// call. After an error the link is closed and ended is called.
	feed(p []byte) error
	// ended is called once, unless the link was closed by close.
	ended(err error)
}

// link is one TCP connection. While a client is being dialled it belongs to the
// goroutine that dials; attach hands it to the loop.
type link struct {
	conn net.Conn // nil once a loop took the descriptor out of it
	to   receiver

	out    []byte // what the next flush writes
	dirty  bool   // in the loop's list of links to flush
	closed bool

	owner loop // nil while dialling
	slot  int  // the loop's own
	fd    int  // the loop's own
}

// touch says that something was appended to k.out.
func (k *link) touch() {
	if !k.dirty && !k.closed && k.owner != nil {
		k.dirty = true
		k.owner.flushLater(k)
	}
}

// close ends the connection at once. It may be called more than once.
func (k *link) close() {
	if k.closed {
		return
	}
	k.closed = true
	if k.owner != nil {
		k.owner.detach(k)
		return
	}
	if k.conn != nil {
		abort(k.conn)
	}
}

// abort closes c without leaving it in TIME_WAIT, of which thousands of clients
// would fill the port range. The error is of no use: the connection is gone.
func abort(c net.Conn) {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// flushBlocking writes k.out before the loop owns the link.
func (k *link) flushBlocking() error {
	if len(k.out) == 0 {
		return nil
	}
	_, err := k.conn.Write(k.out)
	k.out = k.out[:0]
	return err
}

// loop owns links. All of its methods, and every call that it makes to a
// receiver, are on one goroutine (or, in the portable loop, under one lock that
// the owner holds outside of wait).
type loop interface {
	// attach takes over a link that was dialled; from then on the loop reads it.
	attach(k *link) error
	// flushLater has k.out written at the start of the next wait.
	flushLater(k *link)
	// detach closes the connection of k.
	detach(k *link)
	// wait flushes, then feeds receivers with what has arrived. It returns after
	// one batch, or after timeout when nothing arrives.
	wait(timeout time.Duration) error
	// received is how many bytes have arrived.
	received() int64
	// close closes every link, waits for what the loop started and frees it.
	close()
}
