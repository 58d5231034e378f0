package memory

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// sessionOverhead is what a kept session counts beyond its strings.
const sessionOverhead = 512

// sessionShare is the part of MaxBytes that sessions may take; the packets, of
// which every session needs some, have the rest.
const sessionShare = 4

// kept is the session of a client that was cut off.
type kept struct {
	st      *socketio.Session
	at      uint64 // the last packet when it was persisted
	expires time.Time
	size    int64
	place   *list.Element // in sessionKeep.order

	// Set by Restore:
	missed []*socketio.Packet
	upTo   uint64 // missed holds what came up to this number
}

// sessionKeep holds sessions by their private id, oldest first in order. It is
// guarded by Adapter.mu.
type sessionKeep struct {
	byPID map[string]*kept
	order list.List           // of *kept
	away  map[string]struct{} // by their public id: those kept, and those being restored
	bytes int64
}

func (sk *sessionKeep) len() int { return len(sk.byPID) }

func (sk *sessionKeep) put(k *kept) {
	if sk.byPID == nil {
		sk.byPID = make(map[string]*kept)
		sk.away = make(map[string]struct{})
	}
	sk.take(k.st.PID)
	sk.byPID[k.st.PID] = k
	sk.away[k.st.SID] = struct{}{}
	k.place = sk.order.PushBack(k)
	sk.bytes += k.size
}

// take takes a session out, nil if there is none.
func (sk *sessionKeep) take(pid string) *kept {
	k := sk.byPID[pid]
	if k != nil {
		delete(sk.byPID, pid)
		delete(sk.away, k.st.SID)
		sk.order.Remove(k.place)
		sk.bytes -= k.size
	}
	return k
}

// dropFront drops the oldest while cond holds.
func (sk *sessionKeep) dropFront(cond func(k *kept) bool) {
	for e := sk.order.Front(); e != nil; e = sk.order.Front() {
		k, ok := e.Value.(*kept)
		if !ok || !cond(k) {
			return
		}
		sk.take(k.st.PID)
	}
}

func (sk *sessionKeep) expire(now time.Time) {
	sk.dropFront(func(k *kept) bool { return k.expires.Before(now) })
}

// Persist keeps a session.
func (a *Adapter) Persist(snapshot func() (*socketio.Session, bool)) {
	a.persist(snapshot)
	a.budget.settle()
}

func (a *Adapter) persist(snapshot func() (*socketio.Session, bool)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	st, keep := snapshot()
	if !keep || a.recovery == nil || a.closed {
		return
	}
	k := &kept{st: st, at: a.assigned.Load(), expires: time.Now().Add(a.recovery.MaxDisconnection), size: sessionOverhead}
	for _, r := range st.Rooms {
		k.size += int64(len(r)) + 16
	}
	for i := range st.Changed {
		k.size += int64(len(st.Changed[i].Room)) + 96
	}
	a.sessions.put(k)
	limit := a.recovery.MaxBytes / sessionShare
	a.sessions.dropFront(func(*kept) bool { return a.sessions.bytes > limit })
	a.shrinkLocked(a.recovery.MaxBytes)
	a.scheduleLocked()
}

// Restore takes a session out of the keep, if the client can be given all it
// missed.
func (a *Adapter) Restore(_ context.Context, pid, offset string) (*socketio.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.sessions.take(pid)
	a.accountLocked()
	if k == nil || k.expires.Before(time.Now()) {
		return nil, socketio.MissUnknown
	}
	from, ok := a.startOf(k, offset)
	if !ok {
		return nil, socketio.MissIncomplete
	}
	k.missed, k.upTo = nil, from
	if !a.collectLocked(k) {
		return nil, socketio.MissIncomplete
	}
	k.st.Kept = k
	a.sessions.away[k.st.SID] = struct{}{} // until Resume or Release
	return k.st, nil
}

// startOf says which packet the client saw last: by its offset, by the start of
// the session if the offset is older than that, and by the time of the cut if
// the client had got everything by then.
func (a *Adapter) startOf(k *kept, offset string) (uint64, bool) {
	start, _, _ := a.number(k.st.Start)
	last, _, _ := a.number(k.st.Last)
	from := start
	if offset != "" {
		n, foreign, ok := a.number(offset)
		if !ok || !foreign && n > a.assigned.Load() {
			return 0, false
		}
		if !foreign && n > start {
			from = n
		}
	}
	if from >= last && !k.st.Broken {
		from = max(from, k.at)
	}
	return from, true
}

// collectLocked adds what the session missed after upTo. It reports false if
// that is not known for certain.
func (a *Adapter) collectLocked(k *kept) bool {
	entries, ok := a.log.since(k.upTo)
	if !ok {
		return false
	}
	h := a.historyOf(k.st)
	for i := range entries {
		switch h.addressed(&entries[i]) {
		case yes:
			k.missed = append(k.missed, entries[i].packet)
		case unsure:
			return false
		case no:
		}
	}
	k.upTo = a.assigned.Load()
	return true
}

// errGone is returned by Resume when packets went while middleware ran.
var errGone = errors.New("memory: missed packets are no longer kept")

// Resume makes a restored socket live between two deliveries.
func (a *Adapter) Resume(st *socketio.Session, live func(last string, missed func() (*socketio.Packet, error))) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer delete(a.sessions.away, st.SID)
	k, ok := st.Kept.(*kept)
	if !ok || !a.collectLocked(k) {
		return errGone
	}
	last := st.Last
	if n := len(k.missed); n > 0 {
		last = k.missed[n-1].Offset()
	}
	missed := k.missed
	k.missed = nil
	live(last, func() (*socketio.Packet, error) {
		if len(missed) == 0 {
			return nil, nil
		}
		p := missed[0]
		missed[0] = nil
		missed = missed[1:]
		return p, nil
	})
	return nil
}

// Away reports whether the session of a socket is kept, or being restored.
func (a *Adapter) Away(sid string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.sessions.away[sid]
	return ok
}

// Release puts a session back, for what is left of its time.
func (a *Adapter) Release(st *socketio.Session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := st.Kept.(*kept)
	if !ok || a.closed {
		return
	}
	k.missed = nil
	a.sessions.put(k)
	a.shrinkLocked(a.recovery.MaxBytes)
	a.scheduleLocked()
}

type answer uint8

const (
	no answer = iota
	yes
	unsure
)

// history answers which rooms a session was in when a packet was sent.
type history struct {
	sid     string
	rooms   map[string]bool
	changes map[string][]change
}

type change struct {
	after, until uint64
	joined       bool
}

func (a *Adapter) historyOf(st *socketio.Session) *history {
	h := &history{sid: st.SID, rooms: make(map[string]bool, len(st.Rooms)), changes: make(map[string][]change)}
	for _, r := range st.Rooms {
		h.rooms[r] = true
	}
	for _, c := range st.Changed {
		after, _, _ := a.number(c.After)
		until, _, _ := a.number(c.Until)
		h.changes[c.Room] = append(h.changes[c.Room], change{after, until, c.Joined})
	}
	return h
}

// addressed says whether the packet was meant for the session.
func (h *history) addressed(e *entry) answer {
	for _, r := range e.except {
		switch h.in(r, e.n) {
		case yes:
			return no
		case unsure:
			return unsure
		case no:
		}
	}
	if len(e.rooms) == 0 {
		return yes
	}
	got := no
	for _, r := range e.rooms {
		switch h.in(r, e.n) {
		case yes:
			return yes
		case unsure:
			got = unsure
		case no:
		}
	}
	return got
}

// in says whether the session was in a room when packet n was delivered.
func (h *history) in(room string, n uint64) answer {
	if room == h.sid {
		return yes
	}
	in := h.rooms[room]
	for i, c := range h.changes[room] {
		switch {
		case n <= c.after && i == 0:
			return answerOf(!c.joined)
		case n <= c.after:
			return answerOf(in)
		case n <= c.until:
			return unsure
		}
		in = c.joined
	}
	return answerOf(in)
}

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}
