package socketio

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

const (
	// maxRoomChanges bounds what a socket remembers of its joins and leaves for
	// recovery. One that has more of them, in the time for which packets are kept,
	// cannot be recovered.
	maxRoomChanges = 1000
	// trimEvery is after how many changes those nobody needs any more are dropped.
	trimEvery = 32
)

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
	if n.recovery.Load() == nil {
		if err := n.enableHistory(); err != nil {
			return err
		}
	}
	n.recovery.Store(&r)
	return nil
}

// recoverer returns the adapter if recovery is on, otherwise nil.
func (n *Namespace) recoverer() RecoveryAdapter {
	if n.recovery.Load() == nil {
		return nil
	}
	ra, _ := n.adapter.(RecoveryAdapter) // EnableRecovery made sure that it is one
	return ra
}

// saver returns the adapter if recovery is on and saves sessions for other nodes,
// otherwise nil.
func (n *Namespace) saver() SessionSaver {
	if n.recovery.Load() == nil {
		return nil
	}
	sv, _ := n.adapter.(SessionSaver)
	return sv
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
	if r == nil || !s.variant.returns() {
		return
	}
	_, until := r.Position()
	now := RoomChange{Room: room, Joined: joined, After: after, Until: until}
	for i := len(s.changes) - 1; i >= 0 && after == until && s.changes[i].Until == after; i-- {
		if s.changes[i].Room != room {
			continue
		}
		if s.changes[i].After != after {
			break
		}
		s.changes = slices.Delete(s.changes, i, i+1) // in and out with nothing between
		return
	}
	s.changes = append(s.changes, now)
	if len(s.changes)%trimEvery == 0 {
		s.trimChangesLocked(r)
	}
}

// trimChangesLocked forgets the changes that no kept packet is older than.
func (s *Socket) trimChangesLocked(r RecoveryAdapter) {
	n := 0
	for n < len(s.changes) && r.Forgotten(s.changes[n].Until) {
		n++
	}
	if len(s.changes)-n > maxRoomChanges {
		n = len(s.changes) - maxRoomChanges
		s.forgetful = true
	}
	s.changes = append([]RoomChange(nil), s.changes[n:]...)
}

// restore looks for the session the client asks for: {pid, offset} in its auth.
// A client that saw no event yet sends no offset.
func (p *pendingConnect) restore(s *Socket) *Session {
	r := s.ns.recoverer()
	if r == nil || !s.variant.returns() || s.auth == nil {
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
	if !ok || p.anew {
		return nil
	}
	st, err := p.restorePID(s, r, pid, ask.Offset)
	if err == nil {
		return st
	}
	miss := MissFailed
	if !errors.As(err, &miss) {
		s.ns.srv.opts.Logger.Warn("session not restored", slog.String("namespace", s.ns.name), slog.Any("error", err))
	}
	s.recoveryTried(miss)
	return nil
}

// restorePID looks for the session of a private id. A Miss says why there is none.
func (p *pendingConnect) restorePID(s *Socket, r RecoveryAdapter, pid string, offset any) (*Session, error) {
	if len(pid) != 2*idLen {
		return nil, MissMalformed
	}
	s.bits.Or(bitReturned)
	if pid == unsavedPID(pid[:idLen]) {
		return nil, MissUnsaved
	}
	last, ok := offset.(string)
	if !ok && offset != nil {
		return nil, MissMalformed
	}
	if old := s.ns.pids.find(pid); old != nil {
		if old.conn == s.conn || old.leftForGood() {
			return nil, MissLeft // there will be no session; its last handlers still run
		}
		old.conn.replace(s.Context(), old)
	}
	st, err := r.Restore(s.Context(), pid, last)
	if st == nil && err == nil {
		return nil, MissUnknown
	}
	return st, err
}

// recoveryTried tells the observer how the client's wish for its session came out.
func (s *Socket) recoveryTried(outcome Miss) {
	s.ns.srv.opts.Observer.RecoveryTried(s.ns.name, outcome)
}

// resume makes a restored socket live, with what it missed between the answer to
// its CONNECT and what comes from now on. An error says that the session is gone.
func (s *Socket) resume(r RecoveryAdapter, st *Session) error {
	var events []RoomEvent
	entered := moves{s: s}
	err := r.Resume(st, func(last string, missed func() (*Packet, error)) {
		if s.ns.saver() != nil {
			s.mu.Lock()
			s.pid = st.PID
			s.mu.Unlock()
		}
		for _, name := range st.Rooms {
			events = s.rejoin(name, events)
		}
		s.mu.Lock()
		s.changes = append(st.Changed, s.changes...)
		for _, room := range s.rooms {
			if !slices.Contains(st.Rooms, room.name) { // middleware entered it
				entered.rooms = append(entered.rooms, room.name)
			}
		}
		s.mu.Unlock()
		live := s.goLive(st.PID, func() *engineio.Message {
			for {
				p, err := missed()
				if err != nil {
					s.sess.Abort(engineio.ReasonTransportError, engineio.DetailLogGap, err)
				}
				if p == nil {
					return nil
				}
				if m, err := p.message(s.variant); err == nil {
					return m
				}
			}
		})
		if live {
			s.rec = &recovery{pid: st.PID, start: st.Start, last: last}
			s.ns.pids.add(st.PID, s)
		}
	})
	for _, e := range events {
		s.ns.roomEvent(e.Kind, e.Room, e.Socket)
	}
	if err == nil {
		entered.save(true)
	}
	return err
}

// beginSession makes a socket live that can be recovered later, if its session can be
// saved.
func (s *Socket) beginSession(r RecoveryAdapter) {
	pid, saved := newPID(s.id), true
	if sv := s.ns.saver(); sv != nil {
		s.mu.Lock()
		s.pid = pid
		st := &Session{SID: s.id, PID: pid, Data: s.data, Changed: slices.Clone(s.changes)}
		st.Returned = s.bits.Load()&bitReturned != 0
		for _, room := range s.rooms {
			st.Rooms = append(st.Rooms, room.name)
		}
		s.mu.Unlock()
		if saved = sv.Open(s.Context(), st); !saved {
			s.bits.Or(bitUnlogged)
			pid = unsavedPID(s.id)
			s.mu.Lock()
			s.pid = ""
			s.mu.Unlock()
		}
	}
	r.Begin(s, func(position string) {
		if s.goLive(pid, nil) && saved {
			s.rec = &recovery{pid: pid, start: position, last: position}
			s.ns.pids.add(pid, s)
		}
	})
}

// pidTable finds the live sockets of this node by their private ids: a client
// whose connection broke silently is back long before the break is noticed.
type pidTable struct {
	mu    sync.Mutex
	socks map[string]*Socket
}

func (t *pidTable) add(pid string, s *Socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.socks == nil {
		t.socks = make(map[string]*Socket)
	}
	t.socks[pid] = s
}

// remove reports whether the socket was there.
func (t *pidTable) remove(pid string, s *Socket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.socks[pid] != s {
		return false
	}
	delete(t.socks, pid)
	return true
}

func (t *pidTable) find(pid string) *Socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.socks[pid]
}

// replaceWithin bounds how long a returning client waits for the last handlers
// of the connection it replaces.
const replaceWithin = 2 * time.Second

// replace ends a connection whose client has come back on another, and waits
// until the session of one of its sockets is kept.
func (c *conn) replace(ctx context.Context, wanted *Socket) {
	c.mu.Lock()
	socks := slices.Clone(c.sockets)
	c.mu.Unlock()
	r := DisconnectReason{Reason: string(engineio.ReasonTransportClose), Detail: DetailReplaced}
	for _, s := range socks {
		s.stop(r, stateEnding)
	}
	c.sess.Close(engineio.ReasonTransportClose, engineio.DetailConnectionLost, nil)
	ctx, cancel := context.WithTimeout(ctx, replaceWithin)
	defer cancel()
	select {
	case <-wanted.Context().Done():
	case <-ctx.Done():
	}
}

// leftForGood reports whether the socket ends in a way that cannot be recovered.
func (s *Socket) leftForGood() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason != nil && !s.reason.recoverable()
}

// rejoin is Join without calling anyone: the events are for later.
func (s *Socket) rejoin(name string, events []RoomEvent) []RoomEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, created := s.ns.local.enter(name, s)
	if r == nil { // middleware was faster; the session was in it all the time
		s.changes = slices.DeleteFunc(s.changes, func(c RoomChange) bool { return c.Room == name })
		return events
	}
	s.rooms = append(s.rooms, r)
	s.noteUserLocked(name)
	if created {
		events = append(events, RoomEvent{Kind: RoomCreated, Room: name})
	}
	return append(events, RoomEvent{Kind: RoomJoined, Room: name, Socket: s.id})
}

// settleSession ends what recovery knows of a live socket: it keeps the session
// of one that was cut off, and forgets that of one that left.
func (s *Socket) settleSession(keep bool) {
	r := s.ns.recoverer()
	if r == nil || !s.variant.returns() {
		return
	}
	s.mu.Lock()
	st := &Session{SID: s.id, Data: s.data, Changed: s.changes}
	for _, room := range s.rooms {
		st.Rooms = append(st.Rooms, room.name)
	}
	keep = keep && !s.forgetful
	s.mu.Unlock()
	r.Persist(func() (*Session, bool) {
		if s.rec == nil {
			return nil, false
		}
		if !s.ns.pids.remove(s.rec.pid, s) {
			return nil, false // its client is back, and the session is of another socket
		}
		st.PID, st.Start, st.Last, st.Broken = s.rec.pid, s.rec.start, s.rec.last, s.rec.broken
		return st, keep && s.bits.Load()&bitUnlogged == 0
	})
}
