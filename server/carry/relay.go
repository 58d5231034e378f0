package carry

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// stallTimeout is how long either side of a WebSocket may take nothing of what waits
// for it. It is longer than a client may leave a ping unanswered, so that it is the
// owner who judges slow readers.
const stallTimeout = 2 * time.Minute

// lingerTimeout is how long the other direction may go on when one has ended.
const lingerTimeout = 5 * time.Second

// relay is a WebSocket of another node's session.
type relay struct {
	c             *Carrier
	client, owner net.Conn
	peer          *peer
	sid           string
	left          atomic.Int32 // directions that still run
	ending        atomic.Bool  // one has ended
}

// join takes the connection of a client, whose upgrade the owner has accepted, and
// relays both ways from then on. The goroutine of the request, with its buffers and
// stack, ends.
func (c *Carrier) join(w http.ResponseWriter, r *http.Request, owner *conn, a *answer) {
	client, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = owner.Close() // the first error says it
		c.fail(w, r, owner.peer.node, &failure{ReasonBroken, err})
		return
	}
	x := &relay{c: c, client: client, owner: owner.Conn, peer: owner.peer, sid: sidOf(r.URL.RawQuery)}
	x.left.Store(2)
	early := buffered(rw.Reader)
	if client.SetDeadline(time.Time{}) != nil || x.write(client, a.buf.b[a.start:]) != nil || x.write(owner, early) != nil || !c.begin(x) {
		x.close()
		return
	}
}

// buffered copies what the HTTP server has already read of the connection.
func buffered(r *bufio.Reader) []byte {
	b, err := r.Peek(r.Buffered())
	if err != nil {
		return nil // cannot be: they are buffered
	}
	return append([]byte(nil), b...)
}

// begin starts both directions, unless the Carrier is closed.
func (c *Carrier) begin(x *relay) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.relays[x] = struct{}{}
	c.opts.Observer.CarriedWebSockets(Sent, 1)
	c.tasks.Go(func() { x.pump(x.client, x.owner) })
	c.tasks.Go(func() { x.pump(x.owner, x.client) })
	return true
}

// close ends both directions.
func (x *relay) close() {
	_ = x.client.Close() // nothing more is said on either
	_ = x.owner.Close()
}

// pump moves bytes from src to dst until src ends, or either fails.
func (x *relay) pump(dst, src net.Conn) {
	err := x.copy(dst, src)
	x.ending.Store(true)
	half, ok := dst.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		x.close()
	} else {
		_ = dst.SetReadDeadline(time.Now().Add(lingerTimeout)) // one that fails has ended
		_ = src.SetWriteDeadline(time.Now().Add(lingerTimeout))
	}
	if x.left.Add(-1) > 0 {
		return
	}
	x.close()
	x.c.mu.Lock()
	delete(x.c.relays, x)
	x.c.mu.Unlock()
	x.c.opts.Observer.CarriedWebSockets(Sent, -1)
}

// copy copies until src ends, which is no error.
func (x *relay) copy(dst, src net.Conn) error {
	lazy := newLazyReader(src)
	for {
		b, err := next(src, lazy)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = x.write(dst, b.b)
		b.free()
		if err != nil {
			return err
		}
	}
}

// write writes all of b, as long as something of it is taken now and then.
func (x *relay) write(c net.Conn, b []byte) error {
	for len(b) > 0 {
		patience := stallTimeout
		if x.ending.Load() {
			patience = lingerTimeout
		}
		if err := c.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		n, err := c.Write(b)
		b = b[n:]
		if err != nil && (n == 0 || !errors.Is(err, os.ErrDeadlineExceeded)) {
			return err
		}
	}
	return nil
}
