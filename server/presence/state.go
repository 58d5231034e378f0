package presence

import "time"

// The state is what each node says of its own sockets (node, part, member), and what
// follows for a room (room, resident) and a user (person). All of it is guarded by
// Presence.mu.

// node is one node, this one included, and what it says.
type node struct {
	id      string
	version uint64
	parts   map[string]*part // by room
	// profiles are the users who are members of a part, with what the node says of
	// their meta.
	profiles map[string]*profile
	told     int // members of parts, and parts that are counts only

	// Of other nodes:
	heard   time.Time
	asked   time.Time // when it was last asked to repeat something
	leaving bool      // it said goodbye, and the grace of its users runs
	full    bool      // it says more than is believed, which was logged
	pages   *pages    // of its whole state, as far as they have come
}

// part is what one node says of one room.
type part struct {
	node     *node
	room     *room
	members  map[string]*member // by user; of another node none while counting
	users    int                // without ""
	sockets  int
	counting bool // other nodes are told the counts only
}

// member is a user in a part; the user "" is those who are nobody.
type member struct {
	part    *part
	user    string
	sockets []string // of another node: ids, MaxSockets at most
	n       int      // how many there are

	seats []*seat // of this node, instead of sockets
	until time.Time
}

// profile is what one node says of a user.
type profile struct {
	refs   int // parts with the user
	listed int // those of this node that others see as lists
	stamp  int64
	meta   string
}

// later reports whether a meta replaces another: by when it was written, in
// milliseconds since 1970, and for one written at the same time by its text, so that
// all nodes choose the same.
func later(stamp int64, meta string, than int64, old string) bool {
	return stamp > than || stamp == than && meta > old
}

// room is all parts of one room.
type room struct {
	name      string
	limit     int
	parts     map[*node]*part
	residents map[string]*resident // by user, without ""
	known     int                  // residents who are here

	countOnly bool
	announced bool // other nodes were told of this node's part

	touched bool // is in Presence.touched

	// What the application was told, see tell.go.
	queued                  bool
	dirty                   []*resident
	stale                   int // entries of dirty that are not dirty any more
	toldUsers, toldSockets  int
	toldCountOnly, countDue bool
	countedAt               time.Time
}

// resident is a user in a room, or one whose leave was not told yet.
type resident struct {
	who  *person
	refs int // parts that list the user

	dirty    bool // is in room.dirty
	told     bool
	toldMeta string
}

// person is a user who is a member of any part.
type person struct {
	id    string
	rooms []*room
	stamp int64
	meta  string // the latest of all nodes
}

func newNode(id string) *node {
	return &node{id: id, parts: make(map[string]*part), profiles: make(map[string]*profile)}
}

// listed returns the sockets that are named to others.
func (m *member) listed() []string {
	if m.seats == nil {
		return m.sockets
	}
	ids := make([]string, min(len(m.seats), MaxSockets))
	for i := range ids {
		ids[i] = m.seats[i].of.sid
	}
	return ids
}

// totals counts a room. counted says that some part is a count, so that a user on two
// nodes is counted twice.
func (r *room) totals() (users, sockets int, counted bool) {
	for _, pt := range r.parts {
		users += pt.users
		sockets += pt.sockets
		counted = counted || pt.counting
	}
	if !counted {
		users = r.known
	}
	return users, sockets, counted
}

func (p *Presence) roomLocked(name string) *room {
	r := p.rooms[name]
	if r == nil {
		r = &room{
			name: name, limit: p.opts.limit(name),
			parts: make(map[*node]*part), residents: make(map[string]*resident),
		}
		p.rooms[name] = r
	}
	return r
}

func (p *Presence) partLocked(n *node, name string) *part {
	pt := n.parts[name]
	if pt == nil {
		r := p.roomLocked(name)
		pt = &part{node: n, room: r, members: make(map[string]*member)}
		n.parts[name], r.parts[n] = pt, pt
		p.touchLocked(r)
	}
	return pt
}

// dropPartLocked removes a part without members.
func (p *Presence) dropPartLocked(pt *part) {
	if pt.counting && pt.node != p.self {
		pt.node.told--
	}
	delete(pt.node.parts, pt.room.name)
	delete(pt.room.parts, pt.node)
	p.touchLocked(pt.room)
}

// enterLocked makes a user a member of a part.
func (p *Presence) enterLocked(n *node, name, user string) *member {
	pt := p.partLocked(n, name)
	m := pt.members[user]
	if m != nil {
		return m
	}
	m = &member{part: pt, user: user}
	pt.members[user] = m
	n.told++
	p.touchLocked(pt.room)
	if user != "" {
		pt.users++
		p.resideLocked(pt, user)
	}
	return m
}

// exitLocked undoes enterLocked, and removes a part with its last member.
func (p *Presence) exitLocked(m *member) {
	pt := m.part
	delete(pt.members, m.user)
	pt.sockets -= m.n
	pt.node.told--
	p.touchLocked(pt.room)
	if m.user != "" {
		pt.users--
		p.departLocked(pt, m.user)
	}
	if len(pt.members) == 0 {
		p.dropPartLocked(pt)
	}
}

// resizeLocked notes how many sockets a member has.
func (p *Presence) resizeLocked(m *member, n int) {
	m.part.sockets += n - m.n
	m.n = n
	p.touchLocked(m.part.room)
}

func (p *Presence) resideLocked(pt *part, user string) {
	n, r := pt.node, pt.room
	who := p.people[user]
	if who == nil {
		who = &person{id: user}
		p.people[user] = who
	}
	res := r.residents[user]
	if res == nil {
		res = &resident{who: who}
		r.residents[user] = res
	}
	if res.refs++; res.refs == 1 {
		res.who = who // may have come back after everybody had forgotten
		who.rooms = append(who.rooms, r)
		r.known++
		p.soilLocked(r, res)
	}
	prof := n.profiles[user]
	if prof == nil {
		prof = &profile{}
		n.profiles[user] = prof
		if n == p.self { // what others say holds for the sockets of this node, too
			prof.stamp, prof.meta = who.stamp, who.meta
		}
	}
	if prof.refs++; !pt.counting {
		prof.listed++
	}
	if prof.refs == 1 || prof.listed == 1 {
		p.weighLocked(who)
	}
}

func (p *Presence) departLocked(pt *part, user string) {
	n, r := pt.node, pt.room
	res := r.residents[user]
	who := res.who
	if res.refs--; res.refs == 0 {
		for i, other := range who.rooms {
			if other == r {
				last := len(who.rooms) - 1
				who.rooms[i], who.rooms[last] = who.rooms[last], nil
				who.rooms = who.rooms[:last]
				break
			}
		}
		r.known--
		p.soilLocked(r, res)
	}
	if len(who.rooms) == 0 {
		delete(p.people, user)
	}
	prof := n.profiles[user]
	if prof.refs--; prof.refs == 0 {
		delete(n.profiles, user)
	}
	if !pt.counting {
		prof.listed--
	}
	if len(who.rooms) > 0 && (prof.refs == 0 || prof.listed == 0) {
		p.weighLocked(who)
	}
}

// profileLocked notes what a node says of a user's meta now.
func (p *Presence) profileLocked(n *node, user string, stamp int64, meta string) {
	prof := n.profiles[user]
	if prof == nil || prof.stamp == stamp && prof.meta == meta {
		return
	}
	prof.stamp, prof.meta = stamp, meta
	if n == p.self {
		p.spreadMetaLocked(user)
	}
	p.weighLocked(p.people[user])
}

// weighLocked finds the latest meta of a user. A node that has the user too takes it
// over, so that it holds for as long as any of them has. What this node knows of a user
// whom it only counts is not told to others, and is nothing beside what they say.
func (p *Presence) weighLocked(who *person) {
	stamp, meta, elsewhere := int64(stampNone), "", false
	for _, n := range p.others {
		prof := n.profiles[who.id]
		if prof == nil {
			continue
		}
		elsewhere = true
		if later(prof.stamp, prof.meta, stamp, meta) {
			stamp, meta = prof.stamp, prof.meta
		}
	}
	if own := p.self.profiles[who.id]; own != nil {
		if later(stamp, meta, own.stamp, own.meta) {
			own.stamp, own.meta = stamp, meta
			p.spreadMetaLocked(who.id)
		}
		if own.listed > 0 || !elsewhere {
			stamp, meta = own.stamp, own.meta
		}
	}
	who.stamp = stamp
	if who.meta == meta {
		return
	}
	who.meta = meta
	for _, r := range who.rooms {
		p.soilLocked(r, r.residents[who.id])
		p.touchLocked(r)
	}
}

// countLocked notes the counts of a part that another node does not list.
func (p *Presence) countLocked(n *node, name string, users, sockets int) {
	if pt := n.parts[name]; pt != nil {
		p.emptyLocked(pt)
	}
	if users == 0 && sockets == 0 {
		if pt := n.parts[name]; pt != nil {
			p.dropPartLocked(pt)
		}
		return
	}
	pt := p.partLocked(n, name)
	if !pt.counting {
		pt.counting = true
		n.told++
	}
	pt.users, pt.sockets = users, sockets
	p.touchLocked(pt.room)
}

// listLocked makes a part of another node a list, with the members it has.
func (p *Presence) listLocked(pt *part) {
	if !pt.counting {
		return
	}
	pt.counting = false
	pt.users, pt.sockets = 0, 0
	pt.node.told--
	p.touchLocked(pt.room)
}

// emptyLocked removes the members of a part, and with them a part that is a list.
func (p *Presence) emptyLocked(pt *part) {
	for _, m := range pt.members {
		p.exitLocked(m)
	}
}

// dropNodeLocked forgets another node with everything it said.
func (p *Presence) dropNodeLocked(n *node) {
	if p.others[n.id] != n {
		return
	}
	delete(p.others, n.id)
	for _, pt := range n.parts {
		if pt.counting {
			p.dropPartLocked(pt)
			continue
		}
		p.emptyLocked(pt)
	}
}

// touchLocked has the room looked at when the change is complete.
func (p *Presence) touchLocked(r *room) {
	if !r.touched {
		r.touched = true
		p.touched = append(p.touched, r)
	}
}

// settleLocked ends a change: rooms become count-only or lists, and are queued to be
// told of or forgotten.
func (p *Presence) settleLocked() {
	for i := 0; i < len(p.touched); i++ {
		r := p.touched[i]
		r.touched = false
		p.modeLocked(r)
		p.queueLocked(r)
		p.forgetLocked(r)
	}
	clear(p.touched)
	p.touched = p.touched[:0]
	p.startTellingLocked()
}

// modeLocked decides whether a room is count-only. Each node decides for its own part
// from the same numbers; in between, a room is count-only for whoever sees a part that is.
func (p *Presence) modeLocked(r *room) {
	users, sockets, counted := r.totals()
	size := max(users, (sockets+3)/4)
	over := size > r.limit
	crowded := over || counted && size > r.limit-r.limit/4
	if own := r.parts[p.self]; own != nil && own.counting != crowded {
		p.switchLocked(own, crowded)
		_, _, counted = r.totals()
	}
	r.countOnly = over || counted
}

// switchLocked makes this node's part of a room a count or a list.
func (p *Presence) switchLocked(own *part, counting bool) {
	own.counting = counting
	step := 1
	if counting {
		step = -1
	}
	for user := range own.members {
		if prof := p.self.profiles[user]; prof != nil { // nobody has none
			prof.listed += step
			p.weighLocked(p.people[user])
		}
	}
	p.spreadModeLocked(own.room)
}

// forgetLocked removes a room that nobody is in and that nothing is left to say of.
func (p *Presence) forgetLocked(r *room) {
	if len(r.parts) == 0 && len(r.residents) == 0 && !r.queued && !r.countDue && !r.announced && p.changes[r] == nil &&
		r.toldUsers == 0 && r.toldSockets == 0 && p.rooms[r.name] == r {
		delete(p.rooms, r.name)
	}
}
