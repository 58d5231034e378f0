package engineio

import (
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// Part is one Engine.IO message: text, which must be UTF-8, or binary. Data is
// without the type digit, is not copied and must not be changed afterwards.
type Part struct {
	Data   []byte
	Binary bool
}

// Message is one or more Engine.IO messages that go out back to back. It is
// immutable; any number of sessions may send it. Each form it takes on a wire
// is made once, on first need, and shared by all recipients.
type Message struct {
	kind  wire.Type
	shape shape
	size  int
	parts []Part
	one   [1]Part

	mu    sync.Mutex
	forms [formCount]atomic.Pointer[[]byte]
	first []byte // what the first of them points to
}

// form names one encoding of a Message.
type form uint8

const (
	formWS4 form = iota
	formWS3
	formWS4Deflated
	formWS3Deflated
	formPoll4
	formPoll3
	formPoll3Binary
	formCount
)

// shape says what of Engine.IO a message has on the wire.
type shape uint8

const (
	shapePacket shape = iota // everything
	shapeBare                // nothing: a text message of a WebSocket
	shapeStream              // nothing: a piece of an event stream
)

// messageOverhead is what a queued message counts beyond its bytes. A shared one
// costs a queue entry of 24 bytes; one of its own, such as an acknowledgement,
// about 200 with its frame.
const messageOverhead = 128

// NewMessage returns a message of the given parts.
func NewMessage(parts ...Part) *Message {
	m := &Message{kind: wire.Message, size: messageOverhead}
	if len(parts) == 1 {
		m.one[0] = parts[0]
		m.parts = m.one[:]
	} else {
		m.parts = append([]Part(nil), parts...)
	}
	for _, p := range parts {
		m.size += len(p.Data)
	}
	return m
}

// NewBareMessage returns the text message of a guest's WebSocket. It must be UTF-8.
func NewBareMessage(text []byte) *Message {
	m := NewMessage(Part{Data: text})
	m.shape = shapeBare
	return m
}

// NewStreamMessage returns a piece of an event stream, which goes out as it is.
func NewStreamMessage(text []byte) *Message {
	m := NewMessage(Part{Data: text})
	m.shape = shapeStream
	return m
}

// control returns the message of a packet that is none.
func control(t wire.Type, data string) *Message {
	m := NewMessage(Part{Data: []byte(data)})
	m.kind = t
	return m
}

// The packets that carry no data of their own.
var (
	pingPacket  = control(wire.Ping, "")
	pongPacket  = control(wire.Pong, "")
	noopPacket  = control(wire.Noop, "")
	closePacket = control(wire.Close, "")
)

// Size is what the message counts in an outbox: its bytes, without the type
// digits and headers, plus a constant.
func (m *Message) Size() int { return m.size }

// Len is the number of bytes of its parts.
func (m *Message) Len() int { return m.size - messageOverhead }

// hasBinary reports whether a part is binary.
func (m *Message) hasBinary() bool {
	for _, p := range m.parts {
		if p.Binary {
			return true
		}
	}
	return false
}

// encoded returns one form of the message, made on first need.
func (m *Message) encoded(f form) []byte {
	if b := m.forms[f].Load(); b != nil {
		return *b
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.forms[f].Load(); b != nil {
		return *b
	}
	b := m.encode(f)
	to := &m.first
	if *to != nil {
		to = new([]byte)
	}
	*to = b
	m.forms[f].Store(to)
	return b
}

func (m *Message) encode(f form) []byte {
	switch m.shape {
	case shapeStream:
		return m.one[0].Data
	case shapeBare:
		return appendBare(nil, m.one[0].Data, f == formWS4Deflated)
	case shapePacket:
	}
	dst := make([]byte, 0, m.size-messageOverhead+len(m.parts)*14)
	for _, p := range m.parts {
		pk := wire.Packet{Type: m.kind, Binary: p.Binary, Data: p.Data}
		switch f {
		case formWS4, formWS3:
			dst = appendFrame(dst, pk, f == formWS3)
		case formWS4Deflated, formWS3Deflated:
			dst = appendDeflatedFrame(dst, pk, f == formWS3Deflated)
		case formPoll4:
			dst = wire.AppendPayload(dst, pk)
		case formPoll3:
			dst = wire.AppendPayload3(dst, pk)
		case formPoll3Binary:
			dst = wire.AppendBinaryPayload3(dst, pk)
		case formCount:
		}
	}
	return dst
}

// appendFrame appends the packet as one WebSocket frame.
func appendFrame(dst []byte, p wire.Packet, protocol3 bool) []byte {
	switch {
	case !p.Binary:
		return wire.AppendText(wire.AppendHeader(dst, wire.OpText, false, 1+len(p.Data)), p)
	case protocol3:
		dst = wire.AppendHeader(dst, wire.OpBinary, false, 1+len(p.Data))
		return append(append(dst, byte(p.Type)), p.Data...)
	default:
		return append(wire.AppendHeader(dst, wire.OpBinary, false, len(p.Data)), p.Data...)
	}
}

// appendBare appends a text message as one WebSocket frame.
func appendBare(dst, text []byte, deflated bool) []byte {
	if deflated {
		text = deflate(text)
	}
	return append(wire.AppendHeader(dst, wire.OpText, deflated, len(text)), text...)
}

// appendDeflatedFrame appends the packet as one frame of permessage-deflate.
func appendDeflatedFrame(dst []byte, p wire.Packet, protocol3 bool) []byte {
	var plain []byte
	op := wire.OpText
	switch {
	case !p.Binary:
		plain = wire.AppendText(nil, p)
	case protocol3:
		op, plain = wire.OpBinary, append([]byte{byte(p.Type)}, p.Data...)
	default:
		op, plain = wire.OpBinary, p.Data
	}
	z := deflate(plain)
	return append(wire.AppendHeader(dst, op, true, len(z)), z...)
}
