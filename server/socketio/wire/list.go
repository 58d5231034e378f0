package wire

import (
	"encoding/binary"
	"math"
)

// listMarks is how many binary values a list from another node may have: what a
// client may send, and the server itself, is bounded elsewhere.
const listMarks = math.MaxInt32

// listDepth bounds the nesting of a list from another node, see MaxDepth.
const listDepth = 2 * maxGoDepth

// ParseJSONList reads the text of a JSON array into Args, which keep text: it
// must not be changed afterwards. It is for what another node sent: an object
// that looks like a placeholder is just an object. The error is an *Error.
func ParseJSONList(text []byte) (Args, error) {
	s := scanner{data: text, maxDepth: listDepth}
	s.space()
	if s.pos >= len(text) || text[s.pos] != '[' {
		return Args{}, &Error{Kind: KindSyntax, Offset: s.pos, Message: "not a JSON array"}
	}
	spans, ok := s.list(nil)
	if !ok || !s.end() {
		return Args{}, s.err
	}
	return Args{src: &source{text: text, spans: spans}, hi: u32(len(spans))}, nil
}

// ParseMsgpackList reads a MessagePack array at the beginning of data into Args,
// which keep that part of data, and returns how long it is. What is behind the list
// is not looked at. A timestamp (extension -1), which is what other nodes make of a
// Date, becomes the Date that clients know. The error is an *Error.
func ParseMsgpackList(data []byte) (a Args, n int, err error) {
	h := readHead(data, 0)
	if h.kind != mpArray {
		return Args{}, 0, &Error{Kind: KindSyntax, Message: "not a MessagePack array"}
	}
	src, n, err := msgpackList(data)
	if err != nil {
		return Args{}, 0, err
	}
	for _, m := range src.marks {
		if isTimestamp(readHead(src.text, int(m.start))) {
			if src, _, err = msgpackList(withDates(make([]byte, 0, 2*n), src.text)); err != nil {
				return Args{}, 0, err
			}
			break
		}
	}
	return Args{src: src, hi: u32(len(src.spans))}, n, nil
}

func msgpackList(data []byte) (*source, int, error) {
	s := msgScanner{data: data, maxDepth: listDepth, maxBinary: listMarks}
	f := msgpackParts{}
	if !f.list(&s) {
		return nil, 0, s.err
	}
	return &source{format: Msgpack, text: data[:s.pos:s.pos], spans: f.spans, marks: s.marks}, s.pos, nil
}

// isTimestamp reports whether a value is a timestamp (msgpack.org, "Timestamp extension
// type"), as notepack.io 3 and @msgpack/msgpack write a Date.
func isTimestamp(h msgHead) bool {
	return h.kind == mpExtension && h.ext == -1 && (h.n == 4 || h.n == 8 || h.n == 12)
}

// withDates appends valid MessagePack with each timestamp as the Date of
// socket.io-msgpack-parser.
func withDates(dst, text []byte) []byte {
	for at := 0; at < len(text); {
		h := readHead(text, at)
		next := h.next(at) // of an array or map the first element
		if isTimestamp(h) {
			dst = binary.BigEndian.AppendUint64(append(dst, 0xd7, 0x00), uint64(timestampMillis(text[at+h.size:next]))) //nolint:gosec // two's complement is meant
		} else {
			dst = append(dst, text[at:next]...)
		}
		at = next
	}
	return dst
}

// timestampMillis is the content of a timestamp in milliseconds since 1970, or a
// number that is no time in JavaScript.
func timestampMillis(b []byte) int64 {
	var seconds int64
	var nanos uint32
	switch len(b) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(b))
	case 8:
		v := binary.BigEndian.Uint64(b)
		seconds, nanos = int64(v&(1<<34-1)), uint32(v>>34) // 34 and 30 bits
	case 12:
		seconds, nanos = int64(binary.BigEndian.Uint64(b[4:])), binary.BigEndian.Uint32(b) //nolint:gosec // two's complement is meant
	}
	const limit = 1 << 53 / 1000
	if seconds < -limit || seconds > limit {
		return math.MaxInt64
	}
	return seconds*1000 + int64(nanos/1_000_000)
}

// AppendJSONList appends arguments as a JSON array. binary says that one of them
// is or contains binary, which JSON cannot hold: nothing is appended then. An
// error is an *EncodeError.
func AppendJSONList(dst []byte, args []any) (out []byte, binary bool, err error) {
	e := newEncoder(asPlaceholder)
	defer e.release()
	e.buf = append(e.buf, '[')
	for i, v := range args {
		if a, ok := v.(Args); ok {
			e.args(a)
			continue
		}
		if err := e.value(v); err != nil {
			return dst, false, &EncodeError{Arg: i, Err: err}
		}
		e.buf = append(e.buf, ',')
	}
	if len(e.bins) > 0 {
		return dst, true, nil
	}
	if last := len(e.buf) - 1; e.buf[last] == ',' {
		e.buf = e.buf[:last]
	}
	e.buf = append(e.buf, ']')
	return append(dst, e.buf...), false, nil
}

// AppendMsgpackValues appends arguments as MessagePack, one after the other and
// without the head of an array: n is how many values they are. An error is an
// *EncodeError.
func AppendMsgpackValues(dst []byte, args []any) (out []byte, n int, err error) {
	e := newEncoder(asToken)
	defer e.release()
	out = dst
	for i, v := range args {
		if a, ok := v.(Args); ok {
			for j := range a.Len() {
				out = e.msgpackRaw(out, a.At(j))
			}
			n += a.Len()
			continue
		}
		if out, err = e.msgpackValue(out, v); err != nil {
			return dst, 0, &EncodeError{Arg: i, Err: err}
		}
		n++
	}
	return out, n, nil
}

// AppendMsgpackArray appends the head of an array of n values.
func AppendMsgpackArray(dst []byte, n int) []byte { return appendMsgArray(dst, n) }
