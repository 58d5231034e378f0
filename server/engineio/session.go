package engineio

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// Handler is told of each new session, on the goroutine of its handshake, before
// anything of it is read. It may Send, but not wait. A nil Receiver refuses it.
type Handler interface {
	Open(s *Session) Receiver
}

// Receiver hears one session. A panic in it may end the program: not all of its calls come
// from net/http, which recovers.
type Receiver interface {
	// Receive takes one message. data is valid only during the call. While it
	// blocks nothing more of this session is read and its ping timeout waits, for
	// at most Options.HandlerStall; it must return when Session.Done closes. An
	// error ends the session: a *CloseError as it says, any other with
	// ReasonParseError.
	Receive(data []byte, binary bool) error
	// Closed is called once, after the last Receive has returned, on a goroutine
	// of its own.
	Closed(c *CloseError)
}

// UpgradeReceiver is a Receiver that is told when its session has moved from
// polling to WebSocket.
type UpgradeReceiver interface {
	Receiver
	// Upgraded is called once, after everything that came by polling was received
	// and before anything is read from the WebSocket. It never overlaps Receive,
	// and what is said there about blocking holds for it too.
	Upgraded()
}

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // what is queued still goes out; nothing more is accepted
	stateClosed
)

// Session is one client's connection, over whichever transport it uses at the
// moment. Its methods may be called from any goroutine.
type Session struct {
	srv      *Server
	recv     Receiver
	id       string
	protocol int // 0 of a guest
	origin   snapshot
	attached any
	pass     Pass   // nil without Options.Enter
	guest    *guest // nil for a client that speaks Engine.IO

	mu         sync.Mutex
	state      state
	flushing   bool // a flusher is at work
	delivering bool // the Receiver is being called
	closeDue   bool // Closed is owed when it returns
	out        outbox
	came       traffic
	ws         *wsConn      // nil while on polling
	poll       *poller      // nil for a session that began on WebSocket
	watch      *outboxWatch // while the outbox is above its limit
	beat       heartbeat
	why        *CloseError // set when closing begins
	done       chan struct{}
	closer     *time.Timer // bounds stateClosing

	heldBack atomic.Int32 // requests that wait for the pass
}

// ID returns the session id. Who knows it can speak for the client: never show
// it to another.
func (s *Session) ID() string { return s.id }

// Protocol returns the Engine.IO protocol, 3 or 4, or 0 of a guest.
func (s *Session) Protocol() int { return s.protocol }

// Request returns what is kept of the handshake request, made anew.
func (s *Session) Request() *Request { return s.origin.request() }

// RemoteAddr is that of the handshake request, for less than the whole of it.
func (s *Session) RemoteAddr() string { return s.origin.addr }

// Attached returns what Options.Attach made of the handshake request, or nil.
func (s *Session) Attached() any { return s.attached }

// Pass returns what Options.Enter gave the session, or nil.
func (s *Session) Pass() Pass { return s.pass }

// Transport returns the name of the transport in use right now.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transportLocked()
}

func (s *Session) transportLocked() string {
	if s.guest != nil {
		return s.guest.transport
	}
	if s.ws != nil {
		return TransportWebSocket
	}
	return TransportPolling
}

// carriedBy reports whether c is the session's transport.
func (s *Session) carriedBy(c *wsConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ws == c
}

// Done returns a channel that is closed when the session has ended.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.state == stateClosed {
			close(s.done)
		}
	}
	return s.done
}

// Err returns why the session has ended, or nil while it has not.
func (s *Session) Err() *CloseError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateClosed {
		return nil
	}
	return s.why
}

// Send queues a message. It never blocks. ErrClosed: the session is over.
// ErrDropped: the message was volatile and the client is not ready for it.
func (s *Session) Send(m *Message, f SendFlag) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return ErrClosed
	}
	if f&Volatile != 0 && s.srv.opts.SlowReader == SlowReaderDisconnect && !s.writableLocked() {
		s.mu.Unlock()
		s.srv.opts.Observer.MessageDropped(1)
		return ErrDropped
	}
	s.out.push(entry{m: m, flags: f})
	s.countLocked()
	if s.out.bytes > s.srv.opts.OutboxLimit {
		return s.sendOverLimit()
	}
	s.wakeUnlock()
	return nil
}

// sendOverLimit ends a Send, with the lock held, that left the outbox above its
// limit.
func (s *Session) sendOverLimit() error {
	dropped, why := s.overLimitLocked()
	var c *wsConn
	if why == nil {
		c = s.wakeLocked()
	}
	s.mu.Unlock()
	if dropped > 0 {
		s.srv.opts.Observer.MessageDropped(dropped)
	}
	if why != nil {
		s.end(why)
		return ErrClosed
	}
	if c != nil {
		s.startFlush(c)
	}
	return nil
}

// SendPaged queues a replay: next is called, one call at a time and holding no
// lock, whenever the reader has room, until it returns nil. What it returns does
// not count in the outbox. The replay keeps its place in the order.
func (s *Session) SendPaged(next func() *Message) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return ErrClosed
	}
	s.out.push(entry{next: next})
	s.wakeUnlock()
	return nil
}

// Writable reports whether a message sent now would go out at once, as a volatile one has
// to.
func (s *Session) Writable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateOpen && s.writableLocked()
}

// writableLocked reports whether a message queued now would go out at once.
func (s *Session) writableLocked() bool {
	if !s.out.empty() {
		return false
	}
	if s.ws != nil {
		return !s.flushing
	}
	return s.poll != nil && s.poll.waiting != nil
}

// wakeUnlock sees to it that what is queued goes out, and unlocks.
func (s *Session) wakeUnlock() {
	c := s.wakeLocked()
	s.mu.Unlock()
	if c != nil {
		s.startFlush(c)
	}
}

// wakeLocked sees to it that what is queued goes out. When it returns a
// connection the caller starts a flusher for it, after unlocking.
func (s *Session) wakeLocked() *wsConn {
	if s.ws != nil {
		if s.flushing || s.state == stateClosed {
			return nil
		}
		s.flushing = true
		return s.ws
	}
	if s.poll != nil && s.poll.waiting != nil {
		s.poll.waiting.signal()
	}
	return nil
}

// deliver handles one packet. It runs on the goroutine that read it, one call at
// a time. errEnded means that nothing more should be read.
func (s *Session) deliver(p wire.Packet) error {
	switch p.Type {
	case wire.Message:
		return s.receive(p.Data, p.Binary)
	case wire.Ping, wire.Pong:
		return s.heard(p.Type)
	case wire.Close:
		s.awaitLastPoll()
		s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailClosePacket})
		return errEnded
	case wire.Open, wire.Upgrade, wire.Noop:
		// Node's server ignores them as well.
	}
	return nil
}

// errEnded tells a reader that the session is over.
var errEnded = errors.New("engineio: session ended")

func (s *Session) receive(data []byte, binary bool) error {
	s.mu.Lock()
	if s.state != stateOpen {
		closed := s.state == stateClosed
		s.mu.Unlock()
		if closed {
			return errEnded
		}
		return nil // closing: what the client still says is not heard
	}
	s.delivering = true
	s.came.add(1, len(data))
	s.activeLocked()
	s.mu.Unlock()

	s.srv.stats.messagesIn.Add(1)
	err := s.recv.Receive(data, binary)
	if s.delivered() {
		return errEnded
	}
	if err == nil {
		return nil
	}
	var c *CloseError
	if !errors.As(err, &c) {
		c = &CloseError{Reason: ReasonParseError, Detail: DetailBadMessage, Err: err}
	}
	s.end(c)
	return errEnded
}

// delivered follows every call of the Receiver that delivering announced. It
// reports whether the session ended meanwhile, and then sees to Closed.
func (s *Session) delivered() (ended bool) {
	s.mu.Lock()
	s.delivering = false
	s.resumeLocked()
	due, why := s.closeDue, s.why
	s.closeDue = false
	s.mu.Unlock()
	if due {
		go s.finish(why)
	}
	return due
}

// Close ends the session in order: what is queued goes out first, for at most
// Options.CloseTimeout, and nothing more is accepted. It does not wait. Only the
// first call counts.
func (s *Session) Close(reason Reason, detail Detail, err error) {
	s.closeWithin(&CloseError{Reason: reason, Detail: detail, Err: err}, s.srv.opts.CloseTimeout)
}

// Abort ends the session at once: what is queued is dropped. It is for a stream of
// messages that cannot go on without a hole. It does not wait, and only the first
// call counts.
func (s *Session) Abort(reason Reason, detail Detail, err error) {
	s.end(&CloseError{Reason: reason, Detail: detail, Err: err})
}

func (s *Session) closeWithin(why *CloseError, limit time.Duration) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state = stateClosing
	s.why = why
	if s.poll != nil && s.ws == nil {
		s.out.push(entry{m: closePacket})
	}
	s.closer = time.AfterFunc(limit, func() { s.end(why) })
	s.wakeUnlock()
}

// end ends the session now. It is the only function that does; every way out
// leads here. It does not wait, may be called from anywhere, and only the first
// call counts.
func (s *Session) end(why *CloseError) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	if s.state == stateClosing {
		why = s.why
	}
	s.state = stateClosed
	s.why = why
	s.uncountLocked()
	s.out.reset()
	stopTimer(s.beat.timer)
	if s.watch != nil {
		s.watch.timer.Stop()
	}
	stopTimer(s.closer)
	if s.done != nil {
		close(s.done)
	}
	var candidate *wsConn
	if s.poll != nil {
		s.poll.endLocked(why)
		candidate, s.poll.candidate = s.poll.candidate, nil
	}
	ws, flushing := s.ws, s.flushing
	if ws != nil {
		stopTimer(ws.pinger)
	}
	s.closeDue = s.delivering
	due := s.closeDue
	s.mu.Unlock()

	if ws != nil {
		s.parted(ws, why)
		ws.shutdown(why, flushing)
	}
	if candidate != nil {
		candidate.shutdown(why, false)
	}
	if !due {
		go s.finish(why)
	}
}

// finish tells the server, and the Receiver once nothing else calls it.
func (s *Session) finish(why *CloseError) {
	s.logEnd(why)
	s.srv.remove(s, why)
	s.leave()
	s.recv.Closed(why)
	s.srv.wg.Done()
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
