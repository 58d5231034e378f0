package socketio

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// eventOverhead is what a waiting event counts beyond what its arguments hold, in
// bytes.
const eventOverhead = 128

// inbox is the queue of a socket's events that wait for their handlers, bounded
// in number and bytes. It is guarded by Socket.mu.
type inbox struct {
	head, tail *Event
	n, bytes   int
	running    bool // a goroutine is at work: pump, or the connect before it
}

// inboxesPerConn bounds the events of one connection that are not yet handled, in
// all its namespaces, as a multiple of Options.InboxBytes.
const inboxesPerConn = 4

// backlog counts the events of one connection that are not yet handled. Only the goroutine
// that reads the connection waits for room.
type backlog struct {
	bytes   atomic.Int64
	waiting atomic.Bool
	room    chan struct{} // made by the reader when it waits first
}

// take counts bytes of events that are handled or dropped, and wakes the reader.
func (b *backlog) take(bytes int) {
	b.bytes.Add(int64(-bytes))
	b.wake()
}

func (b *backlog) wake() {
	if b.waiting.Load() {
		select {
		case b.room <- struct{}{}:
		default: // it is awake already
		}
	}
}

// push queues an event, on the goroutine that reads the connection. When the inbox
// is full it waits until there is room, the socket is told to end or the connection
// has: that pauses reading. Handlers that make no room within HandlerStall cost the
// client its connection.
func (s *Socket) push(e *Event) {
	s.mu.Lock()
	if s.fullLocked(e) {
		s.mu.Unlock()
		if !s.awaitRoom(e) {
			return
		}
	}
	s.enqueueUnlock(e)
}

// fullLocked reports whether e must wait. An event that is larger than all bounds
// is taken alone.
func (s *Socket) fullLocked(e *Event) bool {
	if s.reason != nil || s.cleaned {
		return false
	}
	o := &s.ns.srv.opts
	if s.in.n > 0 && (s.in.n >= o.InboxEvents || s.in.bytes+e.size > o.InboxBytes) {
		return true
	}
	waiting := s.conn.backlog.bytes.Load()
	return waiting > 0 && waiting+int64(e.size) > inboxesPerConn*int64(o.InboxBytes)
}

// awaitRoom waits until e need not wait, and returns with the lock held, or
// reports false: the connection has ended.
func (s *Socket) awaitRoom(e *Event) bool {
	o, b := &s.ns.srv.opts, &s.conn.backlog
	o.Observer.InboxFull(s.ns.name)
	stall := time.NewTimer(o.Engine.HandlerStall)
	defer stall.Stop()
	if b.room == nil {
		b.room = make(chan struct{}, 1)
	}
	b.waiting.Store(true) // before looking, so that no room is missed
	defer b.waiting.Store(false)
	for {
		s.mu.Lock()
		if !s.fullLocked(e) {
			return true
		}
		s.mu.Unlock()
		select {
		case <-b.room:
		case <-s.sess.Done():
			return false
		case <-stall.C:
			s.sess.Close(engineio.ReasonTransportError, engineio.DetailHandlerStall, nil)
			return false
		}
	}
}

// pushFailure queues an error for the socket's error listeners, in order with
// its events. It does not wait for room: the connection ends here.
func (s *Socket) pushFailure(err error) {
	s.mu.Lock()
	s.enqueueUnlock(&Event{socket: s, failure: err})
}

// pushUpgrade queues the news that the connection moved to WebSocket, in order
// with the events, if somebody listens or may be about to: what runs now may have
// asked for the transport a moment ago.
func (s *Socket) pushUpgrade() {
	s.mu.Lock()
	if !s.in.running && !s.listensLocked(listenUpgrade) {
		s.mu.Unlock()
		return
	}
	s.enqueueUnlock(&Event{socket: s, upgraded: true})
}

// enqueueUnlock appends e, unlocks, and sees to it that someone is at work.
func (s *Socket) enqueueUnlock(e *Event) {
	if s.reason != nil || s.cleaned {
		s.mu.Unlock()
		return // as in Node: what comes after the end is ignored
	}
	if s.in.tail == nil {
		s.in.head = e
	} else {
		s.in.tail.next = e
	}
	s.in.tail = e
	s.in.n++
	s.in.bytes += e.size
	s.conn.backlog.bytes.Add(int64(e.size))
	start := !s.in.running
	s.in.running = true
	s.mu.Unlock()
	if start {
		s.ns.srv.pumps.Do(s)
	}
}

// pop takes the next event, or nil, which means that the goroutine must go. end
// says that it has to end the socket first.
func (s *Socket) pop() (e *Event, end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e = s.in.head
	if e == nil {
		if s.reason != nil && s.state.Load() != stateEnded {
			return nil, true
		}
		s.in.running = false
		return nil, false
	}
	s.in.head = e.next
	e.next = nil
	if s.in.head == nil {
		s.in.tail = nil
	}
	s.in.n--
	s.in.bytes -= e.size
	s.conn.backlog.wake()
	return e, false
}

// clearLocked drops what is queued.
func (in *inbox) clearLocked(b *backlog) {
	bytes := in.bytes
	in.head, in.tail, in.n, in.bytes = nil, nil, 0, 0
	b.take(bytes)
}

// pump handles what is queued and goes away. One runs at a time.
func (s *Socket) pump() {
	gone := false
	defer func() {
		if !gone { // a handler left by runtime.Goexit: the queue lives on
			go s.pump()
		}
	}()
	for {
		e, end := s.pop()
		switch {
		case e != nil && e.failure != nil:
			s.fail(e.failure)
		case e != nil && e.upgraded:
			s.upgraded()
		case e != nil && e.former != nil:
			s.identified(e.former.was)
		case e != nil && e.direct != nil:
			s.handleDirect(e)
		case e != nil:
			s.handle(e)
		case end:
			s.finish()
		default:
			gone = true
			return
		}
	}
}

// handle runs everything that listens to an event.
func (s *Socket) handle(e *Event) {
	defer s.conn.backlog.take(e.size)
	defer s.survive(e.name)
	ctx := s.Context()
	h := s.ns.hooks.Load()
	own := s.listening()

	for _, l := range h.anyIn {
		l.call(ctx, e)
	}
	call(ctx, own, listenAny, e)
	for i := range own {
		mw, ok := own[i].call.(func(context.Context, *Event) error)
		if !ok || own[i].kind != listenMiddleware {
			continue
		}
		if err := mw(ctx, e); err != nil {
			s.fail(err)
			return
		}
	}
	if s.state.Load() >= stateMuted {
		return
	}
	if !dispatch(ctx, h, own, e) {
		s.ns.srv.opts.Observer.EventUnhandled(s.ns.name, e.name)
		for _, l := range h.unhandled {
			l.call(ctx, e)
		}
		call(ctx, own, listenUnhandled, e)
	}
}

// dispatch calls the handlers of the event's name.
func dispatch(ctx context.Context, h *hooks, own []listener, e *Event) (taken bool) {
	for i := range h.on {
		if h.on[i].event == e.name {
			taken = true
			h.on[i].call(ctx, e)
		}
	}
	for i := range own {
		l := &own[i]
		f, ok := l.call.(Handler)
		if !ok || l.kind != listenEvent || l.event != e.name || l.once && !e.socket.removeListener(l.id) {
			continue
		}
		taken = true
		f(ctx, e)
	}
	return taken
}

// call calls the listeners of one kind that take events.
func call(ctx context.Context, own []listener, kind listenKind, e *Event) {
	for i := range own {
		if f, ok := own[i].call.(Handler); ok && own[i].kind == kind {
			f(ctx, e)
		}
	}
}

// survive is deferred around handlers: a panic ends the socket, and only that.
func (s *Socket) survive(what string) {
	v := recover()
	if v == nil {
		return
	}
	s.panicked(what, v)
	s.end("handler_panic", "the server failed while it handled an event", string(engineDetailPanic))
}

func (s *Socket) panicked(what string, v any) {
	s.ns.srv.panicked(s.ns.name, what, v)
}

// guarded runs a listener whose panic must not stop what follows.
func (s *Socket) guarded(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(what, v)
		}
	}()
	f()
}
