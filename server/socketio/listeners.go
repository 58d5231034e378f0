package socketio

import (
	"context"
	"slices"
)

// listenKind says what a listener of a socket listens to, and so what type its
// call has.
type listenKind uint8

const (
	listenEvent         listenKind = iota // Handler
	listenAny                             // Handler
	listenUnhandled                       // Handler
	listenMiddleware                      // func(context.Context, *Event) error
	listenOutgoing                        // func(string, []any)
	listenError                           // func(error)
	listenDisconnecting                   // func(DisconnectReason)
	listenDisconnect                      // func(DisconnectReason)
	listenUpgrade                         // func(string)
)

// listener is one registration on a socket. A socket keeps them in one slice: it
// has a handful, and a map per socket would cost more than the search.
type listener struct {
	event string
	call  any
	id    uint32
	kind  listenKind
	once  bool // listenEvent only
}

// Listener is a registration. Off ends it; who never wants to need not keep it.
// The zero Listener is none.
type Listener struct {
	of interface{ unlisten(id uint32) }
	id uint32
}

// Off removes what was registered. An event that is being handled at the moment
// may still reach it. A second call does nothing.
func (l Listener) Off() {
	if l.of != nil {
		l.of.unlisten(l.id)
	}
}

func (s *Socket) listen(l listener) Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastListener++
	l.id = s.lastListener
	s.listeners = append(s.listeners, l)
	if l.kind == listenOutgoing {
		s.bits.Or(bitOutgoing)
	}
	return Listener{of: s, id: l.id}
}

func (s *Socket) unlisten(id uint32) { s.removeListener(id) }

// removeListener reports whether the listener was there: of several callers one
// hears true.
func (s *Socket) removeListener(id uint32) bool {
	return s.removeListeners(func(l listener) bool { return l.id == id })
}

func (s *Socket) removeListeners(which func(l listener) bool) (removed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.listeners, which) {
		return false
	}
	s.listeners = slices.DeleteFunc(slices.Clone(s.listeners), which)
	if !s.listensLocked(listenOutgoing) {
		s.bits.And(^bitOutgoing)
	}
	return true
}

func (s *Socket) listensLocked(kind listenKind) bool {
	return slices.ContainsFunc(s.listeners, func(l listener) bool { return l.kind == kind })
}

// listening returns the listeners of this moment, to be read without a lock.
func (s *Socket) listening() []listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners
}

// On adds a handler of an event. Several handlers of one event run in the order
// they were added, after those of Namespace.On.
func (s *Socket) On(event string, h Handler) Listener {
	return s.listen(listener{kind: listenEvent, event: event, call: h})
}

// Once adds a handler that is called for one event at most, and removed before
// that.
func (s *Socket) Once(event string, h Handler) Listener {
	return s.listen(listener{kind: listenEvent, event: event, call: h, once: true})
}

// Off removes the socket's handlers of events, or of all events if none is named.
// Other listeners stay; Listener.Off removes a single one of any kind.
func (s *Socket) Off(events ...string) {
	s.removeListeners(func(l listener) bool {
		return l.kind == listenEvent && (len(events) == 0 || slices.Contains(events, l.event))
	})
}

// OnAny adds a listener of every event received, called before its handlers and
// before the socket's middleware. It does not count as a handler.
func (s *Socket) OnAny(f func(ctx context.Context, e *Event)) Listener {
	return s.listen(listener{kind: listenAny, call: Handler(f)})
}

// OnUnhandled adds a listener of the events that no handler takes.
func (s *Socket) OnUnhandled(f func(ctx context.Context, e *Event)) Listener {
	return s.listen(listener{kind: listenUnhandled, call: Handler(f)})
}

// OnAnyOutgoing adds a listener of every event sent to this socket, whether it
// was emitted to the socket or broadcast.
func (s *Socket) OnAnyOutgoing(f func(event string, args []any)) Listener {
	return s.listen(listener{kind: listenOutgoing, call: f})
}

// Use adds middleware of the socket's events. An error keeps the event from its
// handlers and goes to OnError; the client sees nothing, as in Node.
func (s *Socket) Use(mw func(ctx context.Context, e *Event) error) Listener {
	return s.listen(listener{kind: listenMiddleware, call: mw})
}

// OnError adds a listener of errors: of middleware, and of malformed packets.
func (s *Socket) OnError(f func(err error)) Listener {
	return s.listen(listener{kind: listenError, call: f})
}

// OnDisconnecting adds a listener that runs while the socket is still in its rooms.
func (s *Socket) OnDisconnecting(f func(r DisconnectReason)) Listener {
	return s.listen(listener{kind: listenDisconnecting, call: f})
}

// OnDisconnect adds a listener that runs when the socket has left everything.
func (s *Socket) OnDisconnect(f func(r DisconnectReason)) Listener {
	return s.listen(listener{kind: listenDisconnect, call: f})
}

// fail tells the socket's error listeners.
func (s *Socket) fail(err error) {
	for _, l := range s.listening() {
		if f, ok := l.call.(func(error)); ok && l.kind == listenError {
			s.guarded("error listener", func() { f(err) })
		}
	}
}

// outgoing tells the socket's listeners of outgoing events.
func (s *Socket) outgoing(event string, args []any) {
	for _, l := range s.listening() {
		if f, ok := l.call.(func(string, []any)); ok && l.kind == listenOutgoing {
			s.guarded("outgoing listener", func() { f(event, args) })
		}
	}
}

// identified tells the namespace's listeners of who the client is now.
func (s *Socket) identified(was any) {
	for _, l := range s.ns.hooks.Load().identity {
		s.guarded("identity listener", func() { l.call(s, was) })
	}
}

// upgraded tells the socket's listeners of the upgrade.
func (s *Socket) upgraded() {
	for _, l := range s.listening() {
		if f, ok := l.call.(func(string)); ok && l.kind == listenUpgrade {
			s.guarded("upgrade listener", func() { f(s.sess.Transport()) })
		}
	}
}
