package engineio

import (
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// An upgrade, as the protocol has it: the client opens a WebSocket with the sid
// of its polling session and sends "2probe"; the server answers "3probe" and
// lets the waiting poll go, and goes on serving polls; the client, once its last
// poll is answered, sends "5", and from then on the WebSocket is the session's
// only transport. What is queued in between waits for it, so nothing is lost and
// nothing overtakes.

// errNoUpgrade ends the reader of a WebSocket whose upgrade did not complete; the
// session goes on by polling.
var errNoUpgrade = errors.New("engineio: upgrade not completed")

// serveUpgrade opens the WebSocket of an upgrade. One that may not take over is
// opened too and closed at once, as Node's server does.
func (s *Session) serveUpgrade(x *exchange) {
	s.srv.opts.Observer.UpgradeTried()
	admitted := s.beginUpgrade()
	c, err := s.srv.acceptWebSocket(x.w, x.r, "")
	if err != nil {
		if admitted {
			s.abortUpgrade()
		}
		s.srv.opts.Observer.UpgradeFailed(UpgradeHandshake)
		s.srv.opts.Logger.Debug("websocket handshake failed", "error", err)
		return
	}
	c.s = s
	if admitted && s.propose(c) {
		go c.probe()
		return
	}
	why := UpgradeNotAllowed
	if admitted {
		s.abortUpgrade()
		why = UpgradeSessionEnded
	}
	s.srv.opts.Observer.UpgradeFailed(why)
	c.bye(&CloseError{Reason: ReasonTransportError, Detail: DetailUnexpectedPacket})
	c.drain()
}

// propose makes c the candidate, unless the session or the server is ending.
func (s *Session) propose(c *wsConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false
	}
	s.poll.candidate = c
	s.srv.wg.Add(1) // its reader; the session itself is still counted
	return true
}

func (s *Session) beginUpgrade() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateOpen || s.poll == nil || s.ws != nil || s.poll.upgrading || s.srv.opts.DisableUpgrades {
		return false
	}
	s.poll.upgrading = true
	return true
}

func (s *Session) abortUpgrade() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poll.candidate, s.poll.upgrading, s.poll.probing = nil, false, false
}

// probe is the reading goroutine of a WebSocket that wants to become the
// session's. Until it is, only this goroutine writes on it.
func (c *wsConn) probe() {
	_ = c.conn.SetDeadline(time.Now().Add(c.s.srv.opts.UpgradeTimeout))
	if err := c.negotiate(); err != nil {
		c.s.srv.opts.Observer.UpgradeFailed(c.s.whyNoUpgrade(err))
		c.s.upgradeFailed(c, err)
		c.s.abortUpgrade()
		c.bye(&CloseError{Reason: ReasonTransportError, Detail: DetailUnexpectedPacket, Err: err})
		c.drain()
		c.s.srv.wg.Done()
		return
	}
	c.read()
}

func (c *wsConn) negotiate() error {
	for {
		p, err := c.packet()
		if err != nil {
			return err
		}
		if p.Type == wire.Upgrade {
			break
		}
		if p.Type != wire.Ping || string(p.Data) != "probe" {
			return errNoUpgrade
		}
		if _, err := c.conn.Write(appendFrame(nil, wire.Packet{Type: wire.Pong, Data: []byte("probe")}, false)); err != nil {
			return err
		}
		c.s.releasePolls()
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	return c.s.completeUpgrade(c)
}

// releasePolls lets the waiting poll go, and from now on those that follow.
func (s *Session) releasePolls() {
	s.mu.Lock()
	s.poll.probing = true
	waiting := s.poll.waiting
	s.mu.Unlock()
	if waiting != nil {
		s.letGo(waiting)
	}
}

// completeUpgrade makes the WebSocket the session's transport and tells the
// Receiver. A POST still being delivered is waited for, so that Receive calls stay
// in order.
func (s *Session) completeUpgrade(c *wsConn) error {
	cut := s.srv.idleCuts.known(s.origin.addr)
	for {
		s.mu.Lock()
		if s.state == stateClosed {
			s.mu.Unlock()
			return errEnded
		}
		if s.poll.posting == nil {
			break
		}
		posted := s.poll.posting.awaitedLocked()
		s.mu.Unlock()
		select {
		case <-posted:
		case <-s.Done():
			return errEnded
		}
	}
	s.ws = c
	s.keepAliveLocked(c, cut)
	s.poll.candidate, s.poll.upgrading, s.poll.probing, s.poll.last = nil, false, false, nil
	stopTimer(s.poll.pollGrace)
	stopTimer(s.poll.postGrace)
	if w := s.poll.waiting; w != nil {
		// It takes nothing along: one that was let go gets its noop, one that came
		// since the probe is as late as one that comes from now on.
		if w.outcome == pollNoop {
			w.outcome = pollReplaced
		} else {
			w.outcome = pollOvertaken
		}
		w.signal()
		s.poll.waiting = nil
	}
	s.delivering = true // nothing is received now, and nothing shall overtake Upgraded
	if s.watch != nil {
		s.watch.armed = false // another transport counts otherwise
	}
	s.dropCloseLocked()
	var flush *wsConn
	if !s.out.empty() || s.state == stateClosing {
		flush = s.wakeLocked()
	}
	s.mu.Unlock()
	s.srv.upgrades.upgraded(s.origin.addr)
	s.srv.opts.Observer.SessionUpgraded(s.protocol)
	if flush != nil {
		s.startFlush(flush)
	}
	if u, ok := s.recv.(UpgradeReceiver); ok {
		u.Upgraded()
	}
	s.delivered()
	return nil
}

// dropCloseLocked takes the close packet, with which polling ends, out of the
// queue of a session that is closing: a WebSocket ends with a close frame.
func (s *Session) dropCloseLocked() {
	if n := len(s.out.queue); s.state == stateClosing && n > 0 && s.out.queue[n-1].m == closePacket {
		s.out.bytes -= closePacket.size
		s.out.queue = s.out.queue[:n-1]
	}
}
