package chat

import (
	"container/list"
	"slices"
	"strings"
	"time"
)

// room is what this node knows of one room. All fields are guarded by the hall's mutex.
type room struct {
	name string
	tabs int       // connections of this node
	idle time.Time // since when there are none

	log     []*Message    // in the order of their ids
	floor   string        // messages up to this id may have been and are not kept
	written *list.Element // in hall.written, while log is not empty

	complete bool          // what other nodes keep was asked for
	fetching chan struct{} // closed when the asking is over; nil while nobody asks
	missed   bool          // something was lost since the asking began
	owed     bool          // nobody answered the last asking: it is made again
	found    string        // the oldest message that answers to one brought, "" if none

	queue    []speech // what the room is yet to hear, in order
	speaking bool     // the queue is being emitted
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

// late is how much later than others a message of another node may arrive, and be
// missed by a client that asks for what came after a message it knows.
const late = 5000 // ms

// since returns the kept messages after an id, or all of them if it is empty, and
// whether there may have been others. What other nodes said shortly before is repeated,
// because it may have come later.
func (r *room) since(after string) ([]*Message, bool) {
	if after == "" {
		return append([]*Message{}, r.log...), false
	}
	messages := []*Message{}
	from, node := timeOf(after)-late, nodeOf(after)
	for _, m := range r.log {
		if m.ID > after || node != "" && nodeOf(m.ID) != node && timeOf(m.ID) > from {
			messages = append(messages, m)
		}
	}
	return messages, after < r.floor
}

// insert adds a message in the order of the ids; false if it is there, or was.
func (r *room) insert(m *Message) bool {
	if m.ID <= r.floor {
		return false
	}
	at, known := r.find(m.ID)
	if known {
		return false
	}
	r.log = slices.Insert(r.log, at, m)
	return true
}

// remove takes a message out; false if it is not there.
func (r *room) remove(id string) bool {
	at, known := r.find(id)
	if known {
		r.log = slices.Delete(r.log, at, at+1)
	}
	return known
}

// find returns where a message is, or would be.
func (r *room) find(id string) (at int, known bool) {
	return slices.BinarySearchFunc(r.log, id, func(m *Message, id string) int { return strings.Compare(m.ID, id) })
}

// drop forgets the oldest message and returns its size in bytes.
func (r *room) drop() int64 {
	oldest := r.log[0]
	copy(r.log, r.log[1:])
	r.log[len(r.log)-1] = nil
	r.log = r.log[:len(r.log)-1]
	r.floor = max(r.floor, oldest.ID)
	return oldest.size()
}
