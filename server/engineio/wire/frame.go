package wire

import "encoding/binary"

// OpCode is a WebSocket opcode (RFC 6455, section 5.2).
type OpCode byte

// The opcodes.
const (
	OpContinuation OpCode = 0x0
	OpText         OpCode = 0x1
	OpBinary       OpCode = 0x2
	OpClose        OpCode = 0x8
	OpPing         OpCode = 0x9
	OpPong         OpCode = 0xA
)

// IsControl reports whether the opcode is of a control frame (section 5.5).
func (o OpCode) IsControl() bool { return o&0x8 != 0 }

// MaxHeader is the longest header of a client's frame, in bytes.
const MaxHeader = 14

// Header is the header of a frame.
type Header struct {
	Fin    bool
	Rsv1   bool // set on the first frame of a deflated message (RFC 7692)
	OpCode OpCode
	Masked bool
	Mask   [4]byte
	Length int64
}

// ParseHeader parses the header at the start of b. n is its length in bytes,
// or 0 when b holds only a part of it. A header that no client may send is an
// *Error: reserved bits or opcodes, a length not in its shortest form, a
// control frame that is long or fragmented, a frame without a mask.
func ParseHeader(b []byte) (h Header, n int, err error) {
	if len(b) < 2 {
		return h, 0, nil
	}
	h.Fin, h.Rsv1 = b[0]&0x80 != 0, b[0]&0x40 != 0
	h.OpCode = OpCode(b[0] & 0x0F)
	h.Masked = b[1]&0x80 != 0
	if b[0]&0x30 != 0 {
		return h, 0, &Error{What: "reserved bit set in frame header"}
	}
	switch h.OpCode {
	case OpContinuation, OpText, OpBinary, OpClose, OpPing, OpPong:
	default:
		return h, 0, &Error{What: "reserved opcode in frame header"}
	}
	if !h.Masked {
		return h, 0, &Error{What: "frame without a mask", Offset: 1}
	}
	short := b[1] & 0x7F
	if h.OpCode.IsControl() && (!h.Fin || short > 125 || h.Rsv1) {
		return h, 0, &Error{What: "control frame fragmented, compressed or above 125 bytes"}
	}
	n = 2
	switch short {
	case 126:
		if len(b) < 4 {
			return h, 0, nil
		}
		h.Length = int64(binary.BigEndian.Uint16(b[2:]))
		if h.Length < 126 {
			return h, 0, &Error{What: "frame length not in its shortest form", Offset: 2}
		}
		n = 4
	case 127:
		if len(b) < 10 {
			return h, 0, nil
		}
		l := binary.BigEndian.Uint64(b[2:])
		if l > 1<<62 || l < 1<<16 {
			return h, 0, &Error{What: "frame length out of range", Offset: 2}
		}
		h.Length = int64(l)
		n = 10
	default:
		h.Length = int64(short)
	}
	if len(b) < n+4 {
		return h, 0, nil
	}
	copy(h.Mask[:], b[n:])
	return h, n + 4, nil
}

// AppendHeader appends the header of a server's frame, which is never masked
// and never fragmented.
func AppendHeader(dst []byte, op OpCode, rsv1 bool, length int) []byte {
	first := 0x80 | byte(op)
	if rsv1 {
		first |= 0x40
	}
	switch {
	case length < 126:
		return append(dst, first, byte(length)) //nolint:gosec // below 126
	case length < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(length))
	}
}

// Unmask applies the mask to b in place; pos is how many bytes of the frame
// came before b (section 5.3).
func Unmask(b []byte, mask [4]byte, pos int) {
	if mask == [4]byte{} {
		return
	}
	var m [8]byte
	for i := range m {
		m[i] = mask[(pos+i)&3]
	}
	word := binary.LittleEndian.Uint64(m[:])
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= m[i]
	}
}
