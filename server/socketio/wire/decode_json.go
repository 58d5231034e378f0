package wire

import "strconv"

// json decodes a text message, and says how many attachments follow.
func (d *Decoder) json(data []byte) (*received, int, error) {
	h, err := d.header(data)
	if err != nil {
		return nil, 0, err
	}
	r := &received{packet: Packet{Type: h.kind, ID: h.id, HasID: h.hasID, Namespace: "/"}}
	if h.namespace.end > 0 {
		if err := d.setNamespace(&r.packet, data[h.namespace.start:h.namespace.end], int(h.namespace.start)); err != nil {
			return nil, 0, err
		}
	}
	s := scanner{data: data, pos: h.body, maxDepth: d.o.MaxDepth, bins: h.attachments}
	s.space()
	if !d.body(r, &s) {
		return nil, 0, s.err
	}
	return r, h.attachments, nil
}

// header is what stands before the JSON text.
type header struct {
	kind        Type // never a binary one
	attachments int
	namespace   span // empty: "/"
	id          uint64
	hasID       bool
	body        int // where the JSON text begins
}

// header reads <type>[<attachments>-][<namespace>,][<id>]
// (Socket.IO protocol, "Packet encoding", "Format").
func (d *Decoder) header(data []byte) (h header, err error) {
	if len(data) == 0 {
		return h, &Error{Kind: KindEmpty, Message: "a message without a packet type"}
	}
	if data[0] < '0' || data[0] > '6' {
		return h, &Error{Kind: KindType, Message: "no such packet type"}
	}
	h.kind = Type(data[0] - '0')
	i := 1
	if h.kind == BinaryEvent || h.kind == BinaryAck {
		h.kind -= BinaryEvent - Event
		if h.attachments, i, err = d.attachments(data); err != nil {
			return h, err
		}
	}
	if i < len(data) && data[i] == '/' {
		start := i
		for i < len(data) && data[i] != ',' {
			i++
		}
		h.namespace = span{u32(start), u32(i)}
		if i < len(data) {
			i++
		}
	}
	start := i
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	if i > start {
		if h.id, h.hasID = id(data[start:i]); !h.hasID {
			return h, &Error{Kind: KindID, Offset: start, Message: "acknowledgement id out of range"}
		}
	}
	h.body = i
	return h, nil
}

// attachments reads the count of a binary packet and gives where it ends. The official parser wants at least
// one; clients of protocol 4 may say 0, by a flag that forces a binary packet.
func (d *Decoder) attachments(data []byte) (n, end int, err error) {
	i := 1
	for i < len(data) && isDigit(data[i]) {
		if n <= d.o.MaxAttachments {
			n = n*10 + int(data[i]-'0')
		}
		i++
	}
	switch {
	case i == 1 || i == len(data) || data[i] != '-' || n == 0 && d.o.Protocol >= 5:
		return 0, 0, &Error{Kind: KindAttachments, Offset: 1, Message: "binary packet without its number of attachments"}
	case n > d.o.MaxAttachments:
		return 0, 0, &Error{Kind: KindTooMany, Offset: 1, Message: "too many attachments"}
	}
	return n, i + 1, nil
}

// id reads an acknowledgement id, with leading zeros if it must be.
func id(text []byte) (uint64, bool) {
	for len(text) > 1 && text[0] == '0' {
		text = text[1:]
	}
	return digits(text)
}

// body reads the payload, which the scanner stands at, into the packet.
func (d *Decoder) body(r *received, s *scanner) bool {
	first := byte(0)
	if s.pos < len(s.data) {
		first = s.data[s.pos]
	}
	switch r.packet.Type {
	case Connect:
		if first == 0 || first == '{' {
			return first == 0 || d.payload(r, s)
		}
		return s.fail(KindPayload, s.pos, "a CONNECT takes an object or nothing")
	case Disconnect:
		return first == 0 || s.fail(KindPayload, s.pos, "a DISCONNECT takes no payload")
	case ConnectError:
		if first == '{' || first == '"' || d.o.Protocol < 5 {
			return first == 0 || d.payload(r, s)
		}
		return s.fail(KindPayload, s.pos, "a CONNECT_ERROR takes an object or a string")
	case Event, Ack, BinaryEvent, BinaryAck:
		if first != '[' {
			return s.fail(KindPayload, s.pos, "an event or acknowledgement takes an array")
		}
		return d.arguments(r, s)
	}
	return s.fail(KindType, 0, "no such packet type")
}

func (d *Decoder) payload(r *received, s *scanner) bool {
	start := s.pos
	if !s.value(0) {
		return false
	}
	end := s.pos
	if !s.end() {
		return false
	}
	r.keep(JSON, s.data, start, end, nil, nil)
	r.packet.Payload = Raw{src: &r.source, end: u32(end - start)}
	return true
}

func (d *Decoder) arguments(r *received, s *scanner) bool {
	var room [8]span
	start := s.pos
	spans, ok := s.list(room[:0])
	if !ok {
		return false
	}
	end := s.pos
	if !s.end() {
		return false
	}
	if r.packet.Type == Ack {
		if !r.packet.HasID {
			return s.fail(KindID, start, "an ACK without an id")
		}
		r.keep(JSON, s.data, start, end, spans, s.marks)
		r.args(0)
		return true
	}
	if len(spans) == 0 {
		return s.fail(KindEvent, start, "an event without a name")
	}
	if !d.eventName(&r.packet, s, spans[0]) {
		return false
	}
	r.keep(JSON, s.data, start, end, spans, s.marks)
	r.args(1)
	return true
}

// eventName takes a string or, as the official parser does, a number.
func (d *Decoder) eventName(p *Packet, s *scanner, at span) bool {
	text := s.data[at.start:at.end]
	if uint64(len(text)) > 6*uint64(d.o.MaxEventName)+2 { //nolint:gosec // not negative
		return s.fail(KindEvent, int(at.start), "event name too long")
	}
	var room [64]byte
	var name []byte
	switch c := text[0]; {
	case c == '"':
		name = unquoted(room[:0], text)
	case c == '-' || isDigit(c):
		f, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return s.fail(KindEvent, int(at.start), "event name is a number out of range")
		}
		name = appendNumber(room[:0], f)
	default:
		return s.fail(KindEvent, int(at.start), "event name is neither string nor number")
	}
	if err := d.setEvent(p, name, int(at.start)); err != nil {
		s.err = err
		return false
	}
	return true
}
