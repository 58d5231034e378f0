package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

// fromMsgpack appends a scanned MessagePack value as the JSON that JavaScript would make of it, and gives where
// it ends: dates as ISO text, NaN and infinities as null, undefined as null or, in an object, left out.
func (e *encoder) fromMsgpack(d []byte, at int) int {
	h := readHead(d, at)
	next := h.next(at)
	switch h.kind {
	case mpInvalid, mpNil, mpUndefined:
		e.buf = append(e.buf, "null"...)
	case mpBool:
		e.buf = strconv.AppendBool(e.buf, h.num == 1)
	case mpInt:
		e.buf = strconv.AppendInt(e.buf, int64(h.num), 10) //nolint:gosec // that is what it is
	case mpUint:
		e.buf = strconv.AppendUint(e.buf, h.num, 10)
	case mpFloat:
		if f := math.Float64frombits(h.num); math.IsNaN(f) || math.IsInf(f, 0) {
			e.buf = append(e.buf, "null"...)
		} else {
			e.buf = appendNumber(e.buf, f)
		}
	case mpString:
		e.buf = appendQuoted(e.buf, d[at+h.size:next])
	case mpBinary:
		e.binary(d[at+h.size : next])
	case mpDate:
		e.buf = appendDate(e.buf, int64(h.num)) //nolint:gosec // that is what it is
	case mpExtension:
		e.buf = append(e.buf, '[')
		e.buf = strconv.AppendInt(e.buf, int64(h.ext), 10)
		e.buf = append(e.buf, ',')
		e.binary(d[at+h.size : next])
		e.buf = append(e.buf, ']')
	case mpArray:
		e.buf = append(e.buf, '[')
		for i := range h.n {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			next = e.fromMsgpack(d, next)
		}
		e.buf = append(e.buf, ']')
	case mpMap:
		return e.fromMap(d, next, h.n)
	}
	return next
}

func (e *encoder) fromMap(d []byte, at, pairs int) int {
	e.buf = append(e.buf, '{')
	comma := false
	for range pairs {
		key := readHead(d, at)
		value := key.next(at)
		if v := readHead(d, value); v.kind == mpUndefined {
			at = v.next(value)
			continue
		}
		if comma {
			e.buf = append(e.buf, ',')
		}
		comma = true
		if key.kind == mpString {
			e.fromMsgpack(d, at)
		} else {
			e.buf = append(e.buf, '"')
			e.fromMsgpack(d, at)
			e.buf = append(e.buf, '"')
		}
		e.buf = append(e.buf, ':')
		at = e.fromMsgpack(d, value)
	}
	e.buf = append(e.buf, '}')
	return at
}

// jsonReader goes over JSON text that is known to be valid and appends it as MessagePack.
type jsonReader struct {
	text   []byte
	pos    int
	tokens [][]byte // what a string that is a token stands for
	out    []byte
}

func (r *jsonReader) space() {
	for r.pos < len(r.text) && r.text[r.pos] <= ' ' {
		r.pos++
	}
}

func (r *jsonReader) value() {
	r.space()
	switch r.text[r.pos] {
	case '"':
		r.str()
	case '{':
		r.container(0x80, '}')
	case '[':
		r.container(0x90, ']')
	case 't':
		r.word(4, 0xc3)
	case 'f':
		r.word(5, 0xc2)
	case 'n':
		r.word(4, 0xc0)
	default:
		r.number()
	}
}

func (r *jsonReader) word(n int, b byte) {
	r.pos += n
	r.out = append(r.out, b)
}

func (r *jsonReader) str() {
	start := r.pos
	r.pos++
	for r.text[r.pos] != '"' {
		if r.text[r.pos] == '\\' {
			r.pos++
		}
		r.pos++
	}
	r.pos++
	quoted := r.text[start:r.pos]
	if len(r.tokens) > 0 && len(quoted) == tokenText+2 && bytes.HasPrefix(quoted, tokenStart()) {
		n, _ := readToken(quoted)
		r.out = appendMsgBinary(r.out, r.tokens[n])
		return
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		r.out = appendMsgString(r.out, quoted[1:len(quoted)-1])
		return
	}
	r.out = appendMsgString(r.out, appendUnquoted(make([]byte, 0, len(quoted)), quoted))
}

// container appends an array or map under a head of one byte, and makes room for a longer one if it must be.
func (r *jsonReader) container(head, closing byte) {
	at := len(r.out)
	r.out = append(r.out, head)
	r.pos++
	n := 0
	for r.space(); r.text[r.pos] != closing; r.space() {
		if r.text[r.pos] == ',' {
			r.pos++
		}
		if closing == '}' {
			r.space()
			r.str()
			r.space()
			r.pos++ // the colon
		}
		r.value()
		n++
	}
	r.pos++
	r.out = fixHead(r.out, at, n)
}

// fixHead sets the number of elements in the array or map whose one byte of head stands at byte at.
func fixHead(out []byte, at, n int) []byte {
	head := out[at]
	long := byte(0xdc) // array 16
	if head == 0x80 {
		long = 0xde // map 16
	}
	switch {
	case n < 0x10:
		out[at] |= byte(n) //nolint:gosec // four bits
	case n <= math.MaxUint16:
		out = append(out, 0, 0)
		copy(out[at+3:], out[at+1:])
		out[at] = long
		binary.BigEndian.PutUint16(out[at+1:], uint16(n))
	default:
		out = append(out, 0, 0, 0, 0)
		copy(out[at+5:], out[at+1:])
		out[at] = long + 1
		binary.BigEndian.PutUint32(out[at+1:], u32(n))
	}
	return out
}

func (r *jsonReader) number() {
	start := r.pos
	whole := true
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; {
		case isDigit(c) || c == '-':
			continue
		case c == '.' || c == '+' || c == 'e' || c == 'E':
			whole = false
			continue
		}
		break
	}
	text := string(r.text[start:r.pos])
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			r.out = appendMsgInt(r.out, n)
			return
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			r.out = appendMsgUint(r.out, n)
			return
		}
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinity, as in JavaScript
	r.out = appendMsgFloat(r.out, f)
}

func appendMsgInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendMsgUint(dst, uint64(n))
	case n >= -0x20:
		return append(dst, byte(n)) //nolint:gosec // two's complement is meant
	case n >= math.MinInt8:
		return append(dst, 0xd0, byte(n)) //nolint:gosec // as above
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, 0xd1), uint16(n)) //nolint:gosec // as above
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, 0xd2), uint32(n)) //nolint:gosec // as above
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xd3), uint64(n)) //nolint:gosec // as above
}

func appendMsgUint(dst []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, 0xcc, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xcd), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcf), n)
}

// appendMsgFloat appends whole numbers as integers, as notepack.io does.
func appendMsgFloat(dst []byte, f float64) []byte {
	if f == math.Trunc(f) {
		switch {
		case f >= math.MinInt64 && f < math.MaxInt64:
			return appendMsgInt(dst, int64(f))
		case f > 0 && f < math.MaxUint64:
			return appendMsgUint(dst, uint64(f))
		}
	}
	return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(f))
}

func appendMsgString[T string | []byte](dst []byte, s T) []byte {
	switch n := len(s); {
	case n < 0x20:
		dst = append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), u32(n))
	}
	return append(dst, s...)
}

func appendMsgBinary(dst, b []byte) []byte {
	switch n := len(b); {
	case n <= math.MaxUint8:
		dst = append(dst, 0xc4, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xc6), u32(n))
	}
	return append(dst, b...)
}

func appendMsgArray(dst []byte, n int) []byte {
	return fixHead(append(dst, 0x90), len(dst), n)
}
