package chat

import (
	"container/list"
	"time"
)

// room is one room of a hall. All fields are guarded by the hall's mutex.
type room struct {
	name   string
	people map[*user]*stay
	idle   time.Time // since when nobody is here; zero while somebody is

	log     []*Message    // oldest first
	floor   string        // messages up to this id may have been and are not kept
	written *list.Element // in hall.written, while log is not empty

	queue    []notice // what the room is yet to hear, in order
	speaking bool     // somebody is emitting the queue
}

// stay is a user's presence in a room.
type stay struct {
	tabs  int         // connections of the user in the room
	timer *time.Timer // runs out when the grace of the last connection does; nil while tabs > 0
}

// notice is an event that all sockets of a room are to hear.
type notice struct {
	event   string
	payload any
}

func (r *room) tell(event string, payload any) {
	r.queue = append(r.queue, notice{event, payload})
}

// repeated finds the message that a user sent with this key.
func (r *room) repeated(userID, key string) *Message {
	if key == "" {
		return nil
	}
	for _, m := range r.log {
		if m.Key == key && m.User.ID == userID {
			return m
		}
	}
	return nil
}

// since returns the kept messages after an id, or all of them if it is empty, and
// whether there may have been others.
func (r *room) since(after string) ([]*Message, bool) {
	from := 0
	for after != "" && from < len(r.log) && r.log[from].ID <= after {
		from++
	}
	return append([]*Message{}, r.log[from:]...), after != "" && after < r.floor
}

// drop forgets the oldest message and returns its size in bytes.
func (r *room) drop() int64 {
	oldest := r.log[0]
	copy(r.log, r.log[1:])
	r.log[len(r.log)-1] = nil
	r.log = r.log[:len(r.log)-1]
	r.floor = oldest.ID
	return oldest.size()
}

// users lists who is in the room.
func (r *room) users() []User {
	users := make([]User, 0, len(r.people))
	for u := range r.people {
		users = append(users, u.shown())
	}
	return users
}
