package presence

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Room is who is in a room.
type Room struct {
	Name string `json:"name"`
	// Users are in the order of their ids; none if the room is CountOnly.
	Users []User `json:"users,omitempty"`
	// Anonymous are sockets that are nobody's, MaxSockets at most.
	Anonymous []string `json:"anonymous,omitempty"`
	// UserCount counts users, SocketCount all sockets, those of nobody included.
	UserCount   int  `json:"userCount"`
	SocketCount int  `json:"socketCount"`
	CountOnly   bool `json:"countOnly,omitempty"`
}

// User is somebody who is here.
type User struct {
	ID   string          `json:"id"`
	Meta json.RawMessage `json:"meta,omitempty"`
	// Sockets are ids in their order, MaxSockets at most; none while the user's grace
	// runs.
	Sockets []string `json:"sockets,omitempty"`
	// SocketCount counts them all.
	SocketCount int `json:"socketCount"`
	// Rooms are where the user is, in their order; only Presence.User fills them in.
	Rooms []string `json:"rooms,omitempty"`
}

// Kind says what an Event is about.
type Kind uint8

// The kinds.
const (
	// Join: the first socket of a user is in the room.
	Join Kind = iota + 1
	// Leave: the last socket of a user is gone from it.
	Leave
	// Update: the meta of a user who is in the room changed.
	Update
	// Count: the numbers changed and no other event says so. At most once a second for a
	// room, but at once when the room becomes count-only: then whoever keeps a list of
	// members forgets it.
	Count
	// List: the room is count-only no more. Members are who is in it.
	List
)

// String returns the name in lower case.
func (k Kind) String() string {
	switch k {
	case Join:
		return "join"
	case Leave:
		return "leave"
	case Update:
		return "update"
	case Count:
		return "count"
	case List:
		return "list"
	default:
		return "unknown"
	}
}

// Event is a change in a room, wherever in the cluster its cause was. Every node tells
// its own application. Of a room with a list, each Join is followed by one Leave of the
// same user, unless Count says in between that the list is gone.
type Event struct {
	Kind Kind   `json:"kind"`
	Room string `json:"room"`
	// User, Meta and, of Update, the meta before.
	User string          `json:"user,omitempty"`
	Meta json.RawMessage `json:"meta,omitempty"`
	Was  json.RawMessage `json:"was,omitempty"`
	// UserCount, SocketCount and CountOnly are as in Room, at the time of the event or
	// later.
	UserCount   int  `json:"userCount"`
	SocketCount int  `json:"socketCount"`
	CountOnly   bool `json:"countOnly,omitempty"`
	// Members, of List, are the users.
	Members []User `json:"members,omitempty"`
}

// Room returns who is in a room. A room that nobody is in is empty.
func (p *Presence) Room(name string) Room {
	p.mu.Lock()
	defer p.mu.Unlock()
	view := Room{Name: name}
	r := p.rooms[name]
	if r == nil {
		return view
	}
	view.UserCount, view.SocketCount, _ = r.totals()
	view.CountOnly = r.countOnly
	if r.countOnly {
		return view
	}
	view.Users = r.users()
	for _, pt := range r.parts {
		if m := pt.members[""]; m != nil {
			view.Anonymous = append(view.Anonymous, m.listed()...)
		}
	}
	view.Anonymous = firstSockets(view.Anonymous)
	return view
}

// View is what one client may see of a Presence.
type View struct {
	p      *Presence
	who    *auth.Principal
	access auth.Access
}

// As returns what a client may see: what is told to clients of who is where goes through
// it. A nil access hides nothing.
func (p *Presence) As(who *auth.Principal, access auth.Access) View { return View{p, who, access} }

// Room is Presence.Room for a room that the client may read (auth.ActionRead). The error
// is that of the access.
func (v View) Room(name string) (Room, error) {
	if err := v.may(name); err != nil {
		return Room{Name: name}, err
	}
	return v.p.Room(name), nil
}

// Rooms is Presence.Rooms without those that the client may not read.
func (v View) Rooms() []string {
	return slices.DeleteFunc(v.p.Rooms(), func(name string) bool { return v.may(name) != nil })
}

func (v View) may(room string) error {
	if v.access == nil {
		return nil
	}
	return v.access.Allow(v.who, auth.ActionRead, v.p.ns.Name(), room)
}

// Rooms returns the names of the rooms that anybody is in, in no order.
func (p *Presence) Rooms() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, 0, len(p.rooms))
	for name, r := range p.rooms {
		if len(r.parts) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// User returns a user who is in any room, with the rooms; false if there is no such
// user. In a count-only room only users of this node are seen.
func (p *Presence) User(id string) (User, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.people[id]
	if who == nil {
		return User{}, false
	}
	u := User{ID: id, Meta: json.RawMessage(who.meta)}
	ids := make(map[string]struct{})
	for _, r := range who.rooms {
		u.Rooms = append(u.Rooms, r.name)
		inRoom := 0
		for _, pt := range r.parts {
			m := pt.members[id]
			if m == nil {
				continue
			}
			for _, sid := range m.listed() {
				ids[sid] = struct{}{}
			}
			inRoom += m.n
		}
		u.SocketCount = max(u.SocketCount, inRoom)
	}
	for sid := range ids {
		u.Sockets = append(u.Sockets, sid)
	}
	u.SocketCount = max(u.SocketCount, len(u.Sockets))
	u.Sockets = firstSockets(u.Sockets)
	slices.Sort(u.Rooms)
	return u, true
}

// users lists the members of a room, in the order of their ids.
func (r *room) users() []User {
	byID := make(map[string]*User, r.known)
	for _, pt := range r.parts {
		for id, m := range pt.members {
			if id == "" {
				continue
			}
			u := byID[id]
			if u == nil {
				u = &User{ID: id, Meta: json.RawMessage(r.residents[id].who.meta)}
				byID[id] = u
			}
			u.Sockets = append(u.Sockets, m.listed()...)
			u.SocketCount += m.n
		}
	}
	users := make([]User, 0, len(byID))
	for _, u := range byID {
		u.Sockets = firstSockets(u.Sockets)
		users = append(users, *u)
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.ID, b.ID) })
	return users
}

func firstSockets(ids []string) []string {
	slices.Sort(ids)
	return ids[:min(len(ids), MaxSockets)]
}
