package socketio

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// pendingConnect is a CONNECT that is not answered yet.
type pendingConnect struct {
	conn *conn
	name string
	auth Raw
	anew bool // the session it returned to is lost, or not its own; owned by run

	mu     sync.Mutex
	cancel func() // ends what is being waited for
	over   bool   // abandoned: the connection is gone, or a newer CONNECT came
}

// abandon makes the connect come to nothing.
func (p *pendingConnect) abandon() {
	p.mu.Lock()
	p.over = true
	cancel := p.cancel
	p.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// waitFor notes how to cancel what is waited for next.
func (p *pendingConnect) waitFor(cancel func()) (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel = cancel
	return !p.over
}

// maxAuthBytes bounds the auth data of all sockets of one connection, which they
// keep for Socket.Handshake. That of a single one may be as large as a message.
const maxAuthBytes = 1 << 20

// connect begins to connect the client to a namespace. A CONNECT while an
// earlier one is pending replaces it: the client has forgotten that one.
func (c *conn) connect(name string, auth Raw) error {
	c.mu.Lock()
	if c.dec != nil {
		c.variant = variantOf(c.dec.Format(), c.sess.Protocol()+1)
	}
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.left = slices.DeleteFunc(c.left, func(n string) bool { return n == name })
	var old *pendingConnect
	if i := slices.IndexFunc(c.pending, func(p *pendingConnect) bool { return p.name == name }); i >= 0 {
		old = c.pending[i]
		c.pending = slices.Delete(c.pending, i, i+1)
	}
	limit := c.srv.opts.MaxNamespaces
	// Sockets that ended but whose handlers still run count too, more leniently.
	full := len(c.sockets)+len(c.pending) >= limit || c.refs > 2*limit
	large := c.authBytes > 0 && c.authBytes+auth.Held() > maxAuthBytes
	p := &pendingConnect{conn: c, name: name, auth: auth}
	if !full && !large {
		c.pending = append(c.pending, p)
		c.refs++
		c.authBytes += auth.Held()
	}
	c.mu.Unlock()
	if old != nil {
		old.abandon()
	}
	switch {
	case full:
		c.refuse(name, limited(CodeTooManyNamespaces, "too many namespaces", 0), refusedMany)
	case large:
		c.refuse(name, &ConnectError{Message: "too much auth data"}, refusedAuth)
	default:
		go p.run()
	}
	return nil
}

var errUnknownNamespace = &ConnectError{Message: "Invalid namespace"}

// Why a CONNECT is refused. The set is closed; it is a label of the metrics.
const (
	refusedUnknown    = "unknown namespace"
	refusedMiddleware = "middleware"
	refusedMany       = "too many namespaces"
	refusedRate       = "rate limited"
	refusedAuth       = "too much auth data"
	refusedPanic      = "panic"
)

// ConnectRefusals lists what an Observer may be told in ConnectRefused.
func ConnectRefusals() []string {
	return []string{refusedUnknown, refusedMiddleware, refusedMany, refusedRate, refusedAuth, refusedPanic}
}

// refuse answers CONNECT with CONNECT_ERROR.
func (c *conn) refuse(name string, err error, why string) {
	if c.guest != nil {
		c.guest.refused(name, err, why)
		return
	}
	c.srv.opts.Observer.ConnectRefused(name, why)
	message, data := err.Error(), any(nil)
	var ce *ConnectError
	if errors.As(err, &ce) {
		message, data = ce.Message, ce.Data
	}
	body := map[string]any{"message": message}
	if data != nil {
		body["data"] = data
	}
	var payload any = body
	if c.sess.Protocol() == 3 && ce != errUnknownNamespace {
		if payload = data; data == nil {
			payload = message
		}
	}
	c.mu.Lock()
	v := c.variant
	c.mu.Unlock()
	m, encErr := encode(&wire.Outgoing{Type: wire.ConnectError, Namespace: name, Payload: payload}, v)
	if encErr != nil { // the application's data does not encode: the message does
		delete(body, "data")
		m, encErr = encode(&wire.Outgoing{Type: wire.ConnectError, Namespace: name, Payload: body}, v)
	}
	if encErr == nil {
		_ = c.sess.Send(m, 0) // the client may be gone
	}
}

// run resolves the namespace, runs its middleware and makes the socket live; then
// it goes on as the goroutine of the socket's events.
func (p *pendingConnect) run() {
	c := p.conn
	n := c.srv.acquireNamespace(p)
	if n == nil {
		if p.settle(nil) {
			c.refuse(p.name, errUnknownNamespace, refusedUnknown)
		}
		c.release(p.auth.Held())
		return
	}
	if p.attempt(n) {
		p.anew = true
		p.attempt(n)
	}
}

// attempt makes a socket, runs middleware and makes the socket live. It reports
// true if the session that the client returned to was lost while middleware ran, or
// turned out to be another user's: the client gets another socket then, and
// middleware is asked about that one.
func (p *pendingConnect) attempt(n *Namespace) (again bool) {
	s, restored := p.socket(n)
	err := errPanicked
	admitted := false
	defer func() {
		if !admitted { // refused, or left by runtime.Goexit
			p.turnAway(s, restored, err)
		}
	}()
	if err = p.admit(s, restored); err != nil {
		return false
	}
	if restored != nil && s.otherUser(restored) {
		admitted = true
		s.recoveryTried(MissOtherUser)
		s.ns.recoverer().Release(restored) // its owner may still come
		s.discard()
		return true
	}
	if !p.settle(s) {
		return false
	}
	admitted = true
	if g := p.conn.guest; g != nil {
		g.settle(s, nil)
	}
	begun := false
	defer func() {
		if !begun { // a connection handler left by runtime.Goexit
			go func() {
				s.sendEarly()
				s.pump()
			}()
		}
	}()
	lost := s.begin(restored) != nil
	begun = true
	if lost {
		s.recoveryTried(MissIncomplete)
	}
	if lost && p.unsettle(s) {
		s.discard()
		return true
	}
	s.pump()
	return false
}

// turnAway undoes a connect that came to nothing, and tells the client why if
// there is an error.
func (p *pendingConnect) turnAway(s *Socket, restored *Session, err error) {
	if restored != nil {
		s.ns.recoverer().Release(restored)
	}
	s.discard()
	p.conn.srv.releaseNamespace(s.ns)
	if err != nil && p.settle(nil) {
		why := refusedMiddleware
		if errors.Is(err, errPanicked) {
			why = refusedPanic
		}
		p.conn.refuse(p.name, err, why)
	}
	p.conn.release(p.auth.Held())
}

// discard ends a socket that never was live. What middleware did with it is undone.
func (s *Socket) discard() {
	s.mu.Lock()
	s.cleaned, s.early = true, nil
	s.in.clearLocked(&s.conn.backlog)
	s.mu.Unlock()
	s.loseAcks()
	s.leaveAll()
	s.endContext()
}

// settle ends the pending state, and moves the socket, if there is one, to the
// connection. It reports false if the connect was abandoned.
func (p *pendingConnect) settle(s *Socket) bool {
	c := p.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.pending, p)
	if i < 0 {
		return false
	}
	c.pending = slices.Delete(c.pending, i, i+1)
	if s != nil {
		c.sockets = append(c.sockets, s)
		c.stopTimerLocked()
	}
	return true
}

// unsettle undoes settle of a socket that did not become live. It reports false if
// the connection is gone, or the client has left: the socket ends as any other.
func (p *pendingConnect) unsettle(s *Socket) bool {
	c := p.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, s)
	if i < 0 {
		return false
	}
	c.sockets = slices.Delete(c.sockets, i, i+1)
	c.pending = append(c.pending, p)
	return true
}

// socket makes the socket, from an earlier session if the client returns to one.
func (p *pendingConnect) socket(n *Namespace) (*Socket, *Session) {
	c := p.conn
	c.mu.Lock()
	v := c.variant
	c.mu.Unlock()
	s := &Socket{ns: n, conn: c, sess: c.sess, variant: v, issued: time.Now().UnixMilli()}
	s.in.running = true // this goroutine
	if !p.auth.IsZero() {
		s.auth = new(p.auth) // a copy: p is not kept
	}
	if !p.waitFor(s.endContext) {
		s.endContext()
	}
	restored := p.restore(s)
	if restored != nil {
		s.id, s.data, s.recovered = restored.SID, restored.Data, true
	} else {
		s.id = newID()
	}
	return s, restored
}

var errPanicked = errors.New("internal error")

// admit asks Options.Admit and runs the namespace's middleware.
func (p *pendingConnect) admit(s *Socket, restored *Session) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked("middleware", v)
			err = errPanicked
		}
	}()
	if ask := p.conn.srv.opts.Admit; ask != nil {
		if err := ask(s.Context(), s); err != nil {
			return err
		}
	}
	if restored != nil && s.ns.recovery.Load().SkipMiddleware {
		return nil
	}
	for _, mw := range s.ns.hooks.Load().middleware {
		if err := mw.call(s.Context(), s); err != nil {
			return p.conn.guest.told(err)
		}
	}
	if g := p.conn.guest; g != nil && g.opts.Admit != nil {
		return g.opts.Admit(s.Context(), s)
	}
	return nil
}

// begin answers CONNECT, makes the socket live and calls the connection handlers.
// An error says that it did nothing, because the restored session is lost.
func (s *Socket) begin(restored *Session) error {
	r := s.ns.recoverer()
	switch {
	case s.conn.guest != nil:
		s.goLive("", s.conn.guest.replay())
	case r == nil || !s.variant.returns():
		s.goLive("", nil)
	case restored != nil:
		if err := s.resume(r, restored); err != nil {
			return err
		}
	default:
		s.beginSession(r)
	}
	s.mu.Lock()
	live := s.wentLive
	s.mu.Unlock()
	if !live {
		if restored != nil {
			r.Release(restored)
		}
		return nil
	}
	s.sendEarly()
	s.ns.local.announce(s)
	s.ns.srv.opts.Observer.SocketOpened(s.ns.name, s.Recovered())
	if s.Recovered() {
		s.recoveryTried(RecoveryHit)
	}
	s.connected()
	if g := s.conn.guest; g != nil {
		g.connected(s)
	}
	return nil
}

// goLive answers CONNECT and lets broadcasts find the socket, as one step for
// both sides: who heard the answer can be reached, and nothing overtakes it. It
// reports false if the socket has ended before. It calls no user code.
func (s *Socket) goLive(pid string, replay func() *engineio.Message) bool {
	m := s.answerConnect(pid)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil {
		return false
	}
	s.wentLive = true
	s.state.Store(stateOpening) // who finds the socket now waits for the lock
	s.ns.local.add(s)
	if m != nil {
		_ = s.sess.Send(m, 0) // the client may be gone: Closed ends the socket
	}
	if replay != nil {
		_ = s.sess.SendPaged(replay)
	}
	s.state.Store(stateLive)
	return true
}

// answerConnect is what the client is told that it is connected by; nil says nothing.
func (s *Socket) answerConnect(pid string) *engineio.Message {
	if g := s.conn.guest; g != nil {
		if g.opts.Welcome == nil {
			return nil
		}
		var text []byte
		s.guarded("guest", func() { text = g.opts.Welcome(s) })
		return g.message(text)
	}
	var payload any
	if s.variant.protocol() == 5 {
		payload = connectAnswer{SID: s.id, PID: pid}
	}
	m, err := encode(&wire.Outgoing{Type: wire.Connect, Namespace: s.ns.name, Payload: payload}, s.variant)
	if err != nil {
		panic(err) // two strings always encode
	}
	return m
}

// connectAnswer is the payload of the server's CONNECT.
type connectAnswer struct {
	SID string `json:"sid"`
	PID string `json:"pid,omitempty"`
}

func (s *Socket) connected() {
	defer s.survive("connection")
	if f := s.ns.srv.opts.Entered; f != nil {
		f(s)
	}
	for _, l := range s.ns.hooks.Load().connection {
		l.call(s)
	}
}

// formatAtOpen is the format before the client said anything.
func (s *Server) formatAtOpen() wire.Format {
	if s.opts.Parser == ParserMsgpack {
		return wire.Msgpack
	}
	return wire.JSON
}

// formatFor is the format a decoder begins with. Clients of protocol 3 are
// spoken to first, so theirs cannot be told from their first packet.
func (s *Server) formatFor(sess *engineio.Session) wire.Format {
	if s.opts.Parser == ParserAuto && sess.Protocol() != 3 {
		return wire.Auto
	}
	return s.formatAtOpen()
}
