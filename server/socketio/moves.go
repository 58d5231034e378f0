package socketio

import (
	"log/slog"
	"slices"
)

// moves is one socket's entering and leaving of rooms, apart from who hears of it:
// the listeners of the application are called under no lock, and not on the
// goroutine that delivers packets.
type moves struct {
	s      *Socket
	events []RoomEvent
	rooms  []string // those entered or left, but for the socket's own
}

func (m *moves) note(k RoomEventKind, room string) {
	e := RoomEvent{Kind: k, Room: room}
	if k == RoomJoined || k == RoomLeft {
		e.Socket = m.s.id
	}
	m.events = append(m.events, e)
}

// join enters rooms. ErrDisconnected is returned when the socket is gone.
func (m *moves) join(rooms []string) error {
	s := m.s
	for _, name := range rooms {
		if name == s.id {
			if s.leftOwn.CompareAndSwap(true, false) {
				m.note(RoomCreated, name)
				m.note(RoomJoined, name)
			}
			continue
		}
		after := s.ns.position()
		s.mu.Lock()
		if s.cleaned || s.state.Load() >= stateMuted {
			s.mu.Unlock()
			return ErrDisconnected
		}
		m.enterLocked(name, after)
		s.mu.Unlock()
	}
	return nil
}

// enterLocked enters a room that is not the socket's own.
func (m *moves) enterLocked(name, after string) {
	s := m.s
	r, created := s.ns.local.enter(name, s)
	if created {
		m.note(RoomCreated, name)
	}
	if r == nil {
		return
	}
	s.rooms = append(s.rooms, r)
	s.noteUserLocked(name)
	s.noteChangeLocked(name, true, after)
	m.note(RoomJoined, name)
	m.rooms = append(m.rooms, name)
}

// leave leaves rooms.
func (m *moves) leave(rooms []string) {
	for _, name := range rooms {
		if name == m.s.id {
			if m.s.leftOwn.CompareAndSwap(false, true) {
				m.note(RoomLeft, name)
				m.note(RoomDeleted, name)
			}
			continue
		}
		after := m.s.ns.position()
		m.s.mu.Lock()
		m.leaveLocked(name, after)
		m.s.mu.Unlock()
	}
}

// leaveLocked leaves a room that is not the socket's own.
func (m *moves) leaveLocked(name, after string) {
	s := m.s
	i := len(s.rooms) - 1
	for ; i >= 0 && s.rooms[i].name != name; i-- { //nolint:revive // the loop is the search
	}
	if i < 0 {
		return
	}
	r := s.rooms[i]
	last := len(s.rooms) - 1
	copy(s.rooms[i:], s.rooms[i+1:])
	s.rooms[last] = nil
	s.rooms = s.rooms[:last]
	s.forgetUserLocked(name)
	deleted := s.ns.local.exit(r, s)
	s.noteChangeLocked(name, false, after)
	m.note(RoomLeft, name)
	if deleted {
		m.note(RoomDeleted, name)
	}
	m.rooms = append(m.rooms, name)
}

// tell calls the listeners of the namespace.
func (m *moves) tell() {
	for _, e := range m.events {
		m.s.ns.roomEvent(e.Kind, e.Room, e.Socket)
	}
}

// saveLeave has it saved, if other nodes are to find the session, that the socket leaves
// rooms which it is still in. After the leave it would be too late: a client that is cut
// off before that is saved would be in the room on another node, without what came
// meanwhile.
func (m *moves) saveLeave(rooms []string) (saved []RoomHistory) {
	s := m.s
	saver := s.ns.saver()
	if saver == nil {
		return nil
	}
	after := s.ns.position()
	s.mu.Lock()
	pid := s.pid
	_, until := saver.Position()
	for _, h := range s.historyLocked(rooms) {
		if h.In {
			h.In = false
			h.Changes = append(h.Changes, RoomChange{Room: h.Room, After: after, Until: until})
			saved = append(saved, h)
		}
	}
	forgetful := s.forgetful
	s.mu.Unlock()
	if pid == "" || forgetful || len(saved) == 0 {
		return nil
	}
	if !saver.SaveRooms(pid, saved, true) {
		s.lose()
	}
	return saved
}

// saveChanged has the session saved, without waiting, if that is not what was saved.
func (m *moves) saveChanged(saved []RoomHistory) {
	m.s.mu.Lock()
	now := m.s.historyLocked(m.rooms)
	m.s.mu.Unlock()
	if !slices.EqualFunc(now, saved, func(a, b RoomHistory) bool {
		return a.Room == b.Room && a.In == b.In && slices.Equal(a.Changes, b.Changes)
	}) {
		m.save(saved == nil)
	}
}

// save has the session saved, if other nodes are to find it.
func (m *moves) save(wait bool) {
	s := m.s
	saver := s.ns.saver()
	if saver == nil || len(m.rooms) == 0 {
		return
	}
	s.mu.Lock()
	pid := s.pid
	var all []RoomHistory
	if pid != "" {
		all = s.historyLocked(m.rooms)
	}
	forgetful := s.forgetful
	s.mu.Unlock()
	switch {
	case pid == "":
	case forgetful: // what is saved would not be all that matters
		s.lose()
		saver.Forsake(pid)
	case !saver.SaveRooms(pid, all, wait):
		s.lose()
	}
}

// historyLocked returns what is known of the socket in some rooms.
func (s *Socket) historyLocked(rooms []string) []RoomHistory {
	all := make([]RoomHistory, len(rooms))
	for i, name := range rooms {
		h := RoomHistory{Room: name}
		for _, r := range s.rooms {
			h.In = h.In || r.name == name
		}
		for _, c := range s.changes {
			if c.Room == name {
				h.Changes = append(h.Changes, c)
			}
		}
		all[i] = h
	}
	return all
}

// EventUnsaved tells a client, by its offset, that its session cannot be recovered
// any more: what it did could not be saved. It has no arguments.
const EventUnsaved = "sockeye:unsaved"

// lose makes the session one that cannot be recovered, also by a node that does not
// hear of it: the client's next offset is none.
func (s *Socket) lose() {
	r := s.ns.recoverer()
	p, err := NewPacket(s.ns.name, EventUnsaved)
	if err != nil || r == nil {
		return // cannot be: the name is not reserved, and there is a session
	}
	// Between two deliveries: none that is under way gives the client an offset after it.
	r.Begin(s, func(position string) {
		if s.bits.Or(bitUnlogged)&bitUnlogged != 0 {
			return
		}
		p.SetOffset(OffsetUnlogged + position)
		m, err := p.message(s.variant)
		if err != nil {
			return // cannot be: it has no arguments
		}
		_ = s.write(m, 0) // the client may be gone
		s.ns.srv.opts.Logger.Debug("a session could not be saved and cannot be recovered any more",
			slog.String("namespace", s.ns.name))
	})
}

// ApplyJoin is JoinSockets for who delivers packets: it neither waits nor calls
// anyone. after, if not nil, calls the listeners of the application; it must run
// later, on another goroutine.
func (l *Local) ApplyJoin(t *Target, rooms []string) (after func()) {
	return l.apply(t, func(m *moves) { _ = m.join(rooms) }) // one that is just leaving joins nothing
}

// ApplyLeave is LeaveSockets likewise.
func (l *Local) ApplyLeave(t *Target, rooms []string) (after func()) {
	return l.apply(t, func(m *moves) { m.leave(rooms) })
}

func (l *Local) apply(t *Target, move func(m *moves)) (after func()) {
	rs := l.recipients(t)
	var all []moves
	for _, s := range rs.flat() {
		m := moves{s: s}
		move(&m)
		m.save(false)
		if len(m.events) > 0 {
			all = append(all, m)
		}
	}
	if all == nil {
		return nil
	}
	return func() {
		for i := range all {
			all[i].tell()
		}
	}
}
