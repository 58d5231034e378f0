package telemetry

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// kind says what a value is.
type kind uint8

const (
	kindNumber   kind = iota
	kindText          // a state, such as "open"
	kindFlag          // true or false
	kindPosition      // {lat, lon}, in degrees
	kindPlace         // {x, y}, of any map
)

// Value is what was measured: a number, a text, true or false, or a position.
type Value struct {
	kind kind
	a, b float64
	text string
}

var (
	_ json.Marshaler   = Value{}
	_ json.Unmarshaler = (*Value)(nil)
)

// Number returns the value of a number.
func Number(v float64) Value { return Value{kind: kindNumber, a: v} }

func (v Value) number() (float64, bool) { return v.a, v.kind == kindNumber }

// point returns what is kept of a value for charts; false if it is none.
func (v Value) point(at int64) (point, bool) {
	switch v.kind {
	case kindNumber, kindPosition, kindPlace:
		return point{at, v.a, v.b}, true
	case kindText, kindFlag:
	}
	return point{}, false
}

// appendJSON writes the value as it came.
func (v Value) appendJSON(to []byte) []byte {
	switch v.kind {
	case kindNumber:
		return appendNumber(to, v.a)
	case kindText:
		return appendText(to, v.text)
	case kindFlag:
		return strconv.AppendBool(to, v.a != 0)
	case kindPosition:
		return pair(to, `{"lat":`, `,"lon":`, v)
	case kindPlace:
		return pair(to, `{"x":`, `,"y":`, v)
	}
	return append(to, "null"...)
}

func pair(to []byte, first, second string, v Value) []byte {
	to = appendNumber(append(to, first...), v.a)
	to = appendNumber(append(to, second...), v.b)
	return append(to, '}')
}

// appendNumber writes a number in the shortest form. JSON knows 1e+21 and 1e-07.
func appendNumber(to []byte, f float64) []byte {
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 || f == 0 {
		return strconv.AppendFloat(to, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(to, f, 'e', -1, 64)
}

func appendText(to []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(to, `""`...) // cannot be: a string always encodes
	}
	return append(to, quoted...)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

// UnmarshalJSON reads a value.
func (v *Value) UnmarshalJSON(from []byte) error {
	var r Reading
	if err := readValue(&r, from); err != nil {
		return errors.New(err.message)
	}
	*v = r.Value
	return nil
}

func readValue(r *Reading, from json.RawMessage) *refusal {
	bad := func(format string, args ...any) *refusal { return refuse(codeBadValue, "/value", format, args...) }
	if len(from) == 0 {
		return bad("value is missing")
	}
	var err error
	switch from[0] {
	case '{':
		return readPosition(r, from)
	case '"':
		r.Value.kind = kindText
		if err = json.Unmarshal(from, &r.Value.text); err == nil && len(r.Value.text) > maxText {
			return bad("value is a text of more than %d bytes", maxText)
		}
	case 't', 'f':
		r.Value = Value{kind: kindFlag}
		if from[0] == 't' {
			r.Value.a = 1
		}
	case '[', 'n':
		return bad("value is none of a number, a text, true, false, {lat, lon} and {x, y}")
	default:
		r.Value.kind = kindNumber
		err = json.Unmarshal(from, &r.Value.a)
	}
	if err != nil {
		return bad("value is too large for a number")
	}
	return nil
}

func readPosition(r *Reading, from json.RawMessage) *refusal {
	var p struct{ Lat, Lon, X, Y *float64 }
	err := json.Unmarshal(from, &p)
	switch {
	case err == nil && p.Lat != nil && p.Lon != nil && p.X == nil && p.Y == nil:
		if math.Abs(*p.Lat) > 90 {
			return refuse(codeBadValue, "/value/lat", "lat is not between -90 and 90 degrees")
		}
		if math.Abs(*p.Lon) > 180 {
			return refuse(codeBadValue, "/value/lon", "lon is not between -180 and 180 degrees")
		}
		r.Value = Value{kind: kindPosition, a: *p.Lat, b: *p.Lon}
	case err == nil && p.X != nil && p.Y != nil && p.Lat == nil && p.Lon == nil:
		r.Value = Value{kind: kindPlace, a: *p.X, b: *p.Y}
	default:
		return refuse(codeBadValue, "/value", "value is an object, and neither {lat, lon} nor {x, y} with numbers")
	}
	return nil
}

// appendJSON writes the reading for dashboards and nodes.
func (r *Reading) appendJSON(to []byte) []byte {
	to = appendText(append(to, `{"device":`...), r.Device)
	to = appendText(append(to, `,"metric":`...), r.Metric)
	to = r.Value.appendJSON(append(to, `,"value":`...))
	to = strconv.AppendInt(append(to, `,"time":`...), r.Time, 10)
	if r.Unit != "" {
		to = appendText(append(to, `,"unit":`...), r.Unit)
	}
	return append(to, '}')
}

// encode writes readings as one JSON array, which is encoded once for all who get it.
func encode(all []Reading) json.RawMessage {
	to := make([]byte, 0, 2+96*len(all))
	to = append(to, '[')
	for i := range all {
		if i > 0 {
			to = append(to, ',')
		}
		to = all[i].appendJSON(to)
	}
	return append(to, ']')
}
