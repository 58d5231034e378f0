package wire

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"
)

// MessagePack as notepack.io writes it (msgpack.org, "Serialization type to format conversion"), which is what
// npm's socket.io-msgpack-parser uses. Its extensions, all of type 0:
//
//	fixext 1    d4 00 xx              undefined
//	fixext 8    d7 00 <int64>         a Date, milliseconds since 1970
//	ext 8-32    c7 n 00 …, c8, c9     an ArrayBuffer (written by Node; read everywhere)
//
// It reads any other extension as an array of the type and the bytes, and so do we.

// msgKind is what a MessagePack value is.
type msgKind uint8

const (
	mpInvalid msgKind = iota // cut off, or the byte 0xc1
	mpNil
	mpBool
	mpInt   // num is an int64
	mpUint  // num is a uint64
	mpFloat // num has the bits of a float64
	mpString
	mpBinary
	mpArray
	mpMap
	mpUndefined
	mpDate      // num is an int64
	mpExtension // of another type
)

// msgHead is the first bytes of a value, up to its content.
type msgHead struct {
	kind msgKind
	size int    // bytes of the head
	n    int    // bytes of content, or elements of an array, or pairs of a map
	num  uint64 // a number, or whether a bool is true
	ext  int8   // type of an extension
}

// next is where the value ends; for arrays and maps where its first element begins.
func (h msgHead) next(at int) int {
	if h.kind == mpArray || h.kind == mpMap {
		return at + h.size
	}
	return at + h.size + h.n
}

// readHead reads the value at byte at, which may be outside: then it is invalid. The content of strings, binary and extensions is there in full.
func readHead(d []byte, at int) msgHead {
	if at < 0 || at >= len(d) {
		return msgHead{}
	}
	h := msgHead{size: 1}
	d = d[at:]
	switch c := d[0]; {
	case c < 0x80:
		h.kind, h.num = mpUint, uint64(c)
	case c < 0x90:
		h.kind, h.n = mpMap, int(c&0x0f)
	case c < 0xa0:
		h.kind, h.n = mpArray, int(c&0x0f)
	case c < 0xc0:
		h.kind, h.n = mpString, int(c&0x1f)
	case c >= 0xe0:
		h.kind, h.num = mpInt, signed(uint64(c), 1)
	default:
		h = longHead(d)
	}
	if h.kind != mpArray && h.kind != mpMap && h.n > len(d)-h.size {
		return msgHead{}
	}
	return h
}

// longHead reads a head that begins with 0xc0 to 0xdf.
func longHead(d []byte) msgHead {
	switch c := d[0]; c {
	case 0xc0:
		return msgHead{kind: mpNil, size: 1}
	case 0xc2, 0xc3:
		return msgHead{kind: mpBool, size: 1, num: uint64(c & 1)}
	case 0xc4, 0xc5, 0xc6:
		return lengthHead(d, mpBinary, 1<<(c-0xc4))
	case 0xc7, 0xc8, 0xc9:
		h := lengthHead(d, mpExtension, 1<<(c-0xc7))
		return extension(d, h, false)
	case 0xca:
		if v, ok := bigEndian(d, 4); ok {
			return msgHead{kind: mpFloat, size: 5, num: math.Float64bits(float64(math.Float32frombits(uint32(v))))} //nolint:gosec // four bytes
		}
	case 0xcb:
		if v, ok := bigEndian(d, 8); ok {
			return msgHead{kind: mpFloat, size: 9, num: v}
		}
	case 0xcc, 0xcd, 0xce, 0xcf:
		n := 1 << (c - 0xcc)
		if v, ok := bigEndian(d, n); ok {
			return msgHead{kind: mpUint, size: 1 + n, num: v}
		}
	case 0xd0, 0xd1, 0xd2, 0xd3:
		n := 1 << (c - 0xd0)
		if v, ok := bigEndian(d, n); ok {
			return msgHead{kind: mpInt, size: 1 + n, num: signed(v, n)}
		}
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return extension(d, msgHead{kind: mpExtension, size: 1, n: 1 << (c - 0xd4)}, true)
	case 0xd9, 0xda, 0xdb:
		return lengthHead(d, mpString, 1<<(c-0xd9))
	case 0xdc, 0xdd:
		return lengthHead(d, mpArray, 2<<(c-0xdc))
	case 0xde, 0xdf:
		return lengthHead(d, mpMap, 2<<(c-0xde))
	}
	return msgHead{}
}

func lengthHead(d []byte, k msgKind, width int) msgHead {
	n, ok := bigEndian(d, width)
	if !ok {
		return msgHead{}
	}
	return msgHead{kind: k, size: 1 + width, n: int(n)} //nolint:gosec // at most four bytes
}

// extension reads the type byte of an extension and tells the known ones apart.
func extension(d []byte, h msgHead, fixed bool) msgHead {
	if h.kind == mpInvalid || len(d) <= h.size || h.n > len(d)-h.size-1 {
		return msgHead{}
	}
	h.ext = int8(d[h.size]) //nolint:gosec // the type is a signed byte
	h.size++
	switch {
	case h.ext != 0:
	case !fixed:
		h.kind = mpBinary
	case h.n == 1:
		h.kind = mpUndefined
	case h.n == 8:
		h.kind, h.num = mpDate, binary.BigEndian.Uint64(d[h.size:])
	}
	return h
}

// bigEndian reads a number of 1, 2, 4 or 8 bytes behind the first byte.
func bigEndian(d []byte, width int) (uint64, bool) {
	if len(d) <= width {
		return 0, false
	}
	var v uint64
	for _, b := range d[1 : 1+width] {
		v = v<<8 | uint64(b)
	}
	return v, true
}

// signed extends the sign of a number of width bytes.
func signed(v uint64, width int) uint64 {
	shift := 64 - 8*width
	return uint64(int64(v<<shift) >> shift) //nolint:gosec // two's complement is meant
}

// msgScanner validates MessagePack in one pass and notes where binary is. As with scanner, false means err is set.
type msgScanner struct {
	data      []byte
	pos       int
	maxDepth  int
	maxBinary int
	marks     []mark
	err       *Error
}

func (s *msgScanner) fail(k Kind, at int, message string) bool {
	s.err = &Error{Kind: k, Offset: at, Message: message}
	return false
}

// value scans the value at pos, which stands inside depth arrays and maps.
func (s *msgScanner) value(depth int) bool {
	h := readHead(s.data, s.pos)
	start := s.pos
	s.pos = h.next(s.pos)
	switch h.kind {
	case mpInvalid:
		return s.fail(KindSyntax, start, "not MessagePack, or cut off")
	case mpString:
		if !utf8.Valid(s.data[start+h.size : s.pos]) {
			return s.fail(KindUTF8, start, "a string is not UTF-8")
		}
	case mpBinary, mpExtension:
		if h.kind == mpExtension && depth >= s.maxDepth { // it is an array to JavaScript
			return s.fail(KindDepth, start, "nested too deep")
		}
		if len(s.marks) >= s.maxBinary {
			return s.fail(KindTooMany, start, "too many binary values")
		}
		s.marks = append(s.marks, mark{span: span{u32(start), u32(s.pos)}})
	case mpArray, mpMap:
		return s.contents(h, start, depth)
	case mpNil, mpBool, mpInt, mpUint, mpFloat, mpUndefined, mpDate:
	}
	return true
}

func (s *msgScanner) contents(h msgHead, start, depth int) bool {
	if depth >= s.maxDepth {
		return s.fail(KindDepth, start, "nested too deep")
	}
	if h.n > len(s.data)-s.pos { // each element takes at least a byte
		return s.fail(KindSyntax, start, "an array or map is cut off")
	}
	for range h.n {
		if h.kind == mpMap && !s.key() {
			return false
		}
		if !s.value(depth + 1) {
			return false
		}
	}
	return true
}

// key takes a string, or an integer, which JavaScript makes a string of.
func (s *msgScanner) key() bool {
	switch readHead(s.data, s.pos).kind {
	case mpString, mpInt, mpUint, mpInvalid:
		return s.value(0)
	default:
		return s.fail(KindSyntax, s.pos, "a key is neither string nor integer")
	}
}

// appendDate appends what JSON.stringify makes of a Date: its ISO text, null for one out of range
// (ECMA-262, Date.prototype.toISOString).
func appendDate(dst []byte, ms int64) []byte {
	const limit = 8_640_000_000_000_000
	if ms < -limit || ms > limit {
		return append(dst, "null"...)
	}
	t := time.UnixMilli(ms).UTC()
	dst = append(dst, '"')
	if year := t.Year(); year < 0 || year > 9999 {
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		dst = append(dst, sign)
		for unit := 100_000; unit > 0; unit /= 10 {
			dst = append(dst, '0'+byte(year/unit%10)) //nolint:gosec // a digit
		}
	} else {
		dst = t.AppendFormat(dst, "2006")
	}
	dst = t.AppendFormat(dst, "-01-02T15:04:05.000Z")
	return append(dst, '"')
}
