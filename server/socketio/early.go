package socketio

// Bounds of what middleware may emit to its socket before it is connected. They
// hold for each socket.
const (
	maxEarly      = 1000    // events
	maxEarlyBytes = 1 << 20 // of their names and arguments
)

// earlyEvents are events that were emitted before the client was told that it is
// connected.
type earlyEvents struct {
	queue []earlyEvent
	bytes int
}

type earlyEvent struct {
	p *Packet
	f Flags
}

// holdEarly keeps p if the socket is not connected yet, or if what was kept is
// just going out and p must not overtake it. An event of middleware is for the
// client that is let in: it goes out right after the answer to CONNECT, where in a
// namespace with recovery its offset is in order, and never to one that is refused.
func (s *Socket) holdEarly(p *Packet, f Flags) (held bool, err error) {
	if s.state.Load() != stateConnecting && s.bits.Load()&bitEarly == 0 {
		return false, nil
	}
	size, err := p.Freeze()
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.reason != nil || s.cleaned:
		return false, ErrDisconnected
	case s.early == nil && s.wentLive:
		return false, nil // everything has gone out in between
	case s.early == nil:
		s.early = &earlyEvents{}
		s.bits.Or(bitEarly)
	}
	if len(s.early.queue) >= maxEarly || s.early.bytes+size > maxEarlyBytes {
		return false, ErrTooEarly
	}
	s.early.queue = append(s.early.queue, earlyEvent{p, f})
	s.early.bytes += size
	return true, nil
}

// sendEarly emits what was kept, when the socket is live.
func (s *Socket) sendEarly() {
	for s.bits.Load()&bitEarly != 0 {
		for _, e := range s.takeEarly() {
			_ = s.deliver(e.p, e.f) // the client may be gone
		}
	}
}

// takeEarly returns what was kept since the last call. Only when that is nothing
// may events go out directly again.
func (s *Socket) takeEarly() []earlyEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early == nil || len(s.early.queue) == 0 {
		s.early = nil
		s.bits.And(^bitEarly)
		return nil
	}
	queue := s.early.queue
	*s.early = earlyEvents{}
	return queue
}
