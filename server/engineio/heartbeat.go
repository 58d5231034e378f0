package engineio

import (
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// heartbeat is the one timer of a session. In protocol 4 the server pings and
// the client answers; in protocol 3 it is the other way round, and only the
// client's silence is timed. It is guarded by Session.mu.
type heartbeat struct {
	timer     *time.Timer
	due       time.Time // when the next ping goes out, protocol 4
	waiting   bool      // a ping is out and its pong is not in
	refreshed bool      // the timeout was extended once, because something else came in
	paused    bool      // the timeout came while Receive blocked
	pausedAt  time.Time
	slowed    time.Time // until when reading is paused by a Pass; zero if it never was
}

// startHeartbeatLocked starts the timer of a new session.
func (s *Session) startHeartbeatLocked() {
	d := s.srv.opts.PingInterval
	if s.protocol == 3 {
		d += s.srv.opts.PingTimeout
	}
	s.beat.due = time.Now().Add(d)
	s.beat.timer = time.AfterFunc(d, s.tick)
}

// tick is the timer: time to ping, or the pong did not come.
func (s *Session) tick() {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	if s.guest.stream() {
		s.tickStream()
		return
	}
	if s.protocol != 3 && !s.beat.waiting {
		s.beat.waiting, s.beat.refreshed = true, false
		s.beat.timer.Reset(s.srv.opts.PingTimeout)
		if s.state == stateOpen {
			s.out.pushControl(s.pingOf())
		}
		s.wakeUnlock()
		return
	}
	if s.delivering {
		wait, stalled := s.pauseLocked()
		if !stalled {
			s.beat.timer.Reset(wait)
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailHandlerStall})
		return
	}
	if wait := s.slowedLocked(); wait > 0 {
		s.beat.timer.Reset(wait)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.end(&CloseError{Reason: ReasonPingTimeout, Detail: DetailNoPong})
}

// pauseLocked holds the ping timeout back while Receive blocks, for at most
// HandlerStall, and returns when to look again.
func (s *Session) pauseLocked() (again time.Duration, stalled bool) {
	now := time.Now()
	if !s.beat.paused {
		s.beat.paused, s.beat.pausedAt = true, now
	}
	left := s.srv.opts.HandlerStall - now.Sub(s.beat.pausedAt)
	return left, left <= 0
}

// resumeLocked gives the client its ping timeout anew after a pause: its pong
// may be waiting behind what was not read.
func (s *Session) resumeLocked() {
	if !s.beat.paused || s.state == stateClosed {
		return
	}
	s.beat.paused = false
	d := s.srv.opts.PingTimeout
	if s.protocol == 3 {
		d += s.srv.opts.PingInterval
	}
	s.beat.timer.Reset(d)
}

// activeLocked extends a running ping timeout once, when something else than the
// pong came in: the client lives, its pong is behind what it is sending. Node's
// server does the same.
func (s *Session) activeLocked() {
	if s.protocol != 3 && s.beat.waiting && !s.beat.refreshed {
		s.beat.refreshed = true
		s.beat.timer.Reset(s.srv.opts.PingTimeout)
	}
}

// heard handles a ping or a pong.
func (s *Session) heard(t wire.Type) error {
	if (t == wire.Ping) != (s.protocol == 3) {
		s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailHeartbeat})
		return errEnded
	}
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return errEnded
	}
	var c *wsConn
	if t == wire.Ping {
		s.beat.timer.Reset(s.srv.opts.PingInterval + s.srv.opts.PingTimeout)
		if s.state == stateOpen {
			s.out.pushControl(pongPacket)
			c = s.wakeLocked()
		}
	} else if s.beat.waiting {
		s.beat.waiting = false
		s.beat.due = time.Now().Add(s.srv.opts.PingInterval)
		s.beat.timer.Reset(s.srv.opts.PingInterval)
	}
	s.mu.Unlock()
	if c != nil {
		s.startFlush(c)
	}
	return nil
}
