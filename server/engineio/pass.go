package engineio

import (
	"net"
	"net/http"
	"time"
)

// Pass is what Options.Enter gives a session, and keeps until it is over. Its methods
// may be called from several goroutines, and must return at once.
type Pass interface {
	// Read is told that the client sent n bytes more, and returns for how long nothing
	// more is read from it; mostly 0.
	Read(n int) time.Duration
	// Leave is called once, when the session is over or came to nothing.
	Leave()
}

const (
	// paceStep is how many bytes are gathered before a Pass is told of them.
	paceStep = 4 << 10
	// frameCost is what a WebSocket frame counts beyond its bytes, so that many small
	// ones are not for nothing; requestCost is the same of a request.
	frameCost, requestCost = 64, 512
)

// fare counts what a client sends on one way, for whoever reads that.
type fare struct{ unpaid int }

// pay counts n bytes, and waits where the session's Pass wants that, until gone, which
// may be nil.
func (p *fare) pay(gone <-chan struct{}, s *Session, n int) {
	if s.pass == nil {
		return
	}
	if p.unpaid += n; p.unpaid >= paceStep {
		n, p.unpaid = p.unpaid, 0
		s.slow(gone, s.pass.Read(n))
	}
}

// maxHeldBack is how many requests of a session may wait for its Pass at once. A client
// has a GET, a POST and an upgrade.
const maxHeldBack = 8

var heldBackRefusal = refusal{
	code: codeBadRequest, status: http.StatusTooManyRequests, always: true, message: "Too many requests of this session are waiting",
	context: map[string]any{"name": "RATE_LIMITED"},
}

// payRequest counts a request of the session, and waits where its Pass wants that. It
// reports false if there are too many that wait: they would hold memory for nothing.
func (s *Session) payRequest(gone <-chan struct{}) bool {
	if s.pass == nil {
		return true
	}
	defer s.heldBack.Add(-1)
	if s.heldBack.Add(1) > maxHeldBack {
		return false
	}
	s.slow(gone, s.pass.Read(requestCost))
	return true
}

// slow pauses the reading of a client. Its ping timeout waits as long: what it has
// sent, a pong perhaps, is not lost but unread.
func (s *Session) slow(gone <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	s.mu.Lock()
	if until := time.Now().Add(d); until.After(s.beat.slowed) {
		s.beat.slowed = until
	}
	s.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.Done():
	case <-gone:
	}
}

// slowedLocked returns how much longer a ping timeout waits, because reading was paused
// not long ago.
func (s *Session) slowedLocked() time.Duration {
	if s.beat.slowed.IsZero() {
		return 0
	}
	return time.Until(s.beat.slowed.Add(s.srv.opts.PingTimeout))
}

// leave gives the session's Pass back.
func (s *Session) leave() {
	if s.pass != nil {
		s.pass.Leave()
	}
}

// plainTCP returns the TCP connection that c is, or that it wraps without changing a
// byte of what is written, as a TLS connection does.
func plainTCP(c net.Conn) (*net.TCPConn, bool) {
	switch c := c.(type) {
	case *net.TCPConn:
		return c, true
	case interface{ TCPConn() (*net.TCPConn, bool) }: // as in github.com/pires/go-proxyproto
		return c.TCPConn()
	}
	return nil, false
}
