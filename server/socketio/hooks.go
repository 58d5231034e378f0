package socketio

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// hooks are a namespace's registrations. They are copied on change, so that
// events are handled without a lock, and shared by child namespaces.
type hooks struct {
	last uint32 // the id given out last; copied to children, so that theirs differ

	middleware    []hook[func(ctx context.Context, s *Socket) error]
	connection    []hook[func(s *Socket)]
	on            []hook[Handler]
	anyIn         []hook[Handler]
	unhandled     []hook[Handler]
	disconnecting []hook[func(s *Socket, r DisconnectReason)]
	disconnect    []hook[func(s *Socket, r DisconnectReason)]
	identity      []hook[func(s *Socket, was any)]
	room          []hook[func(e RoomEvent)]
	adapter       []hook[func(e AdapterEvent)]
	serverSide    []hook[func(args Args, ack func(args ...any))]
	closing       []hook[func()]
}

// hook is one registration.
type hook[F any] struct {
	event string // of on and serverSide
	id    uint32
	call  F
}

// added returns list with a hook added, never touching what others may read.
func added[F any](list []hook[F], id uint32, event string, call F) []hook[F] {
	return appended(list, hook[F]{event, id, call})
}

// without returns list without the hook of an id, likewise.
func without[F any](list []hook[F], id uint32) []hook[F] {
	i := slices.IndexFunc(list, func(h hook[F]) bool { return h.id == id })
	if i < 0 {
		return list
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}

// appended returns list with v added, never touching what others may read.
func appended[T any](list []T, v T) []T { return append(slices.Clip(list), v) }

// registry holds the hooks of a Namespace or a ParentNamespace.
type registry struct {
	hooks atomic.Pointer[hooks]

	mu sync.Mutex // serializes changes of hooks
}

// change makes a copy of the hooks, changes it and puts it in place.
func (r *registry) change(f func(h *hooks)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := *r.hooks.Load()
	f(&h)
	r.hooks.Store(&h)
}

// register adds a hook under a new id.
func (r *registry) register(f func(h *hooks, id uint32)) Listener {
	var id uint32
	r.change(func(h *hooks) {
		h.last++
		id = h.last
		f(h, id)
	})
	return Listener{of: r, id: id}
}

func (r *registry) unlisten(id uint32) {
	r.change(func(h *hooks) {
		h.middleware = without(h.middleware, id)
		h.connection = without(h.connection, id)
		h.on = without(h.on, id)
		h.anyIn = without(h.anyIn, id)
		h.unhandled = without(h.unhandled, id)
		h.disconnecting = without(h.disconnecting, id)
		h.disconnect = without(h.disconnect, id)
		h.identity = without(h.identity, id)
		h.room = without(h.room, id)
		h.adapter = without(h.adapter, id)
		h.serverSide = without(h.serverSide, id)
		h.closing = without(h.closing, id)
	})
}

// off removes the handlers of events, or all of them if none is named.
func (r *registry) off(events []string) {
	r.change(func(h *hooks) {
		h.on = slices.DeleteFunc(slices.Clone(h.on), func(l hook[Handler]) bool {
			return len(events) == 0 || slices.Contains(events, l.event)
		})
	})
}
