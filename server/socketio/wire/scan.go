package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// scanner validates JSON text in one pass, strictly as RFC 8259 has it, and notes where things are.
// Its methods that return bool give false after setting err.
type scanner struct {
	data     []byte
	pos      int
	maxDepth int
	err      *Error

	bins  int      // attachments of the packet; 0: an object that looks like a placeholder is just an object
	marks []mark   // the placeholders, in order
	used  []uint64 // bit set of the attachments that have a placeholder

	collect bool   // also note where the values of "_placeholder" keys are
	keys    []span // those that are not within another, in order
}

func (s *scanner) fail(k Kind, at int, message string) bool {
	s.err = &Error{Kind: k, Offset: at, Message: message}
	return false
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// end accepts white space up to the end of the text.
func (s *scanner) end() bool {
	s.space()
	if s.pos != len(s.data) {
		return s.fail(KindSyntax, s.pos, "text after the JSON value")
	}
	return true
}

// list scans an array at pos and appends where each of its elements is.
func (s *scanner) list(spans []span) ([]span, bool) {
	s.pos++ // the bracket
	s.space()
	if s.pos < len(s.data) && s.data[s.pos] == ']' {
		s.pos++
		return spans, true
	}
	for {
		s.space()
		start := s.pos
		if !s.value(1) {
			return spans, false
		}
		spans = append(spans, span{u32(start), u32(s.pos)})
		more, ok := s.separator(']')
		if !more {
			return spans, ok
		}
	}
}

// separator takes a comma (more) or the closing byte.
func (s *scanner) separator(closing byte) (more, ok bool) {
	s.space()
	if s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ',':
			s.pos++
			return true, true
		case closing:
			s.pos++
			return false, true
		}
	}
	return false, s.fail(KindSyntax, s.pos, "expected a comma or the end of an array or object")
}

// value scans one value at pos, which stands inside depth arrays and objects.
func (s *scanner) value(depth int) bool {
	if s.pos >= len(s.data) {
		return s.fail(KindSyntax, s.pos, "the JSON text ends too early")
	}
	switch c := s.data[s.pos]; c {
	case '"':
		return s.str()
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		if c == '-' || isDigit(c) {
			return s.number()
		}
		return s.fail(KindSyntax, s.pos, "expected a JSON value")
	}
}

func (s *scanner) array(depth int) bool {
	if depth >= s.maxDepth {
		return s.fail(KindDepth, s.pos, "nested too deep")
	}
	s.pos++
	s.space()
	if s.pos < len(s.data) && s.data[s.pos] == ']' {
		s.pos++
		return true
	}
	for {
		s.space()
		if !s.value(depth + 1) {
			return false
		}
		if more, ok := s.separator(']'); !more {
			return ok
		}
	}
}

func (s *scanner) object(depth int) bool {
	if depth >= s.maxDepth {
		return s.fail(KindDepth, s.pos, "nested too deep")
	}
	start := s.pos
	s.pos++
	s.space()
	if s.pos < len(s.data) && s.data[s.pos] == '}' {
		s.pos++
		return true
	}
	var found placeholder
	for fields := 1; ; fields++ {
		key, value, ok := s.field(depth)
		if !ok {
			return false
		}
		if s.bins > 0 || s.collect {
			s.special(&found, key, value)
		}
		more, ok := s.separator('}')
		if !ok {
			return false
		}
		if more {
			continue
		}
		if found.marked && s.bins > 0 {
			return s.mark(start, fields, found)
		}
		return true
	}
}

// field scans a key, the colon and the value.
func (s *scanner) field(depth int) (key, value span, ok bool) {
	s.space()
	if s.pos >= len(s.data) || s.data[s.pos] != '"' {
		return key, value, s.fail(KindSyntax, s.pos, "expected a key in double quotes")
	}
	key.start = u32(s.pos)
	if !s.str() {
		return key, value, false
	}
	key.end = u32(s.pos)
	s.space()
	if s.pos >= len(s.data) || s.data[s.pos] != ':' {
		return key, value, s.fail(KindSyntax, s.pos, "expected a colon")
	}
	s.pos++
	s.space()
	value.start = u32(s.pos)
	if !s.value(depth + 1) {
		return key, value, false
	}
	value.end = u32(s.pos)
	return key, value, true
}

// placeholder is what is known so far of an object that may be one. Of equal keys the last counts, as in
// JavaScript.
type placeholder struct {
	marked bool // "_placeholder" is true
	hasNum bool
	num    uint64
}

func (s *scanner) special(p *placeholder, key, value span) {
	text := s.data[value.start:value.end]
	switch {
	case isKey(s.data[key.start:key.end], "_placeholder"):
		p.marked = string(text) == "true"
		if s.collect {
			s.addKey(value)
		}
	case isKey(s.data[key.start:key.end], "num"):
		p.num, p.hasNum = digits(text)
	}
}

// addKey notes a value, instead of those within it.
func (s *scanner) addKey(value span) {
	for len(s.keys) > 0 && s.keys[len(s.keys)-1].start > value.start {
		s.keys = s.keys[:len(s.keys)-1]
	}
	s.keys = append(s.keys, value)
}

// mark notes an object as a placeholder. The official parser takes any object with "_placeholder": true as one
// and throws when its number is out of range; anything that it would read differently from us is refused.
func (s *scanner) mark(start, fields int, p placeholder) bool {
	switch {
	case !p.hasNum || p.num >= uint64(s.bins): //nolint:gosec // not negative
		return s.fail(KindPlaceholder, start, "placeholder for an attachment that does not exist")
	case fields != 2:
		return s.fail(KindPlaceholder, start, "placeholder with further keys")
	}
	word, bit := int(p.num>>6), uint64(1)<<(p.num&63)
	for len(s.used) <= word {
		s.used = append(s.used, 0)
	}
	if s.used[word]&bit != 0 {
		return s.fail(KindPlaceholder, start, "two placeholders for one attachment")
	}
	s.used[word] |= bit
	s.marks = append(s.marks, mark{span{u32(start), u32(s.pos)}, uint32(p.num)}) //nolint:gosec // below bins
	return true
}

func (s *scanner) word(w string) bool {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return s.fail(KindSyntax, s.pos, "expected a JSON value")
	}
	s.pos += len(w)
	return true
}

func (s *scanner) number() bool {
	if s.data[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.data) && s.data[s.pos] == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.pos < len(s.data) && s.data[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if s.pos < len(s.data) && (s.data[s.pos] == 'e' || s.data[s.pos] == 'E') {
		s.pos++
		if s.pos < len(s.data) && (s.data[s.pos] == '+' || s.data[s.pos] == '-') {
			s.pos++
		}
		return s.digits()
	}
	return true
}

// digits takes one or more digits.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return s.fail(KindSyntax, s.pos, "expected a digit")
	}
	return true
}

// str scans a string at its opening quote, eight bytes at a time where nothing is special.
func (s *scanner) str() bool {
	d, i := s.data, s.pos+1
	for i < len(d) {
		if i = plain(d, i); i == len(d) {
			break
		}
		switch c := d[i]; {
		case c == '"':
			s.pos = i + 1
			return true
		case c == '\\':
			n := escape(d[i:])
			if n == 0 {
				return s.fail(KindSyntax, i, "bad escape in a string")
			}
			i += n
		case c < 0x20:
			return s.fail(KindSyntax, i, "raw control character in a string")
		case c < utf8.RuneSelf:
			i++
		default:
			_, n := utf8.DecodeRune(d[i:])
			if n == 1 {
				return s.fail(KindUTF8, i, "a string is not UTF-8")
			}
			i += n
		}
	}
	return s.fail(KindSyntax, len(d), "the JSON text ends within a string")
}

// plain gives where from byte i on the next character stands that is special in a string or not ASCII, near
// the end of d perhaps one before it.
func plain(d []byte, i int) int {
	for i+8 <= len(d) {
		if m := specialBytes(binary.LittleEndian.Uint64(d[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	return i
}

// specialBytes has a bit set in the lowest byte of w that is a control character, a quote, a backslash or not
// ASCII; zero if there is none. (Bytes above that one may be wrong.)
func specialBytes(w uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, back := w^(ones*'"'), w^(ones*'\\')
	return (w | (w - ones*0x20) | (quote - ones) | (back - ones)) & high
}

// escape gives the length of the escape sequence at the start of d, 0 if it is none.
func escape(d []byte) int {
	if len(d) < 2 {
		return 0
	}
	switch d[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(d) >= 6 && hex4(d[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// digits reads a text of digits alone, up to 2^53-1.
func digits(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= maxSafeInteger
}

// maxSafeInteger is the largest integer that a JavaScript number holds exactly.
const maxSafeInteger = 1<<53 - 1

// u32 narrows an offset; messages of 4 GiB are refused before they are scanned.
func u32(n int) uint32 { return uint32(n) } //nolint:gosec // see above
