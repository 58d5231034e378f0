package engineio

import (
	"net/http"
	"slices"
	"time"
)

// A guest is a client that comes without Engine.IO: over a WebSocket whose messages are
// nothing but messages, or as the reader of an event stream. Its session is one like any
// other, but that it talks no Engine.IO: outbox, slow readers, limits, drain, close
// reasons and logs are the same.

// The names of the transports of guests.
const (
	TransportPlainWebSocket = "websocket-plain"
	TransportEventStream    = "event-stream"
)

// GuestOptions say how a guest is spoken to.
type GuestOptions struct {
	// Transport is TransportPlainWebSocket or TransportEventStream.
	Transport string
	// Subprotocol is chosen if the client of a WebSocket offers it (RFC 6455, section
	// 1.9); "" chooses none.
	Subprotocol string
	// CloseFrame says what the close frame of a WebSocket tells: a code and a text of at
	// most 123 bytes. Nil does what Engine.IO does.
	CloseFrame func(c *CloseError) (code uint16, text string)
}

// guest is what the session of one has more.
type guest struct {
	transport, subprotocol string
	closeFrame             func(c *CloseError) (code uint16, text string)

	// Of a stream, guarded by Session.mu.
	acked int64     // how far the client had taken it when that was last looked at
	lived time.Time // when it was last seen to take something, or had nothing to take
}

// stream reports whether the guest reads an event stream.
func (g *guest) stream() bool { return g != nil && g.transport == TransportEventStream }

// Arrive begins the session of a guest: what it sends waits until Begin answers the
// request. open is told of it as a Handler is. A request that is refused has no answer
// yet but for the headers of the origin policy; the error is a *Refusal then.
func (s *Server) Arrive(w http.ResponseWriter, r *http.Request, o *GuestOptions, open func(*Session) Receiver) (*Session, error) {
	x := &exchange{srv: s, w: w, r: r}
	pass, f := s.vet(x, o)
	if f != nil {
		return nil, x.turnAway(*f)
	}
	session := &Session{
		srv: s, id: s.opts.SIDPrefix + newSID(), pass: pass, origin: snapshotOf(r, time.Now()),
		guest: &guest{transport: o.Transport, subprotocol: o.Subprotocol, closeFrame: o.CloseFrame},
	}
	if s.opts.Attach != nil {
		session.attached = s.opts.Attach(r)
	}
	if !s.admit(session, open) {
		session.leave()
		return nil, x.turnAway(shutdownRefusal)
	}
	return session, nil
}

// vet checks the request of a guest in the order in which a handshake is checked.
func (s *Server) vet(x *exchange, o *GuestOptions) (Pass, *refusal) {
	if f := x.checkOrigin(); f != nil {
		return nil, f
	}
	switch {
	case x.r.Method != http.MethodGet:
		return nil, &refusal{code: codeBadMethod, status: http.StatusMethodNotAllowed, context: map[string]any{"method": x.r.Method}}
	case o.Transport == TransportPlainWebSocket && (!isUpgrade(x.r) || !canUpgrade(x.r)):
		return nil, &upgradeRefusal
	case s.closing():
		return nil, &shutdownRefusal
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(x.r); err != nil {
			return nil, refusalOf(err)
		}
	}
	if s.queued.full() {
		return nil, &outboxTotalRefusal
	}
	if s.opts.Enter == nil {
		return nil, nil
	}
	pass, err := s.opts.Enter(x.r)
	if err != nil {
		return nil, refusalOf(err)
	}
	return pass, nil
}

var upgradeRefusal = refusal{
	code: codeBadRequest, status: http.StatusUpgradeRequired, message: "this path is for WebSockets (RFC 6455): the request is no handshake of one, or a proxy has made it so",
	context: map[string]any{"name": "TRANSPORT_HANDSHAKE_ERROR"},
}

// turnAway counts a refusal and returns it for the caller to answer.
func (x *exchange) turnAway(f refusal) *Refusal {
	f.complete()
	x.report(&f)
	name, _ := f.context["name"].(string)
	return &Refusal{Status: f.status, Message: f.message, RetryAfter: f.retryAfter, Name: name}
}

// Preflight answers the CORS preflight of a guest, and reports whether the request was
// one.
func (s *Server) Preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || s.opts.Origins == nil {
		return false
	}
	x := &exchange{srv: s, w: w, r: r}
	if f := x.checkOrigin(); f != nil {
		x.refuse(*f)
		return true
	}
	x.preflight()
	return true
}

// Begin answers the request with which a guest came, and sends what waits. It is called
// once, on the goroutine of the request. An event stream over HTTP/2 is written on the
// way of the request, so Begin returns when the session is over. After an error the
// session is over too; ErrClosed says that it was before, and nothing was answered.
func (s *Session) Begin(w http.ResponseWriter, r *http.Request) error {
	if s.Err() != nil {
		return ErrClosed
	}
	if s.guest.stream() {
		return s.beginStream(w, r)
	}
	c, err := s.srv.acceptWebSocket(w, r, s.guest.subprotocol)
	if err != nil {
		s.srv.opts.Observer.RequestRefused(codeBadRequest, refusedHandshake)
		s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailConnectionLost, Err: err})
		return err
	}
	if !s.carry(c, nil) {
		_ = c.conn.Close() // the session ended in between
		return nil
	}
	c.begin()
	return nil
}

// carry makes c the transport of a guest, which begins with head.
func (s *Session) carry(c *wsConn, head *Message) bool {
	cut := s.srv.idleCuts.known(s.origin.addr)
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return false
	}
	c.s, s.ws, s.guest.lived = s, c, c.activity.since
	s.srv.wg.Add(1) // its reader; the session itself is still counted
	if head != nil {
		s.out.queue = slices.Insert(s.out.queue, 0, entry{m: head})
		s.out.bytes += head.size
	}
	s.startHeartbeatLocked()
	s.keepAliveLocked(c, cut)
	var flush *wsConn
	if !s.out.empty() || s.state == stateClosing {
		flush = s.wakeLocked()
	}
	s.mu.Unlock()
	if flush != nil {
		s.startFlush(flush)
	}
	return true
}

// answered is told of a WebSocket pong: a guest answers pings of that kind.
func (s *Session) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateClosed && s.beat.waiting {
		s.beat.waiting = false
		s.beat.timer.Reset(s.srv.opts.PingInterval)
	}
}

// pingOf is the heartbeat in the words of the client.
func (s *Session) pingOf() *Message {
	switch {
	case s.guest.stream():
		return streamComment
	case s.guest != nil:
		return wsPing
	}
	return pingPacket
}
