package relay

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// rooms holds the limits on rooms and what they guard.
type rooms struct {
	maxRooms int           // per socket, its own not counted
	maxName  int           // bytes
	access   auth.Access   // nil allows everything
	only     auth.Patterns // of one rule; nil is all
}

// named returns the room that argument 0 of e names. It is never one of the server's: what
// is said to a user's sockets comes from the application.
func (r rooms) named(e *socketio.Event) (string, error) {
	if e.Args().Len() == 0 {
		return "", &refusal{"bad_room", "the first argument names the room, and there is none"}
	}
	room, ok := text(e.Args().At(0))
	switch {
	case !ok:
		return "", &refusal{"bad_room", "a room is a string or an integer"}
	case room == "":
		return "", &refusal{"bad_room", "the room's name is empty"}
	case len(room) > r.maxName:
		return "", &refusal{"bad_room", "the room's name is longer than " + strconv.Itoa(r.maxName) + " bytes"}
	case !utf8.ValidString(room):
		return "", &refusal{"bad_room", "the room's name is not valid text"}
	case socketio.ReservedRoom(room):
		return "", &refusal{"room_reserved", "rooms whose names begin with " + socketio.ReservedRoomPrefix + " belong to the server"}
	}
	return room, nil
}

// text reads a string, or an integer as its decimal text: many frontends number their
// rooms.
func text(arg socketio.Raw) (string, bool) {
	if s, ok := arg.String(); ok {
		return s, true
	}
	if arg.HasBinary() {
		return "", false
	}
	raw, err := arg.MarshalJSON()
	if err != nil {
		return "", false
	}
	var n int64
	if err := json.Unmarshal(bytes.TrimSpace(raw), &n); err != nil || string(raw) == "null" {
		return "", false
	}
	return strconv.FormatInt(n, 10), true
}

// ofClient is named for a room that the client enters or leaves, which is never the
// room of a socket, connected or away: whoever entered one would read what is meant for
// its owner.
func (r rooms) ofClient(e *socketio.Event) (string, error) {
	room, err := r.named(e)
	if err != nil {
		return "", err
	}
	if e.Socket().Namespace().OwnRoom(room) {
		return "", &refusal{"room_reserved", "this room belongs to one connection"}
	}
	return room, nil
}

func (r rooms) join(e *socketio.Event) error {
	room, err := r.ofClient(e)
	if err == nil {
		err = r.may(e.Socket(), auth.ActionJoin, room)
	}
	if err != nil {
		return err
	}
	if mine := r.of(e.Socket()); len(mine) >= r.maxRooms && !slices.Contains(mine, room) {
		return &refusal{"too_many_rooms", "this connection is in " + strconv.Itoa(len(mine)) + " rooms already; leave one first"}
	}
	return e.Socket().Join(room)
}

func (r rooms) leave(e *socketio.Event) error {
	room, err := r.ofClient(e)
	if err != nil {
		return err
	}
	e.Socket().Leave(room)
	return nil
}

// of lists the rooms that the socket joined: all but the one that is its id and those
// that the server put it in.
func (r rooms) of(s *socketio.Socket) []string {
	all := s.Rooms()
	mine := all[:0:0]
	for _, room := range all {
		if room != s.ID() && !socketio.ReservedRoom(room) {
			mine = append(mine, room)
		}
	}
	return mine
}
