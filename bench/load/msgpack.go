package load

import (
	"encoding/binary"
	"math"
	"slices"
)

// MessagePack, as far as packets need it: https://github.com/msgpack/msgpack/blob/master/spec.md

// appendHead appends a packet up to its data, whose value has to follow if there
// is any.
func (f *format) appendHead(dst []byte, kind byte, id int64, data bool) []byte {
	keys := byte(2)
	if id != noID {
		keys++
	}
	if data {
		keys++
	}
	dst = append(dst, 0x80|keys)
	dst = append(appendStr(dst, "type"), kind-'0')
	dst = appendStr(appendStr(dst, "nsp"), f.nsp)
	if id != noID {
		dst = appendUint(appendStr(dst, "id"), uint64(id))
	}
	if data {
		dst = appendStr(dst, "data")
	}
	return dst
}

func (f *format) eventMsgPack(dst []byte, id int64, name, room string, payload []byte) []byte {
	dst = f.appendHead(dst, sioEvent, id, true)
	items := byte(1)
	if room != "" {
		items++
	}
	if len(payload) > 0 {
		items++
	}
	dst = appendStr(append(dst, 0x90|items), name)
	if room != "" {
		dst = appendStr(dst, room)
	}
	switch {
	case len(payload) == 0:
	case f.binary:
		dst = append(appendSize(dst, 0xc4, len(payload)), payload...)
	default:
		dst = append(appendStrHead(dst, len(payload)), payload...)
	}
	return dst
}

func appendStr(dst []byte, s string) []byte { return append(appendStrHead(dst, len(s)), s...) }

func appendStrHead(dst []byte, n int) []byte {
	if n < 32 {
		return append(dst, 0xa0|byte(n))
	}
	return appendSize(dst, 0xd9, n)
}

// appendSize appends a head of 8, 16 or 32 bits; first is that of 8 bits.
func appendSize(dst []byte, first byte, n int) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(dst, first, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first+1), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, first+2), uint32(n))
	}
}

func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 128:
		return append(dst, byte(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, 0xce), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 0xcf), v)
	}
}

// appendValue appends what json.Unmarshal made of a value.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 0xc3)
		}
		return append(dst, 0xc2)
	case float64:
		if v >= 0 && v <= 1<<53 && v == math.Trunc(v) {
			return appendUint(dst, uint64(v))
		}
		return binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(v))
	case string:
		return appendStr(dst, v)
	case []any:
		dst = appendCount(dst, 0x90, 0xdc, len(v))
		for _, item := range v {
			dst = appendValue(dst, item)
		}
		return dst
	case map[string]any:
		dst = appendCount(dst, 0x80, 0xde, len(v))
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			dst = appendValue(appendStr(dst, k), v[k])
		}
		return dst
	default:
		return append(dst, 0xc0)
	}
}

// appendCount appends the head of an array or a map.
func appendCount(dst []byte, small, first byte, n int) []byte {
	switch {
	case n < 16:
		return append(dst, small|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, first), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(dst, first+1), uint32(n))
	}
}

// readMsgPack reads a packet. Keys that it does not know are passed over, such as
// the options that socket.io-client adds.
func (f *format) readMsgPack(p []byte) packet {
	bad := packet{raw: p}
	r := mpReader{p: p}
	keys, ok := r.count(0x80, 0xde)
	if !ok {
		return bad
	}
	m := packet{raw: p}
	var data mpReader // at the value of data
	var hasID, inNamespace bool
	for range keys {
		key, ok := r.str()
		if !ok {
			return bad
		}
		switch string(key) {
		case "type":
			v, ok := r.uint()
			if !ok || v > sioConnectError-'0' {
				return bad
			}
			m.kind = '0' + byte(v)
		case "nsp":
			nsp, ok := r.str()
			if !ok || string(nsp) != f.nsp {
				return bad
			}
			inNamespace = true
		case "id":
			if r.absent() {
				ok = r.skip(maxDepth)
			} else {
				m.id, ok = r.uint()
				hasID = true
			}
			if !ok {
				return bad
			}
		default:
			if string(key) == "data" {
				data = r
			}
			if !r.skip(maxDepth) {
				return bad
			}
		}
	}
	if r.at != len(p) || !inNamespace || m.kind == 0 {
		return bad
	}
	switch m.kind {
	case sioEvent, sioAck:
		if m.arg, m.binary, ok = data.argument(m.kind == sioEvent); !ok || hasID != (m.kind == sioAck) {
			return bad
		}
	}
	return m
}

// maxDepth bounds the nesting of values that are passed over.
const maxDepth = 32

// mpReader reads MessagePack values one after the other.
type mpReader struct {
	p  []byte
	at int
}

// argument reads the only argument of a list, which begins with "msg" in an event.
func (r *mpReader) argument(event bool) (arg []byte, isBinary, ok bool) {
	n, ok := r.count(0x90, 0xdc)
	if !ok {
		return nil, false, false
	}
	if event {
		name, ok := r.str()
		if !ok || string(name) != "msg" {
			return nil, false, false
		}
		n--
	}
	if n != 1 {
		return nil, false, false
	}
	if r.at < len(r.p) && r.p[r.at] >= 0xc4 && r.p[r.at] <= 0xc6 {
		arg, ok = r.sized(0xc4)
		return arg, true, ok
	}
	arg, ok = r.str()
	return arg, false, ok
}

// next returns the next n bytes.
func (r *mpReader) next(n uint64) ([]byte, bool) {
	if n > uint64(len(r.p)-r.at) {
		return nil, false
	}
	b := r.p[r.at : r.at+int(n)]
	r.at += int(n)
	return b, true
}

// big reads an unsigned number of so many bytes.
func (r *mpReader) big(size uint64) (v uint64, ok bool) {
	b, ok := r.next(size)
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, ok
}

func (r *mpReader) first() (byte, bool) {
	b, ok := r.next(1)
	if !ok {
		return 0, false
	}
	return b[0], true
}

// count reads the head of an array or a map.
func (r *mpReader) count(small, first byte) (uint64, bool) {
	b, ok := r.first()
	switch {
	case !ok:
		return 0, false
	case b&0xf0 == small:
		return uint64(b & 0x0f), true
	case b == first:
		return r.big(2)
	case b == first+1:
		return r.big(4)
	}
	return 0, false
}

func (r *mpReader) str() ([]byte, bool) {
	if r.at < len(r.p) && r.p[r.at]&0xe0 == 0xa0 {
		r.at++
		return r.next(uint64(r.p[r.at-1] & 0x1f))
	}
	return r.sized(0xd9)
}

// sized reads bytes behind a head of 8, 16 or 32 bits; first is that of 8 bits.
func (r *mpReader) sized(first byte) ([]byte, bool) {
	b, ok := r.first()
	if !ok || b < first || b > first+2 {
		return nil, false
	}
	n, ok := r.big(1 << (b - first))
	if !ok {
		return nil, false
	}
	return r.next(n)
}

func (r *mpReader) uint() (uint64, bool) {
	b, ok := r.first()
	switch {
	case !ok:
		return 0, false
	case b < 0x80:
		return uint64(b), true
	case b >= 0xcc && b <= 0xcf:
		return r.big(1 << (b - 0xcc))
	case b >= 0xd0 && b <= 0xd3: // signed
		v, ok := r.big(1 << (b - 0xd0))
		return v, ok && v>>(8<<(b-0xd0)-1) == 0
	}
	return 0, false
}

// absent tells nil and the undefined of notepack.io, an extension of one byte.
func (r *mpReader) absent() bool {
	return r.at < len(r.p) && (r.p[r.at] == 0xc0 || r.p[r.at] == 0xd4)
}

// skip passes over one value.
func (r *mpReader) skip(depth int) bool {
	b, ok := r.first()
	if !ok || depth == 0 {
		return false
	}
	var bytes, values uint64
	switch {
	case b < 0x80, b >= 0xe0, b == 0xc0, b == 0xc2, b == 0xc3:
		return true
	case b < 0x90:
		values = 2 * uint64(b&0x0f)
	case b < 0xa0:
		values = uint64(b & 0x0f)
	case b < 0xc0:
		bytes = uint64(b & 0x1f)
	case b == 0xc1:
		return false
	case b <= 0xc6: // bin
		bytes, ok = r.big(1 << (b - 0xc4))
	case b <= 0xc9: // ext, with a byte for its type
		bytes, ok = r.big(1 << (b - 0xc7))
		bytes++
	case b <= 0xcb: // float
		bytes = 4 << (b - 0xca)
	case b <= 0xcf: // unsigned
		bytes = 1 << (b - 0xcc)
	case b <= 0xd3: // signed
		bytes = 1 << (b - 0xd0)
	case b <= 0xd8: // fixed ext, with a byte for its type
		bytes = 1<<(b-0xd4) + 1
	case b <= 0xdb: // str
		bytes, ok = r.big(1 << (b - 0xd9))
	case b <= 0xdd: // array
		values, ok = r.big(2 << (b - 0xdc))
	default: // map
		values, ok = r.big(2 << (b - 0xde))
		values *= 2
	}
	if !ok {
		return false
	}
	for range values {
		if !r.skip(depth - 1) {
			return false
		}
	}
	_, ok = r.next(bytes)
	return ok
}
