package engineio

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// Some proxies cut a WebSocket over which nothing went for a while, such as 10 s,
// while the heartbeat of Engine.IO speaks every 25 s. An address that is found to do
// so gets WebSocket pings (RFC 6455, section 5.5.2) in between: browsers and other
// clients answer them by themselves, and neither application notices.
const (
	// minIdleCut is the shortest idle age at which a cut is taken for that of a
	// proxy.
	minIdleCut = 2 * time.Second
	// keepAliveShare is the part of the idle age after which a ping goes out: early
	// enough for a slow network, and for a proxy that is not precise.
	keepAliveShare = 0.5
)

// wsPing is the ping frame, as an entry of the outbox.
var wsPing = rawFrame(wire.AppendHeader(nil, wire.OpPing, false, 0))

// rawFrame is a message that is one ready frame, whatever the connection speaks.
func rawFrame(frame []byte) *Message {
	m := &Message{size: messageOverhead + len(frame)}
	for f := range m.forms {
		m.forms[f].Store(&frame)
	}
	return m
}

// activity knows when something last went over a connection. It is written by its
// reader and by whoever writes.
type activity struct {
	since time.Time    // when the connection was accepted
	last  atomic.Int64 // nanoseconds after since: when something last went, either way
	gap   atomic.Int64 // the longest silence that was broken by sending, until something comes
}

// sent notes that something was sent. The answer may be read before it returns, so the
// silence is noted before its end: told twice does no harm, overlooked it would.
func (a *activity) sent() {
	now := int64(time.Since(a.since))
	if gap := now - a.last.Load(); gap > a.gap.Load() {
		a.gap.Store(gap)
	}
	a.last.Store(now)
}

// came notes that something came, and returns the silence that the connection has
// survived.
func (a *activity) came() time.Duration {
	now := int64(time.Since(a.since))
	gap := now - a.last.Swap(now)
	if a.gap.Load() != 0 {
		gap = max(gap, a.gap.Swap(0))
	}
	return time.Duration(gap)
}

// idle returns for how long nothing has gone.
func (a *activity) idle() time.Duration {
	return time.Since(a.since) - time.Duration(a.last.Load())
}

// keepAliveLocked begins to ping a connection that has become the session's, if
// its address is known to cut idle ones.
func (s *Session) keepAliveLocked(c *wsConn, cut time.Duration) {
	if cut == 0 || s.state == stateClosed {
		return
	}
	c.pingEvery = time.Duration(keepAliveShare * float64(cut))
	c.pinger = time.AfterFunc(c.pingEvery, func() { s.keepAlive(c) })
}

// keepAlive pings a connection over which nothing has gone for long enough.
func (s *Session) keepAlive(c *wsConn) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	if left := c.pingEvery - c.activity.idle(); left > 0 {
		c.pinger.Reset(left)
		s.mu.Unlock()
		return
	}
	c.pinger.Reset(c.pingEvery)
	if s.state == stateOpen {
		ping := wsPing
		if s.guest.stream() {
			ping = streamComment
		}
		s.out.pushControl(ping)
	}
	s.wakeUnlock()
}

// parted judges how the WebSocket of a session ended.
func (s *Session) parted(c *wsConn, why *CloseError) {
	age, addr := time.Since(c.activity.since), s.origin.addr
	d := death{age: age, pinged: c.pingEvery > 0}
	lost := why.Detail == DetailConnectionLost || why.Detail == DetailWriteFailed
	if idle := c.activity.idle(); lost && idle >= minIdleCut && !c.pingedWithin(idle) {
		alike, learned := s.srv.idleCuts.cut(addr, idle)
		d.spared = alike && !d.pinged
		if learned {
			s.srv.keepAliveLearned(addr, idle)
		}
	}
	// One that fell silent is young when it never answered a ping.
	silent := why.Detail == DetailNoPong && age <= s.srv.opts.PingInterval+s.srv.opts.PingTimeout
	switch {
	case s.poll == nil: // it came by WebSocket alone
	case lost && age < youngAge || silent:
		s.srv.upgrades.died(addr, d)
	default:
		s.srv.upgrades.ended(addr)
	}
}

// pingedWithin reports whether pings should have come before this idle age.
func (c *wsConn) pingedWithin(idle time.Duration) bool {
	return c.pingEvery > 0 && float64(c.pingEvery) <= keepAliveShare*float64(idle)
}

func (s *Server) keepAliveLearned(addr string, idle time.Duration) {
	s.opts.Observer.KeepAliveLearned()
	s.opts.Logger.Warn("idle WebSockets of this address are cut: new ones are pinged more often", "remote", hostOf(addr),
		"idle", idle.Round(100*time.Millisecond), "ping_every", time.Duration(keepAliveShare*float64(idle)).Round(100*time.Millisecond))
}

// upgradeFailed judges an upgrade that did not complete. The network is to blame if
// the WebSocket was lost, or stayed silent until its time was over, and the session
// lives on. It does so after an answered probe too, although the client may not: it
// may believe that the upgrade is complete.
func (s *Session) upgradeFailed(c *wsConn, err error) {
	if errors.Is(err, errEnded) || errors.Is(err, errNoUpgrade) || readFailure(err).Detail != DetailConnectionLost {
		return
	}
	age := time.Since(c.activity.since)
	time.AfterFunc(failedUpgradeWait, func() {
		if s.Err() == nil {
			s.srv.upgrades.failed(s.origin.addr, age)
		}
	})
}
