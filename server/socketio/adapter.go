package socketio

import (
	"context"
	"time"
)

// Adapter brings the packets of one namespace to its sockets: those of this node
// and, in a cluster, those of the others. *Local does the first half; an adapter
// embeds one and overrides the verbs that other nodes must hear of.
//
// All methods may be called at once from any goroutine. What one goroutine
// broadcasts reaches every client in the order of the calls. A call that only
// has to hand a packet on must not wait for the network longer than it takes to
// know that it was taken; FetchSockets and the acknowledged verbs wait as long
// as their context says. Close is called once, after the last socket has left;
// after it every verb is a no-op or returns an error.
type Adapter interface {
	// Broadcast delivers p to the sockets t names. An error means that it was not
	// delivered, or not everywhere.
	Broadcast(p *Packet, t *Target) error
	// BroadcastAck is Broadcast of a packet that each client answers. sink hears
	// once per node how many clients to expect, and then of each answer. stop
	// ends the wait; it must be called. ctx is that of the wait.
	BroadcastAck(ctx context.Context, p *Packet, t *Target, sink AckSink) (stop func(), err error)
	// FetchSockets returns the sockets t names. With an error it returns those it
	// has found: some node did not say which it has.
	FetchSockets(ctx context.Context, t *Target) ([]*RemoteSocket, error)
	// JoinSockets, LeaveSockets and DisconnectSockets act on the sockets t names.
	JoinSockets(t *Target, rooms []string) error
	LeaveSockets(t *Target, rooms []string) error
	DisconnectSockets(t *Target, closeTransport bool) error
	// Close ends the adapter. It waits for what the adapter owns.
	Close() error
}

// AdapterFactory opens the adapter of a namespace. l is its node-local half. It
// runs under the server's lock: it must not wait for the network, nor call the
// server.
type AdapterFactory func(l *Local) (Adapter, error)

// ClusterAdapter is an Adapter that knows other nodes.
type ClusterAdapter interface {
	Adapter
	// ServerCount returns the number of nodes, this one included.
	ServerCount(ctx context.Context) (int, error)
	// ServerSideEmit brings an event to the other nodes' Namespace.OnServerSide.
	ServerSideEmit(event string, args []any) error
	// ServerSideEmitAck also waits for one answer of each other node. With an error
	// it returns the answers that did come.
	ServerSideEmitAck(ctx context.Context, event string, args []any) ([]Args, error)
}

// RecoveryAdapter is an Adapter that keeps sessions and packets, so that a
// client which returns can be given what it missed.
//
// A client knows only the offset of the last event it saw. So in a namespace
// with recovery every packet must reach each client's outbox in the order of the
// offsets: an implementation delivers under one lock, or from one goroutine, per
// namespace. No user code runs in there.
type RecoveryAdapter interface {
	Adapter
	// EnableRecovery turns recovery on. It is called before the first socket
	// connects.
	EnableRecovery(r Recovery) error
	// EmitTo delivers a packet to one socket of this node, with an offset, and
	// keeps it if it is neither volatile nor local.
	EmitTo(s *Socket, p *Packet, f Flags) error
	// Begin runs live between two deliveries; position is where a session begins that
	// live makes live then.
	Begin(s *Socket, live func(position string))
	// Position returns up to where every packet has found its recipients, and the
	// last offset given out. They differ while a delivery is under way. It must not
	// wait for one: it is called while a socket's lock is held.
	Position() (delivered, assigned string)
	// Forgotten reports whether every packet up to a position is gone, so that
	// nobody will ask who got it. Like Position it must not wait.
	Forgotten(position string) bool
	// Persist keeps the session of a socket that was cut off, or forgets that of one
	// that left for good. It calls snapshot between two deliveries, which returns nil
	// if the socket has no session.
	Persist(snapshot func() (st *Session, keep bool))
	// Restore takes the session out of the keep. It returns nil if there is none,
	// or if what was missed since offset is no longer complete; a Miss as error says
	// which. Every session it returns is handed to Resume or Release.
	Restore(ctx context.Context, pid, offset string) (*Session, error)
	// Resume runs live between two deliveries, with what was missed up to there:
	// missed returns one packet a call, then nil; it is called from one goroutine
	// at a time, holding no lock. Its error says that the rest cannot be had: the
	// client must not get anything more over this connection. last is the offset of
	// the last of them, or where the session stood if there is none. An error of
	// Resume says that live was not called, because what was missed is no longer
	// complete; the session is gone.
	Resume(st *Session, live func(last string, missed func() (*Packet, error))) error
	// Release puts a session back that was not resumed.
	Release(st *Session)
	// Away reports whether the session of a socket with this id is kept, or between
	// Restore and the end of Resume or Release: its client may come back, and take up
	// the room of that name.
	Away(sid string) bool
}

// SessionSaver is a RecoveryAdapter that keeps sessions where other nodes find them
// when this one is gone: it saves them while their sockets are connected.
type SessionSaver interface {
	RecoveryAdapter
	// Open saves a new session, before its socket is live, and waits until it is
	// saved and everything that the client may have seen elsewhere was delivered here.
	// False says that this could not be: the socket cannot be recovered, and ends
	// before it gets anything that is kept, at the latest by Local.EndUnlogged.
	Open(ctx context.Context, st *Session) bool
	// SaveRooms saves joins and leaves of a session; with wait it returns when they
	// are saved. False says that they were not: the session is lost.
	SaveRooms(pid string, rooms []RoomHistory, wait bool) bool
	// Forsake deletes a session that must not be recovered, though its socket lives.
	Forsake(pid string)
	// SaveData saves what Socket.SetData set, without waiting.
	SaveData(pid string, data any)
}

// RoomHistory is what is known of a session in one room.
type RoomHistory struct {
	Room    string
	In      bool
	Changes []RoomChange // those that still matter, oldest first
}

// OffsetUnlogged is what the offsets of packets begin with that were delivered while they
// could not be kept; the position at which that was follows. It is no offset: a client
// that was given it in a session is not recovered.
const OffsetUnlogged = "!"

// Session is what recovery keeps of a socket.
type Session struct {
	SID, PID string
	Rooms    []string // without the socket's own
	// Data is what Socket.SetData set; a Raw after it was saved elsewhere.
	Data any
	// Start is the position at which the session began, Last the offset of the
	// last packet handed to the socket's transport.
	Start, Last string
	// Changed lists when the socket entered and left rooms, oldest first.
	Changed []RoomChange
	// Broken says that packets were addressed to the socket after its transport
	// had ended, so that Last alone does not say what it missed.
	Broken bool
	// Returned says of a new session that its client had an earlier one: it may have
	// seen packets that this node has not come to yet.
	Returned bool

	// Kept is for the adapter.
	Kept any
}

// RoomChange says that a socket entered or left a room: after position After was
// delivered and before what follows Until.
type RoomChange struct {
	Room         string
	Joined       bool
	After, Until string
}

// Target names the sockets of a namespace: those in any of Rooms (all, if there
// are none) that are in none of Except. Every socket is also in the room of its
// own id.
type Target struct {
	Rooms, Except []string
	Flags         Flags
}

// Flags change how a packet is delivered.
type Flags struct {
	Volatile   bool // drop it where the client is not ready for it
	Local      bool // sockets of this node only
	NoCompress bool
	Timeout    time.Duration // of acknowledgements; 0 is none
}

// AckSink hears of the answers to a packet. Its methods may be called from any
// goroutine and return at once.
type AckSink interface {
	// Servers says how many nodes call Expect, this one included: 1 unless it is
	// called before the first of them does. A later call says that some are gone.
	Servers(n int)
	Expect(clients int)
	Acked(args Args)
	// Lost says that a client left without an answer.
	Lost()
	// Fail says why answers of other nodes will not come; the first call counts. It
	// does not end the wait for the rest.
	Fail(err error)
}

// RoomEvent says that a room of this node came into being or went, or that a
// socket of this node entered or left one.
type RoomEvent struct {
	Kind   RoomEventKind
	Room   string
	Socket string // id; empty for created and deleted
}

// RoomEventKind is the kind of a RoomEvent.
type RoomEventKind uint8

// The kinds, with the names they have in Node's adapter.
const (
	RoomCreated RoomEventKind = iota // create-room
	RoomDeleted                      // delete-room
	RoomJoined                       // join-room
	RoomLeft                         // leave-room
)
