package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Defaults of Options.
const (
	DefaultConnectTimeout = 45 * time.Second
	DefaultInboxEvents    = 1000
	DefaultInboxBytes     = 1 << 20
	DefaultMaxNamespaces  = 100
)

// Options configure a Server. The zero value of each field means its default.
// New copies them once.
type Options struct {
	// Engine configures the Engine.IO layer below.
	Engine engineio.Options

	// ConnectTimeout bounds how long a connection may stay without a namespace
	// after it opened (45 s). It also bounds how long announced attachments of
	// a packet may take to come.
	ConnectTimeout time.Duration
	// Parser is the encoding spoken; by default each connection's is decided by
	// its first packet.
	Parser Parser
	// Recovery turns connection state recovery on in every namespace. It needs
	// an adapter that can (adapters/memory). The zero value is off, as in Node.
	Recovery Recovery
	// History says of which rooms what is sent there is kept, and how much of it, in the
	// namespaces that have recovery: its offsets are those of recovery. Nil keeps nothing. It
	// is called for each event to a room, from any goroutine, and must be quick. It is not
	// asked about the rooms of users and other reserved ones, nor about names that could be the
	// id of a socket (20 letters, digits, - and _): what is sent to one client is never kept.
	History func(namespace, room string) (HistoryLimits, bool)
	// HistoryBytes bounds what the histories of all rooms take together (64 MiB). What goes
	// first is the room in which nothing was said for longest.
	HistoryBytes int64
	// CleanupEmptyChildNamespaces removes a dynamic namespace with its last socket.
	// Without it every name a client makes up and a pattern accepts stays for good.
	CleanupEmptyChildNamespaces bool
	// Adapter opens the adapter of each namespace. Nil keeps everything on this
	// node, without recovery.
	Adapter AdapterFactory

	// InboxEvents (1000) and InboxBytes (1 MiB) bound the events of one socket
	// that wait for their handlers, and 4 times InboxBytes all events of one
	// connection that are not yet handled. Beyond that reading it is paused.
	InboxEvents, InboxBytes int
	// MaxNamespaces bounds the namespaces one connection may be in at once (100).
	// A connect above it is answered with CONNECT_ERROR "too many namespaces".
	MaxNamespaces int

	// MaxEventName bounds the names of events, in bytes; 0 does not. An event with a longer
	// one is answered with an error, CodeEventNameTooLong, and not handled.
	MaxEventName int

	// Admit may refuse a client in any namespace, and say who it is (SetIdentity,
	// SetUser), before the namespace's middleware and also where that is skipped. It
	// runs on the socket's own goroutine and may wait as long as ctx lasts. What it
	// returns is answered like an error of middleware.
	Admit func(ctx context.Context, s *Socket) error
	// Entered hears of every socket that is connected, on the socket's own goroutine
	// and before the namespace's OnConnection. It must not wait.
	Entered func(s *Socket)

	Logger   *slog.Logger
	Observer Observer
}

// Parser names an encoding of packets.
type Parser uint8

const (
	// ParserAuto takes MessagePack from a client whose first packet is binary,
	// and JSON from every other.
	ParserAuto Parser = iota
	// ParserJSON is the default encoding of the protocol.
	ParserJSON
	// ParserMsgpack is the encoding of the npm package socket.io-msgpack-parser.
	ParserMsgpack
)

// Recovery configures connection state recovery: a client that returns within
// MaxDisconnection gets its id, rooms and data back, and what it missed.
type Recovery struct {
	// MaxDisconnection is how long a client may be away. Zero is off.
	MaxDisconnection time.Duration
	// MaxBytes bounds what the packets and sessions of a namespace that are kept
	// hold in memory (64 MiB). All namespaces of a server together keep no more
	// than the largest MaxBytes of any of them: the one that keeps most gives
	// first. The oldest packets go first; who needed them is not recovered.
	MaxBytes int64
	// SkipMiddleware lets a recovered socket pass without the namespace's
	// middleware (Node's default, but not ours).
	SkipMiddleware bool
}

// DefaultRecoveryBytes is the default of Recovery.MaxBytes.
const DefaultRecoveryBytes = 64 << 20

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.InboxEvents == 0 {
		c.InboxEvents = DefaultInboxEvents
	}
	if c.InboxBytes == 0 {
		c.InboxBytes = DefaultInboxBytes
	}
	if c.MaxNamespaces == 0 {
		c.MaxNamespaces = DefaultMaxNamespaces
	}
	if c.HistoryBytes == 0 {
		c.HistoryBytes = DefaultHistoryBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Engine.HandlerStall == 0 {
		c.Engine.HandlerStall = engineio.DefaultHandlerStall
	}
	if c.Engine.Logger == nil {
		c.Engine.Logger = c.Logger
	}
	if c.Observer == nil {
		c.Observer = NopObserver{}
	}
	if c.Adapter == nil {
		c.Adapter = openLocal
	}
	switch {
	case c.ConnectTimeout < 0 || c.Recovery.MaxDisconnection < 0:
		return c, errors.New("socketio: durations must not be negative")
	case c.InboxEvents < 0 || c.InboxBytes < 0 || c.MaxNamespaces < 0 || c.MaxEventName < 0 || c.Recovery.MaxBytes < 0 || c.HistoryBytes < 0:
		return c, errors.New("socketio: limits must not be negative")
	case c.Parser > ParserMsgpack:
		return c, fmt.Errorf("socketio: unknown parser %d", c.Parser)
	}
	return c, nil
}

func (r Recovery) withDefaults() Recovery {
	if r.MaxBytes == 0 {
		r.MaxBytes = DefaultRecoveryBytes
	}
	return r
}
