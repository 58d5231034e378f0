package load

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Kind is what the clients of a run do.
type Kind string

// The kinds of work.
const (
	// Idle connects clients that then only answer heartbeats. Unit: client.
	Idle Kind = "idle"
	// Connect opens connections, up to the answer to the Socket.IO CONNECT.
	// Unit: connection.
	Connect Kind = "connect"
	// Fanout has members of rooms say messages that all members receive.
	// Unit: delivery.
	Fanout Kind = "fanout"
	// Echo has each client emit events that the server acknowledges with the
	// same argument. Unit: acknowledged event.
	Echo Kind = "echo"
)

// Transport is how the clients of a run reach the server.
type Transport string

// The transports.
const (
	WebSocket Transport = "websocket"
	Polling   Transport = "polling"
	// Upgrade connects by polling and moves to WebSocket, as the official
	// client does by default.
	Upgrade Transport = "upgrade"
)

// Parser is how Socket.IO packets are written. Clients and server must agree.
type Parser string

// The parsers.
const (
	// JSON is the default of Socket.IO: text, and an attachment for each binary.
	JSON Parser = "json"
	// MsgPack is that of npm's socket.io-msgpack-parser: one MessagePack map a packet.
	MsgPack Parser = "msgpack"
)

// Limits that bound every run.
const (
	maxClients  = 100_000
	maxRooms    = 1 << 20
	maxSeats    = 1 << 22 // members of all rooms, by publishers
	maxChurn    = 10_000  // clients per second
	maxStalled  = 0.5
	maxWindow   = 1 << 16
	maxMessages = 10_000_000
	maxPayload  = 1 << 20
	maxPhase    = 30 * time.Minute

	minPayload = 24 // bytes: the number and who sent it
)

// Work says what to do. The zero value of a field takes the default in brackets.
type Work struct {
	Kind      Kind      `json:"kind"`
	Transport Transport `json:"transport"` // [websocket]

	// Clients is how many connect; in a fan-out with one room, its size. [100]
	Clients int `json:"clients"`
	// Rooms is how many rooms a fan-out has. Messages are said in them in turn. [1]
	//
	// The clients are divided evenly over the rooms: the sizes differ by one at most.
	// With fewer clients than rooms every room has one member, who is in several.
	Rooms int `json:"rooms,omitempty"`
	// RoomSize, when above 0, is how many members each room has, at most Clients. Clients
	// are then in as many rooms as it takes: 100,000 rooms of 5 with 5,000 clients
	// put each client into 100. A delivery is still a message at one member.
	RoomSize int `json:"roomsize,omitempty"`
	// Room is the name of the room; with several, what their names begin with. [bench]
	Room string `json:"room,omitempty"`
	// Window is how many messages are in flight: over all rooms in a fan-out
	// (a message is in flight until every member has it), of which each has an equal
	// share, or one; per client in an echo. [1]
	Window int `json:"window,omitempty"`
	// Rate, when above 0, replaces the window by a clock, in messages per second:
	// over all rooms in a fan-out, of each client in an echo, where the clients take
	// turns. Latency then counts from when a message was due.
	Rate float64 `json:"rate,omitempty"`
	// Publishers is how many members of each room take turns to say; in a room
	// of fewer, all do. [1]
	Publishers int `json:"publishers,omitempty"`
	// Payload is the length of the string or binary that a message carries, in
	// bytes, at least 24. [64]
	Payload int `json:"payload,omitempty"`
	// Binary sends one binary attachment instead of a string.
	Binary bool `json:"binary,omitempty"`
	// Parser is the Socket.IO parser of the server. [json]
	Parser Parser `json:"parser,omitempty"`
	// Deflate offers permessage-deflate and uses it for all that clients say; a
	// server that does not accept it fails the connect. The payload then compresses
	// as text of comments does, and differs from message to message. A server may
	// leave short messages as they are: Result.Compressed tells.
	Deflate bool `json:"deflate,omitempty"`
	// Churn is how many more clients per second connect, join nothing and
	// disconnect beside a fan-out or an echo.
	Churn float64 `json:"churn,omitempty"`
	// Stalled is the share of the clients of a fan-out, at most 0.5, that stop
	// reading once they are in their rooms. They say nothing, and deliveries are
	// expected of the others only.
	Stalled float64 `json:"stalled,omitempty"`
	// Messages, when above 0, replaces Warmup and Measure: exactly this many
	// messages (in an echo: per client) are sent and measured.
	Messages int `json:"messages,omitempty"`

	// Warmup is traffic before the figures are taken. [1s]
	Warmup time.Duration `json:"warmup,omitempty"`
	// Measure is how long the figures are taken. [3s]
	Measure time.Duration `json:"measure,omitempty"`
	// Settle is how long an idle run waits at most for the server's memory to
	// stand still, before and after the clients connect. [5s]
	Settle time.Duration `json:"settle,omitempty"`
	// Hold is how long the clients of an idle run stay at least, once all are
	// connected. What Settle takes counts.
	Hold time.Duration `json:"hold,omitempty"`
	// Baseline is how many clients of an idle run connect before the first
	// reading of memory, so that what a server allocates once is not counted. [50]
	Baseline int `json:"baseline,omitempty"`
	// Stall is how long nothing may arrive, with messages in flight, before
	// these count as lost and new ones are sent. The third stall ends the run. [2s]
	Stall time.Duration `json:"stall,omitempty"`
	// Dials is how many connections are opened at once. [64] When so many have failed
	// twice over, one after the other, no more are tried.
	Dials int `json:"dials,omitempty"`
	// DialTimeout bounds the whole way of one client to its CONNECT answer, or to the
	// ack of its joins. [30s]
	DialTimeout time.Duration `json:"dialtimeout,omitempty"`
}

// filled returns w with defaults, or an error that names the bad field.
func (w Work) filled() (Work, error) {
	setDefault(&w.Transport, WebSocket)
	setDefault(&w.Clients, 100)
	setDefault(&w.Rooms, 1)
	setDefault(&w.Room, "bench")
	setDefault(&w.Parser, JSON)
	setDefault(&w.Window, 1)
	setDefault(&w.Publishers, 1)
	setDefault(&w.Payload, 64)
	setDefault(&w.Warmup, time.Second)
	setDefault(&w.Measure, 3*time.Second)
	setDefault(&w.Settle, 5*time.Second)
	setDefault(&w.Baseline, 50)
	setDefault(&w.Stall, 2*time.Second)
	setDefault(&w.Dials, 64)
	setDefault(&w.DialTimeout, 30*time.Second)
	switch w.Kind {
	case Idle, Connect, Fanout, Echo:
	default:
		return w, fmt.Errorf("load: unknown kind of work %q", w.Kind)
	}
	switch w.Transport {
	case WebSocket, Polling, Upgrade:
	default:
		return w, fmt.Errorf("load: unknown transport %q", w.Transport)
	}
	switch w.Parser {
	case JSON, MsgPack:
	default:
		return w, fmt.Errorf("load: unknown parser %q", w.Parser)
	}
	for _, b := range []struct {
		name          string
		value, lo, hi int64
	}{
		{"clients", int64(w.Clients), 1, maxClients},
		{"rooms", int64(w.Rooms), 1, maxRooms},
		{"room size", int64(w.RoomSize), 0, int64(w.Clients)},
		{"length of the room's name", int64(len(w.Room)), 1, 64},
		{"members by publishers", int64(w.seating().seats()) * int64(w.Publishers), 1, maxSeats},
		{"window", int64(w.Window), 1, maxWindow},
		{"publishers", int64(w.Publishers), 1, int64(w.Clients)},
		{"payload", int64(w.Payload), minPayload, maxPayload},
		{"messages", int64(w.Messages), 0, maxMessages},
		{"warmup", int64(w.Warmup), 0, int64(maxPhase)},
		{"measure", int64(w.Measure), 1, int64(maxPhase)},
		{"settle", int64(w.Settle), 1, int64(maxPhase)},
		{"hold", int64(w.Hold), 0, int64(maxPhase)},
		{"baseline", int64(w.Baseline), 1, maxClients},
		{"stall", int64(w.Stall), int64(10 * time.Millisecond), int64(maxPhase)},
		{"dials", int64(w.Dials), 1, 1024},
		{"dial timeout", int64(w.DialTimeout), int64(10 * time.Millisecond), int64(maxPhase)},
	} {
		if b.value < b.lo || b.value > b.hi {
			return w, fmt.Errorf("load: %s is %d, want %d to %d", b.name, b.value, b.lo, b.hi)
		}
	}
	return w, w.fits()
}

// fits checks what bounds alone do not.
func (w Work) fits() error {
	traffic := w.Kind == Fanout || w.Kind == Echo
	switch {
	case w.Rate != 0 && !(w.Rate >= 1e-3 && w.Rate <= 1e6):
		return fmt.Errorf("load: rate is %g, want 0, or 0.001 to 1e6 messages per second", w.Rate)
	case w.Kind == Echo && w.Rate*float64(w.Clients) > 1e6:
		return fmt.Errorf("load: rate is %g of each of %d clients, want at most 1e6 messages per second of all", w.Rate, w.Clients)
	case !(w.Churn >= 0 && w.Churn <= maxChurn):
		return fmt.Errorf("load: churn is %g, want 0 to %d clients per second", w.Churn, maxChurn)
	case !(w.Stalled >= 0 && w.Stalled <= maxStalled):
		return fmt.Errorf("load: stalled is %g, want a share of 0 to %g", w.Stalled, maxStalled)
	case w.Kind != Fanout && (w.Rooms > 1 || w.RoomSize > 0 || w.Stalled > 0):
		return fmt.Errorf("load: rooms and stalled readers belong to a fan-out, not to %s", w.Kind)
	case !traffic && w.Churn > 0:
		return fmt.Errorf("load: churn goes beside a fan-out or an echo, not %s", w.Kind)
	case w.Deflate && w.Transport == Polling:
		return errors.New("load: permessage-deflate belongs to WebSocket, not to polling")
	case strings.ContainsFunc(w.Room, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' }):
		return fmt.Errorf("load: room %q: want letters, digits and -", w.Room)
	}
	return nil
}

// connections is how many w holds open at once, at most, besides those that are
// being dialled.
func (w Work) connections() int {
	n := w.Clients
	if w.Kind == Idle || w.Kind == Connect {
		n += w.Baseline
	}
	if w.Churn > 0 {
		n += churnAtOnce
	}
	if w.Transport == Polling {
		n *= 2
	}
	return n
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
