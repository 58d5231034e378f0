package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/sockeye-io/sockeye/server/jsondepth"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// read reads the arguments of an event: without binary ones they stay the text that they
// are, once it is known to be valid.
func (e *emission) read(m *message, field string) error {
	if m.Args == nil {
		return nil
	}
	args, err := wire.ParseJSONList(m.Args)
	if err != nil {
		why := err.Error()
		if bad := (*wire.Error)(nil); errors.As(err, &bad) {
			why = bad.Message
		}
		return wrong(field, "it is no array of arguments, such as [\"hello\"]: %s", why)
	}
	if jsondepth.Of(m.Args) > wire.DefaultMaxDepth {
		return wrong(field, "they are nested deeper than %d, which not every client can read", wire.DefaultMaxDepth)
	}
	if !m.Binary {
		e.args = args
		return nil
	}
	return e.readBinary(m.Args, field)
}

// readBinary reads arguments in which {"base64": "…"} stands for bytes.
func (e *emission) readBinary(text []byte, field string) error {
	var list []any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		return mistake(err, field)
	}
	found := 0
	for i := range list {
		v, err := withBytes(list[i], &found)
		if err != nil {
			return wrong(field, "%s", err)
		}
		raw, err := socketio.NewRaw(v)
		if err != nil {
			return wrong(field, "it cannot be sent: %s", err)
		}
		list[i] = raw
	}
	if found > wire.DefaultMaxAttachments {
		return wrong(field, "there are %d binary values; the most is %d", found, wire.DefaultMaxAttachments)
	}
	e.other = list
	return nil
}

// base64Member is the one member of an object that stands for bytes.
const base64Member = "base64"

// withBytes puts bytes in the places of the objects that stand for them.
func withBytes(v any, found *int) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = withBytes(v[i], found); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if text, is := v[base64Member].(string); is && len(v) == 1 {
			*found++
			return base64.StdEncoding.DecodeString(text)
		}
		for name := range v {
			if v[name], err = withBytes(v[name], found); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
