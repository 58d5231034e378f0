package socketio

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Packet is one event on its way to any number of clients. It is encoded once
// per variant (JSON or MessagePack, with or without offset), on first need.
// Its creator may set the offset before the first delivery; from then on it is
// immutable and may be used from any goroutine.
type Packet struct {
	ns     string
	room   string // see Room
	aside  bool   // it is for no room whose history could be kept
	event  string
	args   []any
	offset string
	id     uint64
	hasID  bool

	streamID string // see Broadcast.ID

	messages [variantCount]atomic.Pointer[engineio.Message]

	mu       sync.Mutex
	dropped  bool                                          // messages are not kept any more
	replayed *[variantCount]weak.Pointer[engineio.Message] // instead; nil until it is sent again
}

// variant is one way to encode a packet: the format, and whether the client
// speaks protocol 4, which knows no offsets; or how a guest is spoken to.
type variant uint8

const (
	variantJSON variant = iota
	variantMsgpack
	variantJSON4
	variantMsgpack4
	variantPlain    // guests: messages of a plain WebSocket, with offset
	variantStream   // guests: events of a stream, with offset
	variantEnvelope // guests: the same, whose data are messages of a plain WebSocket
	variantCount
)

func variantOf(f wire.Format, protocol int) variant {
	v := variantJSON
	if f == wire.Msgpack {
		v = variantMsgpack
	}
	if protocol == 4 {
		v += variantJSON4
	}
	return v
}

func (v variant) format() wire.Format {
	if v == variantMsgpack || v == variantMsgpack4 {
		return wire.Msgpack
	}
	return wire.JSON
}

func (v variant) protocol() int {
	if v.old() {
		return 4
	}
	return 5
}

// old reports whether the client speaks protocol 4.
func (v variant) old() bool { return v == variantJSON4 || v == variantMsgpack4 }

// guest reports whether the client comes without Socket.IO.
func (v variant) guest() bool { return v >= variantPlain }

// stream reports whether the client reads an event stream.
func (v variant) stream() bool { return v >= variantStream }

// returns reports whether the client can take up an earlier session.
func (v variant) returns() bool { return v < variantJSON4 }

// NewPacket returns the packet of an event in a namespace. The arguments must
// not be changed afterwards. ErrReserved is returned for a reserved name.
func NewPacket(namespace, event string, args ...any) (*Packet, error) {
	if wire.Reserved(event) {
		return nil, fmt.Errorf("%w: %q", ErrReserved, event)
	}
	return &Packet{ns: namespace, event: event, args: args}, nil
}

// Namespace returns the name of the namespace.
func (p *Packet) Namespace() string { return p.ns }

// Event returns the event's name.
func (p *Packet) Event() string { return p.event }

// Room returns the one room that the packet was addressed to: "" if it was for several or
// for everybody, or for a room of the server or of one socket. It is known once the packet
// was delivered.
func (p *Packet) Room() string { return p.room }

// address notes the room. It is called before the first encoding.
func (p *Packet) address(n *Namespace, t *Target) {
	if !slices.ContainsFunc(t.Rooms, func(room string) bool { return !ReservedRoom(room) }) {
		p.aside = true
	}
	if p.room == "" && len(t.Rooms) == 1 && !ReservedRoom(t.Rooms[0]) && n.local.own(t.Rooms[0]) == nil {
		p.room = t.Rooms[0]
	}
}

// Args returns the arguments, without the offset.
func (p *Packet) Args() []any { return p.args }

// Offset returns what SetOffset set.
func (p *Packet) Offset() string { return p.offset }

// SetOffset sets the recovery offset, which clients of protocol 5 get as last
// argument. It must not be called once the packet was delivered.
func (p *Packet) SetOffset(offset string) { p.offset = offset }

func (p *Packet) unlogged() bool { return strings.HasPrefix(p.offset, OffsetUnlogged) }

// Freeze encodes the arguments, so that the packet no longer depends on the
// values it was made of and can be kept, without larger packets that these were
// parts of. It returns how many bytes the event and its arguments then hold.
func (p *Packet) Freeze() (held int, err error) {
	args, held, err := wire.Keep(p.args)
	if err != nil {
		return 0, fmt.Errorf("socketio: encoding %q: %w", p.event, err)
	}
	p.args = args
	return held + len(p.event), nil
}

// DropEncodings lets go of every encoding, so that a packet which is kept after
// its delivery holds its arguments alone. If it is sent again it is encoded
// again, and that is shared for as long as some client has it queued.
func (p *Packet) DropEncodings() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = true
	for v := range p.messages {
		p.messages[v].Store(nil)
	}
}

// message returns the packet for one variant.
func (p *Packet) message(v variant) (*engineio.Message, error) {
	if p.offset == "" && v.old() {
		v -= variantJSON4 // without an offset both protocols have the same events
	}
	if m := p.messages[v].Load(); m != nil {
		return m, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.messages[v].Load(); m != nil {
		return m, nil
	}
	if p.replayed != nil {
		if m := p.replayed[v].Value(); m != nil {
			return m, nil
		}
	}
	m, err := p.encode(v)
	if err != nil {
		return nil, fmt.Errorf("socketio: encoding %q: %w", p.event, err)
	}
	if p.dropped {
		if p.replayed == nil {
			p.replayed = new([variantCount]weak.Pointer[engineio.Message])
		}
		p.replayed[v] = weak.Make(m)
		return m, nil
	}
	p.messages[v].Store(m)
	return m, nil
}

// encode returns the packet anew.
func (p *Packet) encode(v variant) (*engineio.Message, error) {
	if v.guest() {
		return p.forGuest(v)
	}
	out := wire.Outgoing{Type: wire.Event, Namespace: p.ns, ID: p.id, HasID: p.hasID, Event: p.event, Args: p.args}
	if v.protocol() == 5 {
		out.Offset = p.offset
	}
	return encode(&out, v)
}

// encode returns a packet as one Engine.IO message.
func encode(out *wire.Outgoing, v variant) (*engineio.Message, error) {
	parts, err := wire.Encode(out, v.format(), v.protocol())
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return engineio.NewMessage(engineio.Part(parts[0])), nil
	}
	ps := make([]engineio.Part, len(parts))
	for i, p := range parts {
		ps[i] = engineio.Part(p)
	}
	return engineio.NewMessage(ps...), nil
}
