package rooms

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Defaults of Rules.
const (
	DefaultMax     = 100 // a frontend that needs more of them is likelier a loop
	DefaultMaxName = 256 // bytes
)

// Codes of errors, besides those of package auth.
const (
	CodeBadRoom      = "bad_room"       // missing, empty, too long, or neither string nor integer
	CodeReserved     = "room_reserved"  // one of the server's, or of a connection
	CodeTooManyRooms = "too_many_rooms" // the client is in as many as it may be
	CodeNoRoom       = "no_room"        // it is in none
)

// Error is what a client is told.
type Error struct{ Code, Message string }

// Error says both.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// EventPrefix and auth.EventPrefix begin the names of the events that the server and its
// clients tell one another, such as socketio.EndEvent. A client's event of such a name
// would be taken for the server's.
const EventPrefix = "sockeye:"

// OwnEvent reports whether the name of an event is one that only the server emits.
func OwnEvent(event string) bool {
	return strings.HasPrefix(event, EventPrefix) || strings.HasPrefix(event, auth.EventPrefix)
}

// Rules say which rooms clients may use. The zero value has the defaults and lets
// everybody use every room.
type Rules struct {
	// Max is how many rooms a socket may be in, its own not counted; 0 means 100.
	Max int
	// MaxName is the length of a name in bytes; 0 means 256.
	MaxName int
	// Access decides who may do what; nil allows everything.
	Access auth.Access
	// Only are rooms to which everything is confined, whatever Access says; nil means
	// none is.
	Only auth.Patterns
}

func (r Rules) limits() (most, name int) {
	if most, name = r.Max, r.MaxName; most == 0 {
		most = DefaultMax
	}
	if name == 0 {
		name = DefaultMaxName
	}
	return most, name
}

// Check returns an error if no client may speak of a room of this name.
func (r Rules) Check(room string) error {
	_, longest := r.limits()
	switch {
	case room == "":
		return &Error{CodeBadRoom, "the room's name is empty"}
	case len(room) > longest:
		return &Error{CodeBadRoom, "the room's name is longer than " + strconv.Itoa(longest) + " bytes"}
	case !utf8.ValidString(room):
		return &Error{CodeBadRoom, "the room's name is not valid text"}
	case socketio.ReservedRoom(room):
		return &Error{CodeReserved, "rooms whose names begin with " + socketio.ReservedRoomPrefix + " belong to the server"}
	}
	return nil
}

// Named returns the room that an argument of a client names: a string, or an integer,
// which stands for its decimal text. It is never one of the server's: what is said to a
// user's sockets comes from the application.
func (r Rules) Named(args socketio.Args, i int) (string, error) {
	if args.Len() <= i {
		return "", &Error{CodeBadRoom, "argument " + strconv.Itoa(i) + " names the room, and there is none"}
	}
	room, ok := text(args.At(i))
	if !ok {
		return "", &Error{CodeBadRoom, "a room is a string or an integer"}
	}
	return room, r.Check(room)
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

// Allow asks whether somebody may do something with a room, "" being the whole
// namespace.
func (r Rules) Allow(p *auth.Principal, do auth.Action, namespace, room string) error {
	if r.Only != nil && room != "" && !r.Only.MatchFor(p.ID, room) {
		return &auth.Error{Code: auth.CodeForbidden, Message: "this event is not for the room " + strconv.Quote(room)}
	}
	if r.Access == nil {
		return nil
	}
	return r.Access.Allow(p, do, namespace, room)
}

// May is Allow for the client of a socket.
func (r Rules) May(s *socketio.Socket, do auth.Action, room string) error {
	if r.Open() {
		return nil // not even the identity is looked at
	}
	return r.Allow(auth.Of(s), do, s.Namespace().Name(), room)
}

// Open reports whether everybody may use every room.
func (r Rules) Open() bool { return r.Access == nil && r.Only == nil }

// MayEnter asks whether a socket may enter a room: its name, its owner, the client's
// rights, and whether it is in as many as it may be. Nobody enters the room of a socket,
// connected or away: whoever did would read what is meant for its owner.
func (r Rules) MayEnter(s *socketio.Socket, room string) error {
	if err := r.MayLeave(s, room); err != nil {
		return err
	}
	if err := r.May(s, auth.ActionJoin, room); err != nil {
		return err
	}
	most, _ := r.limits()
	if mine := Of(s); len(mine) >= most && !slices.Contains(mine, room) {
		return &Error{CodeTooManyRooms, "this connection is in " + strconv.Itoa(len(mine)) + " rooms already; leave one first"}
	}
	return nil
}

// MayLeave asks whether a client may say that a socket leaves a room.
func (r Rules) MayLeave(s *socketio.Socket, room string) error {
	if err := r.Check(room); err != nil {
		return err
	}
	if s.Namespace().OwnRoom(room) {
		return &Error{CodeReserved, "this room belongs to one connection"}
	}
	return nil
}

// Join puts a socket into a room, if it may enter it.
func (r Rules) Join(s *socketio.Socket, room string) error {
	if err := r.MayEnter(s, room); err != nil {
		return err
	}
	return s.Join(room)
}

// JoinSince is Join that returns what was said in the room before: see
// socketio.Socket.JoinSince. Who may join may read it.
func (r Rules) JoinSince(s *socketio.Socket, room, since string, limit int) (*socketio.History, error) {
	if err := r.MayEnter(s, room); err != nil {
		return nil, err
	}
	return s.JoinSince(s.Context(), since, limit, room)
}

// Leave takes a socket out of a room.
func (r Rules) Leave(s *socketio.Socket, room string) error {
	if err := r.MayLeave(s, room); err != nil {
		return err
	}
	s.Leave(room)
	return nil
}

// MayPublish asks whether a client may say something to a room.
func (r Rules) MayPublish(s *socketio.Socket, room string) error {
	if err := r.Check(room); err != nil {
		return err
	}
	return r.May(s, auth.ActionPublish, room)
}

// ToPublish lists those of the rooms of a socket that it may publish to. It is an error
// if there are none.
func (r Rules) ToPublish(s *socketio.Socket) ([]string, error) {
	mine := Of(s)
	if len(mine) == 0 {
		return nil, &Error{CodeNoRoom, "join a room first; this event goes to the members of your rooms"}
	}
	if r.Open() {
		return mine, nil
	}
	var last error
	mine = slices.DeleteFunc(mine, func(room string) bool {
		err := r.May(s, auth.ActionPublish, room)
		if err != nil {
			last = err
		}
		return err != nil
	})
	if len(mine) == 0 {
		return nil, last
	}
	return mine, nil
}

// Of lists the rooms that a socket joined: all but the one that is its id and those that
// the server put it in.
func Of(s *socketio.Socket) []string {
	all := s.Rooms()
	mine := all[:0:0]
	for _, room := range all {
		if room != s.ID() && !socketio.ReservedRoom(room) {
			mine = append(mine, room)
		}
	}
	return mine
}

// space is a namespace, or a parent namespace.
type space interface {
	OnConnection(f func(s *socketio.Socket)) socketio.Listener
	OnIdentity(f func(s *socketio.Socket, was any)) socketio.Listener
}

// Watch sees to it that no socket of a namespace stays in a room that it may not be in:
// where the identity of a client changes it leaves rooms that it could join before and
// cannot any more, and who is recovered leaves rooms that it may not be in now.
func (r Rules) Watch(s space) {
	if r.Access == nil {
		return
	}
	s.OnConnection(func(s *socketio.Socket) {
		if s.Recovered() {
			r.withdraw(s, func(string) bool { return true })
		}
	})
	s.OnIdentity(func(s *socketio.Socket, was any) {
		before := auth.From(was)
		r.withdraw(s, func(room string) bool { // into others the server has put it
			return r.Access.Allow(before, auth.ActionJoin, s.Namespace().Name(), room) == nil
		})
	})
}

// withdraw leaves the rooms that the socket may not be in, of those that which names.
func (r Rules) withdraw(s *socketio.Socket, which func(room string) bool) {
	p, namespace := auth.Of(s), s.Namespace().Name()
	for _, room := range Of(s) {
		if r.Access.Allow(p, auth.ActionJoin, namespace, room) != nil && which(room) {
			s.Leave(room)
		}
	}
}
