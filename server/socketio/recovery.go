package socketio

import (
	"log/slog"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// maxRoomChanges bounds what a socket remembers of its joins and leaves for
// recovery. Beyond it the oldest are forgotten, if no packet of their time is
// kept any more; otherwise the socket cannot be recovered.
const maxRoomChanges = 1000

// EnableRecovery turns connection state recovery on in this namespace, whatever
// Options.Recovery says. It must be called before the first socket connects, and
// returns ErrNoRecovery if the adapter cannot.
func (n *Namespace) EnableRecovery(r Recovery) error {
	ra, ok := n.adapter.(RecoveryAdapter)
	if !ok {
		return ErrNoRecovery
	}
	r = r.withDefaults()
	if err := ra.EnableRecovery(r); err != nil {
		return err
	}
	n.recovery.Store(&r)
	return nil
}

// recoverer returns the adapter if recovery is on, otherwise nil.
func (n *Namespace) recoverer() RecoveryAdapter {
	if n.recovery.Load() == nil {
		return nil
	}
	ra, _ := n.adapter.(RecoveryAdapter) //nolint:errcheck // EnableRecovery made sure
	return ra
}

// position is where the delivery of packets stands, if that is kept.
func (n *Namespace) position() string {
	r := n.recoverer()
	if r == nil {
		return ""
	}
	delivered, _ := r.Position()
	return delivered
}

// noteChangeLocked remembers that the socket entered or left a room. Packets of
// the time between after and now may or may not have found it there.
func (s *Socket) noteChangeLocked(room string, joined bool, after string) {
	r := s.ns.recoverer()
	if r == nil || s.variant.protocol() == 4 {
		return
	}
	_, until := r.Position()
	s.changes = append(s.changes, RoomChange{Room: room, Joined: joined, After: after, Until: until})
	if len(s.changes) > maxRoomChanges {
		s.changes = append(s.changes[:0], s.changes[len(s.changes)/2:]...)
		s.forgetful = true
	}
}

// restore looks for the session the client asks for: {pid, offset} in its auth.
// A client that saw no event yet sends no offset.
func (p *pendingConnect) restore(s *Socket) *Session {
	r := s.ns.recoverer()
	if r == nil || s.variant.protocol() == 4 || s.auth == nil {
		return nil
	}
	var ask struct {
		PID    any `json:"pid"`
		Offset any `json:"offset"`
	}
	if s.auth.Decode(&ask) != nil {
		return nil
	}
	pid, ok := ask.PID.(string)
	if !ok || len(pid) != idLen {
		return nil
	}
	offset, ok := ask.Offset.(string)
	if !ok && ask.Offset != nil {
		return nil
	}
	st, err := r.Restore(s.Context(), pid, offset)
	if err != nil {
		s.ns.srv.opts.Logger.Warn("session not restored", slog.String("namespace", s.ns.name), slog.Any("error", err))
		return nil
	}
	return st
}

// resume makes a restored socket live, with what it missed between the answer to
// its CONNECT and what comes from now on.
func (s *Socket) resume(r RecoveryAdapter, st *Session) {
	var events []RoomEvent
	err := r.Resume(st, func(last string, missed func() *Packet) {
		for _, name := range st.Rooms {
			events = s.rejoin(name, events)
		}
		s.mu.Lock()
		s.changes = append(st.Changed, s.changes...)
		s.mu.Unlock()
		s.goLive(st.PID, func() *engineio.Message {
			for p := missed(); p != nil; p = missed() {
				if m, err := p.message(s.variant); err == nil {
					return m
				}
			}
			return nil
		})
		s.rec = &recovery{pid: st.PID, start: st.Start, last: last}
	})
	if err != nil { // the session is gone: the client starts anew, and is told so
		pid := newID()
		s.mu.Lock()
		s.recovered, s.data = false, nil
		s.mu.Unlock()
		s.id = newID()
		r.Begin(s, func(position string) {
			s.goLive(pid, nil)
			s.rec = &recovery{pid: pid, start: position, last: position}
		})
	}
	for _, e := range events {
		s.ns.roomEvent(e.Kind, e.Room, e.Socket)
	}
}

// rejoin is Join without calling anyone: the events are for later.
func (s *Socket) rejoin(name string, events []RoomEvent) []RoomEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, created := s.ns.local.enter(name, s)
	if r == nil {
		return events // middleware was faster
	}
	s.rooms = append(s.rooms, r)
	if created {
		events = append(events, RoomEvent{Kind: RoomCreated, Room: name})
	}
	return append(events, RoomEvent{Kind: RoomJoined, Room: name, Socket: s.id})
}

// persist keeps the session of a socket that was cut off.
func (s *Socket) persist() {
	r := s.ns.recoverer()
	if r == nil {
		return
	}
	s.mu.Lock()
	st := &Session{SID: s.id, Data: s.data, Changed: s.changes}
	for _, room := range s.rooms {
		st.Rooms = append(st.Rooms, room.name)
	}
	forgetful := s.forgetful
	s.mu.Unlock()
	if forgetful {
		return
	}
	r.Persist(func() *Session {
		if s.rec == nil {
			return nil
		}
		st.PID, st.Start, st.Last, st.Broken = s.rec.pid, s.rec.start, s.rec.last, s.rec.broken
		return st
	})
}
