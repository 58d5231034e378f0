package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// clientHeader builds the header of a client's frame, right or wrong.
func clientHeader(first byte, short byte, long []byte, mask string) []byte {
	return append(append([]byte{first, short}, long...), mask...)
}

func u16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func TestHeadersOfEveryLength(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		want Header
	}{
		{clientHeader(0x81, 0x80, nil, "MASK"), Header{Fin: true, OpCode: OpText}},
		{clientHeader(0x82, 0x80|125, nil, "MASK"), Header{Fin: true, OpCode: OpBinary, Length: 125}},
		{clientHeader(0x01, 0x80|126, u16(126), "MASK"), Header{OpCode: OpText, Length: 126}},
		{clientHeader(0x00, 0x80|126, u16(65535), "MASK"), Header{OpCode: OpContinuation, Length: 65535}},
		{clientHeader(0x80, 0x80|127, u64(65536), "MASK"), Header{Fin: true, OpCode: OpContinuation, Length: 65536}},
		{clientHeader(0x81, 0x80|127, u64(1<<62), "MASK"), Header{Fin: true, OpCode: OpText, Length: 1 << 62}},
		{clientHeader(0xC1, 0x81, nil, "MASK"), Header{Fin: true, Rsv1: true, OpCode: OpText, Length: 1}},
		{clientHeader(0x88, 0x80, nil, "MASK"), Header{Fin: true, OpCode: OpClose}},
		{clientHeader(0x89, 0x80|125, nil, "MASK"), Header{Fin: true, OpCode: OpPing, Length: 125}},
		{clientHeader(0x8A, 0x80, nil, "MASK"), Header{Fin: true, OpCode: OpPong}},
	} {
		c.want.Masked, c.want.Mask = true, [4]byte{'M', 'A', 'S', 'K'}
		got, n, err := ParseHeader(append(bytes.Clone(c.in), "payload"...))
		if err != nil || n != len(c.in) || got != c.want {
			t.Errorf("% x: got %+v, %d, %v", c.in, got, n, err)
		}
		for cut := range len(c.in) {
			if _, n, err := ParseHeader(c.in[:cut]); n != 0 || err != nil {
				t.Errorf("% x cut at %d: %d, %v", c.in, cut, n, err)
			}
		}
	}
}

func TestBadHeaders(t *testing.T) {
	for name, in := range map[string][]byte{
		"RSV2":                    clientHeader(0xA1, 0x80, nil, "MASK"),
		"RSV3":                    clientHeader(0x91, 0x80, nil, "MASK"),
		"opcode 3":                clientHeader(0x83, 0x80, nil, "MASK"),
		"opcode 7":                clientHeader(0x87, 0x80, nil, "MASK"),
		"opcode B":                clientHeader(0x8B, 0x80, nil, "MASK"),
		"opcode F":                clientHeader(0x8F, 0x80, nil, "MASK"),
		"unmasked":                {0x81, 0x00},
		"long ping":               clientHeader(0x89, 0x80|126, u16(126), "MASK"),
		"fragmented ping":         clientHeader(0x09, 0x80, nil, "MASK"),
		"fragmented close":        clientHeader(0x08, 0x80, nil, "MASK"),
		"compressed pong":         clientHeader(0xCA, 0x80, nil, "MASK"),
		"125 in two bytes":        clientHeader(0x81, 0x80|126, u16(125), "MASK"),
		"0 in two bytes":          clientHeader(0x81, 0x80|126, u16(0), "MASK"),
		"65535 in eight bytes":    clientHeader(0x81, 0x80|127, u64(65535), "MASK"),
		"the highest bit is set":  clientHeader(0x81, 0x80|127, u64(1<<63), "MASK"),
		"more than memory allows": clientHeader(0x81, 0x80|127, u64(math.MaxUint64), "MASK"),
	} {
		if h, _, err := ParseHeader(in); err == nil {
			t.Errorf("%s: taken as %+v", name, h)
		}
	}
}

func TestServerHeaders(t *testing.T) {
	for _, c := range []struct {
		op     OpCode
		rsv1   bool
		length int
		want   []byte
	}{
		{OpText, false, 0, []byte{0x81, 0}},
		{OpBinary, false, 125, []byte{0x82, 125}},
		{OpText, true, 126, []byte{0xC1, 126, 0, 126}},
		{OpText, false, 65535, []byte{0x81, 126, 0xFF, 0xFF}},
		{OpText, false, 65536, []byte{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
		{OpClose, false, 2, []byte{0x88, 2}},
		{OpPong, false, 0, []byte{0x8A, 0}},
	} {
		if got := AppendHeader(nil, c.op, c.rsv1, c.length); !bytes.Equal(got, c.want) {
			t.Errorf("%v %d: % x, want % x", c.op, c.length, got, c.want)
		}
	}
}

func TestUnmaskAtEveryOffset(t *testing.T) {
	mask := [4]byte{0x11, 0x22, 0x44, 0x88}
	for length := range 40 {
		for pos := range 9 {
			plain, masked := make([]byte, length), make([]byte, length)
			for i := range plain {
				plain[i] = byte(i * 7)
				masked[i] = plain[i] ^ mask[(pos+i)%4]
			}
			Unmask(masked, mask, pos)
			if !bytes.Equal(masked, plain) {
				t.Fatalf("length %d at %d: % x, want % x", length, pos, masked, plain)
			}
		}
	}
	zero := []byte("as it is")
	Unmask(zero, [4]byte{}, 3)
	if string(zero) != "as it is" {
		t.Errorf("a zero mask changed the bytes to %q", zero)
	}
}
