package chat

import (
	"container/list"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// voice is how a hall speaks. It is called without the hall's mutex.
type voice interface {
	toRoom(room, event string, payload any)
	toUsers(event string, payload any, ids ...string)
}

// hall is the state of the chat: who is here, in which rooms, and what was said. Any
// number of goroutines may call its methods at once.
type hall struct {
	opts  Options // with defaults
	voice voice
	now   func() time.Time

	mu      sync.Mutex
	users   map[string]*user // by id
	nicks   map[string]*user // by nickname as compared
	tabs    map[string]*tab  // by socket id
	rooms   map[string]*room // by name
	written *list.List       // rooms with messages; the one written in longest ago is first
	bytes   int64            // of all kept messages
	ids     idSource
}

func newHall(o Options, v voice) *hall {
	return &hall{
		opts: o, voice: v, now: time.Now,
		users: make(map[string]*user), nicks: make(map[string]*user),
		tabs: make(map[string]*tab), rooms: make(map[string]*room),
		written: list.New(),
		ids:     idSource{node: strings.ToLower(rand.Text()[:4])},
	}
}

// arrive notes a connection of a user and returns how others see that user. The
// nickname counts when the user was not here before; one that cannot be, or that
// somebody has, is replaced by the nearest one that can.
func (h *hall) arrive(socketID, id, nick string) User {
	h.mu.Lock()
	defer h.mu.Unlock()
	u := h.users[id]
	if u == nil {
		u = &user{id: id, tabs: make(map[string]*tab), stays: make(map[*room]*stay)}
		h.users[id] = u
		h.nameLocked(u, nick)
	}
	if u.timer != nil {
		u.timer.Stop()
		u.timer = nil
	}
	t := &tab{user: u, rooms: make(map[*room]struct{})}
	u.tabs[socketID], h.tabs[socketID] = t, t
	return u.shown()
}

// maxNumbered bounds the search for a free nickname, which keeps everyone waiting.
const maxNumbered = 50

// nameLocked gives a new user a nickname that nobody has.
func (h *hall) nameLocked(u *user, wanted string) {
	nick, compared, err := checkNick(wanted, h.opts.MaxNick)
	if err != nil {
		nick, compared, err = checkNick(guestNick(u.id), max(h.opts.MaxNick, len("Guest 0000")))
		if err != nil {
			nick, compared = u.id, u.id // cannot be: a guest's name is plain letters
		}
	}
	base := []rune(nick)
	for n := 2; h.nicks[compared] != nil; n++ {
		if n > maxNumbered { // many want this name; an id is nobody else's
			nick, compared = u.id, u.id
			break
		}
		suffix := " " + strconv.Itoa(n)
		cut := string(base[:min(len(base), max(1, h.opts.MaxNick-len(suffix)))]) + suffix
		_, key, err := checkNick(cut, h.opts.MaxNick+len(suffix))
		if err != nil { // some names are none any more when they are cut, wherever that is
			base = []rune(guestNick(u.id))
			continue
		}
		nick, compared = cut, key
	}
	u.nick, u.compared = nick, compared
	h.nicks[compared] = u
}

// rename gives a user another nickname and tells the rooms and the user's own tabs.
func (h *hall) rename(socketID, nick string) (User, error) {
	nick, compared, err := checkNick(nick, h.opts.MaxNick)
	if err != nil {
		return User{}, err
	}
	u, was, rooms, err := h.renameUser(socketID, nick, compared)
	if err != nil || was == nick {
		return u, err
	}
	for _, r := range rooms {
		h.speak(r)
	}
	h.voice.toUsers("you", map[string]User{"user": u}, u.ID)
	return u, nil
}

func (h *hall) renameUser(socketID, nick, compared string) (now User, was string, rooms []*room, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(socketID)
	if err != nil {
		return User{}, "", nil, err
	}
	u := t.user
	if other := h.nicks[compared]; other != nil && other != u {
		return User{}, "", nil, &refusal{"nick_taken", "somebody here is called " + other.nick + " already"}
	}
	was = u.nick
	delete(h.nicks, u.compared)
	u.nick, u.compared = nick, compared
	h.nicks[compared] = u
	if was == nick {
		return u.shown(), was, nil, nil
	}
	for r := range u.stays {
		r.tell("renamed", renamed{Room: r.name, User: u.shown(), Was: was})
		rooms = append(rooms, r)
	}
	return u.shown(), was, rooms, nil
}

// tabLocked finds a connection; it may have been lost while its event was handled.
func (h *hall) tabLocked(socketID string) (*tab, error) {
	if t := h.tabs[socketID]; t != nil {
		return t, nil
	}
	return nil, &refusal{"not_here", "this connection is gone"}
}

// enter puts a connection into a room, which is made if need be.
func (h *hall) enter(socketID, name string) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(socketID)
	if err != nil {
		return nil, err
	}
	r := h.rooms[name]
	if r != nil {
		if _, already := t.rooms[r]; already {
			return r, nil
		}
	}
	if len(t.rooms) >= h.opts.RoomsPerTab {
		return nil, &refusal{"too_many_rooms", "this connection is in " + strconv.Itoa(len(t.rooms)) + " rooms already; leave one first"}
	}
	if r == nil {
		if r, err = h.openLocked(name); err != nil {
			return nil, err
		}
	}
	t.rooms[r] = struct{}{}
	s := r.people[t.user]
	if s == nil {
		s = &stay{}
		r.people[t.user], t.user.stays[r] = s, s
		r.idle = time.Time{}
		r.tell("joined", presence{Room: r.name, User: t.user.shown()})
	}
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.tabs++
	return r, nil
}

// openLocked makes a room, and room for it.
func (h *hall) openLocked(name string) (*room, error) {
	now := h.now()
	var longest *room
	for _, r := range h.rooms {
		if r.idle.IsZero() {
			continue
		}
		if now.Sub(r.idle) >= h.opts.IdleRoom {
			h.closeLocked(r)
		} else if longest == nil || r.idle.Before(longest.idle) {
			longest = r
		}
	}
	if len(h.rooms) >= h.opts.MaxRooms {
		if longest == nil {
			return nil, &refusal{"rooms_full", "this server keeps " + strconv.Itoa(h.opts.MaxRooms) + " rooms, and somebody is in each"}
		}
		h.closeLocked(longest)
	}
	r := &room{name: name, people: make(map[*user]*stay), floor: h.ids.next(now)}
	h.rooms[name] = r
	return r, nil
}

func (h *hall) closeLocked(r *room) {
	for len(r.log) > 0 {
		h.bytes -= r.drop()
	}
	h.unlistLocked(r)
	delete(h.rooms, r.name)
}

func (h *hall) unlistLocked(r *room) {
	if r.written != nil {
		h.written.Remove(r.written)
		r.written = nil
	}
}

// look returns what a connection that entered a room is told of it.
func (h *hall) look(r *room, after string) joinedRoom {
	h.mu.Lock()
	defer h.mu.Unlock()
	messages, gap := r.since(after)
	users := r.users()
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.ID, b.ID) })
	return joinedRoom{Room: r.name, Users: users, Messages: messages, Gap: gap}
}

// leave takes a connection out of a room at once, without grace: it was asked for.
func (h *hall) leave(socketID, name string) error {
	h.mu.Lock()
	r := h.rooms[name]
	t, err := h.tabLocked(socketID)
	if err == nil && r != nil {
		if _, inside := t.rooms[r]; inside {
			h.partLocked(t, r, 0)
		}
	}
	h.mu.Unlock()
	if r != nil {
		h.speak(r)
	}
	return err
}

// partLocked takes a connection out of a room. If it was the user's last one there,
// the user leaves after the grace.
func (h *hall) partLocked(t *tab, r *room, grace time.Duration) {
	delete(t.rooms, r)
	u, s := t.user, r.people[t.user]
	s.tabs--
	switch {
	case s.tabs > 0:
	case grace <= 0:
		h.departLocked(u, r)
	default:
		s.timer = time.AfterFunc(grace, func() { h.expire(u, r, s) })
	}
}

// expire ends a stay whose grace ran out, unless the user came back meanwhile.
func (h *hall) expire(u *user, r *room, s *stay) {
	h.mu.Lock()
	if r.people[u] == s && s.tabs == 0 {
		h.departLocked(u, r)
	}
	h.mu.Unlock()
	h.speak(r)
}

func (h *hall) departLocked(u *user, r *room) {
	delete(r.people, u)
	delete(u.stays, r)
	r.tell("left", presence{Room: r.name, User: u.shown()})
	if len(r.people) > 0 {
		return
	}
	r.idle = h.now()
	if len(r.log) == 0 {
		h.closeLocked(r) // nothing to keep
	}
}

// lose notes that a connection has ended. The user stays for the grace.
func (h *hall) lose(socketID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tabs[socketID]
	if t == nil {
		return
	}
	u := t.user
	delete(h.tabs, socketID)
	delete(u.tabs, socketID)
	for r := range t.rooms {
		h.partLocked(t, r, h.opts.LeaveGrace)
	}
	if len(u.tabs) == 0 {
		u.timer = time.AfterFunc(h.opts.LeaveGrace, func() { h.forget(u) })
	}
}

// forget drops a user whose grace ran out, unless the user came back meanwhile.
func (h *hall) forget(u *user) {
	h.mu.Lock()
	if h.users[u.id] != u || len(u.tabs) > 0 {
		h.mu.Unlock()
		return
	}
	rooms := make([]*room, 0, len(u.stays))
	for r, s := range u.stays {
		if s.timer != nil {
			s.timer.Stop()
		}
		h.departLocked(u, r)
		rooms = append(rooms, r)
	}
	delete(h.users, u.id)
	delete(h.nicks, u.compared)
	h.mu.Unlock()
	for _, r := range rooms {
		h.speak(r)
	}
}
