package engineio

import "time"

// overLimitLocked judges a session whose outbox has just grown above
// OutboxLimit. It returns why the session must end, or nil.
func (s *Session) overLimitLocked() *CloseError {
	o := &s.srv.opts
	if o.SlowReader == SlowReaderDropOldest {
		if n := s.out.dropVolatile(o.OutboxLimit); n > 0 {
			s.srv.opts.Observer.MessageDropped(n)
		}
		if s.out.bytes <= o.OutboxLimit {
			return nil
		}
	}
	if s.out.bytes > o.OutboxMax {
		return &CloseError{Reason: ReasonTransportClose, Detail: DetailOutboxOverflow}
	}
	if s.watch == nil {
		s.watched = s.out.taken
		s.watch = time.AfterFunc(o.SlowReaderGrace, s.judge)
	}
	return nil
}

// judge runs when the grace is over: a session still above the limit that took
// no byte is a slow reader. Bytes that a write has handed to the kernel count as
// taken even when the write has not returned, so the write is interrupted once to
// learn of them.
func (s *Session) judge() {
	s.mu.Lock()
	if s.state == stateClosed || s.out.bytes <= s.srv.opts.OutboxLimit {
		s.watch = nil
		s.mu.Unlock()
		return
	}
	if s.out.taken != s.watched {
		s.watched = s.out.taken
		s.watch.Reset(s.srv.opts.SlowReaderGrace)
		s.mu.Unlock()
		return
	}
	ws := s.ws
	s.mu.Unlock()
	if ws != nil && ws.interrupt() {
		return // the flusher reports by standstill or moved
	}
	s.standstill()
}

// tookSome reports whether bytes were taken since the watch was set. A write that
// was interrupted before its first byte may be the next after one that went well.
func (s *Session) tookSome() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.taken != s.watched
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
		s.watched = s.out.taken
		s.watch.Reset(s.srv.opts.SlowReaderGrace)
	}
	s.mu.Unlock()
}

// standstill ends a session that took nothing during the grace.
func (s *Session) standstill() {
	s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailSlowReader})
}
