package load

import (
	"fmt"
	"time"
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
	// Fanout has members of one room say messages that all of them receive.
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

// Limits that bound every run.
const (
	maxClients  = 30_000
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

	// Clients is how many connect; in a fan-out, the size of the room. [100]
	Clients int `json:"clients"`
	// Window is how many messages are in flight: over the whole room in a
	// fan-out (a message is in flight until every member has it), per client
	// in an echo. [1]
	Window int `json:"window,omitempty"`
	// Rate, when above 0, replaces the window of a fan-out by a clock, in
	// messages per second. Latency then counts from when a message was due.
	Rate float64 `json:"rate,omitempty"`
	// Publishers is how many members of the room take turns to say. [1]
	Publishers int `json:"publishers,omitempty"`
	// Payload is the length of the string that a message carries, in bytes,
	// at least 24. [64]
	Payload int `json:"payload,omitempty"`
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
	// Baseline is how many clients of an idle run connect before the first
	// reading of memory, so that what a server allocates once is not counted. [50]
	Baseline int `json:"baseline,omitempty"`
	// Stall is how long nothing may arrive, with messages in flight, before
	// these count as lost and new ones are sent. The third stall ends the run. [2s]
	Stall time.Duration `json:"stall,omitempty"`
	// Dials is how many connections are opened at once. [64]
	Dials int `json:"dials,omitempty"`
}

// filled returns w with defaults, or an error that names the bad field.
func (w Work) filled() (Work, error) {
	setDefault(&w.Transport, WebSocket)
	setDefault(&w.Clients, 100)
	setDefault(&w.Window, 1)
	setDefault(&w.Publishers, 1)
	setDefault(&w.Payload, 64)
	setDefault(&w.Warmup, time.Second)
	setDefault(&w.Measure, 3*time.Second)
	setDefault(&w.Settle, 5*time.Second)
	setDefault(&w.Baseline, 50)
	setDefault(&w.Stall, 2*time.Second)
	setDefault(&w.Dials, 64)
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
	for _, b := range []struct {
		name          string
		value, lo, hi int64
	}{
		{"clients", int64(w.Clients), 1, maxClients},
		{"window", int64(w.Window), 1, maxWindow},
		{"publishers", int64(w.Publishers), 1, int64(w.Clients)},
		{"payload", int64(w.Payload), minPayload, maxPayload},
		{"messages", int64(w.Messages), 0, maxMessages},
		{"warmup", int64(w.Warmup), 0, int64(maxPhase)},
		{"measure", int64(w.Measure), 1, int64(maxPhase)},
		{"settle", int64(w.Settle), 1, int64(maxPhase)},
		{"baseline", int64(w.Baseline), 1, maxClients},
		{"stall", int64(w.Stall), int64(10 * time.Millisecond), int64(maxPhase)},
		{"dials", int64(w.Dials), 1, 1024},
	} {
		if b.value < b.lo || b.value > b.hi {
			return w, fmt.Errorf("load: %s is %d, want %d to %d", b.name, b.value, b.lo, b.hi)
		}
	}
	if w.Rate < 0 || w.Rate > 1e6 {
		return w, fmt.Errorf("load: rate is %g, want 0 to 1e6 messages per second", w.Rate)
	}
	return w, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
