package wire

import "math"

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
// which keep that part of data, and returns how long it is. Elements in other
// places than the list are not looked at. The error is an *Error.
func ParseMsgpackList(data []byte) (a Args, n int, err error) {
	h := readHead(data, 0)
	if h.kind != mpArray {
		return Args{}, 0, &Error{Kind: KindSyntax, Message: "not a MessagePack array"}
	}
	s := msgScanner{data: data, maxDepth: listDepth, maxBinary: listMarks}
	f := msgpackParts{}
	if !f.list(&s) {
		return Args{}, 0, s.err
	}
	src := &source{format: Msgpack, text: data[:s.pos:s.pos], spans: f.spans, marks: s.marks}
	return Args{src: src, hi: u32(len(f.spans))}, s.pos, nil
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
