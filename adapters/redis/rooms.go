package redis

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// nobody is the name of no room.
const nobody = "\x00"

// numberName is a number as JavaScript writes it.
func numberName(v float64) string {
	raw, err := wire.NewRaw(v)
	if err != nil { // NaN and infinities, which are written so
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	text, err := raw.MarshalJSON()
	if err != nil {
		return nobody
	}
	return string(text)
}

// addName adds a name unless it is there: a Sockeye node writes a number in both ways.
func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// roomNames is a list of rooms in JSON, see reader.rooms.
type roomNames []string

// UnmarshalJSON takes strings and numbers.
func (l *roomNames) UnmarshalJSON(text []byte) error {
	var all []any
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, v := range all {
		switch v := v.(type) {
		case string:
			*l = append(*l, v)
		case float64:
			*l = addName(*l, numberName(v))
		default:
			*l = append(*l, nobody)
		}
	}
	return nil
}

// roomName is one room in JSON.
type roomName string

// UnmarshalJSON takes a string or a number.
func (r *roomName) UnmarshalJSON(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*r = roomName(v)
	case float64:
		*r = roomName(numberName(v))
	default:
		*r = nobody
	}
	return nil
}

// roomList is the rooms of a target in JSON: numbers in both ways, see appendRooms.
type roomList []string

// MarshalJSON writes a list, also where there are none.
func (l roomList) MarshalJSON() ([]byte, error) {
	all := make([]any, 0, len(l))
	for _, room := range l {
		all = append(all, room)
		if v, is := cluster.RoomNumber(room); is {
			all = append(all, v)
		}
	}
	return json.Marshal(all)
}
