package wire

import (
	"math"
	"strconv"
)

// msgpackParts are the fields of a packet as they stand in its map. Of equal keys the last counts, others
// (such as options, which the official client adds) are skipped.
type msgpackParts struct {
	kind, nsp, id, data int // where the value begins, -1 if there is none
	dataEnd             int
	spans               []span // of data, if it is an array
	marks               []mark // of data
}

// msgpack decodes a binary message of npm's socket.io-msgpack-parser, and is as strict with the types as its
// checkPacket. A client of protocol 4 may call a packet with binary BINARY_EVENT or BINARY_ACK.
func (d *Decoder) msgpack(data []byte) (*received, error) {
	if len(data) == 0 {
		return nil, &Error{Kind: KindEmpty, Message: "a message without a packet"}
	}
	r := &received{}
	f := msgpackParts{kind: -1, nsp: -1, id: -1, data: -1, spans: r.spans[:0]}
	if err := d.fields(&f, data); err != nil {
		return nil, err
	}
	n, ok := integer(data, f.kind)
	if ok && d.o.Protocol < 5 && n >= uint64(BinaryEvent) && n <= uint64(BinaryAck) {
		n -= uint64(BinaryEvent - Event)
	}
	if !ok || n > uint64(ConnectError) {
		return nil, &Error{Kind: KindType, Offset: max(f.kind, 0), Message: "no such packet type"}
	}
	r.packet.Type = Type(n)
	h := readHead(data, f.nsp)
	if h.kind != mpString {
		return nil, &Error{Kind: KindNamespace, Offset: max(f.nsp, 0), Message: "a packet without a namespace"}
	}
	if err := d.setNamespace(&r.packet, data[f.nsp+h.size:h.next(f.nsp)], f.nsp); err != nil {
		return nil, err
	}
	if f.id >= 0 && readHead(data, f.id).kind != mpUndefined {
		if r.packet.ID, r.packet.HasID = integer(data, f.id); !r.packet.HasID {
			return nil, &Error{Kind: KindID, Offset: f.id, Message: "acknowledgement id is no integer, or out of range"}
		}
	}
	if err := d.msgpackData(r, data, &f); err != nil {
		return nil, err
	}
	return r, nil
}

// fields scans the whole message.
func (d *Decoder) fields(f *msgpackParts, data []byte) error {
	s := msgScanner{data: data, maxDepth: d.o.MaxDepth, maxBinary: d.o.MaxAttachments}
	h := readHead(data, 0)
	if h.kind != mpMap {
		return &Error{Kind: KindSyntax, Message: "a packet that is not a map"}
	}
	s.pos = h.size
	for range h.n {
		keyAt := s.pos
		if !s.key() {
			return s.err
		}
		if !f.field(&s, readHead(data, keyAt), keyAt) {
			return s.err
		}
	}
	if s.pos != len(data) {
		return &Error{Kind: KindSyntax, Offset: s.pos, Message: "bytes after the packet"}
	}
	return nil
}

// field scans the value at the scanner's position and notes it under its key.
func (f *msgpackParts) field(s *msgScanner, key msgHead, keyAt int) bool {
	at := s.pos
	name := ""
	if key.kind == mpString && key.n <= len("type") {
		name = string(s.data[keyAt+key.size : at])
	}
	switch name {
	case "type":
		f.kind = at
	case "nsp":
		f.nsp = at
	case "id":
		f.id = at
	case "data":
		first := len(s.marks)
		f.data = at
		ok := f.list(s)
		f.dataEnd, f.marks = s.pos, s.marks[first:]
		return ok
	}
	return s.value(0)
}

// list scans data, and notes the elements if it is an array.
func (f *msgpackParts) list(s *msgScanner) bool {
	f.spans = f.spans[:0]
	h := readHead(s.data, s.pos)
	if h.kind != mpArray {
		return s.value(0)
	}
	at := s.pos
	s.pos = h.next(s.pos)
	if h.n > len(s.data)-s.pos {
		return s.fail(KindSyntax, at, "an array or map is cut off")
	}
	for range h.n {
		start := s.pos
		if !s.value(1) {
			return false
		}
		f.spans = append(f.spans, span{u32(start), u32(s.pos)})
	}
	return true
}

// integer reads a number that JavaScript would call an integer, up to 2^53-1. It may be written as a float.
// There is none outside of the data.
func integer(data []byte, at int) (uint64, bool) {
	switch h := readHead(data, at); h.kind {
	case mpUint, mpInt: // a negative one is far above the limit
		return h.num, h.num <= maxSafeInteger
	case mpFloat:
		v := math.Float64frombits(h.num)
		if v >= 0 && v <= maxSafeInteger && v == math.Trunc(v) {
			return uint64(v), true
		}
	default:
	}
	return 0, false
}

// msgpackData checks data against the type and sets payload or arguments.
func (d *Decoder) msgpackData(r *received, data []byte, f *msgpackParts) error {
	kind := mpUndefined // absent, as a value that is undefined
	if f.data >= 0 {
		kind = readHead(data, f.data).kind
	}
	want := ""
	switch r.packet.Type {
	case Connect:
		if kind != mpUndefined && kind != mpMap {
			want = "a CONNECT takes an object or nothing"
		}
	case Disconnect:
		if kind != mpUndefined {
			want = "a DISCONNECT takes no payload"
		}
	case ConnectError:
		if kind != mpMap && kind != mpString && d.o.Protocol >= 5 {
			want = "a CONNECT_ERROR takes an object or a string"
		}
	case Event, Ack, BinaryEvent, BinaryAck:
		if kind != mpArray {
			want = "an event or acknowledgement takes an array"
		}
	}
	if want != "" {
		return &Error{Kind: KindPayload, Offset: max(f.data, 0), Message: want}
	}
	if kind == mpUndefined {
		return nil
	}
	switch r.packet.Type {
	case Event:
		if err := d.msgpackEvent(&r.packet, data, f); err != nil {
			return err
		}
		r.keep(Msgpack, data, f.data, f.dataEnd, f.spans, f.marks)
		r.args(1)
	case Ack:
		if !r.packet.HasID {
			return &Error{Kind: KindID, Message: "an ACK without an id"}
		}
		r.keep(Msgpack, data, f.data, f.dataEnd, f.spans, f.marks)
		r.args(0)
	default:
		r.keep(Msgpack, data, f.data, f.dataEnd, nil, f.marks)
		r.packet.Payload = Raw{src: &r.source, end: u32(f.dataEnd - f.data)}
	}
	return nil
}

// msgpackEvent takes the event name, which here too may be a number.
func (d *Decoder) msgpackEvent(p *Packet, data []byte, f *msgpackParts) error {
	if len(f.spans) == 0 {
		return &Error{Kind: KindEvent, Offset: f.data, Message: "an event without a name"}
	}
	at := int(f.spans[0].start)
	var room [32]byte
	var name []byte
	switch h := readHead(data, at); h.kind {
	case mpString:
		name = data[at+h.size : h.next(at)]
	case mpUint:
		name = strconv.AppendUint(room[:0], h.num, 10)
	case mpInt:
		name = strconv.AppendInt(room[:0], int64(h.num), 10) //nolint:gosec // that is what it is
	case mpFloat:
		v := math.Float64frombits(h.num)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return &Error{Kind: KindEvent, Offset: at, Message: "event name is a number out of range"}
		}
		name = appendNumber(room[:0], v)
	default:
		return &Error{Kind: KindEvent, Offset: at, Message: "event name is neither string nor number"}
	}
	if err := d.setEvent(p, name, at); err != nil {
		return err
	}
	return nil
}
