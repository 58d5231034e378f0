package engineio

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// restOfRequest is how long the rest of a request is waited for. One that takes longer is
// net/http's business, which has bounds for it.
const restOfRequest = 250 * time.Millisecond

// lookAgain is how long after a request a connection is looked at that says nothing: its
// end, if it came together with the request, is not told of again.
const lookAgain = 250 * time.Millisecond

// laneConn is one connection in the lane. A goroutine of its own, which does nothing else
// so that its stack stays small, waits until there is something to read; a request is
// served by another one, or two: one takes a GET, and when there is something to say
// another answers it.
type laneConn struct {
	lane *lane
	way  *wayBack
	conn net.Conn
	addr string // the other end
	raw  syscall.RawConn

	patterns patterns // owned by who serves
	misses   int      // likewise
	writeBy  int64    // deadline of writing, after epoch; owned by who writes

	mu      sync.Mutex
	turn    turn
	fate    fate
	last    bool // the connection ends when it is answered
	early   bool // something came, or the end, while it was not time to read it
	looked  bool // at what came since then: the end may have come with a request
	rest    chan struct{}
	poll    *waitingPoll // the GET that waits
	back    []byte       // goes back with the connection
	resting int64        // since when it is at rest, after epoch
	alarm   int64        // the deadline of reading, after epoch; 0 is none
}

// turn says whose the connection is.
type turn uint8

const (
	atRest  turn = iota // the watcher's, who reads what comes
	serving             // of the goroutine that serves a request
	holding             // nobody's: a GET waits
)

// fate is how a connection leaves the lane.
type fate uint8

const (
	stays fate = iota
	goes       // back to net/http
	ends
)

// begin starts the watcher. The connection is at rest.
func (c *laneConn) begin() {
	now := time.Now()
	c.resting = sinceEpoch(now)
	c.mu.Lock()
	c.alarmLocked(now)
	c.mu.Unlock()
	go c.watch()
}

// watch waits for the connection. It is all that an idle one keeps a stack for.
func (c *laneConn) watch() {
	ready := c.ready
	for {
		err := c.raw.Read(ready)
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !c.alarmed() {
			break
		}
	}
	c.leave()
}

// ready is called when there may be something to read. It reports true when the watcher
// is done.
func (c *laneConn) ready(fd uintptr) (done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fate != stays:
		return true
	case c.turn == serving:
		c.early = true
		if c.rest != nil {
			close(c.rest)
			c.rest = nil
		}
		return false
	case c.turn == holding:
		return c.peekLocked(fd)
	}
	p, _ := readBuffers.Get().(*[]byte)
	n, err := readNow(fd, *p)
	if n > 0 {
		c.turn = serving
		c.lane.servers.Do(laneWork{conn: c, read: p, n: n})
		return false
	}
	readBuffers.Put(p)
	if n == 0 || err != nil {
		c.fate = ends
	}
	return c.fate == ends
}

// peekLocked looks at what comes while a GET waits: bytes wait for their turn, the end of
// the stream is the end.
func (c *laneConn) peekLocked(fd uintptr) (done bool) {
	if c.early {
		return false
	}
	switch n, err := peekNow(fd); {
	case n > 0:
		c.early = true
	case n == 0 || err != nil:
		c.fate = ends
	}
	return c.fate == ends
}

// alarmed is called when the deadline of reading is over. It reports whether the
// connection stays.
func (c *laneConn) alarmed() bool {
	c.mu.Lock()
	if c.fate != stays {
		c.mu.Unlock()
		return false
	}
	c.alarm, c.looked = 0, true // ready comes next
	now := time.Now()
	poll := c.poll
	if c.turn != holding || poll == nil || poll.due == 0 || sinceEpoch(now) < poll.due {
		if c.turn == atRest && c.way.idle > 0 && sinceEpoch(now) >= c.resting+int64(c.way.idle) {
			c.fate = ends
		} else {
			c.alarmLocked(now)
		}
		stay := c.fate == stays
		c.mu.Unlock()
		return stay
	}
	poll.due = sinceEpoch(now.Add(time.Minute)) // is found out below
	c.mu.Unlock()

	x := poll.x
	s, held := x.session, now.Sub(poll.since)
	wait := s.untilPing()
	if wait > 0 && held+wait > poll.longest {
		wait = 0
	}
	c.mu.Lock()
	if c.poll == poll && wait > 0 {
		poll.due = sinceEpoch(now.Add(wait))
	}
	c.alarmLocked(now)
	c.mu.Unlock()
	if wait <= 0 {
		s.srv.holds.survived(x.remote(), held)
		s.letGo(poll)
	}
	return true
}

// alarmLocked sees to it that alarmed is called in time. A deadline that is earlier than
// it must be is left as it is: to change one costs more than to look again.
func (c *laneConn) alarmLocked(now time.Time) {
	at := sinceEpoch(now.Add(time.Minute))
	switch {
	case c.turn == holding && c.poll != nil && c.poll.due > 0:
		at = c.poll.due
	case c.turn == atRest && c.way.idle > 0:
		at = c.resting + int64(c.way.idle)
	}
	if !c.looked {
		at = min(at, sinceEpoch(now.Add(lookAgain)))
	}
	if c.alarm != 0 && c.alarm <= at || c.fate != stays {
		return
	}
	c.alarm = at
	_ = c.conn.SetReadDeadline(epoch.Add(time.Duration(at))) // of a connection that is broken nothing is read anyway
}

// partLocked makes the watcher leave.
func (c *laneConn) partLocked(f fate) {
	if c.fate == stays {
		c.fate = f
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // see alarmLocked
	}
}

// leave is the end of the watcher.
func (c *laneConn) leave() {
	defer c.lane.left(c)
	c.mu.Lock()
	if c.fate == stays {
		c.fate = ends
	}
	f, poll := c.fate, c.poll
	c.mu.Unlock()
	if f == goes {
		if c.conn.SetDeadline(time.Time{}) == nil {
			c.way.give(&returned{Conn: c.conn, addr: c.addr, early: c.back, patterns: c.patterns, misses: c.misses})
			return
		}
	}
	_ = c.conn.Close()
	if poll != nil {
		poll.abort()
	}
}

// close ends the connection once it is answered, or now.
func (c *laneConn) close(now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	if now || c.turn == atRest {
		c.partLocked(ends)
	}
}

// goBack hands the connection back to net/http with what was read of it.
func (c *laneConn) goBack(b []byte) {
	c.misses++
	c.mu.Lock()
	c.back = append([]byte(nil), b...)
	c.partLocked(goes)
	c.mu.Unlock()
}

// laneWork is to serve a request of which n bytes have been read, or else to see whether a
// GET that waits has an answer.
type laneWork struct {
	conn *laneConn
	read *[]byte
	n    int

	woken *waitingPoll
}

func (w laneWork) do() {
	if w.woken != nil {
		w.woken.releaseLater()
		return
	}
	w.conn.serve(w.read, w.n)
}

// serve serves the request of which n bytes have come, and those that follow it at once.
func (c *laneConn) serve(p *[]byte, n int) {
	for n > 0 && c.request(p, n) {
		n = c.following(*p)
	}
	readBuffers.Put(p)
}

// following reads the request that came while another was served. If none has, 0, the
// connection is at rest.
func (c *laneConn) following(b []byte) (n int) {
	for !c.rests() {
		if n = c.read(b); n >= 0 {
			return n
		}
	}
	return 0
}

// rests ends the serving of a request. It reports false if something has come that is to
// be read.
func (c *laneConn) rests() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.last || c.fate != stays:
		c.partLocked(ends)
	case c.early:
		c.early = false
		return false
	default:
		now := time.Now()
		c.turn, c.resting, c.looked = atRest, sinceEpoch(now), false
		c.alarmLocked(now)
	}
	return true
}

// read reads what has come: -1 if that is nothing. At the end of the stream, 0, the
// connection ends.
func (c *laneConn) read(b []byte) (n int) {
	err := c.raw.Control(func(fd uintptr) {
		var failed error
		if n, failed = readNow(fd, b); failed != nil {
			n = 0
		}
	})
	if err != nil {
		n = 0
	}
	if n == 0 {
		c.mu.Lock()
		c.partLocked(ends)
		c.mu.Unlock()
	}
	return n
}
