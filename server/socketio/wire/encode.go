package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Encode gives the messages of a packet, to be sent back to back. For JSON the first is text and each binary
// value follows as one binary message; for Msgpack there is a single binary message. A []byte among the
// arguments of a JSON packet is not copied and must not be changed afterwards. Protocol is 4 or 5.
//
// An error is an *EncodeError where one argument is at fault, such as a channel, NaN, or a cycle. In a packet
// with attachments no object but a real placeholder may have a key "_placeholder" that counts as true: clients
// would take it for one and drop the connection when its number is out of range. Such a key is sent as false.
func Encode(p *Outgoing, f Format, protocol int) ([]Part, error) {
	if n := p.Namespace; n != "" && n != "/" && (n[0] != '/' || strings.IndexByte(n, ',') >= 0 || !printable(n)) {
		return nil, fmt.Errorf("namespace %q cannot be sent", p.Namespace)
	}
	e := newEncoder(asPlaceholder)
	defer e.release()
	switch f {
	case JSON:
		return e.json(p, protocol)
	case Msgpack:
		return e.msgpack(p, protocol)
	case Auto:
	}
	return nil, errors.New("encoding needs the format JSON or Msgpack")
}

func (e *encoder) json(p *Outgoing, protocol int) ([]Part, error) {
	kind := unbinary(p.Type)
	switch kind {
	case Event, Ack:
		if err := e.list(p, kind); err != nil {
			return nil, err
		}
		if limit := attachmentLimit(p); limit >= 0 && len(e.bins) > limit {
			return nil, fmt.Errorf("%w: %d, at most %d", ErrTooMany, len(e.bins), limit)
		}
		if len(e.bins) > 0 {
			e.disarm()
			kind += BinaryEvent - Event
		}
	case Connect, ConnectError:
		e.mode = asBase64
		if err := e.payload(p, kind, protocol); err != nil {
			return nil, err
		}
	case Disconnect, BinaryEvent, BinaryAck:
	default:
		return nil, fmt.Errorf("no packet type %d", p.Type)
	}
	return e.parts(p, kind), nil
}

// unbinary gives the type that a packet has apart from its attachments.
func unbinary(t Type) Type {
	if t == BinaryEvent || t == BinaryAck {
		return t - (BinaryEvent - Event)
	}
	return t
}

func attachmentLimit(p *Outgoing) int {
	if p.MaxAttachments == 0 {
		return DefaultMaxAttachments
	}
	return p.MaxAttachments
}

// list appends the array of an event or acknowledgement.
func (e *encoder) list(p *Outgoing, kind Type) error {
	e.buf = append(e.buf, '[')
	if kind == Event {
		if Reserved(p.Event) {
			return fmt.Errorf("%w: %q", ErrReserved, p.Event)
		}
		e.buf = appendQuoted(e.buf, p.Event)
		e.buf = append(e.buf, ',')
	} else if !p.HasID {
		return errors.New("an ACK needs an id")
	}
	for i, v := range p.Args {
		if a, ok := v.(Args); ok {
			e.args(a)
			continue
		}
		if err := e.value(v); err != nil {
			return &EncodeError{Arg: i, Err: err}
		}
		e.buf = append(e.buf, ',')
	}
	if kind == Event && p.Offset != "" {
		e.buf = appendQuoted(e.buf, p.Offset)
		e.buf = append(e.buf, ',')
	}
	if last := len(e.buf) - 1; e.buf[last] == ',' {
		e.buf = e.buf[:last]
	}
	e.buf = append(e.buf, ']')
	return nil
}

// payload appends what a Connect or ConnectError carries, nothing if it has none.
func (e *encoder) payload(p *Outgoing, kind Type, protocol int) error {
	if !hasPayload(p, kind, protocol) {
		return nil
	}
	if err := e.value(p.Payload); err != nil {
		return &EncodeError{Arg: -1, Err: err}
	}
	return nil
}

func hasPayload(p *Outgoing, kind Type, protocol int) bool {
	if r, ok := p.Payload.(Raw); ok && r.IsZero() {
		return false
	}
	return p.Payload != nil && (kind != Connect || protocol >= 5)
}

// parts puts the header before what is encoded.
func (e *encoder) parts(p *Outgoing, kind Type) []Part {
	h := append(e.head[:0], '0'+byte(kind))
	if len(e.bins) > 0 {
		h = strconv.AppendInt(h, int64(len(e.bins)), 10)
		h = append(h, '-')
	}
	if p.Namespace != "" && p.Namespace != "/" {
		h = append(h, p.Namespace...)
		h = append(h, ',')
	}
	if p.HasID {
		h = strconv.AppendUint(h, p.ID, 10)
	}
	e.head = h
	text := make([]byte, len(h)+len(e.buf))
	copy(text[copy(text, h):], e.buf)
	parts := make([]Part, 1+len(e.bins))
	parts[0].Data = text
	for i, b := range e.bins {
		parts[1+i] = Part{Data: b, Binary: true}
	}
	return parts
}
