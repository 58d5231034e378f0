package main

import (
	"encoding/base64"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// unpack makes bytes and dates of the objects that stand for them.
func unpack(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = unpack(v[i])
		}
	case map[string]any:
		if text, ok := v["$bin"].(string); ok {
			if b, err := base64.StdEncoding.DecodeString(text); err == nil {
				return b
			}
		}
		if text, ok := v["$date"].(string); ok {
			if t, err := time.Parse(time.RFC3339, text); err == nil {
				return t
			}
		}
		for key := range v {
			v[key] = unpack(v[key])
		}
	}
	return v
}

// pack makes objects of bytes, which JSON does not have.
func pack(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$bin": base64.StdEncoding.EncodeToString(v)}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = pack(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = pack(v[key])
		}
		return out
	}
	return v
}

// packedRaw is a received value; an absent one and one that cannot be read are nil.
func packedRaw(r socketio.Raw) any {
	if r.IsZero() {
		return nil
	}
	v, err := r.Value()
	if err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	return pack(v)
}

// packed are received arguments.
func packed(args socketio.Args) []any {
	out := make([]any, args.Len())
	for i := range out {
		out[i] = packedRaw(args.At(i))
	}
	return out
}
