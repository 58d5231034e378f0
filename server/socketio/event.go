package socketio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Handler takes one event. Its context ends with the socket. A handler that
// panics ends its socket, and only that.
type Handler func(ctx context.Context, e *Event)

// Event is one event received from a client. It may be kept, and acknowledged
// later, from any goroutine.
type Event struct {
	socket *Socket
	name   string
	args   Args
	id     uint64
	hasAck bool
	acked  atomic.Bool

	next     *Event          // in the inbox
	size     int             // what it counts there
	direct   Handler         // of a guest: instead of the namespace's handlers
	failure  error           // instead of an event: for the error listeners
	upgraded bool            // instead of an event: for the upgrade listeners
	former   *formerIdentity // instead of an event: for the namespace's identity listeners
}

// formerIdentity is what a socket's identity was before it was set anew.
type formerIdentity struct{ was any }

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Args returns the arguments.
func (e *Event) Args() Args { return e.args }

// Bind decodes the arguments into dst, in order. A missing argument is an error
// that names its position; further ones are ignored.
func (e *Event) Bind(dst ...any) error { return e.args.Bind(dst...) }

// Socket returns the socket that received the event.
func (e *Event) Socket() *Socket { return e.socket }

// HasAck reports whether the client asked for an acknowledgement.
func (e *Event) HasAck() bool { return e.hasAck }

// Acked reports whether the acknowledgement was sent.
func (e *Event) Acked() bool { return e.acked.Load() }

// Ack answers the client. It can be called once: a second call returns ErrAcked.
// ErrNoAck is returned when the client asked for none, ErrDisconnected when it
// is gone.
func (e *Event) Ack(args ...any) error { return e.answer(args, nil) }

// answer sends the acknowledgement. refusal is what it says if that is an error.
func (e *Event) answer(args []any, refusal any) error {
	if !e.hasAck {
		return ErrNoAck
	}
	if !e.acked.CompareAndSwap(false, true) {
		return ErrAcked
	}
	s := e.socket
	m, err := s.answerTo(e.id, args, refusal)
	if err != nil {
		e.acked.Store(false) // nothing was sent: the handler may still answer
		return fmt.Errorf("socketio: acknowledging %q: %w", e.name, err)
	}
	if err := s.write(m, 0); err != nil {
		return err
	}
	return nil
}

// AckError answers the client with {error: {code, message, ...}}, the one shape
// of errors. extra, if given, is pairs of key and value that join code and
// message; a key must be a string.
func (e *Event) AckError(code, message string, extra ...any) error {
	body := map[string]any{}
	for i := 0; i+1 < len(extra); i += 2 {
		k, ok := extra[i].(string)
		if !ok {
			return fmt.Errorf("socketio: AckError: key %d is no string", i/2)
		}
		body[k] = extra[i+1]
	}
	maps.Copy(body, map[string]any{"code": code, "message": message})
	return e.answer([]any{map[string]any{"error": body}}, body)
}

// write hands a message to the transport.
func (s *Socket) write(m *engineio.Message, f engineio.SendFlag) error {
	switch st := s.state.Load(); {
	case st == stateOpening:
		s.reachable() // the answer to CONNECT goes first
	case st >= stateMuted:
		return ErrDisconnected
	}
	err := s.sess.Send(m, f)
	if errors.Is(err, engineio.ErrClosed) {
		return ErrDisconnected
	}
	return nil // a dropped volatile message is no error
}
