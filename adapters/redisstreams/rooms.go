package redisstreams

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/adapters/cluster"
)

// roomName is a room's name, which in Node may be a number.
type roomName string

var (
	_ json.Unmarshaler      = (*roomName)(nil)
	_ msgpack.CustomDecoder = (*roomName)(nil)
)

// UnmarshalJSON takes a string or a number.
func (r *roomName) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(r))
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("a room is a string or a number, not %.20s", b)
	}
	*r = roomName(n)
	return nil
}

// DecodeMsgpack takes a string or a number.
func (r *roomName) DecodeMsgpack(d *msgpack.Decoder) error {
	v, err := d.DecodeInterface()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*r = roomName(v)
	case float32:
		*r = roomName(strconv.FormatFloat(float64(v), 'f', -1, 32))
	case float64:
		*r = roomName(strconv.FormatFloat(v, 'f', -1, 64))
	case int8, int16, int32, int64, uint8, uint16, uint32, uint64:
		*r = roomName(fmt.Sprint(v))
	default:
		return fmt.Errorf("a room is a string or a number, not %T", v)
	}
	return nil
}

func names(rooms []roomName) []string {
	if len(rooms) == 0 {
		return nil
	}
	out := make([]string, len(rooms))
	for i, r := range rooms {
		out[i] = string(r)
	}
	return out
}

func roomNames(rooms []string) []roomName {
	out := make([]roomName, len(rooms)) // never nil: Node wants a list
	for i, r := range rooms {
		out[i] = roomName(r)
	}
	return out
}

// roomList are the rooms of a target. Node tells 5 from "5", so a name that is a number
// is written in both ways, one after the other, and read as one.
type roomList []string

var (
	_ json.Marshaler        = roomList(nil)
	_ json.Unmarshaler      = (*roomList)(nil)
	_ msgpack.CustomEncoder = roomList(nil)
	_ msgpack.CustomDecoder = (*roomList)(nil)
)

// both are the elements that are written: never nil, because Node wants a list.
func (l roomList) both() []any {
	all := make([]any, 0, len(l))
	for _, room := range l {
		all = append(all, room)
		if v, is := cluster.RoomNumber(room); is {
			all = append(all, v)
		}
	}
	return all
}

// MarshalJSON writes a list.
func (l roomList) MarshalJSON() ([]byte, error) { return json.Marshal(l.both()) }

// EncodeMsgpack writes a list.
func (l roomList) EncodeMsgpack(e *msgpack.Encoder) error { return e.Encode(l.both()) }

// UnmarshalJSON takes strings and numbers.
func (l *roomList) UnmarshalJSON(b []byte) error {
	var all []roomName
	err := json.Unmarshal(b, &all)
	*l = slices.Compact(names(all))
	return err
}

// DecodeMsgpack takes strings and numbers.
func (l *roomList) DecodeMsgpack(d *msgpack.Decoder) error {
	var all []roomName
	err := d.Decode(&all)
	*l = slices.Compact(names(all))
	return err
}
