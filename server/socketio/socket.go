package socketio

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// The life of a socket. It only goes forward.
const (
	stateConnecting uint32 = iota // middleware runs
	stateOpening                  // findable, and about to be live: wait for Socket.mu
	stateLive                     // findable, in its rooms
	stateEnding                   // the client went; what it sent before is still handled
	stateMuted                    // the server said DISCONNECT: nothing more goes out
	stateEnded
)

const (
	bitOutgoing uint32 = 1 << iota // the socket has OnAnyOutgoing listeners
	bitEarly                       // it holds what was emitted before it was connected
	bitUnlogged                    // it got a packet that could not be kept, or what it is could not be saved
	bitReturned                    // the client had an earlier session
	bitUser                        // somebody said who the user is, or that there is none
)

// Socket is one client in one namespace. All methods may be called from any
// goroutine. Its event handlers run one at a time, in the order of the events,
// on a goroutine that exists only while there are events.
type Socket struct {
	ns      *Namespace
	conn    *conn
	sess    *engineio.Session
	id      string
	issued  int64 // Unix milliseconds
	variant variant

	state   atomic.Uint32
	bits    atomic.Uint32
	leftOwn atomic.Bool // left the room of its own id
	placed  bool        // has a place; guarded by Local.mu
	heir    bool        // found an earlier socket of its id in place; set by Local.add

	place int       // guarded by Local.mu
	rec   *recovery // nil without recovery; guarded by the adapter's delivery lock
	auth  *Raw      // immutable; nil is none

	mu        sync.Mutex
	in        inbox
	listeners []listener // copied on removal, appended in place
	rooms     []*room
	user      string       // of the room of a user that it entered last, see SetUser
	changes   []RoomChange // of rooms, kept for recovery
	data      any
	identity  any    // see SetIdentity
	pid       string // with a SessionSaver: set before the session is saved
	acks      map[uint64]ackWaiter
	ctx       *cancelable
	ctxEnded  bool
	early     *earlyEvents // as long as bitEarly is set
	recovered bool
	wentLive  bool
	cleaned   bool // joins no more
	finishing bool
	forgetful bool              // has forgotten some changes
	reason    *DisconnectReason // set when ending begins
	grace     *time.Timer

	lastListener uint32 // the id given out last
}

// recovery is what a socket needs to be recovered.
type recovery struct {
	pid, start, last string
	broken           bool
}

// Conn is the connection below a socket, as the socket sees it; the sockets of one
// client share it.
type Conn struct{ s *Socket }

// Protocol returns the Engine.IO protocol: 4, or 3 for socket.io-client 2.x. It is 0 for a
// client that comes without Engine.IO: see Guest.
func (c *Conn) Protocol() int { return c.s.sess.Protocol() }

// Transport returns "polling" or "websocket": what is in use right now. That of a Guest is
// "websocket-plain" or "event-stream".
func (c *Conn) Transport() string { return c.s.sess.Transport() }

// RemoteAddr returns the client's host:port as net/http gave it.
func (c *Conn) RemoteAddr() string { return c.s.sess.RemoteAddr() }

// Request returns what is kept of the handshake request: URL, headers, addresses.
// It is made anew on each call, so keep it if it is needed twice.
func (c *Conn) Request() *engineio.Request { return c.s.sess.Request() }

// Attached returns what engineio.Options.Attach made of the handshake request: the
// way from an HTTP middleware to the socket. It is nil without that option.
func (c *Conn) Attached() any { return c.s.sess.Attached() }

// Pass returns what engineio.Options.Enter gave the connection, or nil.
func (c *Conn) Pass() engineio.Pass { return c.s.sess.Pass() }

// OnUpgrade adds a listener that is called, with the name of the new transport,
// when the connection moves from polling to WebSocket. It runs on the goroutine of
// the socket's events, after those that came by polling. A connection that has
// moved already does not do so again: look at Transport as well.
func (c *Conn) OnUpgrade(f func(transport string)) Listener {
	return c.s.listen(listener{kind: listenUpgrade, call: f})
}

// Close closes the connection in order, as Node's socket.conn.close(): what is
// queued goes out first. The sockets end with "forced close"; their clients come
// back by themselves.
func (c *Conn) Close() {
	c.s.sess.Close(engineio.ReasonForcedClose, engineio.DetailServerDisconnect, nil)
}

// Sockets returns the connection's sockets, one for each namespace that the client is
// in, also those that are about to be connected.
func (c *Conn) Sockets() []*Socket {
	c.s.conn.mu.Lock()
	defer c.s.conn.mu.Unlock()
	return slices.Clone(c.s.conn.sockets)
}

// ID returns the socket's id: 20 base64url characters, for everyone to see.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace the socket is in.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Server returns the server.
func (s *Socket) Server() *Server { return s.ns.srv }

// Conn returns the connection.
func (s *Socket) Conn() *Conn { return &Conn{s} }

// Context ends when the socket has: at the latest a second after its connection
// did. Queued events are still handled in between.
func (s *Socket) Context() context.Context { return (*socketContext)(s) }

// Recovered reports whether the socket took up an earlier session: id, rooms,
// data, and whatever packets the client missed.
func (s *Socket) Recovered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recovered
}

// Connected reports whether the client can be reached.
func (s *Socket) Connected() bool { return s.state.Load() == stateLive }

// reachable is Connected for those who found the socket: it waits out the moment
// in which the client is told that it is connected.
func (s *Socket) reachable() bool {
	switch s.state.Load() {
	case stateLive:
		return true
	case stateOpening:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.state.Load() == stateLive
	}
	return false
}

// Data returns what SetData set.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// Identity returns what SetIdentity set.
func (s *Socket) Identity() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// SetIdentity attaches to the socket who the client is, for handlers. It stays on this
// node and is not recovered: whoever set it is asked again, see Options.Admit. SetUser
// says the same to the other nodes, as an id. Once the socket is connected,
// Namespace.OnIdentity hears of it.
func (s *Socket) SetIdentity(v any) {
	s.mu.Lock()
	was := s.identity
	s.identity = v
	if s.state.Load() != stateLive || len(s.ns.hooks.Load().identity) == 0 {
		s.mu.Unlock()
		return
	}
	s.enqueueUnlock(&Event{socket: s, former: &formerIdentity{was}})
}

// DecodeData stores the socket's data in dst, a pointer, by the rules of encoding/json:
// it works alike for what SetData set and for what recovery brought from another node.
func (s *Socket) DecodeData(dst any) error {
	return (&RemoteSocket{ns: s.ns, id: s.id, local: s}).DecodeData(dst)
}

// SetData attaches a value to the socket. FetchSockets shows it, and recovery
// restores it; an adapter of several nodes carries it as JSON.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	s.data = v
	pid := s.pid
	s.mu.Unlock()
	if saver := s.ns.saver(); saver != nil && pid != "" {
		saver.SaveData(pid, v)
	}
}

// Rooms returns the rooms the socket is in, its own id first.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.rooms)+1)
	if st := s.state.Load(); !s.cleaned && st != stateEnded && !s.leftOwn.Load() {
		out = append(out, s.id)
	}
	for _, r := range s.rooms {
		out = append(out, r.name)
	}
	return out
}

// Join puts the socket into rooms. ErrDisconnected is returned when it is gone.
// Where sessions are kept for other nodes it returns when the join is saved.
func (s *Socket) Join(rooms ...string) error {
	m := moves{s: s}
	err := m.join(rooms)
	m.tell()
	m.save(true)
	return err
}

// Leave takes the socket out of rooms; those it is not in are ignored. Where sessions
// are kept for other nodes that is saved first: who left and comes back to another node
// is not in the room again.
func (s *Socket) Leave(rooms ...string) {
	m := moves{s: s}
	saved := m.saveLeave(rooms)
	m.leave(rooms)
	m.tell()
	m.saveChanged(saved)
}

// leaveAll takes the socket out of every room for good.
func (s *Socket) leaveAll() {
	s.mu.Lock()
	rooms := s.rooms
	s.rooms = nil
	s.mu.Unlock()
	for _, r := range rooms {
		deleted := s.ns.local.exit(r, s)
		s.ns.roomEvent(RoomLeft, r.name, s.id)
		if deleted {
			s.ns.roomEvent(RoomDeleted, r.name, "")
		}
	}
}

func (s *Socket) authHeld() int {
	if s.auth == nil {
		return 0
	}
	return s.auth.Held()
}

// Handshake returns what the connection began with. It is made anew on each
// call, so keep it if it is needed twice.
func (s *Socket) Handshake() *Handshake {
	return newHandshake(s.sess.Request(), time.UnixMilli(s.issued), s.Auth())
}

// Auth is the payload of CONNECT as in Handshake, for less than the whole of it.
func (s *Socket) Auth() Raw {
	if s.auth == nil {
		return emptyObject()
	}
	return *s.auth
}
