package chat

import (
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/presence"
)

// everywhere is the room of presence that all connections are in. No room of the chat is
// named so.
const everywhere = ""

// voice is how a hall speaks. It is called without the hall's mutex.
type voice interface {
	// toRoom and toUsers tell sockets of all nodes. An error says that nobody was told.
	toRoom(room, event string, payload any) error
	toUsers(event string, payload any, ids ...string) error
	// note tells a room on this node.
	note(room, event string, payload any)
	// toNodes tells the halls of the other nodes. An error says that they may not hear.
	toNodes(m *nodeMessage) error
	// alone says that there are no other nodes, and never will be.
	alone() bool
}

// connection is a socket, or what stands for one in a test.
type connection = presence.Socket

// hall is the state of the chat on this node: its connections, the nicknames of
// everybody, and what was said in the rooms. Who is where is presence's to know. Any
// number of goroutines may call its methods at once.
type hall struct {
	opts   Options // with defaults
	voice  voice
	people *presence.Presence
	now    func() time.Time
	ended  context.Context
	end    context.CancelFunc

	started time.Time

	running sync.WaitGroup // what speaks; nothing is added after the end

	mu       sync.Mutex
	claims   map[string]claim               // nicknames by user
	nicks    map[string]map[string]struct{} // users by nickname as compared
	disputes map[string]*time.Timer         // by nickname as compared
	tabs     map[string]*tab                // by socket id
	rooms    map[string]*room               // by name
	written  *list.List                     // rooms with messages; the one written in longest ago is first
	bytes    int64                          // of all kept messages
	ids      idSource
	privates privateKeys
	fetches  map[string]chan *nodeMessage // answers to what this node asked
	told     uint64                       // how often the other nodes were told messages
	settled  uint64                       // and how often that was at the last beat
	heard    map[string]*heard            // by other node
}

// tab is one connection.
type tab struct {
	of    connection
	user  string
	named bool // the user keeps the nickname
	rooms map[*room]struct{}
}

func newHall(o Options, v voice, people *presence.Presence) *hall {
	h := &hall{
		opts: o, voice: v, people: people, now: time.Now,
		claims: make(map[string]claim), nicks: make(map[string]map[string]struct{}), disputes: make(map[string]*time.Timer),
		tabs: make(map[string]*tab), rooms: make(map[string]*room),
		written: list.New(), fetches: make(map[string]chan *nodeMessage), heard: make(map[string]*heard),
		ids: idSource{node: strings.ToLower(rand.Text()[:nodeLen])},
	}
	h.started = h.now()
	h.ended, h.end = context.WithCancel(context.Background())
	people.OnChange(h.changed)
	if !v.alone() {
		h.running.Go(h.beat)
	}
	return h
}

// close ends what waits for other nodes, and waits for what speaks.
func (h *hall) close() {
	h.mu.Lock()
	h.end()
	for _, t := range h.disputes {
		t.Stop()
	}
	h.mu.Unlock()
	h.running.Wait()
}

// arrive notes a connection of a user and returns how others see that user. The
// nickname counts when the user was not here before; one that cannot be, or that
// somebody has, is replaced by the nearest one that can. One that the site gave is the
// user's before anybody's who chose it.
func (h *hall) arrive(c connection, who owner) (User, error) {
	id := who.id
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.tabs[c.ID()]; old != nil { // recovered, and the old one has not ended yet
		h.dropTabLocked(old)
	}
	var wanted any
	if u, here := h.people.User(id); !here || len(u.Meta) == 0 {
		wanted = h.freeLocked(id, who.nick, who.named)
	}
	if err := h.people.Track(c, everywhere, id, wanted); err != nil {
		return User{}, err
	}
	h.learnLocked(id)
	h.tabs[c.ID()] = &tab{of: c, user: id, named: who.named, rooms: make(map[*room]struct{})}
	return h.shownLocked(id), nil
}

// tabLocked finds a connection; it may have been lost while its event was handled.
func (h *hall) tabLocked(c connection) (*tab, error) {
	if t := h.tabs[c.ID()]; t != nil && t.of == c {
		return t, nil
	}
	return nil, &refusal{"not_here", "this connection is gone"}
}

// enter puts a connection into a room, which is made if need be. Others see it there
// when it has appeared.
func (h *hall) enter(c connection, name string) (*room, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(c)
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
		if r, err = h.openLocked(name, h.ids.next(h.now())); err != nil {
			return nil, err
		}
	}
	t.rooms[r] = struct{}{}
	r.tabs++
	r.idle = time.Time{}
	return r, nil
}

// appear has others see a connection in a room that it has entered. If that cannot be,
// it is in the room no more.
func (h *hall) appear(c connection, r *room) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(c)
	if err != nil {
		return err
	}
	if err = h.people.Track(c, r.name, t.user, nil); err == nil {
		return nil
	}
	if _, inside := t.rooms[r]; inside {
		h.partLocked(t, r)
	}
	if errors.Is(err, presence.ErrFull) {
		err = &refusal{"rooms_full", "this server has as many visitors in rooms as it can"}
	}
	return err
}

// openLocked makes a room, and room for it. Messages up to floor may have been.
func (h *hall) openLocked(name, floor string) (*room, error) {
	now := h.now()
	var longest *room
	for _, r := range h.rooms {
		if r.tabs > 0 {
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
	r := &room{name: name, floor: floor, idle: now, complete: h.voice.alone()}
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
func (h *hall) look(r *room, here presence.Room, after string) joinedRoom {
	h.mu.Lock()
	defer h.mu.Unlock()
	messages, gap := r.since(after)
	return joinedRoom{Room: r.name, Users: usersOf(here.Users), Count: here.UserCount, Messages: messages, Gap: gap}
}

// leave takes a connection out of a room at once, without grace: it was asked for.
func (h *hall) leave(c connection, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(c)
	if err != nil {
		return err
	}
	if r := h.rooms[name]; r != nil {
		if _, inside := t.rooms[r]; inside {
			h.partLocked(t, r)
			h.people.Untrack(c, name)
		}
	}
	return nil
}

// partLocked takes a connection out of a room of this node.
func (h *hall) partLocked(t *tab, r *room) {
	delete(t.rooms, r)
	if r.tabs--; r.tabs > 0 {
		return
	}
	r.idle = h.now()
	if len(r.log) == 0 {
		h.closeLocked(r) // nothing to keep
	}
}

// lose notes that a connection has ended. Presence keeps the user for the grace.
func (h *hall) lose(c connection) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, err := h.tabLocked(c); err == nil {
		h.dropTabLocked(t)
	}
}

func (h *hall) dropTabLocked(t *tab) {
	delete(h.tabs, t.of.ID())
	for r := range t.rooms {
		h.partLocked(t, r)
	}
}

func usersOf(all []presence.User) []User {
	users := make([]User, len(all))
	for i := range all {
		users[i] = User{ID: all[i].ID, Nick: nickOf(all[i].ID, all[i].Meta)}
	}
	slices.SortFunc(users, func(a, b User) int { return strings.Compare(a.ID, b.ID) })
	return users
}
