package engineio

import (
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/httplane"
)

// request serves one request. It reports whether it is answered; otherwise the connection
// waits, or is gone.
func (c *laneConn) request(p *[]byte, n int) (answered bool) {
	began := time.Now()
	if n = skipEmptyLines((*p)[:n]); n == 0 {
		return true
	}
	r, verdict := httplane.Parse((*p)[:n])
	for verdict == httplane.Partial && n < len(*p) {
		k := c.awaitRest((*p)[n:], began)
		if k <= 0 {
			break
		}
		n += k
		r, verdict = httplane.Parse((*p)[:n])
	}
	b := (*p)[:n]
	if verdict != httplane.Whole || r.Head+r.Length != n || r.Head > c.way.headMax || int64(r.Length) > c.lane.srv.opts.MaxPayload {
		c.goBack(b)
		return false
	}
	like, ok := c.patterns.known(r.Print)
	if !ok {
		c.goBack(b)
		return false
	}
	x := &exchange{srv: c.lane.srv, conn: c, like: like, began: began, q: parseQuery(string(r.Query))}
	if x.q.sid == "" || x.q.transport != TransportPolling {
		c.goBack(b)
		return false
	}
	session, f := x.srv.verifySession(x, false)
	if f != nil {
		c.goBack(b)
		return false
	}
	c.misses = 0
	x.session = session
	switch {
	case !session.payRequest(nil):
		x.refuse(heldBackRefusal)
	case r.Post:
		x.body = b[r.Head:]
		session.servePost(x)
	default:
		return c.get(session, x)
	}
	return true
}

// skipEmptyLines drops what comes before a request line (RFC 9112, section 2.2).
func skipEmptyLines(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	if n == 0 {
		return len(b) // nearly always
	}
	return copy(b, b[n:])
}

// awaitRest waits for the rest of a request, and reads it. 0 is that it does not come.
func (c *laneConn) awaitRest(b []byte, since time.Time) (n int) {
	for {
		c.mu.Lock()
		if c.fate != stays {
			c.mu.Unlock()
			return 0
		}
		var rest chan struct{}
		if !c.early {
			rest = make(chan struct{})
			c.rest = rest
		}
		c.early = false
		c.mu.Unlock()
		if rest != nil {
			timer := time.NewTimer(time.Until(since.Add(restOfRequest)))
			select {
			case <-rest:
			case <-timer.C:
				c.mu.Lock()
				c.rest = nil
				c.mu.Unlock()
				return 0
			}
			timer.Stop()
			c.mu.Lock()
			c.early = false
			c.mu.Unlock()
		}
		failed := c.raw.Control(func(fd uintptr) { n, _ = readNow(fd, b) })
		if failed != nil {
			return 0
		}
		if n >= 0 {
			return n // at the end of the stream net/http finds out what that means
		}
	}
}

// get is servePoll for the lane: the GET waits, but no goroutine does.
func (c *laneConn) get(s *Session, x *exchange) (answered bool) {
	x.q.b64 = x.q.b64 || s.poll.b64
	me := &waitingPoll{id: x.q.id, x: x, since: x.began}
	c.mu.Lock()
	c.turn, c.poll, c.looked = holding, me, false
	c.mu.Unlock()
	answer, refused := s.enterPoll(me)
	switch {
	case refused != nil:
		c.resume(me)
		x.refuse(*refused)
		return true
	case answer != nil:
		c.resume(me)
		x.answerPoll(answer)
		return true
	case me.ready && me.release():
		return true
	}
	hold, longest, shortened := x.srv.holds.duration(x.remote())
	if shortened {
		x.srv.opts.Observer.PollHoldShortened()
	}
	c.mu.Lock()
	if c.poll == me {
		me.due, me.longest = sinceEpoch(me.since.Add(hold)), longest
		c.alarmLocked(me.since)
	}
	gone := c.poll == me && c.fate == ends // before the GET was entered
	look := c.poll == me && c.early        // at what the watcher has not
	c.mu.Unlock()
	if look {
		_ = c.raw.Control(func(fd uintptr) { c.look(me, fd) }) // fails if the connection has: its watcher says so
	}
	if gone {
		s.pollAborted(me)
	}
	return false
}

// look sees whether what came before a GET began to wait is the end of the stream.
func (c *laneConn) look(me *waitingPoll, fd uintptr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll != me || c.fate != stays {
		return
	}
	c.early = false
	if c.peekLocked(fd) {
		c.fate = stays
		c.partLocked(ends)
	}
}

// resume makes the connection the caller's, who answers the GET that waited.
func (c *laneConn) resume(me *waitingPoll) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll == me {
		c.poll = nil
	}
	c.turn = serving
}

// releaseLater is release on a goroutine of its own, which then goes on with the
// connection.
func (p *waitingPoll) releaseLater() {
	if !p.release() || p.x.conn.rests() {
		return
	}
	c := p.x.conn
	b, _ := readBuffers.Get().(*[]byte)
	n := c.read(*b)
	if n < 0 {
		n = c.following(*b)
	}
	c.serve(b, n)
}

// release answers a GET that was woken, unless there is nothing to say after all. It
// reports whether it has.
func (p *waitingPoll) release() (answered bool) {
	if p.gone.Load() {
		return false // nobody is there to take what came
	}
	x := p.x
	answer := x.session.leavePoll(p, x)
	overtaken := answer == nil && x.session.overtaken(p)
	if answer == nil && !overtaken {
		return false
	}
	x.conn.resume(p)
	if overtaken {
		x.refuse(refusal{code: codeBadRequest, context: map[string]any{"name": "TRANSPORT_MISMATCH"}})
	} else {
		x.answerPoll(answer)
	}
	return true
}

// abort is called when the connection of a waiting GET was closed.
func (p *waitingPoll) abort() {
	if p.gone.Swap(true) {
		return
	}
	s := p.x.session
	s.srv.holds.cut(p.x.remote(), time.Since(p.since))
	s.pollAborted(p)
}
