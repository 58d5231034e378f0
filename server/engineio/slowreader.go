package engineio

import "time"

// overLimitLocked judges a session whose outbox has just grown above
// OutboxLimit. It returns how many messages were dropped, and why the session
// must end, or nil.
func (s *Session) overLimitLocked() (dropped int, why *CloseError) {
	o := &s.srv.opts
	if o.SlowReader == SlowReaderDropOldest {
		dropped = s.out.dropVolatile(o.OutboxLimit)
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
	timer  *time.Timer
	armed  bool   // what follows has been measured
	taken  uint64 // out.taken
	queued int    // bytes that the connection's kernel buffer holds, -1 if unknown
}

// judge runs when a watch begins, and each time the grace is over: a session
// still above the limit that took no byte in between is a slow reader. Bytes that
// its side acknowledged count, though the kernel may not have made room for more;
// so do bytes that a write has handed over without returning, which is why the
// write is interrupted once to learn of them.
func (s *Session) judge() {
	s.mu.Lock()
	w := s.watch
	if w == nil || s.state == stateClosed || s.out.bytes <= s.srv.opts.OutboxLimit {
		s.watch = nil
		s.mu.Unlock()
		return
	}
	taken, ws := s.out.taken, s.ws
	if left := s.answerUnderWayLocked(); left > 0 {
		w.timer.Reset(left)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	queued := -1
	if ws != nil {
		queued = unsent(ws.conn)
	}
	s.mu.Lock()
	if !w.armed || taken != w.taken || queued != w.queued {
		w.armed, w.taken, w.queued = true, taken, queued
		if s.state != stateClosed {
			w.timer.Reset(s.srv.opts.SlowReaderGrace)
		}
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if ws != nil && ws.interrupt() {
		return // the flusher reports by standstill or moved
	}
	s.standstill()
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

// tookSome reports whether bytes were taken since the last judgement. A write
// that was interrupted before its first byte may be the next after one that went
// well.
func (s *Session) tookSome() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watch == nil || s.out.taken != s.watch.taken
}

// took counts n bytes that a longer write has handed over so far.
func (s *Session) took(n int) {
	s.mu.Lock()
	s.out.taken += uint64(n) //nolint:gosec // a count is not negative
	s.mu.Unlock()
}

// moved tells that an interrupted write had handed over n bytes.
func (s *Session) moved(n int) {
	s.mu.Lock()
	s.out.taken += uint64(n) //nolint:gosec // a count is not negative
	if s.watch != nil && s.state != stateClosed {
		s.watch.taken = s.out.taken
		s.watch.timer.Reset(s.srv.opts.SlowReaderGrace)
	}
	s.mu.Unlock()
}

// standstill ends a session that took nothing during the grace.
func (s *Session) standstill() {
	s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailSlowReader})
}
