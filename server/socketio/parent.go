package socketio

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// ParentNamespace is a rule by which namespaces come into being when a client
// asks for them. What is registered on it holds for the children made after.
type ParentNamespace struct {
	srv      *Server
	match    func(ctx context.Context, name string, h func() *Handshake) bool
	pattern  bool // match is quick and looks at the name only
	recovery atomic.Pointer[Recovery]

	registry

	children []*Namespace // guarded by Server.mu
}

// Children returns the namespaces there are.
func (p *ParentNamespace) Children() []*Namespace {
	p.srv.mu.RLock()
	defer p.srv.mu.RUnlock()
	return slices.Clone(p.children)
}

// EnableRecovery turns recovery on in the children made after it.
func (p *ParentNamespace) EnableRecovery(r Recovery) error {
	if _, ok := p.srv.root.adapter.(RecoveryAdapter); !ok {
		return ErrNoRecovery
	}
	r = r.withDefaults()
	p.recovery.Store(&r)
	return nil
}

// Use is Namespace.Use for the children.
func (p *ParentNamespace) Use(mw func(ctx context.Context, s *Socket) error) Listener {
	return p.register(func(h *hooks, id uint32) { h.middleware = added(h.middleware, id, "", mw) })
}

// OnConnection is Namespace.OnConnection for the children.
func (p *ParentNamespace) OnConnection(f func(s *Socket)) Listener {
	return p.register(func(h *hooks, id uint32) { h.connection = added(h.connection, id, "", f) })
}

// On is Namespace.On for the children.
func (p *ParentNamespace) On(event string, f Handler) Listener {
	return p.register(func(h *hooks, id uint32) { h.on = added(h.on, id, event, f) })
}

// Off is Namespace.Off for the children made after it.
func (p *ParentNamespace) Off(events ...string) { p.off(events) }

// OnAny is Namespace.OnAny for the children.
func (p *ParentNamespace) OnAny(f func(ctx context.Context, e *Event)) Listener {
	return p.register(func(h *hooks, id uint32) { h.anyIn = added(h.anyIn, id, "", f) })
}

// OnUnhandled is Namespace.OnUnhandled for the children.
func (p *ParentNamespace) OnUnhandled(f func(ctx context.Context, e *Event)) Listener {
	return p.register(func(h *hooks, id uint32) { h.unhandled = added(h.unhandled, id, "", f) })
}

// OnDisconnecting is Namespace.OnDisconnecting for the children.
func (p *ParentNamespace) OnDisconnecting(f func(s *Socket, r DisconnectReason)) Listener {
	return p.register(func(h *hooks, id uint32) { h.disconnecting = added(h.disconnecting, id, "", f) })
}

// OnDisconnect is Namespace.OnDisconnect for the children.
func (p *ParentNamespace) OnDisconnect(f func(s *Socket, r DisconnectReason)) Listener {
	return p.register(func(h *hooks, id uint32) { h.disconnect = added(h.disconnect, id, "", f) })
}

// OnIdentity is Namespace.OnIdentity for the children.
func (p *ParentNamespace) OnIdentity(f func(s *Socket, was any)) Listener {
	return p.register(func(h *hooks, id uint32) { h.identity = added(h.identity, id, "", f) })
}

// OnRoom is Namespace.OnRoom for the children.
func (p *ParentNamespace) OnRoom(f func(e RoomEvent)) Listener {
	return p.register(func(h *hooks, id uint32) { h.room = added(h.room, id, "", f) })
}

func (p *ParentNamespace) broadcast() *Broadcast { return &Broadcast{parent: p} }

// To turns to the sockets of all children that are in any of the rooms.
func (p *ParentNamespace) To(rooms ...string) *Broadcast { return p.broadcast().To(rooms...) }

// ToUser turns to all sockets of users in all children.
func (p *ParentNamespace) ToUser(ids ...string) *Broadcast { return p.broadcast().ToUser(ids...) }

// In is To.
func (p *ParentNamespace) In(rooms ...string) *Broadcast { return p.broadcast().To(rooms...) }

// Except turns to the sockets of all children that are in none of the rooms.
func (p *ParentNamespace) Except(rooms ...string) *Broadcast { return p.broadcast().Except(rooms...) }

// Volatile is Broadcast.Volatile for the sockets of all children.
func (p *ParentNamespace) Volatile() *Broadcast { return p.broadcast().Volatile() }

// Local is Broadcast.Local for the sockets of all children.
func (p *ParentNamespace) Local() *Broadcast { return p.broadcast().Local() }

// Compress is Broadcast.Compress for the sockets of all children.
func (p *ParentNamespace) Compress(on bool) *Broadcast { return p.broadcast().Compress(on) }

// Timeout is Broadcast.Timeout for the sockets of all children.
func (p *ParentNamespace) Timeout(d time.Duration) *Broadcast { return p.broadcast().Timeout(d) }

// Emit sends an event to the sockets of all children.
func (p *ParentNamespace) Emit(event string, args ...any) error {
	return p.broadcast().Emit(event, args...)
}

// Send emits a "message" event to the sockets of all children.
func (p *ParentNamespace) Send(args ...any) error { return p.Emit("message", args...) }
