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
)

// listener is one registration on a socket. A socket keeps them in one slice: it
// has a handful, and a map per socket would cost more than the search.
type listener struct {
	event string
	call  any
	kind  listenKind
}

func (s *Socket) listen(l listener) {
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
}

// listening returns the listeners of this moment, to be read without a lock.
func (s *Socket) listening() []listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners
}

// On adds a handler of an event. Several handlers of one event run in the order
// they were added, after those of Namespace.On.
func (s *Socket) On(event string, h Handler) {
	s.listen(listener{kind: listenEvent, event: event, call: h})
}

// Off removes the socket's handlers of an event.
func (s *Socket) Off(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = slices.DeleteFunc(slices.Clone(s.listeners), func(l listener) bool {
		return l.kind == listenEvent && l.event == event
	})
}

// OnAny adds a listener of every event received, called before its handlers and
// before the socket's middleware. It does not count as a handler.
func (s *Socket) OnAny(f func(ctx context.Context, e *Event)) {
	s.listen(listener{kind: listenAny, call: Handler(f)})
}

// OnUnhandled adds a listener of the events that no handler takes.
func (s *Socket) OnUnhandled(f func(ctx context.Context, e *Event)) {
	s.listen(listener{kind: listenUnhandled, call: Handler(f)})
}

// OnAnyOutgoing adds a listener of every event sent to this socket, whether it
// was emitted to the socket or broadcast.
func (s *Socket) OnAnyOutgoing(f func(event string, args []any)) {
	s.listen(listener{kind: listenOutgoing, call: f})
	s.bits.Or(bitOutgoing)
}

// Use adds middleware of the socket's events. An error keeps the event from its
// handlers and goes to OnError; the client sees nothing, as in Node.
func (s *Socket) Use(mw func(ctx context.Context, e *Event) error) {
	s.listen(listener{kind: listenMiddleware, call: mw})
}

// OnError adds a listener of errors: of middleware, and of malformed packets.
func (s *Socket) OnError(f func(err error)) {
	s.listen(listener{kind: listenError, call: f})
}

// OnDisconnecting adds a listener that runs while the socket is still in its rooms.
func (s *Socket) OnDisconnecting(f func(r DisconnectReason)) {
	s.listen(listener{kind: listenDisconnecting, call: f})
}

// OnDisconnect adds a listener that runs when the socket has left everything.
func (s *Socket) OnDisconnect(f func(r DisconnectReason)) {
	s.listen(listener{kind: listenDisconnect, call: f})
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

// hooks are a namespace's registrations. They are copied on change, so that
// events are handled without a lock, and shared by child namespaces.
type hooks struct {
	middleware    []func(ctx context.Context, s *Socket) error
	connection    []func(s *Socket)
	on            []namedHandler
	anyIn         []Handler
	unhandled     []Handler
	disconnecting []func(s *Socket, r DisconnectReason)
	disconnect    []func(s *Socket, r DisconnectReason)
	room          []func(e RoomEvent)
	serverSide    []serverSideHandler
}

type namedHandler struct {
	event string
	call  Handler
}

type serverSideHandler struct {
	event string
	call  func(args Args, ack func(args ...any))
}

// appended returns list with v added, never touching what others may read.
func appended[T any](list []T, v T) []T { return append(slices.Clip(list), v) }
