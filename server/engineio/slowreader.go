package engineio

import "time"

// overLimitLocked judges a session whose outbox has just grown above
// OutboxLimit. It returns how many messages were dropped, and why the session
// must end, or nil.
func (s *Session) overLimitLocked() (dropped int, why *CloseError) {
	o := &s.srv.opts
	if o.SlowReader == SlowReaderDropOldest {
		dropped = s.out.dropVolatile(o.OutboxLimit)
		s.countLocked()
		if s.out.bytes <= o.OutboxLimit {
			return dropped, nil
		}
	}
	if s.out.bytes > o.OutboxMax {
		return dropped, &CloseError{Reason: ReasonTransportClose, Detail: DetailOutboxOverflow}
	}
	if s.watch == nil {
		s.watch = &outboxWatch{timer: time.AfterFunc(0, s.judge)}
	}
	return dropped, nil
}

// outboxWatch sees whether a session above OutboxLimit takes anything. It is
// guarded by Session.mu.
type outboxWatch struct {
	timer *time.Timer
	armed bool  // mark has been set
	mark  int64 // bytes taken when last judged: see progressed
}

// judge runs when a watch begins, and each time the grace is over: a session
// still above the limit that took no byte in between is a slow reader. A write
// that blocks is interrupted once, to learn what it has handed over; its flusher
// then judges.
func (s *Session) judge() {
	s.mu.Lock()
	w := s.watch
	if w == nil || s.state == stateClosed || s.out.bytes <= s.srv.opts.OutboxLimit {
		s.watch = nil
		s.mu.Unlock()
		return
	}
	if left := s.answerUnderWayLocked(); left > 0 {
		w.timer.Reset(left)
		s.mu.Unlock()
		return
	}
	ws := s.ws
	w.timer.Reset(s.srv.opts.SlowReaderGrace)
	s.mu.Unlock()
	if ws != nil && ws.interrupt() {
		return
	}
	if !s.progressed(ws) {
		s.standstill()
	}
}

// progressed judges whether the client has taken a byte since it was last asked,
// and begins the next grace. What counts is what its side acknowledged: the
// kernel goes on taking bytes for a while when nobody reads, since its buffer
// grows. Where that cannot be known, what the transport handed over counts. c is
// nil for a session on polling.
func (s *Session) progressed(c *wsConn) bool {
	queued := -1
	if c != nil {
		queued = unsent(c.conn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.watch
	if w == nil || s.state == stateClosed {
		return true
	}
	mark := int64(s.out.taken) //nolint:gosec // far below 2^63
	switch {
	case queued >= 0:
		mark = c.wrote.Load() - int64(queued)
	case c != nil:
		mark = c.wrote.Load()
	}
	ok := !w.armed || mark > w.mark
	w.armed, w.mark = true, mark
	w.timer.Reset(s.srv.opts.SlowReaderGrace)
	return ok
}

// slowestAnswer is the rate, in bytes per second, at which a client is expected to
// take a poll answer that the kernel holds for it: what it has taken of that
// cannot be seen.
const slowestAnswer = 64 << 10

// answerHandedOver notes that a poll answer of n bytes has gone to the kernel.
func (s *Session) answerHandedOver(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll != nil {
		s.poll.arrives = time.Now().Add(time.Duration(n) * time.Second / slowestAnswer)
	}
}

// answerUnderWayLocked returns how long the last poll answer may still be on its
// way to a client that takes it, with the grace for its next GET.
func (s *Session) answerUnderWayLocked() time.Duration {
	if s.ws != nil || s.poll == nil || s.poll.arrives.IsZero() || s.poll.waiting != nil {
		return 0
	}
	return time.Until(s.poll.arrives.Add(s.srv.opts.SlowReaderGrace))
}

// took counts n bytes of a poll answer that have been handed over so far.
func (s *Session) took(n int) {
	s.mu.Lock()
	s.out.taken += uint64(n) //nolint:gosec // a count is not negative
	s.mu.Unlock()
}

// standstill ends a session that took nothing during the grace.
func (s *Session) standstill() {
	s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailSlowReader})
}
