package socketio

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// Namespace is one channel of communication with handlers, rooms and middleware
// of its own. All methods may be called from any goroutine; what is registered
// counts for what happens afterwards.
type Namespace struct {
	srv      *Server
	name     string
	parent   *ParentNamespace // nil for one that Of made
	local    *Local
	adapter  Adapter
	ackIDs   atomic.Uint64 // shared by all sockets, so that a broadcast has one id
	recovery atomic.Pointer[Recovery]
	pids     pidTable

	registry

	refs int // sockets and pending connects; guarded by Server.mu
}

// openNamespace makes a namespace and opens its adapter.
func (s *Server) openNamespace(name string, parent *ParentNamespace) (*Namespace, error) {
	n := &Namespace{srv: s, name: name, parent: parent}
	n.local = &Local{ns: n}
	n.hooks.Store(&hooks{})
	if parent != nil {
		n.hooks.Store(parent.hooks.Load())
	}
	a, err := s.opts.Adapter(n.local)
	if err != nil {
		return nil, err
	}
	n.adapter = a
	r := &s.opts.Recovery
	if parent != nil && parent.recovery.Load() != nil {
		r = parent.recovery.Load()
	}
	if r.MaxDisconnection > 0 {
		if err := n.EnableRecovery(*r); err != nil {
			_ = a.Close() // the first error says more
			return nil, err
		}
	}
	return n, nil
}

// Name returns the name, which begins with "/".
func (n *Namespace) Name() string { return n.name }

// Server returns the server.
func (n *Namespace) Server() *Server { return n.srv }

// Adapter returns the adapter.
func (n *Namespace) Adapter() Adapter { return n.adapter }

// Use adds middleware: it runs for every socket that connects, in the order of
// registration. An error refuses the socket: see ConnectError.
func (n *Namespace) Use(mw func(ctx context.Context, s *Socket) error) Listener {
	return n.register(func(h *hooks, id uint32) { h.middleware = added(h.middleware, id, "", mw) })
}

// OnConnection adds a function that is called with every new socket, before any
// of its events. Register the socket's handlers in it.
func (n *Namespace) OnConnection(f func(s *Socket)) Listener {
	return n.register(func(h *hooks, id uint32) { h.connection = added(h.connection, id, "", f) })
}

// On adds a handler of an event of every socket. It costs a socket nothing,
// unlike Socket.On.
func (n *Namespace) On(event string, f Handler) Listener {
	return n.register(func(h *hooks, id uint32) { h.on = added(h.on, id, event, f) })
}

// Off removes the namespace's handlers of events, or of all events if none is
// named. Other listeners stay; Listener.Off removes a single one of any kind.
func (n *Namespace) Off(events ...string) { n.off(events) }

// OnAny adds a listener of every event of every socket. It does not count as a
// handler.
func (n *Namespace) OnAny(f func(ctx context.Context, e *Event)) Listener {
	return n.register(func(h *hooks, id uint32) { h.anyIn = added(h.anyIn, id, "", f) })
}

// OnUnhandled adds a listener of the events that no handler takes.
func (n *Namespace) OnUnhandled(f func(ctx context.Context, e *Event)) Listener {
	return n.register(func(h *hooks, id uint32) { h.unhandled = added(h.unhandled, id, "", f) })
}

// OnDisconnecting adds a listener that runs while a socket that ends is still in
// its rooms.
func (n *Namespace) OnDisconnecting(f func(s *Socket, r DisconnectReason)) Listener {
	return n.register(func(h *hooks, id uint32) { h.disconnecting = added(h.disconnecting, id, "", f) })
}

// OnDisconnect adds a listener that runs when a socket has left everything.
func (n *Namespace) OnDisconnect(f func(s *Socket, r DisconnectReason)) Listener {
	return n.register(func(h *hooks, id uint32) { h.disconnect = added(h.disconnect, id, "", f) })
}

// OnIdentity adds a listener of sockets whose identity is set while they are connected:
// a client may do less than before, or more. was is what it was before. It runs on the
// goroutine of the socket's events, in order with them. OnConnection sees what was set
// earlier.
func (n *Namespace) OnIdentity(f func(s *Socket, was any)) Listener {
	return n.register(func(h *hooks, id uint32) { h.identity = added(h.identity, id, "", f) })
}

// OnRoom adds a listener of rooms that come and go, and of who enters and
// leaves, on this node. It is called on the goroutine of who joined or left,
// after the fact; events of different sockets may come in any order.
func (n *Namespace) OnRoom(f func(e RoomEvent)) Listener {
	return n.register(func(h *hooks, id uint32) { h.room = added(h.room, id, "", f) })
}

// OnServerSide adds a listener of an event that another node sent with
// ServerSideEmit. ack is nil if that node wants no answer.
func (n *Namespace) OnServerSide(event string, f func(args Args, ack func(args ...any))) Listener {
	return n.register(func(h *hooks, id uint32) { h.serverSide = added(h.serverSide, id, event, f) })
}

// OnClose adds a function that is called when the namespace ends, because the server
// closes or an empty child is removed: after the last socket has left, and before the
// adapter is closed, which waits for it. What runs on behalf of the namespace ends here.
func (n *Namespace) OnClose(f func()) Listener {
	return n.register(func(h *hooks, id uint32) { h.closing = added(h.closing, id, "", f) })
}

// close calls the listeners of the end and closes the adapter.
func (n *Namespace) close() error {
	for _, h := range n.hooks.Load().closing {
		n.srv.guarded(n.name, "close listener", h.call)
	}
	return n.adapter.Close()
}

func (n *Namespace) roomEvent(k RoomEventKind, room, socket string) {
	for _, l := range n.hooks.Load().room {
		n.srv.guarded(n.name, "room listener", func() { l.call(RoomEvent{Kind: k, Room: room, Socket: socket}) })
	}
}

func (n *Namespace) serverSide(event string, args Args, ack func(args ...any)) {
	for _, h := range n.hooks.Load().serverSide {
		if h.event == event {
			n.srv.guarded(n.name, "server side listener", func() { h.call(args, ack) })
		}
	}
}

// Socket returns a connected socket of this node.
func (n *Namespace) Socket(id string) (*Socket, bool) { return n.local.Socket(id) }

// OwnRoom reports whether a room is the own room of a socket, on any node, or with
// recovery of one that was cut off and may come back. What is sent there is for that
// client alone, so a handler that lets clients name rooms keeps others out. For a name
// that could be a socket's id it asks the other nodes; while these cannot be asked, such
// a name counts as one.
func (n *Namespace) OwnRoom(room string) bool {
	if !isID(room) {
		return false
	}
	if _, live := n.local.Socket(room); live {
		return true
	}
	if r := n.recoverer(); r != nil {
		if r.Away(room) {
			return true
		}
		if _, live := n.local.Socket(room); live { // it was away when it was looked for first
			return true
		}
	}
	if _, ok := n.adapter.(ClusterAdapter); !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), ownRoomTimeout)
	defer cancel()
	found, err := n.adapter.FetchSockets(ctx, &Target{Rooms: []string{room}})
	if slices.ContainsFunc(found, func(r *RemoteSocket) bool { return r.id == room }) {
		return true
	}
	return err != nil // nobody can tell: better nobody enters it than somebody who reads what is another's
}

// ownRoomTimeout bounds how long other nodes are asked for a socket.
const ownRoomTimeout = 2 * time.Second

// Sockets returns the connected sockets of this node.
func (n *Namespace) Sockets() []*Socket {
	rs := recipients{list: n.local.allSnapshot()}
	return rs.flat()
}

// Len returns the number of sockets of this node.
func (n *Namespace) Len() int { return n.local.len() }

// Rooms returns the names of the rooms of this node, without the sockets' own.
func (n *Namespace) Rooms() []string {
	var out []string
	for i := range n.local.shards {
		sh := &n.local.shards[i]
		sh.mu.Lock()
		for name := range sh.rooms {
			out = append(out, name)
		}
		sh.mu.Unlock()
	}
	return out
}

// RoomSize returns the number of sockets of this node in a room.
func (n *Namespace) RoomSize(room string) int {
	rs := n.local.recipients(&Target{Rooms: []string{room}})
	return rs.each(func(s *Socket) int {
		if s.reachable() {
			return 1
		}
		return 0
	}).n
}

func (n *Namespace) broadcast() *Broadcast { return &Broadcast{ns: n} }

// To turns to the sockets in any of the rooms.
func (n *Namespace) To(rooms ...string) *Broadcast { return n.broadcast().To(rooms...) }

// ToUser turns to all sockets of users, wherever they are: see Socket.SetUser.
func (n *Namespace) ToUser(ids ...string) *Broadcast { return n.broadcast().ToUser(ids...) }

// In is To.
func (n *Namespace) In(rooms ...string) *Broadcast { return n.broadcast().To(rooms...) }

// Except turns to the sockets that are in none of the rooms.
func (n *Namespace) Except(rooms ...string) *Broadcast { return n.broadcast().Except(rooms...) }

// ExceptUser turns to the sockets that belong to none of the users.
func (n *Namespace) ExceptUser(ids ...string) *Broadcast { return n.broadcast().ExceptUser(ids...) }

// Volatile is Broadcast.Volatile for all sockets.
func (n *Namespace) Volatile() *Broadcast { return n.broadcast().Volatile() }

// Local is Broadcast.Local for all sockets.
func (n *Namespace) Local() *Broadcast { return n.broadcast().Local() }

// Compress is Broadcast.Compress for all sockets.
func (n *Namespace) Compress(on bool) *Broadcast { return n.broadcast().Compress(on) }

// Timeout is Broadcast.Timeout for all sockets.
func (n *Namespace) Timeout(d time.Duration) *Broadcast { return n.broadcast().Timeout(d) }

// Emit sends an event to every socket.
func (n *Namespace) Emit(event string, args ...any) error { return n.broadcast().Emit(event, args...) }

// Send emits a "message" event to every socket.
func (n *Namespace) Send(args ...any) error { return n.Emit("message", args...) }

// EmitWithAck is Broadcast.EmitWithAck for all sockets.
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return n.broadcast().EmitWithAck(ctx, event, args...)
}

// FetchSockets returns every socket, of all nodes.
func (n *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return n.broadcast().FetchSockets(ctx)
}

// SocketsJoin makes every socket enter rooms.
func (n *Namespace) SocketsJoin(rooms ...string) error { return n.broadcast().SocketsJoin(rooms...) }

// SocketsLeave makes every socket leave rooms.
func (n *Namespace) SocketsLeave(rooms ...string) error { return n.broadcast().SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket.
func (n *Namespace) DisconnectSockets(closeTransport bool) error {
	return n.broadcast().DisconnectSockets(closeTransport)
}

// ServerCount returns the number of nodes, this one included: 1 unless the adapter
// is a ClusterAdapter.
func (n *Namespace) ServerCount(ctx context.Context) (int, error) {
	if c, ok := n.adapter.(ClusterAdapter); ok {
		return c.ServerCount(ctx)
	}
	return 1, nil
}

// ServerSideEmit sends an event to the same namespace of the other nodes. Without
// other nodes it does nothing.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	if err := reserved(event); err != nil {
		return err
	}
	if c, ok := n.adapter.(ClusterAdapter); ok {
		return c.ServerSideEmit(event, args)
	}
	return nil
}

// ServerSideEmitWithAck sends an event to the other nodes and waits for one
// answer of each.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	if err := reserved(event); err != nil {
		return nil, err
	}
	if c, ok := n.adapter.(ClusterAdapter); ok {
		return c.ServerSideEmitAck(ctx, event, args)
	}
	return nil, nil
}
