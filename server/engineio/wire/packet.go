package wire

import (
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// Type is the type of an Engine.IO packet; its value is the digit on the wire.
type Type byte

// The packet types (protocol 4, "Packet encoding"; the same in protocol 3).
const (
	Open Type = iota
	Close
	Ping
	Pong
	Message
	Upgrade
	Noop
)

// String returns the protocol's name of the type.
func (t Type) String() string {
	switch t {
	case Open:
		return "open"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	case Message:
		return "message"
	case Upgrade:
		return "upgrade"
	case Noop:
		return "noop"
	}
	return fmt.Sprintf("type %d", byte(t))
}

// Packet is one packet. Data of a decoded packet aliases the input, unless it
// came as base64.
type Packet struct {
	Type   Type
	Binary bool // only messages can be binary
	Data   []byte
}

// Error says what was wrong with malformed input, and where.
type Error struct {
	What   string
	Offset int // in bytes, from the start of the input
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("engine.io: %s at byte %d", e.What, e.Offset)
}

// DecodeText decodes a packet in text form: a WebSocket text frame, or one
// packet of a text payload. protocol is 3 or 4. It does not check UTF-8.
func DecodeText(b []byte, protocol int) (Packet, error) {
	if len(b) == 0 {
		return Packet{}, &Error{What: "empty packet"}
	}
	c := b[0]
	if c == 'b' {
		return decodeBase64(b, protocol)
	}
	if c < '0' || c > '6' {
		return Packet{}, &Error{What: fmt.Sprintf("unknown packet type %q", rune(c))}
	}
	return Packet{Type: Type(c - '0'), Data: b[1:]}, nil
}

func decodeBase64(b []byte, protocol int) (Packet, error) {
	start := 1
	if protocol == 3 {
		if len(b) < 2 || b[1] != '0'+byte(Message) {
			return Packet{}, &Error{What: "base64 packet is no message", Offset: 1}
		}
		start = 2
	}
	in := b[start:]
	for len(in) > 0 && in[len(in)-1] == '=' {
		in = in[:len(in)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(in)))
	n, err := base64.RawStdEncoding.Decode(out, in)
	if err != nil {
		return Packet{}, &Error{What: "bad base64", Offset: start}
	}
	return Packet{Type: Message, Binary: true, Data: out[:n]}, nil
}

// DecodeBinary decodes a WebSocket binary frame. In protocol 4 all of it is
// the data; in protocol 3 its first byte is the type.
func DecodeBinary(b []byte, protocol int) (Packet, error) {
	if protocol != 3 {
		return Packet{Type: Message, Binary: true, Data: b}, nil
	}
	if len(b) == 0 {
		return Packet{}, &Error{What: "empty binary packet"}
	}
	if b[0] > byte(Noop) {
		return Packet{}, &Error{What: fmt.Sprintf("unknown packet type %d", b[0])}
	}
	return Packet{Type: Type(b[0]), Binary: true, Data: b[1:]}, nil
}

// AppendText appends the text form of a packet that is not binary.
func AppendText(dst []byte, p Packet) []byte {
	return append(append(dst, '0'+byte(p.Type)), p.Data...)
}

// appendBase64 appends the base64 form of a binary message.
func appendBase64(dst []byte, p Packet, protocol int) []byte {
	dst = append(dst, 'b')
	if protocol == 3 {
		dst = append(dst, '0'+byte(p.Type))
	}
	return base64.StdEncoding.AppendEncode(dst, p.Data)
}

// utf16Len counts the UTF-16 code units of valid UTF-8, the unit in which
// protocol 3 counts the length of text.
func utf16Len(b []byte) int {
	n := 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		n++
		if r > 0xFFFF {
			n++
		}
		i += size
	}
	return n
}

// utf16Prefix returns the length in bytes of the first n UTF-16 code units of
// b, or -1 when b is shorter or the cut would split a character.
func utf16Prefix(b []byte, n int) int {
	i := 0
	for n > 0 {
		if i >= len(b) {
			return -1
		}
		r, size := utf8.DecodeRune(b[i:])
		if r > 0xFFFF {
			n--
		}
		n--
		i += size
	}
	if n < 0 {
		return -1
	}
	return i
}
