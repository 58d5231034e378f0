package redis

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

var errMsgpack = errors.New("not MessagePack, or cut off")

// reader walks through MessagePack (msgpack.org, "Formats") without copying. After an
// error it reads nothing more: every value is nil then, and every list empty.
type reader struct {
	data []byte
	at   int
	err  error
}

// What a value is, as far as the messages of the cluster care.
const (
	isNil = iota
	isBool
	isInt
	isFloat
	isString
	isList
	isMap
	isOther // binary and extensions
)

// value is the head of a value. The elements of lists and maps follow it.
type value struct {
	kind  int
	n     int     // elements of a list, pairs of a map
	num   float64 // a number, or 1 for true
	bytes []byte  // of a string
}

func (r *reader) fail() value {
	if r.err == nil {
		r.err = errMsgpack
	}
	r.at = len(r.data)
	return value{}
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.data)-r.at {
		r.fail()
		return nil
	}
	b := r.data[r.at : r.at+n : r.at+n]
	r.at += n
	return b
}

// number reads a number of n bytes.
func (r *reader) number(n int) uint64 {
	var wide [8]byte
	copy(wide[8-n:], r.take(n))
	return binary.BigEndian.Uint64(wide[:])
}

// next reads the head of the next value, and the whole of one that is no list or map.
func (r *reader) next() value {
	head := r.take(1)
	if head == nil {
		return value{}
	}
	switch c := head[0]; {
	case c < 0x80:
		return value{kind: isInt, num: float64(c)}
	case c < 0x90:
		return value{kind: isMap, n: int(c & 0x0f)}
	case c < 0xa0:
		return value{kind: isList, n: int(c & 0x0f)}
	case c < 0xc0:
		return value{kind: isString, bytes: r.take(int(c & 0x1f))}
	case c >= 0xe0:
		return value{kind: isInt, num: float64(int8(c))} //nolint:gosec // two's complement is meant
	default:
		return r.long(c)
	}
}

// long reads a value that begins with 0xc0 to 0xdf.
func (r *reader) long(c byte) value {
	switch c {
	case 0xc0:
		return value{}
	case 0xc2, 0xc3:
		return value{kind: isBool, num: float64(c & 1)}
	case 0xc4, 0xc5, 0xc6: // binary
		r.take(r.length(1 << (c - 0xc4)))
		return value{kind: isOther}
	case 0xc7, 0xc8, 0xc9: // extensions
		n := r.length(1 << (c - 0xc7))
		r.take(1)
		r.take(n)
		return value{kind: isOther}
	case 0xca:
		return value{kind: isFloat, num: float64(math.Float32frombits(uint32(r.number(4))))} //nolint:gosec // four bytes
	case 0xcb:
		return value{kind: isFloat, num: math.Float64frombits(r.number(8))}
	case 0xcc, 0xcd, 0xce, 0xcf:
		return value{kind: isInt, num: float64(r.number(1 << (c - 0xcc)))}
	case 0xd0, 0xd1, 0xd2, 0xd3:
		n := 1 << (c - 0xd0)
		shift := 64 - 8*n
		return value{kind: isInt, num: float64(int64(r.number(n)<<shift) >> shift)} //nolint:gosec // two's complement is meant
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		r.take(1 + 1<<(c-0xd4))
		if c == 0xd4 { // Node's undefined is of this form
			return value{}
		}
		return value{kind: isOther}
	case 0xd9, 0xda, 0xdb:
		return value{kind: isString, bytes: r.take(r.length(1 << (c - 0xd9)))}
	case 0xdc, 0xdd:
		return value{kind: isList, n: r.length(2 << (c - 0xdc))}
	case 0xde, 0xdf:
		return value{kind: isMap, n: r.length(2 << (c - 0xde))}
	}
	return r.fail()
}

// length reads a length of width bytes. It is never more than what is left could hold.
func (r *reader) length(width int) int {
	n := r.number(width)
	if n > uint64(len(r.data)-r.at) { //nolint:gosec // never negative
		r.fail()
		return 0
	}
	return int(n) //nolint:gosec // see above
}

// skip passes by one value with all that is in it.
func (r *reader) skip() {
	for open := 1; open > 0 && r.err == nil; open-- {
		switch v := r.next(); v.kind {
		case isList:
			open += v.n
		case isMap:
			open += 2 * v.n
		}
		if open-1 > len(r.data)-r.at { // each of them takes at least a byte
			r.fail()
		}
	}
}

// list reads the head of a list. Nil and undefined are an empty one.
func (r *reader) list() int {
	switch v := r.next(); v.kind {
	case isList:
		return v.n
	case isNil:
	default:
		r.fail()
	}
	return 0
}

// fields calls f with the key of each pair of a map; f reads the value. Keys that are
// no strings are left out.
func (r *reader) fields(f func(key string)) {
	v := r.next()
	if v.kind != isMap {
		if v.kind != isNil {
			r.fail()
		}
		return
	}
	for range v.n {
		key := r.next()
		if key.kind != isString {
			r.skipRest(key)
			r.skip()
		} else {
			f(string(key.bytes))
		}
		if r.err != nil {
			return
		}
	}
}

// skipRest passes by what is in a list or map whose head was read.
func (r *reader) skipRest(v value) {
	n := v.n
	if v.kind == isMap {
		n *= 2
	}
	for range n {
		if r.skip(); r.err != nil {
			return
		}
	}
}

// text reads a string; anything else is "".
func (r *reader) text() string {
	v := r.next()
	r.skipRest(v)
	return string(v.bytes)
}

// num reads a number; anything else is 0.
func (r *reader) num() float64 {
	v := r.next()
	r.skipRest(v)
	if v.kind != isInt && v.kind != isFloat {
		return 0
	}
	return v.num
}

// truth reads whether a value counts as true in JavaScript. given says that it is
// neither null nor undefined.
func (r *reader) truth() (is, given bool) {
	v := r.next()
	r.skipRest(v)
	switch v.kind {
	case isNil:
		return false, false
	case isBool, isInt, isFloat:
		return v.num != 0 && !math.IsNaN(v.num), true
	case isString:
		return len(v.bytes) > 0, true
	}
	return true, true
}

// raw passes by one value and returns its bytes.
func (r *reader) raw() []byte {
	from := r.at
	if r.skip(); r.err != nil {
		return nil
	}
	return r.data[from:r.at:r.at]
}

// rooms reads names of rooms, which in Node may be numbers: 5 is the room "5". What is
// neither is a name that nobody has, so that a list of such is not the empty list,
// which means everybody.
func (r *reader) rooms() []string {
	n := r.list()
	if n == 0 {
		return nil
	}
	names := make([]string, 0, n)
	for range n {
		v := r.next()
		r.skipRest(v)
		switch v.kind {
		case isString:
			names = append(names, string(v.bytes))
		case isInt, isFloat:
			names = addName(names, numberName(v.num))
		default:
			names = append(names, nobody)
		}
		if r.err != nil {
			return nil
		}
	}
	return names
}

// The writing side.

func appendMap(dst []byte, n int) []byte { return append(dst, 0x80|byte(n)) } //nolint:gosec // below 16

func appendText(dst []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		dst = append(dst, 0xa0|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, 0xd9, byte(n))
	case n <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0xda), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint32(append(dst, 0xdb), uint32(n)) //nolint:gosec // Redis takes no more than 512 MiB
	}
	return append(dst, s...)
}

// appendRooms writes the rooms of a target. Node tells 5 from "5", so a name that is a
// number is written in both ways.
func appendRooms(dst []byte, rooms []string) []byte {
	n := len(rooms)
	for _, room := range rooms {
		if _, is := cluster.RoomNumber(room); is {
			n++
		}
	}
	dst = wire.AppendMsgpackArray(dst, n)
	for _, room := range rooms {
		dst = appendText(dst, room)
		if v, is := cluster.RoomNumber(room); is {
			dst = binary.BigEndian.AppendUint64(append(dst, 0xcb), math.Float64bits(v))
		}
	}
	return dst
}
