package socketio

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// ReservedRoomPrefix begins the names of rooms that belong to the server.
	ReservedRoomPrefix = "sockeye:"
	// UserRoomPrefix and the id of a user are the name of the room of all the user's
	// sockets. A program that only emits, such as Node's Redis emitter, reaches the user
	// as io.to("sockeye:user:" + id).
	UserRoomPrefix = ReservedRoomPrefix + "user:"
	// MaxUserID is the length of the id of a user, in bytes.
	MaxUserID = 256
)

// UserRoom returns the room of all sockets of a user.
func UserRoom(id string) string { return UserRoomPrefix + id }

// ReservedRoom reports whether a room belongs to the server. A handler that lets
// clients name rooms refuses these, and those of Namespace.OwnRoom: who entered one
// would read what is meant for somebody else.
func ReservedRoom(room string) bool { return strings.HasPrefix(room, ReservedRoomPrefix) }

func userRooms(ids []string) []string {
	rooms := make([]string, len(ids))
	for i, id := range ids {
		rooms[i] = UserRoom(id)
	}
	return rooms
}

// SetUser says whose socket this is, so that ToUser finds it; "" is nobody. It is the
// application that knows. Call it in middleware: then a session of another user is not
// recovered, whatever the client asks for, and the client gets a new one.
//
// The socket enters the room UserRoom(id) and leaves that of an earlier user. As rooms
// are, the user is kept through recovery and known to all nodes.
func (s *Socket) SetUser(id string) error {
	if len(id) > MaxUserID {
		return fmt.Errorf("socketio: the id of a user has %d bytes; the most is %d", len(id), MaxUserID)
	}
	if !utf8.ValidString(id) {
		return fmt.Errorf("socketio: the id of a user, %q, is not valid UTF-8", id)
	}
	m := moves{s: s}
	err := m.setUser(id)
	m.tell()
	m.save(true)
	return err
}

// setUser makes the room of one user the only one that the socket is in.
func (m *moves) setUser(id string) error {
	s := m.s
	after := s.ns.position()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cleaned || s.state.Load() >= stateMuted {
		return ErrDisconnected
	}
	s.bits.Or(bitUser)
	for _, room := range s.otherUsersLocked(id) {
		m.leaveLocked(room, after)
	}
	if id != "" {
		m.enterLocked(UserRoom(id), after)
	}
	s.user = id
	return nil
}

// User returns the id of the user that SetUser named, also in OnDisconnect; "" if there
// is none.
func (s *Socket) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// otherUsersLocked lists the rooms of users but of one that the socket is in.
func (s *Socket) otherUsersLocked(id string) []string {
	var rooms []string
	for _, r := range s.rooms {
		if owner, ok := strings.CutPrefix(r.name, UserRoomPrefix); ok && owner != id {
			rooms = append(rooms, r.name)
		}
	}
	return rooms
}

// noteUserLocked follows a room that was entered: other nodes and recovery know the
// user by it.
func (s *Socket) noteUserLocked(room string) {
	if id, ok := strings.CutPrefix(room, UserRoomPrefix); ok {
		s.user = id
	}
}

func (s *Socket) forgetUserLocked(room string) {
	if id, ok := strings.CutPrefix(room, UserRoomPrefix); ok && id == s.user {
		s.user = ""
	}
}

// otherUser reports whether middleware said that the client is not the user of the
// session it asked for.
func (s *Socket) otherUser(st *Session) bool {
	if s.bits.Load()&bitUser == 0 {
		return false
	}
	user := s.User()
	return slices.ContainsFunc(st.Rooms, func(room string) bool {
		owner, ok := strings.CutPrefix(room, UserRoomPrefix)
		return ok && owner != user
	})
}
