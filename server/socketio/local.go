package socketio

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Local is the node's own half of a namespace: its sockets, its rooms and the
// delivery to them. It is a complete Adapter for one node, and what other
// adapters embed. All methods may be called at once.
type Local struct {
	ns *Namespace

	shards [shardCount]shard

	mu   sync.RWMutex
	byID map[string]*Socket
	all  members // each socket keeps its position in it: Socket.place
}

var _ Adapter = (*Local)(nil)

func openLocal(l *Local) (Adapter, error) { return l, nil }

// Namespace returns the namespace whose sockets these are.
func (l *Local) Namespace() *Namespace { return l.ns }

// Broadcast delivers p to the sockets of this node that t names.
func (l *Local) Broadcast(p *Packet, t *Target) error {
	after, err := l.Deliver(p, t, false)
	if after != nil {
		after()
	}
	return err
}

// Deliver is Broadcast in two parts: after, if not nil, calls listeners of the
// application and must run under no lock. With track, each recipient's session
// notes the packet's offset as its last; calls with track must not overlap (see
// RecoveryAdapter).
func (l *Local) Deliver(p *Packet, t *Target, track bool) (after func(), err error) {
	p.address(l.ns, t)
	d := delivery{p: p, flags: t.Flags.send(), track: track, since: time.Now()}
	if err := d.prepare(l.ns.srv.preferred); err != nil {
		return nil, err
	}
	rs := l.recipients(t)
	return d.finish(l.ns, rs.each(d.send)), nil
}

// DeliverTo is Deliver to one socket of this node. ErrDisconnected is returned
// when it is gone.
func (l *Local) DeliverTo(s *Socket, p *Packet, f Flags, track bool) (after func(), err error) {
	p.aside = true
	m, err := p.message(s.variant)
	if err != nil {
		return nil, err
	}
	if s.endsBefore(p, track) {
		return nil, ErrDisconnected
	}
	if err := s.write(m, f.send()); err != nil {
		if track && s.rec != nil {
			s.rec.broken = true
		}
		return nil, err
	}
	if p.unlogged() {
		s.bits.Or(bitUnlogged)
	}
	if track && s.rec != nil {
		s.rec.last = p.offset
	}
	d := delivery{p: p}
	if s.bits.Load()&bitOutgoing != 0 {
		d.listening = []*Socket{s}
	}
	return d.finish(l.ns, sent{1, m.Len()}), nil
}

// BroadcastAck delivers p with an acknowledgement id to the sockets of this node.
func (l *Local) BroadcastAck(_ context.Context, p *Packet, t *Target, sink AckSink) (stop func(), err error) {
	p.id, p.hasID = l.ns.ackIDs.Add(1)-1, true
	p.address(l.ns, t)
	if _, err := p.message(l.ns.srv.preferred); err != nil {
		return func() {}, err
	}
	rs := l.recipients(t)
	socks := rs.flat()
	asked := socks[:0]
	var mute []*Socket // guests that cannot answer
	for _, s := range socks {
		switch err := s.expectAck(p.id, ackToSink{sink}); {
		case err == nil:
			asked = append(asked, s)
		case errors.Is(err, ErrCannotAnswer):
			mute = append(mute, s)
		}
	}
	sink.Expect(len(asked))
	d := delivery{p: p, flags: t.Flags.send(), since: time.Now()}
	var all sent
	for _, s := range asked {
		all.add(d.send(s))
	}
	for _, s := range mute {
		all.add(d.send(s))
	}
	if after := d.finish(l.ns, all); after != nil {
		after()
	}
	return func() {
		for _, s := range asked {
			s.forgetAck(p.id)
		}
	}, nil
}

// FetchSockets returns the sockets of this node that t names.
func (l *Local) FetchSockets(_ context.Context, t *Target) ([]*RemoteSocket, error) {
	rs := l.recipients(t)
	socks := rs.flat()
	out := make([]*RemoteSocket, len(socks))
	for i, s := range socks {
		out[i] = &RemoteSocket{ns: l.ns, id: s.id, local: s}
	}
	return out, nil
}

// JoinSockets makes the sockets of this node that t names enter rooms.
func (l *Local) JoinSockets(t *Target, rooms []string) error {
	rs := l.recipients(t)
	for _, s := range rs.flat() {
		_ = s.Join(rooms...) // one that is just leaving joins nothing
	}
	return nil
}

// LeaveSockets makes the sockets of this node that t names leave rooms.
func (l *Local) LeaveSockets(t *Target, rooms []string) error {
	rs := l.recipients(t)
	for _, s := range rs.flat() {
		s.Leave(rooms...)
	}
	return nil
}

// DisconnectSockets disconnects the sockets of this node that t names.
func (l *Local) DisconnectSockets(t *Target, closeTransport bool) error {
	rs := l.recipients(t)
	for _, s := range rs.flat() {
		s.Disconnect(closeTransport)
	}
	return nil
}

// Close does nothing: the sockets have left before.
func (l *Local) Close() error { return nil }

// ServerSide hands an event of another node to Namespace.OnServerSide. ack is
// nil when the sender wants no answer.
func (l *Local) ServerSide(event string, args Args, ack func(args ...any)) {
	l.ns.serverSide(event, args, ack)
}

// Socket returns a live socket of this node.
func (l *Local) Socket(id string) (*Socket, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s, ok := l.byID[id]
	return s, ok
}

// HasRoom reports whether a socket of this node is in a room, its own included. It
// costs less than a broadcast that finds nobody.
func (l *Local) HasRoom(room string) bool {
	sh := l.shard(room)
	sh.mu.Lock()
	r := sh.rooms[room]
	sh.mu.Unlock()
	return r != nil || l.own(room) != nil
}

// add makes s findable, by its id and in broadcasts.
func (l *Local) add(s *Socket) {
	l.mu.Lock()
	if l.byID == nil {
		l.byID = make(map[string]*Socket)
	}
	s.heir = l.byID[s.id] != nil
	l.byID[s.id] = s
	s.place, s.placed = l.all.add(s), true
	l.mu.Unlock()
}

// announce tells of the own room of a socket that was added.
func (l *Local) announce(s *Socket) {
	if s.leftOwn.Load() {
		return
	}
	if !s.heir {
		l.ns.roomEvent(RoomCreated, s.id, "")
	}
	l.ns.roomEvent(RoomJoined, s.id, s.id)
}

// remove undoes add.
func (l *Local) remove(s *Socket) {
	l.mu.Lock()
	if !s.placed {
		l.mu.Unlock()
		return
	}
	s.placed = false
	if moved := l.all.removeAt(s.place); moved != nil {
		moved.place = s.place
	}
	current := l.byID[s.id] == s // or its client is back already, with the same id
	if current {
		delete(l.byID, s.id)
	}
	l.mu.Unlock()
	if s.leftOwn.Load() {
		return
	}
	l.ns.roomEvent(RoomLeft, s.id, s.id)
	if current {
		l.ns.roomEvent(RoomDeleted, s.id, "")
	}
}

func (l *Local) len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.all.n
}

func (l *Local) allSnapshot() roster {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.snapshot()
}

// own returns the socket whose own room is named so, if it is still in it.
func (l *Local) own(room string) *Socket {
	if len(room) != idLen {
		return nil
	}
	if s, ok := l.Socket(room); ok && !s.leftOwn.Load() {
		return s
	}
	return nil
}

// recipients are the sockets a Target names, as they were at one moment.
type recipients struct {
	list   roster
	one    *Socket // besides list
	except *socketSet
}

func (l *Local) recipients(t *Target) recipients {
	var rs recipients
	if len(t.Except) > 0 {
		rs.except = l.exceptions(t.Except)
	}
	switch len(t.Rooms) {
	case 0:
		rs.list = l.allSnapshot()
	case 1:
		rs.list = l.roomSnapshot(t.Rooms[0])
		if s := l.own(t.Rooms[0]); s != nil {
			rs.one = s
			if rs.list != nil { // a room that is named like a socket
				set := newSocketSet()
				set.addAll(rs.list)
				set.add(s)
				rs.list, rs.one = rosterOf(set.order), nil
			}
		}
	default:
		set := newSocketSet()
		for _, name := range t.Rooms {
			set.addAll(l.roomSnapshot(name))
			if s := l.own(name); s != nil {
				set.add(s)
			}
		}
		rs.list = rosterOf(set.order)
	}
	return rs
}

func (l *Local) exceptions(rooms []string) *socketSet {
	set := newSocketSet()
	for _, name := range rooms {
		set.addAll(l.roomSnapshot(name))
		if s := l.own(name); s != nil {
			set.add(s)
		}
	}
	return set
}

// flat returns the recipients that are live, in a slice of its own.
func (rs *recipients) flat() []*Socket {
	var out []*Socket
	take := func(s *Socket) {
		if s.reachable() && !rs.except.has(s) {
			out = append(out, s)
		}
	}
	for c := range rs.list.each() {
		for _, s := range c {
			take(s)
		}
	}
	if rs.one != nil {
		take(rs.one)
	}
	return out
}

// socketSet is a set of sockets in the order they were added. The nil set is
// empty.
type socketSet struct {
	order []*Socket
	index map[*Socket]struct{} // nil while the set is small
}

func newSocketSet() *socketSet { return &socketSet{} }

func (set *socketSet) has(s *Socket) bool {
	if set == nil {
		return false
	}
	if set.index == nil {
		return slices.Contains(set.order, s)
	}
	_, ok := set.index[s]
	return ok
}

func (set *socketSet) add(s *Socket) {
	if set.has(s) {
		return
	}
	set.order = append(set.order, s)
	switch {
	case set.index != nil:
		set.index[s] = struct{}{}
	case len(set.order) > scanBelow:
		set.index = make(map[*Socket]struct{}, 4*scanBelow)
		for _, m := range set.order {
			set.index[m] = struct{}{}
		}
	}
}

func (set *socketSet) addAll(list roster) {
	for c := range list.each() {
		for _, s := range c {
			set.add(s)
		}
	}
}
