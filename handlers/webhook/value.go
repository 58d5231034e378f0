package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// base64Key is the only member of an object that stands for binary.
const base64Key = "base64"

// argsToJSON writes arguments as a JSON array, binary anywhere in them as {"base64": "…"}.
func argsToJSON(args socketio.Args) (json.RawMessage, error) {
	list := make([]json.RawMessage, args.Len())
	for i := range list {
		var err error
		if list[i], err = valueToJSON(args.At(i)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(list)
}

func valueToJSON(r socketio.Raw) (json.RawMessage, error) {
	if !r.HasBinary() {
		return r.MarshalJSON()
	}
	v, err := r.Value()
	if err != nil {
		return nil, err
	}
	return json.Marshal(marked(v))
}

// marked puts objects in place of binary.
func marked(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]string{base64Key: base64.StdEncoding.EncodeToString(v)}
	case []any:
		for i := range v {
			v[i] = marked(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = marked(v[k])
		}
	}
	return v
}

var errBase64 = errors.New(`an object {"base64": …} holds no base64`)

// valueFromJSON reads a JSON value, which is passed on as it stands if nothing in it
// stands for binary; those that do are counted in found.
func valueFromJSON(text json.RawMessage, found *int) (any, error) {
	var r socketio.Raw
	if err := r.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	if !bytes.Contains(text, []byte(`"`+base64Key+`"`)) {
		return r, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return unmarked(v, found)
}

// unmarked puts binary in place of the objects that stand for it.
func unmarked(v any, found *int) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = unmarked(v[i], found); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if text, is := v[base64Key].(string); is && len(v) == 1 {
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, errBase64
			}
			*found++
			return b, nil
		}
		for k := range v {
			if v[k], err = unmarked(v[k], found); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
