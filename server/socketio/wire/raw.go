package wire

import "errors"

var errTODO = errors.New("not yet")

// Raw is one JSON or MessagePack value as it was received, with its binary values. It is validated, immutable
// and safe to relay. The zero Raw is absent, which is not the same as null.
type Raw struct {
	src        *source
	start, end uint32
}

// Args are the arguments of an event or acknowledgement: a list of Raw values. Immutable; the zero Args is empty.
type Args struct {
	src    *source
	lo, hi uint32 // which of src.spans
}

// source is one message that Raw values point into.
type source struct {
	text   []byte
	format Format
	spans  []span
	marks  []mark
	bins   [][]byte
}

type span struct{ start, end uint32 }

type mark struct {
	span
	num uint32
}

// NewRaw encodes a Go value as an argument would be.
func NewRaw(v any) (Raw, error) { return Raw{}, errTODO }

// Decode stores the value in dst, a pointer, with the rules of encoding/json; binary lands in []byte, and in an
// empty interface as []byte.
func (r Raw) Decode(dst any) error { return errTODO }

// Value gives nil, bool, float64, string, []byte, []any or map[string]any. The absent Raw gives nil.
func (r Raw) Value() (any, error) { return nil, errTODO }

// String gives the string if the value is one.
func (r Raw) String() (string, bool) { return "", false }

// IsZero says whether the value is absent.
func (r Raw) IsZero() bool { return r.src == nil }

// HasBinary says whether the value is or contains binary.
func (r Raw) HasBinary() bool { return false }

// Size is the number of bytes the value holds, attachments included.
func (r Raw) Size() int { return 0 }

// MarshalJSON gives the value as JSON; binary becomes base64 as encoding/json does with []byte.
func (r Raw) MarshalJSON() ([]byte, error) { return nil, errTODO }

// Len is the number of arguments.
func (a Args) Len() int { return int(a.hi - a.lo) }

// At gives argument i, the absent Raw if there is none.
func (a Args) At(i int) Raw { return Raw{} }

// From gives the arguments from i on.
func (a Args) From(i int) Args { return Args{} }

// Bind decodes the arguments into the pointers, in order; a nil dst skips one. A missing argument is an error
// that names its position, further ones are ignored.
func (a Args) Bind(dst ...any) error { return errTODO }

// Values gives each argument as a Raw, to spread into a call that takes ...any.
func (a Args) Values() []any { return nil }

// Size is the number of bytes the arguments hold, attachments included.
func (a Args) Size() int { return 0 }
