package api

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// How much of a list is told at once.
const (
	defaultPage = 100
	maxPage     = 1000
)

// roomView is a room in the answer of rooms.
type roomView struct {
	Room    string `json:"room"`
	Sockets int    `json:"sockets"`
	Users   int    `json:"users"`
}

type roomsAnswer struct {
	Rooms []roomView `json:"rooms"`
	// Next is what to ask for as after for the rest; "" is no more.
	Next string `json:"next,omitempty"`
	// Degraded says that some node did not answer.
	Degraded bool `json:"degraded,omitempty"`
}

// rooms lists the rooms of a namespace that the caller may read, by their names.
func (a *API) rooms(c *call) (any, error) {
	q, ns, done, err := a.looking(c, "namespace", "limit", "after")
	if err != nil {
		return nil, err
	}
	defer done()
	most, err := q.limit()
	if err != nil {
		return nil, err
	}
	found, degraded, err := a.fetch(c, ns.To())
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*tally)
	for _, s := range found {
		user := userOf(s)
		for _, room := range roomsOf(s) {
			t := byName[room]
			if t == nil {
				if room <= q.Get("after") || a.mayRead(c.who, ns, room) != nil {
					continue
				}
				t = &tally{users: make(map[string]int)}
				byName[room] = t
			}
			t.count(user)
		}
	}
	answer := roomsAnswer{Rooms: []roomView{}, Degraded: degraded}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if len(answer.Rooms) == most {
			answer.Next = answer.Rooms[most-1].Room
			break
		}
		t := byName[name]
		answer.Rooms = append(answer.Rooms, roomView{name, t.sockets, len(t.users)})
	}
	return answer, nil
}

// tally counts who is in a room.
type tally struct {
	sockets   int
	users     map[string]int // sockets of each
	anonymous int
}

func (t *tally) count(user string) {
	t.sockets++
	if user == "" {
		t.anonymous++
		return
	}
	t.users[user]++
}

// socketView is a socket in the answer of sockets: nothing of what it proves itself with.
type socketView struct {
	ID        string   `json:"id"`
	User      string   `json:"user,omitempty"`
	Rooms     []string `json:"rooms"`
	Connected int64    `json:"connected"` // milliseconds since 1970
	Address   string   `json:"address,omitempty"`
}

type socketsAnswer struct {
	Sockets  []socketView `json:"sockets"`
	Next     string       `json:"next,omitempty"`
	Degraded bool         `json:"degraded,omitempty"`
}

// sockets lists sockets of a namespace by their ids: all, or those of rooms and users.
func (a *API) sockets(c *call) (any, error) {
	q, ns, done, err := a.looking(c, "namespace", "room", "user", "limit", "after")
	if err != nil {
		return nil, err
	}
	defer done()
	most, err := q.limit()
	if err != nil {
		return nil, err
	}
	inRooms, ofUsers := q.Values["room"], q.Values["user"]
	if err := a.mayReadAll(c.who, ns, inRooms, ofUsers); err != nil {
		return nil, err
	}
	found, degraded, err := a.fetch(c, ns.To(inRooms...).ToUser(ofUsers...))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(x, y *socketio.RemoteSocket) int { return cmp.Compare(x.ID(), y.ID()) })
	answer := socketsAnswer{Sockets: []socketView{}, Degraded: degraded}
	for _, s := range found {
		if s.ID() <= q.Get("after") {
			continue
		}
		if len(answer.Sockets) == most {
			answer.Next = answer.Sockets[most-1].ID
			break
		}
		view := socketView{ID: s.ID(), User: userOf(s), Rooms: []string{}}
		for _, room := range roomsOf(s) {
			if a.mayRead(c.who, ns, room) == nil {
				view.Rooms = append(view.Rooms, room)
			}
		}
		slices.Sort(view.Rooms)
		if h := s.Handshake(); h != nil {
			view.Connected = h.Issued
			if c.who.HasScope(auth.ScopeAdmin) {
				view.Address = h.Address
			}
		}
		answer.Sockets = append(answer.Sockets, view)
	}
	return answer, nil
}

// userView is a user in the answer of presence.
type userView struct {
	ID      string `json:"id"`
	Sockets int    `json:"sockets"`
}

type presenceView struct {
	Room string `json:"room"`
	// Users are the first by their ids; UserCount counts all, SocketCount all sockets, and
	// Anonymous those that are nobody's.
	Users       []userView `json:"users"`
	UserCount   int        `json:"userCount"`
	SocketCount int        `json:"socketCount"`
	Anonymous   int        `json:"anonymous"`
}

type presenceAnswer struct {
	Rooms    []presenceView `json:"rooms"`
	Degraded bool           `json:"degraded,omitempty"`
}

// presence says who is in rooms, on all nodes.
func (a *API) presence(c *call) (any, error) {
	q, ns, done, err := a.looking(c, "namespace", "room", "limit")
	if err != nil {
		return nil, err
	}
	defer done()
	most, err := q.limit()
	if err != nil {
		return nil, err
	}
	if len(q.Values["room"]) == 0 {
		return nil, errNoRoom
	}
	if err := a.mayReadAll(c.who, ns, q.Values["room"], nil); err != nil {
		return nil, err
	}
	byName := make(map[string]*tally)
	for _, room := range q.Values["room"] {
		byName[room] = &tally{users: make(map[string]int)}
	}
	found, degraded, err := a.fetch(c, ns.To(q.Values["room"]...))
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		for _, room := range s.Rooms() {
			if t := byName[room]; t != nil {
				t.count(userOf(s))
			}
		}
	}
	answer := presenceAnswer{Degraded: degraded, Rooms: []presenceView{}}
	for _, room := range slices.Sorted(maps.Keys(byName)) {
		t := byName[room]
		view := presenceView{Room: room, Users: []userView{}, UserCount: len(t.users), SocketCount: t.sockets, Anonymous: t.anonymous}
		for _, id := range slices.Sorted(maps.Keys(t.users)) {
			if len(view.Users) == most {
				break
			}
			view.Users = append(view.Users, userView{id, t.users[id]})
		}
		answer.Rooms = append(answer.Rooms, view)
	}
	return answer, nil
}

// looking reads the parameters of a GET about a namespace that the caller may look into.
func (a *API) looking(c *call, known ...string) (q query, ns *socketio.Namespace, done func(), err error) {
	if q, err = a.query(c, known...); err != nil {
		return query{}, nil, nil, err
	}
	if ns, done, err = a.namespace(q.Get("namespace"), ""); err != nil {
		return query{}, nil, nil, err
	}
	if err = a.mayLook(c.who, ns.Name()); err != nil {
		done()
		return query{}, nil, nil, err
	}
	return q, ns, done, nil
}

// fetch asks all nodes for sockets.
func (a *API) fetch(c *call, b *socketio.Broadcast) (found []*socketio.RemoteSocket, degraded bool, err error) {
	turns := a.others
	if c.who.HasScope(auth.ScopeRead) {
		turns = a.scans
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-c.ctx.Done():
		return nil, false, c.ctx.Err()
	}
	found, err = b.FetchSockets(c.ctx)
	if err != nil && c.ctx.Err() != nil {
		return nil, false, c.ctx.Err()
	}
	return found, err != nil, nil
}

// mayRead asks whether the caller may see what is in a room.
func (a *API) mayRead(who *auth.Principal, ns *socketio.Namespace, room string) error {
	return a.opts.Rooms.Allow(who, auth.ActionRead, ns.Name(), room)
}

// mayReadAll asks it of rooms and users; of the whole namespace if there are none.
func (a *API) mayReadAll(who *auth.Principal, ns *socketio.Namespace, inRooms, ofUsers []string) error {
	if len(inRooms)+len(ofUsers) > maxNames {
		return wrong("", "there are too many rooms and users; the most is %d", maxNames)
	}
	if len(inRooms)+len(ofUsers) == 0 {
		return a.mayRead(who, ns, "")
	}
	for _, room := range inRooms {
		if err := a.opts.Rooms.Check(room); err != nil {
			return problem.Of(err)
		}
		if err := a.mayRead(who, ns, room); err != nil {
			return err
		}
	}
	for _, user := range ofUsers {
		if err := checkUser(user, ""); err != nil {
			return err
		}
		if err := a.mayRead(who, ns, userPrefix+user); err != nil {
			return err
		}
	}
	return nil
}

// userOf is the user whose socket it is, on whatever node; "" if it is nobody's.
func userOf(s *socketio.RemoteSocket) string {
	for _, room := range s.Rooms() {
		if id, is := strings.CutPrefix(room, socketio.UserRoomPrefix); is {
			return id
		}
	}
	return ""
}

// roomsOf lists the rooms that a socket joined: see rooms.Of.
func roomsOf(s *socketio.RemoteSocket) []string {
	return slices.DeleteFunc(slices.Clone(s.Rooms()), func(room string) bool {
		return room == s.ID() || socketio.ReservedRoom(room)
	})
}
