package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
)

// Raw is one JSON or MessagePack value as it was received, with its binary values. It is validated, immutable
// and safe to relay. The zero Raw is absent, which is not the same as null. A Raw keeps the whole packet it
// came with in memory; Compact is for what is kept long.
type Raw struct {
	src        *source
	start, end uint32 // in src.text
}

// Args are the arguments of an event or acknowledgement: a list of Raw values. Immutable; the zero Args is empty.
type Args struct {
	src    *source
	lo, hi uint32 // which of src.spans
}

// source is what Raw values point into: the payload of one packet.
type source struct {
	text   []byte
	format Format // JSON or Msgpack

	received bool // part of a received
	lent     bool // bins may be parts of memory of unknown size

	spans []span   // the elements of the list
	marks []mark   // JSON: the placeholders; Msgpack: the binary values; in order
	bins  [][]byte // JSON: the attachments
}

// span is a part of a text, in bytes.
type span struct{ start, end uint32 }

type mark struct {
	span
	num uint32 // JSON: which attachment
}

var errAbsent = errors.New("no value")

// NewRaw encodes a Go value as an argument would be. A []byte inside is not copied. The error says what cannot
// be encoded.
func NewRaw(v any) (Raw, error) {
	if r, ok := v.(Raw); ok {
		return r, nil
	}
	e := newEncoder(asPlaceholder)
	defer e.release()
	if err := e.value(v); err != nil {
		return Raw{}, err
	}
	src := &source{}
	if len(e.bins) > 0 {
		e.disarm()
		src.bins, src.lent = append(src.bins, e.bins...), true
		s := scanner{data: e.buf, maxDepth: 2 * maxGoDepth, bins: len(e.bins)}
		if !s.value(0) {
			return Raw{}, s.err
		}
		src.marks = s.marks
	}
	src.text = exactCopy(e.buf)
	return Raw{src: src, end: u32(len(src.text))}, nil
}

// argsOf makes Args of the text of an array that is known to be valid and has no placeholders.
func argsOf(text []byte) (Args, bool) {
	s := scanner{data: text, maxDepth: 2 * maxGoDepth}
	spans, ok := s.list(nil)
	return Args{src: &source{text: text, spans: spans}, hi: u32(len(spans))}, ok
}

// String gives the string if the value is one.
func (r Raw) String() (string, bool) {
	if r.src == nil {
		return "", false
	}
	text := r.text()
	if r.src.format == Msgpack {
		h := readHead(text, 0)
		if h.kind != mpString {
			return "", false
		}
		return string(text[h.size:]), true
	}
	if text[0] != '"' {
		return "", false
	}
	return string(unquoted(nil, text)), true
}

// IsZero says whether the value is absent.
func (r Raw) IsZero() bool { return r.src == nil }

// HasBinary says whether the value is or contains binary.
func (r Raw) HasBinary() bool { return len(r.marks()) > 0 }

// Size is the number of bytes of the value as received, its attachments included. What it keeps in memory is Held.
func (r Raw) Size() int {
	n := int(r.end - r.start)
	if r.src != nil && r.src.format == JSON {
		for _, m := range r.marks() {
			n += len(r.src.bins[m.num])
		}
	}
	return n
}

// MarshalJSON gives the value as JSON; binary becomes base64 as encoding/json does with []byte, a date of
// MessagePack the text that JavaScript makes of it, and what JSON does not have null. The absent Raw is null.
func (r Raw) MarshalJSON() ([]byte, error) {
	e := newEncoder(asBase64)
	defer e.release()
	e.raw(r)
	return exactCopy(e.buf), nil
}

// UnmarshalJSON makes a Raw of JSON text, so that a struct given to Decode may have a Raw field.
func (r *Raw) UnmarshalJSON(text []byte) error {
	s := scanner{data: text, maxDepth: maxGoDepth}
	s.space()
	start := s.pos
	if !s.value(0) {
		return s.err
	}
	src := &source{text: exactCopy(text[start:s.pos])}
	if !s.end() {
		return s.err
	}
	*r = Raw{src: src, end: u32(len(src.text))}
	return nil
}

// text is the value as received.
func (r Raw) text() []byte { return r.src.text[r.start:r.end] }

// marks gives those within the value.
func (r Raw) marks() []mark {
	if r.src == nil || len(r.src.marks) == 0 {
		return nil
	}
	all := r.src.marks
	lo := sort.Search(len(all), func(i int) bool { return all[i].start >= r.start })
	hi := sort.Search(len(all), func(i int) bool { return all[i].start >= r.end })
	return all[lo:hi]
}

// Len is the number of arguments.
func (a Args) Len() int { return int(a.hi - a.lo) }

// At gives argument i, the absent Raw if there is none.
func (a Args) At(i int) Raw {
	if i < 0 || i >= a.Len() {
		return Raw{}
	}
	at := a.src.spans[int(a.lo)+i]
	return Raw{src: a.src, start: at.start, end: at.end}
}

// From gives the arguments from i on.
func (a Args) From(i int) Args {
	if i > 0 {
		a.lo += u32(min(i, a.Len()))
	}
	return a
}

// To gives the arguments before i; a negative i counts from the end.
func (a Args) To(i int) Args {
	if i < 0 {
		i = max(0, a.Len()+i)
	}
	a.hi = a.lo + u32(min(i, a.Len()))
	return a
}

// Bind decodes the arguments into the pointers, in order, as Raw.Decode does; a nil dst skips one. A missing
// argument is an *EncodeError that names its position; further arguments are ignored.
func (a Args) Bind(dst ...any) error {
	for i, d := range dst {
		switch {
		case i >= a.Len():
			return &EncodeError{Arg: i, Err: fmt.Errorf("missing: got %d arguments, want %d", a.Len(), len(dst))}
		case d == nil:
			continue
		}
		if err := a.At(i).Decode(d); err != nil {
			return &EncodeError{Arg: i, Err: err}
		}
	}
	return nil
}

// Values gives each argument as a Raw, to spread into a call that takes ...any.
func (a Args) Values() []any {
	all := make([]any, a.Len())
	for i := range all {
		all[i] = a.At(i)
	}
	return all
}

// Size is the sum of the arguments' sizes. What they keep in memory is Held.
func (a Args) Size() int {
	n := 0
	for i := range a.Len() {
		n += a.At(i).Size()
	}
	return n
}

// MarshalJSON gives the arguments as an array, each as Raw.MarshalJSON does.
func (a Args) MarshalJSON() ([]byte, error) {
	e := newEncoder(asBase64)
	defer e.release()
	e.array(a)
	return exactCopy(e.buf), nil
}

var (
	_ json.Marshaler   = Raw{}
	_ json.Unmarshaler = (*Raw)(nil)
	_ json.Marshaler   = Args{}
)
