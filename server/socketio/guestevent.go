package socketio

import (
	"fmt"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// GuestEvent is what a guest sent, as an event of its socket.
type GuestEvent struct {
	Name   string
	Args   Args
	ID     uint64 // with HasAck: of the acknowledgement
	HasAck bool
	Bytes  int // of the message
	// Handle takes the event instead of the namespace's handlers. It runs in order with
	// other events, under the same limits, and answers in the same way.
	Handle Handler
}

// ParseArgs reads the arguments that a client without Socket.IO sent as JSON: the
// elements of an array, or any other value as the only one. It copies text.
func ParseArgs(text []byte) (Args, error) { return wire.ParseArgs(text) }

// CheckEvent returns an error if no client may send an event of this name.
func CheckEvent(name string) error {
	switch {
	case len(name) > wire.DefaultMaxEventName:
		return fmt.Errorf("socketio: the event's name is longer than %d bytes", wire.DefaultMaxEventName)
	case wire.Reserved(name):
		return fmt.Errorf("%w: %q", ErrReserved, name)
	}
	return nil
}

// Push queues an event, as if the client had sent it by Socket.IO: it counts for the
// limits, waits for its turn, and pauses reading while the inbox is full. The name of one
// without Handle must pass CheckEvent. It is for GuestOptions.Message.
func (g *Guest) Push(e GuestEvent) {
	c, s := g.conn, g.Socket()
	if s == nil {
		return
	}
	p := &wire.Packet{Type: wire.Event, Namespace: s.ns.name, Event: e.Name, Args: e.Args, ID: e.ID, HasID: e.HasAck}
	if c.gate != nil && c.overRate(p, s) {
		return
	}
	if e.Handle == nil && s.nameTooLong(p) {
		return
	}
	c.srv.opts.Observer.EventReceived(s.ns.name, e.Bytes)
	s.push(&Event{
		socket: s, name: e.Name, args: e.Args, id: e.ID, hasAck: e.HasAck, direct: e.Handle,
		size: e.Args.Held() + len(e.Name) + eventOverhead,
	})
}

// Answer takes the client's answer to an event with an acknowledgement. It is for
// GuestOptions.Message.
func (g *Guest) Answer(id uint64, args Args) {
	s := g.Socket()
	if s == nil {
		return
	}
	p := &wire.Packet{Type: wire.Ack, Namespace: s.ns.name, ID: id, HasID: true}
	if g.conn.gate != nil && g.conn.overRate(p, s) {
		return
	}
	s.onAck(id, args)
}

// Charge counts a message that is no event. It reports whether it is one too many. It is
// for GuestOptions.Message.
func (g *Guest) Charge() (over bool) {
	if g.conn.gate == nil {
		return false
	}
	retry, expel := g.conn.gate.Packet()
	if expel {
		g.conn.expel()
	}
	return expel || retry > 0
}

// handleDirect runs the handler that an event came with.
func (s *Socket) handleDirect(e *Event) {
	defer s.conn.backlog.take(e.size)
	defer s.survive(e.name)
	e.direct(s.Context(), e)
}

// guestText is the packet in the form that a guest reads.
func (p *Packet) guestText(v variant) ([]byte, error) {
	out := wire.Outgoing{Type: wire.Event, ID: p.id, HasID: p.hasID, Event: p.event, Args: p.args}
	// What went to no room is in no history: it moves no reader of a stream on. One that comes
	// back with the offset of what could not be kept is told that it may have missed more.
	if v.stream() && !p.aside || !v.stream() && !p.unlogged() {
		out.Offset = p.offset
	}
	if v.stream() && p.streamID != "" {
		out.Offset = p.streamID
	}
	switch v { //nolint:exhaustive // of guests
	case variantStream:
		return wire.EncodeStream(&out)
	case variantEnvelope:
		return wire.EncodeEnvelope(&out, p.room)
	}
	return wire.EncodePlain(&out, p.room)
}

// forGuest is guestText as a message.
func (p *Packet) forGuest(v variant) (*engineio.Message, error) {
	text, err := p.guestText(v)
	if err != nil {
		return nil, err
	}
	if v.stream() {
		return engineio.NewStreamMessage(text), nil
	}
	return engineio.NewBareMessage(text), nil
}

// answerTo is the acknowledgement of an event, in the words of its client.
func (s *Socket) answerTo(id uint64, args []any, refusal any) (*engineio.Message, error) {
	out := wire.Outgoing{Type: wire.Ack, Namespace: s.ns.name, ID: id, HasID: true, Args: args}
	if !s.variant.guest() {
		return encode(&out, s.variant)
	}
	var text []byte
	var err error
	if refusal != nil {
		text, err = wire.EncodePlainError(id, refusal)
	} else {
		text, err = wire.EncodePlain(&out, "")
	}
	if err != nil {
		return nil, err
	}
	return engineio.NewBareMessage(text), nil
}
