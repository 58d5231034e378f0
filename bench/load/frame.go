package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// WebSocket opcodes, RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// rsv1 is the bit of a frame's first byte that says that the message is deflated
// (RFC 7692 section 6).
const rsv1 = 0x40

// maxFrame bounds what a server may send in one frame: 16 MiB.
const maxFrame = 16 << 20

var (
	errFrameTooLarge = errors.New("frame above 16 MiB")
	errFrameMasked   = errors.New("frame from the server is masked")
	errFrameReserved = errors.New("frame with a reserved bit")
)

// appendFrame appends one final frame as clients send it: masked with key
// (RFC 6455 section 5.3). The opcode may have rsv1 beside it.
func appendFrame(dst []byte, opcode byte, key [4]byte, payload []byte) []byte {
	dst = append(dst, 0x80|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = append(dst, key[:]...)
	at := len(dst)
	dst = append(dst, payload...)
	for i := range dst[at:] {
		dst[at+i] ^= key[i&3]
	}
	return dst
}

// frame is one frame as servers send it.
type frame struct {
	final    bool
	deflated bool // the bit rsv1
	opcode   byte
	payload  []byte // within the buffer that it was cut from
}

// cutFrame takes one frame off the front of p and returns how many bytes it
// took, or 0 when p does not hold all of it yet.
func cutFrame(p []byte) (frame, int, error) {
	if len(p) < 2 {
		return frame{}, 0, nil
	}
	if p[0]&0x70&^rsv1 != 0 {
		return frame{}, 0, errFrameReserved
	}
	if p[1]&0x80 != 0 {
		return frame{}, 0, errFrameMasked
	}
	head, size := 2, uint64(p[1])
	switch size {
	case 126:
		if head = 4; len(p) < head {
			return frame{}, 0, nil
		}
		size = uint64(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if head = 10; len(p) < head {
			return frame{}, 0, nil
		}
		size = binary.BigEndian.Uint64(p[2:])
	}
	if size > maxFrame {
		return frame{}, 0, errFrameTooLarge
	}
	end := head + int(size)
	if len(p) < end {
		return frame{}, 0, nil
	}
	return frame{final: p[0]&0x80 != 0, deflated: p[0]&rsv1 != 0, opcode: p[0] & 0x0f, payload: p[head:end]}, end, nil
}

// frameLength is how many bytes p has to have until cutFrame can go on: those of
// the head as long as it is incomplete, then those of the frame.
func frameLength(p []byte) int {
	switch {
	case len(p) < 2:
		return 2
	case p[1]&0x7f == 126 && len(p) < 4:
		return 4
	case p[1]&0x7f == 126:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case p[1]&0x7f == 127 && len(p) < 10:
		return 10
	case p[1]&0x7f == 127:
		return 10 + int(min(binary.BigEndian.Uint64(p[2:]), maxFrame))
	default:
		return 2 + int(p[1]&0x7f)
	}
}

// closings are what close codes mean, RFC 6455 section 7.4.1 and IANA's registry.
var closings = map[uint16]string{
	1000: "normal closure",
	1001: "going away",
	1002: "protocol error",
	1003: "unsupported data",
	1007: "invalid payload",
	1008: "policy violation",
	1009: "message too big",
	1010: "extension missing",
	1011: "internal error",
	1012: "service restart",
	1013: "try again later",
	1014: "bad gateway",
}

// closing says what a close frame with this payload does: the code, what it means, and
// the reason in quotes.
func closing(payload []byte) string {
	if len(payload) < 2 {
		return "without a code"
	}
	code := binary.BigEndian.Uint16(payload)
	text := fmt.Sprintf("with %d", code)
	if meaning := closings[code]; meaning != "" {
		text += " (" + meaning + ")"
	}
	if reason := payload[2:]; len(reason) > 0 {
		text += fmt.Sprintf(": %q", reason)
	}
	return text
}
