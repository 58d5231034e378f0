package engineio

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/ready"
)

// A connection is read by a goroutine that takes whatever has come and handles it, which
// makes its stack grow for good, so it is one that is kept for other connections. When it
// finds nothing more, another takes its place that does nothing but wait, with the smallest
// stack there is and without a buffer: it is what an idle client costs. When bytes come that
// one has a reader go on, and goes.
//
// A client that says much costs no goroutines: its reader waits by itself.
//
// In idle mode there is not even the goroutine that waits: package ready calls when bytes
// come. TLS keeps bytes of its own, so such a connection has a goroutine and a buffer.

const (
	// chatty is how many times in a row something came after less than lull, from when on
	// the reader of a connection waits by itself.
	chatty = 8
	lull   = 500 * time.Millisecond
)

// watched is what is needed to wait for bytes without a buffer. It is owned by the reader,
// but for parked, which whoever clears it starts one for.
type watched struct {
	raw syscall.RawConn // nil: that cannot be
	try func(fd uintptr) bool

	parked atomic.Bool // the server's poller waits instead of a goroutine

	n    int // of the last read
	err  error
	owed bool          // it is not accounted for yet
	last time.Duration // after activity.since: when something came last
	fast uint8         // how many times it came soon, see chatty
}

// newConn is a wsConn that is yet to be carried by. One that carries no WebSocket, as that
// of an event stream, needs nothing more.
func newConn(conn net.Conn) *wsConn {
	c := &wsConn{conn: conn, raw: rawReader(conn)}
	c.activity.since = time.Now()
	c.frames.conn = c
	if c.raw != nil {
		c.watched.raw, c.watched.try, c.frames.waiter = c.raw, c.try, c
	} else {
		c.raw = rawWriter(conn)
	}
	return c
}

// begin starts the reader of a connection that has become the session's.
func (c *wsConn) begin() {
	if c.watched.raw == nil || c.frames.r < c.frames.w {
		c.s.srv.readers.Do(c)
		return
	}
	c.rest()
}

// read is the work of the reading goroutine of the session's connection, one of the
// server's readers.
func (c *wsConn) read() {
	quiet := false
	defer func() {
		if quiet {
			c.rest()
			return
		}
		c.drain()
		c.s.srv.wg.Done()
	}()
	if c.watched.owed {
		if err := c.account(); err != nil {
			c.fail(err)
			return
		}
	}
	for {
		c.frames.quits = c.watched.raw != nil && c.watched.fast < chatty && !c.closed.Load()
		err := c.take()
		switch {
		case err == nil:
		case errors.Is(err, errQuiet):
			quiet = true
			return
		default:
			c.fail(err)
			return
		}
	}
}

// take handles one packet of the client, in the way that it speaks.
func (c *wsConn) take() error {
	switch g := c.s.guest; {
	case g.stream():
		return c.skip()
	case g != nil:
		data, binary, err := c.message()
		if err != nil {
			return err
		}
		return c.s.receive(data, binary)
	}
	p, err := c.packet()
	if err != nil {
		return err
	}
	return c.s.deliver(p)
}

// rest ends the work of the reader, which has found nothing more: its place is taken by
// one that waits, or in idle mode by the server's poller.
func (c *wsConn) rest() {
	c.frames.giveBack()
	p := c.s.srv.poller
	if p == nil {
		go c.watch()
		return
	}
	c.watched.parked.Store(true)
	err := p.Watch(c.watched.raw, c)
	if err != nil && c.watched.parked.Swap(false) { // it is closed, or the system has no room
		go c.watch()
		return
	}
	if c.closed.Load() { // wake may have come before the poller knew
		p.Forget(c.watched.raw, c)
		c.wake()
	}
}

var _ ready.Waiter = (*wsConn)(nil)

// Ready is called by the poller when something has come.
func (c *wsConn) Ready() {
	if c.watched.parked.Swap(false) {
		c.s.srv.woken.Do(c)
	}
}

// readFirst is read that begins with what the poller has seen.
func (c *wsConn) readFirst() {
	came := false
	err := c.watched.raw.Control(func(fd uintptr) { came = c.try(fd) })
	if err == nil && !came && !c.closed.Load() {
		c.rest() // it was for nothing
		return
	}
	if err != nil {
		c.watched.n, c.watched.err = 0, err
	}
	c.watched.owed = came || err != nil
	c.read()
}

// wake sees to it that a connection that is over has a reader, which ends it.
func (c *wsConn) wake() {
	if c.watched.parked.Swap(false) {
		c.s.srv.poller.Forget(c.watched.raw, c)
		c.s.srv.readers.Do(c)
	}
}

// watch waits until something has come, or the connection is over, and starts the reader
// again. It calls as little as it can, so that its stack stays as small as it began.
func (c *wsConn) watch() {
	if err := c.watched.raw.Read(c.watched.try); err != nil {
		c.watched.n, c.watched.err = 0, err
	}
	c.watched.owed = true
	c.s.srv.readers.Do(c)
}

// try reads what has come, if anything has.
func (c *wsConn) try(fd uintptr) bool {
	n, err := readNow(fd, c.frames.room())
	if n < 0 {
		c.frames.giveBack()
		return false
	}
	c.watched.n, c.watched.err = n, err
	return true
}

// await is how the reader waits by itself, in the middle of a frame or of a client that
// says much.
func (c *wsConn) await() error {
	if err := c.watched.raw.Read(c.watched.try); err != nil {
		return err
	}
	return c.account()
}

// account settles the last read: it is what the frames have more, and shows how much the
// client says.
func (c *wsConn) account() error {
	w := &c.watched
	n, err := w.n, w.err
	w.owed, w.err = false, nil
	if err != nil {
		return err
	}
	if n <= 0 {
		return io.EOF
	}
	c.frames.came(n)
	c.noteRead(n)
	now := time.Duration(c.activity.last.Load())
	if now-w.last < lull {
		w.fast = min(w.fast+1, chatty)
	} else {
		w.fast = 0
	}
	w.last = now
	return nil
}

// Read reads with a buffer that is held meanwhile.
func (c *wsConn) Read(b []byte) (int, error) {
	n, err := c.conn.Read(b)
	if n > 0 {
		c.noteRead(n)
	}
	return n, err
}

// noteRead notes that the connection lives, and what its client has sent.
func (c *wsConn) noteRead(n int) {
	if gap := c.activity.came(); gap >= minIdleCut {
		c.s.srv.idleCuts.survived(c.s.origin.addr, gap)
	}
	c.fare.pay(nil, c.s, n)
}
