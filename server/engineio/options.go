package engineio

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Defaults, as in the npm package engine.io 6 where it has the option.
const (
	DefaultPingInterval    = 25 * time.Second
	DefaultPingTimeout     = 20 * time.Second
	DefaultUpgradeTimeout  = 10 * time.Second
	DefaultMaxPayload      = 1_000_000
	DefaultPollHold        = 20 * time.Second
	DefaultOutboxLimit     = 1 << 20
	DefaultOutboxMax       = 16 << 20
	DefaultSlowReaderGrace = 5 * time.Second
	DefaultHandlerStall    = 60 * time.Second
	DefaultBodyTimeout     = 30 * time.Second
	DefaultCloseTimeout    = 30 * time.Second
	DefaultCompressAbove   = 1024
)

// The names of the transports.
const (
	TransportPolling   = "polling"
	TransportWebSocket = "websocket"
)

// What a SIDPrefix may consist of (RFC 4648, section 5), and its longest.
const (
	sidAlphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	maxSIDPrefix = 64
)

// Options configure a Server. The zero value of each field means its default.
// NewServer copies them once.
type Options struct {
	// PingInterval is the time between server pings (25 s) and PingTimeout how
	// long the pong may take (20 s).
	PingInterval, PingTimeout time.Duration
	// UpgradeTimeout bounds an upgrade from its WebSocket to its last packet (10 s).
	UpgradeTimeout time.Duration
	// MaxPayload is the largest message or POST body accepted, in bytes (1,000,000).
	MaxPayload int64
	// Transports lists what a client may use; both by default.
	Transports []string
	// DisableUpgrades keeps a polling session on polling.
	DisableUpgrades bool
	// AlwaysUpgrade offers the upgrade to every address. Without it one where
	// three sessions saw their WebSocket die young, and few that lives, is offered
	// none for ten minutes.
	AlwaysUpgrade bool
	// AllowEIO3 admits protocol 3, which socket.io-client 2.x speaks.
	AllowEIO3 bool
	// PollHold bounds how long a GET waits. See PollHold.
	PollHold PollHold
	// HTTPCompression compresses poll answers; nil is off.
	HTTPCompression *Compression
	// PerMessageDeflate compresses WebSocket messages, without context
	// takeover, so that no memory is held between messages; nil is off.
	PerMessageDeflate *Compression
	// SIDPrefix begins every session id: letters, digits, - and _, at most 64. One
	// that is different on each of several servers tells whose a session is.
	SIDPrefix string
	// Cookie is a template of a cookie set at the handshake; its value becomes
	// the sid. Nil sets none.
	Cookie *http.Cookie

	// OutboxLimit (1 MiB) and SlowReaderGrace (5 s): a session whose queue is
	// above the limit and of which no byte was taken for the grace is slow.
	// One above OutboxMax (16 MiB) is slow at once. Bytes of payload.
	OutboxLimit, OutboxMax int
	SlowReaderGrace        time.Duration
	SlowReader             SlowReaderPolicy
	// OutboxTotal, if above zero, bounds the bytes in all outboxes together; what one
	// holds under 4 KiB does not count. While it is reached handshakes are refused with
	// 503, and the slowest readers are disconnected until a tenth of it is free.
	OutboxTotal int64

	// IdleMode lets WebSockets and event streams that say nothing hold neither a goroutine
	// nor a buffer, for a system call more for each time that they do; those over TLS stay
	// as they are. It is for many clients that say little. Linux only: elsewhere NewServer
	// returns ready.ErrUnsupported. A Server with it must be closed.
	IdleMode bool

	// HandlerStall bounds how long a Receive that blocks holds the ping timeout back,
	// counted from when it would have ended the session (60 s). A Receiver that
	// blocks should give up by itself earlier, as socketio does after as long.
	HandlerStall time.Duration
	// BodyTimeout bounds how long a POST body may take (30 s).
	BodyTimeout time.Duration
	// CloseTimeout bounds how long an orderly close waits for the client to
	// take what is queued (30 s, as in Node).
	CloseTimeout time.Duration

	// Origins decides which pages may connect. Nil is Node's default: any page
	// may open a WebSocket, and no CORS headers are sent.
	Origins OriginPolicy
	// AllowRequest may refuse a handshake; the error's text becomes the message
	// of a 403 answer with code 4. A *Refusal chooses status and Retry-After.
	AllowRequest func(r *http.Request) error
	// Enter is asked last about each handshake, gives the session its Pass, and may refuse
	// it as AllowRequest does. It may wait. A nil Pass is none.
	Enter func(r *http.Request) (Pass, error)
	// Attach is called once for each session, with the handshake request that was
	// admitted; Session.Attached returns what it returned. It hands on what a
	// middleware before the server found out, such as the user. The request must
	// not be kept: it ends, and would hold its buffers.
	Attach func(r *http.Request) any
	// InitialHeaders may add headers to the answer of a handshake, Headers to
	// every answer of an admitted request.
	InitialHeaders, Headers func(h http.Header, r *http.Request)
	// ConnectionError hears of every refused request.
	ConnectionError func(e *ConnectionError)

	// TakeOver takes connections on which clients poll from net/http, and serves them for
	// less than half of the memory and CPU, as long as requests come that are like one that
	// was answered there: with the same method, path and header. Their answers have the same
	// headers, whatever hook or middleware wrote them; but neither is called again, nor told
	// of the answer. So it is for servers whose middleware decides by the connection and the
	// request's header alone, leaves header and body as they came, since what it takes away
	// is not looked for again, and counts nothing, or counts by Answered. It works for plain
	// TCP over HTTP/1.1; other connections stay where they are. Close ends those that were
	// taken; http.Server.Shutdown does not know them.
	TakeOver bool
	// Answered is told of each answer that net/http had no part in. It must return quickly.
	Answered func(a Answered)

	// LogSessions logs one line, at level info, when a session ends. One that ended
	// because the client or a handler was too slow is logged, as a warning, without it.
	LogSessions bool
	Logger      *slog.Logger
	Observer    Observer
}

// PollHold says how long a waiting GET is held before it is answered with a
// noop. The zero value is automatic: 20 s, or less for an address whose waiting
// GETs were cut earlier than that twice, never under 5 s. Holds are jittered
// down by up to a tenth.
type PollHold struct {
	// Fixed, if positive, holds every GET for this long.
	Fixed time.Duration
}

// Compression configures compression of what is sent.
type Compression struct {
	// Threshold is the size in bytes from which a message is compressed (1024).
	Threshold int
}

// SlowReaderPolicy says what happens to a session that takes too little.
type SlowReaderPolicy uint8

const (
	// SlowReaderDisconnect closes the session's transport.
	SlowReaderDisconnect SlowReaderPolicy = iota
	// SlowReaderDropOldest drops queued volatile messages, oldest first, and
	// disconnects when there is none left to drop.
	SlowReaderDropOldest
)

// OriginPolicy decides which origins may use a server. It is called for every
// request that carries an Origin header, from any goroutine. The error's text
// is shown to the client, so it should say what to change.
type OriginPolicy interface {
	CheckOrigin(r *http.Request) error
}

// SoleOriginPolicy is an OriginPolicy that may know which page a request comes from
// even without an Origin header, as behind a proxy that removes it: without CORS
// headers that page could not read the answer.
type SoleOriginPolicy interface {
	OriginPolicy
	// SoleOrigin returns the only origin that is allowed, "*" where every one is, or
	// "" where there are several.
	SoleOrigin() string
}

// Observer hears what the metrics count. Its methods are called from any
// goroutine, must return quickly and must not call back.
type Observer interface {
	SessionOpened(transport string, protocol int)
	UpgradeTried() // a WebSocket wants to become the transport of a polling session
	SessionUpgraded(protocol int)
	UpgradeFailed(why UpgradeFailure)
	SessionClosed(transport string, protocol int, c *CloseError)
	RequestRefused(code int, why string) // why is one of Refusals
	MessageDropped(n int)                // volatile messages not delivered
	PollHoldShortened()                  // a GET is held for less, because its address cuts waiting ones
	WebSocketDiedYoung()                 // of a session that upgraded, or tried to: lost within 30 s
	UpgradeWithheld()                    // a handshake offered no upgrade, because WebSockets of its address die young
	KeepAliveLearned()                   // an address cuts idle WebSockets, and its new ones get pings more often
}

// Answered describes an answer that net/http had no part in.
type Answered struct {
	Method, Path, RemoteAddr string
	Status                   int
	Took                     time.Duration // from the last byte of the request to the last of the answer
}

// ConnectionError describes a refused request, as Node's connection_error event.
type ConnectionError struct {
	Request *http.Request
	Code    int
	Message string
	Context map[string]any
}

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	orDuration(&c.PingInterval, DefaultPingInterval)
	orDuration(&c.PingTimeout, DefaultPingTimeout)
	orDuration(&c.UpgradeTimeout, DefaultUpgradeTimeout)
	orDuration(&c.SlowReaderGrace, DefaultSlowReaderGrace)
	orDuration(&c.HandlerStall, DefaultHandlerStall)
	orDuration(&c.BodyTimeout, DefaultBodyTimeout)
	orDuration(&c.CloseTimeout, DefaultCloseTimeout)
	if c.MaxPayload == 0 {
		c.MaxPayload = DefaultMaxPayload
	}
	if c.OutboxLimit == 0 {
		c.OutboxLimit = DefaultOutboxLimit
	}
	if c.OutboxMax == 0 {
		c.OutboxMax = max(DefaultOutboxMax, c.OutboxLimit)
	}
	if len(c.Transports) == 0 {
		c.Transports = []string{TransportPolling, TransportWebSocket}
	}
	c.Transports = slices.Clone(c.Transports)
	for _, t := range c.Transports {
		if t != TransportPolling && t != TransportWebSocket {
			return c, fmt.Errorf("engineio: unknown transport %q: use %q or %q", t, TransportPolling, TransportWebSocket)
		}
	}
	for _, z := range []**Compression{&c.HTTPCompression, &c.PerMessageDeflate} {
		if *z != nil {
			v := **z
			if v.Threshold == 0 {
				v.Threshold = DefaultCompressAbove
			}
			*z = &v
		}
	}
	if c.Cookie != nil {
		v := *c.Cookie
		c.Cookie = &v
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = noObserver{}
	}
	switch {
	case c.PingInterval < 0 || c.PingTimeout < 0 || c.UpgradeTimeout < 0 || c.HandlerStall < 0 || c.BodyTimeout < 0 || c.CloseTimeout < 0 || c.SlowReaderGrace < 0:
		return c, errors.New("engineio: durations must not be negative")
	case len(c.SIDPrefix) > maxSIDPrefix || strings.Trim(c.SIDPrefix, sidAlphabet) != "":
		return c, fmt.Errorf("engineio: SIDPrefix %q: use letters, digits, - and _, at most %d", c.SIDPrefix, maxSIDPrefix)
	case c.MaxPayload < 0:
		return c, errors.New("engineio: MaxPayload must not be negative")
	case c.OutboxTotal < 0:
		return c, errors.New("engineio: OutboxTotal must not be negative")
	case c.OutboxLimit < 0 || c.OutboxMax < c.OutboxLimit:
		return c, fmt.Errorf("engineio: OutboxMax (%d) must not be below OutboxLimit (%d)", c.OutboxMax, c.OutboxLimit)
	}
	return c, nil
}

func orDuration(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

type noObserver struct{}

func (noObserver) SessionOpened(string, int)              {}
func (noObserver) UpgradeTried()                          {}
func (noObserver) SessionUpgraded(int)                    {}
func (noObserver) UpgradeFailed(UpgradeFailure)           {}
func (noObserver) SessionClosed(string, int, *CloseError) {}
func (noObserver) RequestRefused(int, string)             {}
func (noObserver) MessageDropped(int)                     {}
func (noObserver) PollHoldShortened()                     {}
func (noObserver) WebSocketDiedYoung()                    {}
func (noObserver) UpgradeWithheld()                       {}
func (noObserver) KeepAliveLearned()                      {}
