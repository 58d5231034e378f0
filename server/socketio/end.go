package socketio

import (
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Reasons of a socket's end that are not of Engine.IO, in Node's words. The
// others are engineio.Reason.
const (
	ReasonClientDisconnect = "client namespace disconnect"
	ReasonServerDisconnect = "server namespace disconnect"
)

// DetailReplaced is the detail of a connection whose client came back on
// another before its end was noticed.
const DetailReplaced = "replaced"

const engineDetailPanic = engineio.DetailHandlerPanic

// DisconnectReason says why a socket ended: Node's word, and Sockeye's detail,
// which may be empty.
type DisconnectReason struct {
	Reason string
	Detail string
}

// recoverable reports whether a client cut off for this reason may take its
// session up again: it did not leave, and was not sent away.
func (r DisconnectReason) recoverable() bool {
	switch engineio.Reason(r.Reason) {
	case engineio.ReasonTransportError, engineio.ReasonTransportClose, engineio.ReasonForcedClose,
		engineio.ReasonPingTimeout, engineio.ReasonShutdown, engineio.ReasonForcedServer:
		return true
	case engineio.ReasonParseError:
		return false
	default:
		return false
	}
}

// EndEvent names why the server is about to disconnect a socket for good. Its
// argument is {code, message}.
const EndEvent = "sockeye:end"

const (
	// drainGrace is how long, after the end, the context of a handler goes on: so
	// long can events that came before the end be handled as usual.
	drainGrace = time.Second
	// cleanupGrace is how long after that a handler may ignore its ended context
	// before the socket leaves its rooms without it.
	cleanupGrace = 4 * time.Second
)

// Disconnect sends DISCONNECT: the client does not come back by itself. With
// closeTransport all sockets of the connection are disconnected and then it is
// closed. Events not yet handled are dropped. It does not wait for listeners.
func (s *Socket) Disconnect(closeTransport bool) {
	if closeTransport {
		s.conn.disconnectAll()
		return
	}
	s.disconnect("")
}

// End emits EndEvent {code, message} and then disconnects the socket, so that
// the client knows why. code becomes the detail of the reason.
func (s *Socket) End(code, message string) { s.end(code, message, code) }

func (s *Socket) end(code, message, detail string) {
	if s.state.Load() < stateEnding {
		_ = s.Tell(EndEvent, map[string]string{"code": code, "message": message}) // the client may be gone
	}
	s.disconnect(detail)
}

// disconnect is the server's way to end one socket. As in Node it does nothing
// before the socket is connected.
func (s *Socket) disconnect(detail string) {
	if s.state.Load() == stateConnecting {
		return
	}
	s.conn.forget(s, true)
	if !s.stop(DisconnectReason{Reason: ReasonServerDisconnect, Detail: detail}, stateMuted) {
		return
	}
	if g := s.conn.guest; g != nil {
		g.end(detail)
		return
	}
	if m, err := encode(&wire.Outgoing{Type: wire.Disconnect, Namespace: s.ns.name}, s.variant); err == nil {
		_ = s.sess.Send(m, 0) // the client may be gone
	}
}

// stop begins the end of a socket. Only the first call counts. What is queued is
// still handled, unless the server sent the client away.
func (s *Socket) stop(r DisconnectReason, to uint32) (first bool) {
	s.mu.Lock()
	if s.reason != nil {
		s.mu.Unlock()
		return false
	}
	s.reason = &r
	s.state.Store(to)
	if to == stateMuted {
		s.in.clearLocked(&s.conn.backlog)
	}
	s.conn.backlog.wake()
	start := !s.in.running
	s.in.running = true
	if !start {
		s.grace = time.AfterFunc(drainGrace, s.overdue)
	}
	s.mu.Unlock()
	s.loseAcks()
	if start {
		s.ns.srv.pumps.Do(s)
	}
	return true
}

// overdue ends the context of a handler that still runs, and later cleans up
// without it.
func (s *Socket) overdue() {
	s.endContext()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != stateEnded && s.grace != nil {
		s.grace = time.AfterFunc(cleanupGrace, s.cleanup)
	}
}

// finish runs the last listeners, on the goroutine of the socket's events.
func (s *Socket) finish() {
	s.mu.Lock()
	r, wasLive, again := *s.reason, s.wentLive, s.finishing
	s.finishing = true
	s.mu.Unlock()
	if again { // a listener left by runtime.Goexit
		s.cleanup()
		s.state.Store(stateEnded)
		s.endContext()
		return
	}
	defer func() { s.conn.release(s.authHeld()) }()
	h := s.ns.hooks.Load()
	own := s.listening()
	if wasLive {
		for _, l := range h.disconnecting {
			s.guarded("disconnecting", func() { l.call(s, r) })
		}
		s.callReason(own, listenDisconnecting, r)
	}
	s.cleanup()
	s.state.Store(stateEnded)
	s.endContext()
	s.mu.Lock()
	if s.grace != nil {
		s.grace.Stop()
		s.grace = nil
	}
	s.mu.Unlock()
	if wasLive {
		s.ns.srv.opts.Observer.SocketClosed(s.ns.name, r)
		for _, l := range h.disconnect {
			s.guarded("disconnect", func() { l.call(s, r) })
		}
		s.callReason(own, listenDisconnect, r)
	}
}

func (s *Socket) callReason(own []listener, kind listenKind, r DisconnectReason) {
	for _, l := range own {
		if f, ok := l.call.(func(DisconnectReason)); ok && l.kind == kind {
			s.guarded("disconnect", func() { f(r) })
		}
	}
}

// cleanup takes the socket out of its namespace, once.
func (s *Socket) cleanup() {
	s.mu.Lock()
	if s.cleaned {
		s.mu.Unlock()
		return
	}
	s.cleaned = true
	r, wasLive := s.reason, s.wentLive
	s.mu.Unlock()
	if wasLive {
		s.settleSession(r.recoverable())
	}
	s.leaveAll()
	s.ns.local.remove(s)
	s.conn.forget(s, false)
	s.ns.srv.releaseNamespace(s.ns)
}
