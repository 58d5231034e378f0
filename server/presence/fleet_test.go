package presence

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sock stands for a socket.
type sock struct {
	id   string
	gone atomic.Bool
}

func (s *sock) ID() string      { return s.id }
func (s *sock) Connected() bool { return !s.gone.Load() }

// fleet is some nodes with a network between them that may lose, delay and cut. It runs
// in a synctest bubble.
type fleet struct {
	t       *testing.T
	options Options

	mu       sync.Mutex
	rng      *rand.Rand
	nodes    []*ship
	loss     float64
	delay    time.Duration  // the longest
	messages map[string]int // by kind
}

// ship is one node.
type ship struct {
	*Presence
	fleet *fleet
	name  string
	dead  bool                        // guarded by fleet.mu
	last  map[*ship]time.Time         // when the last message arrives there; guarded by fleet.mu
	deaf  map[*ship]bool              // whose messages do not arrive; guarded by fleet.mu
	socks map[string]*sock            // connected
	mine  map[string]map[seating]bool // what is tracked, by socket

	log   sync.Mutex
	heard []Event
}

type seating struct{ room, user string }

func newFleet(t *testing.T, seed uint64, o Options) *fleet {
	t.Helper()
	return &fleet{t: t, options: o.withDefaults(), rng: rand.New(rand.NewPCG(seed, 1)), delay: 10 * time.Millisecond, messages: make(map[string]int)}
}

// launch starts a node.
func (f *fleet) launch(name string) *ship {
	s := &ship{
		Presence: inMoments(f.options), fleet: f, name: name, last: make(map[*ship]time.Time),
		deaf: make(map[*ship]bool), socks: make(map[string]*sock), mine: make(map[string]map[seating]bool),
	}
	s.link = func(h head, b any) error { return f.carry(s, h, b) }
	s.OnChange(func(e Event) {
		s.log.Lock()
		defer s.log.Unlock()
		s.heard = append(s.heard, e)
	})
	f.mu.Lock()
	f.nodes = append(f.nodes, s)
	f.mu.Unlock()
	s.start()
	return s
}

// carry sends a message to all other nodes as an adapter does: in order, encoded.
func (f *fleet) carry(from *ship, h head, b any) error {
	args := []any{h}
	if b != nil {
		args = append(args, b)
	}
	text, binary, err := wire.AppendJSONList(nil, args)
	if err != nil || binary {
		f.t.Errorf("a message that cannot be sent: %v", err)
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.messages[h.Kind]++
	for _, to := range f.nodes {
		if to == from || from.dead || to.dead || to.deaf[from] || f.rng.Float64() < f.loss {
			continue
		}
		at := time.Now().Add(time.Duration(f.rng.Int64N(int64(f.delay))))
		if earliest := from.last[to].Add(time.Microsecond); at.Before(earliest) {
			at = earliest
		}
		from.last[to] = at
		time.AfterFunc(time.Until(at), func() {
			got, err := wire.ParseJSONList(text)
			if err != nil {
				f.t.Errorf("a message that cannot be read: %v", err)
				return
			}
			to.hear(got)
		})
	}
	return nil
}

// messagesOf counts the messages of a kind that were sent.
func (f *fleet) messagesOf(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.messages[kind]
}

func (f *fleet) cut(a, b *ship, cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.deaf[b], b.deaf[a] = cut, cut
}

func (f *fleet) weather(loss float64, delay time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loss, f.delay = loss, delay
}

// sink ends a node; a clean end says goodbye.
func (s *ship) sink(clean bool) {
	f := s.fleet
	if !clean {
		f.mu.Lock()
		s.dead = true
		f.mu.Unlock()
	}
	s.Close()
	f.mu.Lock()
	s.dead = true
	f.nodes = slices.DeleteFunc(f.nodes, func(o *ship) bool { return o == s })
	f.mu.Unlock()
}

// live are the nodes that are there.
func (f *fleet) live() []*ship {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.nodes)
}

func (f *fleet) sinkAll() {
	for _, s := range f.live() {
		s.sink(true)
	}
}

// enter tracks a socket, which is made if need be.
func (s *ship) enter(sid, room, user string, meta any) {
	s.fleet.t.Helper()
	if s.socks[sid] == nil {
		s.socks[sid] = &sock{id: sid}
		s.mine[sid] = make(map[seating]bool)
	}
	if err := s.Track(s.socks[sid], room, user, meta); err != nil {
		s.fleet.t.Fatal(err)
	}
	for at := range s.mine[sid] {
		if at.room == room {
			delete(s.mine[sid], at)
		}
	}
	s.mine[sid][seating{room, user}] = true
}

func (s *ship) exit(sid, room string) {
	s.Untrack(s.socks[sid], room)
	for at := range s.mine[sid] {
		if at.room == room {
			delete(s.mine[sid], at)
		}
	}
}

// drop ends a socket.
func (s *ship) drop(sid string) {
	s.socks[sid].gone.Store(true)
	s.Lose(s.socks[sid])
	delete(s.socks, sid)
	delete(s.mine, sid)
}

// events returns what was heard since the last call, as "kind room user" or for counts
// "count room users/sockets".
func (s *ship) events() []string {
	s.log.Lock()
	defer s.log.Unlock()
	var all []string
	for _, e := range s.heard {
		text := fmt.Sprint(e.Kind, " ", e.Room)
		switch e.Kind {
		case Join, Leave, Update:
			text += " " + e.User
			if e.Meta != nil {
				text += " " + string(e.Meta)
			}
			if e.Was != nil {
				text += " was " + string(e.Was)
			}
		case Count:
			text += fmt.Sprintf(" %d/%d", e.UserCount, e.SocketCount)
			if e.CountOnly {
				text += " only"
			}
		case List:
			for _, u := range e.Members {
				text += " " + u.ID
			}
		}
		all = append(all, text)
	}
	s.heard = nil
	return all
}

func (s *ship) want(want ...string) {
	s.fleet.t.Helper()
	if got := s.events(); !slices.Equal(got, want) {
		s.fleet.t.Errorf("node %s heard\n\t%s\nwant\n\t%s", s.name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantSorted is want in any order.
func (s *ship) wantSorted(want ...string) {
	s.fleet.t.Helper()
	got := s.events()
	slices.Sort(got)
	s.compare(got, want)
}

// wantKinds checks what was heard, in any order and any number of times: of changes in one
// moment some may be told apart from the others.
func (s *ship) wantKinds(want ...string) {
	s.fleet.t.Helper()
	got := s.events()
	slices.Sort(got)
	s.compare(slices.Compact(got), want)
}

func (s *ship) compare(got, want []string) {
	s.fleet.t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.fleet.t.Errorf("node %s heard\n\t%s\nwant\n\t%s", s.name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// text writes a view in one line.
func textOf(r Room) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d", r.UserCount, r.SocketCount)
	if r.CountOnly {
		return b.String() + " only"
	}
	for _, u := range r.Users {
		fmt.Fprintf(&b, " %s%s=%s(%d)", u.ID, u.Meta, strings.Join(u.Sockets, ","), u.SocketCount)
	}
	if len(r.Anonymous) > 0 {
		fmt.Fprintf(&b, " nobody=%s", strings.Join(r.Anonymous, ","))
	}
	return b.String()
}

func (s *ship) wantRoom(room, want string) {
	s.fleet.t.Helper()
	if got := textOf(s.Room(room)); got != want {
		s.fleet.t.Errorf("node %s: %s is %s, want %s", s.name, room, got, want)
	}
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }

// settle waits until everything that was done was told.
func settle() {
	pass(time.Microsecond)
	synctest.Wait()
}

// inMoments makes a Presence whose changes of one moment are told together, however the
// goroutines take turns. It is for bubbles, where a moment passes when all of them wait.
func inMoments(o Options) *Presence {
	p := newPresence(o)
	p.pause = func() { pass(1) }
	return p
}

// audit compares what a node has in memory with itself.
func (s *ship) audit() {
	s.fleet.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.fleet.t
	seats := 0
	for sid, tr := range s.sockets {
		seats += len(tr.seats)
		if len(tr.seats) == 0 {
			t.Errorf("node %s keeps the socket %s without a seat", s.name, sid)
		}
	}
	if seats != s.seats {
		t.Errorf("node %s counts %d seats, has %d", s.name, s.seats, seats)
	}
	for name, r := range s.rooms {
		known := 0
		for id, res := range r.residents {
			refs := 0
			for _, pt := range r.parts {
				if pt.members[id] != nil {
					refs++
				}
			}
			if refs != res.refs {
				t.Errorf("node %s: %s in %s has %d parts, counted %d", s.name, id, name, refs, res.refs)
			}
			if refs > 0 {
				known++
			} else if !res.told {
				t.Errorf("node %s keeps %s in %s for nothing", s.name, id, name)
			}
		}
		if known != r.known || len(r.parts) == 0 && !r.announced && !r.countDue && !r.queued {
			t.Errorf("node %s: room %s knows %d, counted %d, in %d parts", s.name, name, known, r.known, len(r.parts))
		}
		for n, pt := range r.parts {
			users, sockets := 0, 0
			for id, m := range pt.members {
				if id != "" {
					users++
				}
				sockets += m.n
				if n == s.self && m.n != len(m.seats) {
					t.Errorf("node %s: %d seats, counted %d", s.name, len(m.seats), m.n)
				}
			}
			if n == s.self || !pt.counting {
				if users != pt.users || sockets != pt.sockets || pt.users < 0 || len(pt.members) == 0 {
					t.Errorf("node %s: part of %s in %s has %d/%d, counted %d/%d", s.name, n.id, name, users, sockets, pt.users, pt.sockets)
				}
			}
		}
	}
	for id, who := range s.people {
		if len(who.rooms) == 0 {
			t.Errorf("node %s keeps %s, who is nowhere", s.name, id)
		}
	}
	for _, n := range s.others {
		told := 0
		for _, pt := range n.parts {
			if told += len(pt.members); pt.counting {
				told++
			}
		}
		if told != n.told {
			t.Errorf("node %s: %s has told %d, counted %d", s.name, n.id, told, n.told)
		}
	}
}

// expected is what every node should see of a room, without metas.
func (f *fleet) expected(room string) (users map[string][]string, perNode, sockets int) {
	users = make(map[string][]string)
	for _, s := range f.live() {
		own := make(map[string]bool)
		for sid, seats := range s.mine {
			for at := range seats {
				if at.room == room {
					sockets++
					users[at.user] = append(users[at.user], sid)
					if at.user != "" {
						own[at.user] = true
					}
				}
			}
		}
		perNode += len(own)
	}
	return users, perNode, sockets
}

// agree checks that all nodes see what is so.
func (f *fleet) agree(rooms ...string) {
	f.t.Helper()
	for _, room := range rooms {
		users, perNode, sockets := f.expected(room)
		delete(users, "")
		size := func(n int) int { return max(n, (sockets+3)/4) }
		limit := f.options.limit(room)
		var first *Room
		for _, s := range f.live() {
			got := s.Room(room)
			if first == nil {
				first = &got
			}
			a, _ := json.Marshal(*first)
			b, _ := json.Marshal(got)
			if string(a) != string(b) {
				f.t.Errorf("%s is on one node\n\t%s\nand on %s\n\t%s", room, a, s.name, b)
			}
			wantUsers := len(users)
			if got.CountOnly {
				wantUsers = perNode
			}
			if got.UserCount != wantUsers || got.SocketCount != sockets {
				f.t.Errorf("node %s: %s has %d users with %d sockets, want %d with %d", s.name, room, got.UserCount, got.SocketCount, wantUsers, sockets)
			}
			if got.CountOnly != (size(perNode) > limit) && (size(len(users)) > limit || size(perNode) <= limit-limit/4) {
				f.t.Errorf("node %s: %s count-only %v with %d users (%d by node) and %d sockets, limit %d", s.name, room, got.CountOnly, len(users), perNode, sockets, limit)
			}
			if got.CountOnly {
				continue
			}
			for _, u := range got.Users {
				ids := slices.Sorted(slices.Values(users[u.ID]))
				if len(ids) == 0 || !slices.Equal(ids[:min(len(ids), MaxSockets)], u.Sockets) {
					f.t.Errorf("node %s: %s in %s has %q, want %q", s.name, u.ID, room, u.Sockets, ids)
				}
			}
		}
	}
	for _, s := range f.live() {
		s.audit()
	}
}

// mirror is what an application makes of the events of one node.
type mirror struct {
	rooms map[string]*mirrored
}

type mirrored struct {
	users     map[string]string // to their metas
	countOnly bool
	count     [2]int
}

func (m *mirror) hear(t *testing.T, s *ship) {
	t.Helper()
	s.log.Lock()
	events := s.heard
	s.heard = nil
	s.log.Unlock()
	for _, e := range events {
		r := m.rooms[e.Room]
		if r == nil {
			r = &mirrored{users: make(map[string]string)}
			m.rooms[e.Room] = r
		}
		_, here := r.users[e.User]
		bad := e.UserCount < 0 || e.SocketCount < 0
		switch e.Kind {
		case Join:
			bad = bad || here || r.countOnly
			r.users[e.User] = string(e.Meta)
		case Leave:
			bad = bad || !here || r.countOnly || r.users[e.User] != string(e.Meta)
			delete(r.users, e.User)
		case Update:
			bad = bad || !here || r.countOnly || r.users[e.User] != string(e.Was) || string(e.Was) == string(e.Meta)
			r.users[e.User] = string(e.Meta)
		case Count:
			if e.CountOnly {
				clear(r.users)
			}
			bad = bad || r.countOnly && !e.CountOnly
			r.countOnly = e.CountOnly
		case List:
			bad = bad || !r.countOnly
			r.countOnly = false
			for _, u := range e.Members {
				r.users[u.ID] = string(u.Meta)
			}
		}
		if bad {
			t.Errorf("node %s: an event out of place: %+v", s.name, e)
		}
		r.count = [2]int{e.UserCount, e.SocketCount}
	}
}

// compare checks that the events lead to what the node says.
func (m *mirror) compare(t *testing.T, s *ship) {
	t.Helper()
	names := make(map[string]bool)
	for name := range m.rooms {
		names[name] = true
	}
	for _, name := range s.Rooms() {
		names[name] = true
	}
	for name := range names {
		view, r := s.Room(name), m.rooms[name]
		if r == nil {
			t.Errorf("node %s: no event of %s", s.name, name)
			continue
		}
		want := make(map[string]string)
		for _, u := range view.Users {
			want[u.ID] = string(u.Meta)
		}
		if !maps.Equal(want, r.users) || view.CountOnly != r.countOnly || r.count != [2]int{view.UserCount, view.SocketCount} {
			t.Errorf("node %s: %s is %s; by the events %v, %v, count-only %v", s.name, name, textOf(view), r.users, r.count, r.countOnly)
		}
	}
}
