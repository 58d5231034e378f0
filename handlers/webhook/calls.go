package webhook

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// connect asks about a client that connects, and lets it in or not.
func (h *Hooks) connect(ctx context.Context, s *socketio.Socket, b *backend) error {
	var a *connectAnswer
	err := b.ask(ctx, Connect, connectRequest{headOf(Connect, s), s.Recovered(), b.handshakeOf(s)}, func(body []byte) (err error) { //nolint:contextcheck // a namespace does not end with the socket
		if a, err = readConnect(body); err != nil {
			return err
		}
		return findAll(a.Emit, s.Namespace())
	})
	var no *refusal
	switch {
	case errors.As(err, &no):
		return no.connectError()
	case err != nil:
		return b.down(s, err)
	case a == nil: // 204
		return nil
	case !*a.Allow:
		return (&refusal{a.Code, a.Message, a.Data}).connectError()
	}
	return h.letIn(s, a) //nolint:contextcheck // handlers have the context of their socket
}

// letIn does what the answer says, as far as the client need not be connected for it.
func (h *Hooks) letIn(s *socketio.Socket, a *connectAnswer) error {
	if a.principal != nil {
		if err := s.SetUser(a.principal.ID); err != nil {
			return err
		}
		s.SetIdentity(a.principal)
	}
	if !a.Data.IsZero() {
		s.SetData(a.Data)
	}
	if len(a.Rooms) > 0 {
		if err := s.Join(a.Rooms...); err != nil {
			return err
		}
	}
	if len(a.Emit) > 0 {
		var stop func() bool
		h.entering.Store(s, func() {
			stop()
			if s.Connected() { // it may be blocked, or gone
				sendAll(a.Emit, s.Namespace())
			}
		})
		// It may be refused all the same, by others that are asked later.
		stop = context.AfterFunc(s.Context(), func() { h.entering.Delete(s) })
	}
	return nil
}

// connectError is how a client is told.
func (r *refusal) connectError() error {
	if r.Code == "" {
		r.Code = defaultRefusal
	}
	if r.Message == "" {
		r.Message = "you may not connect"
	}
	data := map[string]any{}
	if !r.Data.IsZero() {
		var more map[string]socketio.Raw
		if r.Data.Decode(&more) != nil {
			more = map[string]socketio.Raw{"data": r.Data}
		}
		for name, value := range more {
			data[name] = value
		}
	}
	maps.Copy(data, map[string]any{"code": r.Code, "message": r.Message})
	return &socketio.ConnectError{Message: r.Message, Data: data}
}

// What clients are told of failures, by outcome; the log knows more.
var failureMessages = map[Outcome]string{
	Timeout:     "the application took too long; try again",
	Unavailable: "the application is not available at the moment; try again later",
	BadAnswer:   "the application gave no usable answer",
}

// CodeOf is the code by which clients are told of a failure.
func CodeOf(o Outcome) string {
	if o == BadAnswer {
		return "bad_answer"
	}
	return "backend_" + string(o)
}

// retryAfter is when who was refused because of a failure may try again, in milliseconds.
const retryAfter = 2000

// down says what a client gets that connects while the backend does not answer.
func (b *backend) down(s *socketio.Socket, err error) error {
	outcome, conn := outcomeOf(err), s.Conn()
	message := failureMessages[outcome]
	if b.hook.WhenDown == Retry && len(conn.Sockets()) == 0 && slices.Contains(speakSocketIO, conn.Transport()) {
		conn.Close() // it comes back by itself, as it would not after CONNECT_ERROR
	}
	return &socketio.ConnectError{Message: message, Data: map[string]any{"code": CodeOf(outcome), "message": message, "retryAfter": retryAfter}}
}

// speakSocketIO are the transports of clients that come back by themselves. Others are
// told why they cannot be let in.
var speakSocketIO = []string{"polling", "websocket"}

func outcomeOf(err error) Outcome {
	var f *failure
	if errors.As(err, &f) {
		return f.outcome
	}
	return BadAnswer
}

// event asks about an event and does what the answer says. It runs on the goroutine of
// the socket's events, so the next one waits.
func (b *backend) event(ctx context.Context, e *socketio.Event) {
	if !b.hook.takes(e.Name()) {
		if e.HasAck() && !e.Acked() {
			_ = e.AckError("unknown_event", "nothing on this server takes an event of this name") // the client may be gone
		}
		return
	}
	args, err := argsToJSON(e.Args())
	if err != nil {
		refuse(e, "bad_arguments", "the arguments cannot be written as JSON")
		return
	}
	s := e.Socket()
	a := &eventAnswer{}
	err = b.ask(ctx, Event, eventRequest{headOf(Event, s), roomsOf(s), e.Name(), args, e.HasAck()}, func(body []byte) (err error) { //nolint:contextcheck // a namespace does not end with the socket
		if a, err = readEvent(body); err != nil {
			return err
		}
		return findAll(a.Emit, s.Namespace())
	})
	var no *refusal
	switch {
	case errors.As(err, &no):
		no.ack(e)
	case err != nil:
		outcome := outcomeOf(err)
		refuse(e, CodeOf(outcome), failureMessages[outcome])
	default:
		a.apply(e) //nolint:contextcheck // what is emitted does not end with the socket
	}
}

// ack tells the sender of an event that the backend said no.
func (r *refusal) ack(e *socketio.Event) {
	if r.Code == "" {
		r.Code = defaultRefusal
	}
	if !r.Data.IsZero() {
		refuse(e, r.Code, r.Message, "data", r.Data)
		return
	}
	refuse(e, r.Code, r.Message)
}

// refuse acknowledges an event with an error, if its sender asked.
func refuse(e *socketio.Event, code, message string, extra ...any) {
	if e.HasAck() {
		_ = e.AckError(code, message, extra...) // the client may be gone
	}
}

// disconnect tells of a client that has gone, on the goroutine of its events. The server
// waits for it when it stops, so it must not take longer than it may.
func (h *Hooks) disconnect(s *socketio.Socket, b *backend, r socketio.DisconnectReason) {
	in := []string{}
	if was, ok := h.leaving.LoadAndDelete(s); ok {
		in, _ = was.([]string) // it is one
	}
	a := &disconnectAnswer{}
	issued := s.Handshake().Issued
	head := headOf(Disconnect, s)
	err := b.ask(h.ctx, Disconnect, disconnectRequest{head, in, r.Reason, r.Detail, max(0, head.Time-issued)}, func(body []byte) (err error) {
		if a, err = readDisconnect(body); err != nil {
			return err
		}
		return findAll(a.Emit, s.Namespace())
	})
	if err == nil {
		sendAll(a.Emit, s.Namespace())
	}
}
