package memory

import (
	"container/heap"
	"context"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// saidOverhead is what a message of a room counts beyond its event and arguments, in
	// bytes: the packet, its offset, and its entry.
	saidOverhead = 512
	// roomOverhead is what a room counts beyond its name and messages.
	roomOverhead = 256
)

// said is one message of a room.
type said struct {
	n      uint64
	packet *socketio.Packet
	at     time.Time
	size   int64
}

// room is what is kept of one room.
type room struct {
	name    string
	limits  socketio.HistoryLimits
	entries []said
	bytes   int64     // of entries
	gone    uint64    // the number of the last message that is not kept any more
	due     time.Time // when the last entry is too old
	index   int       // in histories.due
}

// cost is what the room counts.
func (r *room) cost() int64 { return r.bytes + int64(len(r.name)) + roomOverhead }

// histories holds what was said in the rooms of one namespace. It is guarded by the
// adapter's lock, but for held.
type histories struct {
	keeps  func(namespace, room string) (socketio.HistoryLimits, bool) // nil while history is off
	budget *budget
	held   atomic.Int64 // bytes of all rooms; written under mu
	mu     *sync.Mutex  // the adapter's

	rooms map[string]*room
	due   dueRooms
	gone  uint64 // the number of the last message that went with its room
}

var _ socketio.HistoryAdapter = (*Adapter)(nil)

// EnableHistory turns history on.
func (a *Adapter) EnableHistory(keeps func(namespace, room string) (socketio.HistoryLimits, bool), bytes int64) error {
	h := &a.histories
	h.budget.join(h, bytes)
	a.mu.Lock()
	defer a.mu.Unlock()
	h.keeps, h.rooms = keeps, make(map[string]*room)
	return nil
}

// Between runs f between two deliveries.
func (a *Adapter) Between(_ context.Context, _ string, f func(position string)) error {
	a.Begin(nil, f)
	return nil
}

// noteLocked keeps a packet in the histories of the rooms that it was sent to.
func (h *histories) noteLocked(n uint64, p *socketio.Packet, to []string, held int, now time.Time) {
	before := h.held.Load()
	for _, name := range to {
		r := h.rooms[name]
		if r == nil {
			limits, keep := h.keeps(p.Namespace(), name)
			if !keep {
				continue
			}
			r = &room{name: name, limits: limits, gone: h.gone}
			h.rooms[name] = r
			r.due = now.Add(limits.Age)
			heap.Push(&h.due, r)
			h.held.Add(r.cost())
		}
		if len(r.entries) > 0 && r.entries[len(r.entries)-1].n == n {
			continue // the same room twice
		}
		e := said{n: n, packet: p, at: now, size: int64(held) + saidOverhead}
		r.entries = append(r.entries, e)
		r.bytes += e.size
		h.held.Add(e.size)
		h.trimLocked(r, now)
		r.due = now.Add(r.limits.Age)
		heap.Fix(&h.due, r.index)
	}
	h.budget.held.Add(h.held.Load() - before)
}

// trimLocked drops what is beyond the limits of a room. A message that is larger than the
// room may be is not kept.
func (h *histories) trimLocked(r *room, now time.Time) {
	oldest := now.Add(-r.limits.Age)
	drop, bytes := 0, r.bytes
	for drop < len(r.entries) {
		e := &r.entries[drop]
		if len(r.entries)-drop <= r.limits.Length && bytes <= r.limits.Bytes && !e.at.Before(oldest) {
			break
		}
		bytes -= e.size
		drop++
	}
	h.dropLocked(r, drop)
}

// dropLocked drops so many of the oldest messages of a room.
func (h *histories) dropLocked(r *room, n int) {
	if n == 0 {
		return
	}
	for i := range r.entries[:n] {
		r.bytes -= r.entries[i].size
		h.held.Add(-r.entries[i].size)
	}
	r.gone = r.entries[n-1].n
	clear(r.entries[:n]) // append moves the rest when there is no room behind it
	r.entries = r.entries[n:]
}

// forgetLocked drops a room.
func (h *histories) forgetLocked(r *room) {
	heap.Remove(&h.due, r.index)
	delete(h.rooms, r.name)
	h.held.Add(-r.cost())
	h.gone = max(h.gone, r.gone)
	if len(r.entries) > 0 {
		h.gone = max(h.gone, r.entries[len(r.entries)-1].n)
	}
}

// expireLocked drops the rooms in which everything is too old.
func (h *histories) expireLocked(now time.Time) {
	before := h.held.Load()
	for len(h.due) > 0 && h.due[0].due.Before(now) {
		h.forgetLocked(h.due[0])
	}
	h.budget.held.Add(h.held.Load() - before)
}

func (h *histories) holds() int64 { return h.held.Load() }

// give drops rooms, or the oldest of the only one, until so many bytes are free.
func (h *histories) give(bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.held.Load()
	for len(h.due) > 0 && before-h.held.Load() < bytes {
		if r := h.due[0]; len(h.due) > 1 || len(r.entries) == 0 {
			h.forgetLocked(r)
		} else {
			h.dropLocked(r, 1)
		}
	}
	h.budget.held.Add(h.held.Load() - before)
}

// closeLocked drops everything.
func (h *histories) closeLocked() {
	h.budget.held.Add(-h.held.Swap(0))
	h.keeps, h.rooms, h.due = nil, nil, nil
}

// History reads what is kept of rooms.
func (a *Adapter) History(_ context.Context, r *socketio.HistoryRange) (*socketio.History, error) {
	found, complete := a.found(r)
	return r.Answer(found, complete)
}

func (a *Adapter) found(r *socketio.HistoryRange) (found []socketio.HistoryEntry, complete bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	since, foreign, known := a.number(r.Since)
	if known = known && !foreign && since <= a.assigned.Load(); !known {
		since = 0
	}
	until, _, _ := a.number(r.Until)
	complete = known || r.Newest
	now := time.Now()
	for _, asked := range r.Rooms {
		kept := a.histories.rooms[asked.Name]
		if kept == nil {
			complete = complete && since >= a.histories.gone
			continue
		}
		first := a.histories.firstLocked(kept, since, now)
		complete = complete && since >= first.gone
		found = append(found, kept.page(first.index, until, r)...)
	}
	return found, complete
}

// place is where the messages after a number begin: those up to gone are not kept.
type place struct {
	index int
	gone  uint64
}

func (h *histories) firstLocked(r *room, since uint64, now time.Time) place {
	oldest := now.Add(-r.limits.Age)
	young := sort.Search(len(r.entries), func(i int) bool { return !r.entries[i].at.Before(oldest) })
	p := place{gone: r.gone}
	if young > 0 {
		p.gone = r.entries[young-1].n
	}
	p.index = young + sort.Search(len(r.entries)-young, func(i int) bool { return r.entries[young+i].n > since })
	return p
}

// page returns the messages from an index on and up to a number, no more than are asked
// for.
func (r *room) page(from int, until uint64, q *socketio.HistoryRange) []socketio.HistoryEntry {
	entries := r.entries[from:]
	entries = entries[:sort.Search(len(entries), func(i int) bool { return entries[i].n > until })]
	all := len(entries)
	if all > q.Limit {
		if q.Newest {
			entries = entries[all-q.Limit:]
		} else {
			entries = entries[:q.Limit]
		}
	}
	out := make([]socketio.HistoryEntry, len(entries))
	for i, e := range entries {
		out[i] = socketio.HistoryEntry{
			At: [2]uint64{e.n}, Room: r.name, Size: int(e.size - saidOverhead), Time: e.at, Packet: e.packet,
		}
	}
	if len(out) < all {
		last := len(out) - 1
		if q.Newest {
			last = 0
		}
		out[last].Cut = true
	}
	return out
}

// dueRooms is a heap of rooms: the one that is too old first is at the top.
type dueRooms []*room

var _ heap.Interface = (*dueRooms)(nil)

// Len is the number of rooms.
func (d dueRooms) Len() int { return len(d) }

// Less says which goes first.
func (d dueRooms) Less(i, j int) bool { return d[i].due.Before(d[j].due) }

// Swap changes two places.
func (d dueRooms) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

// Push adds a room.
func (d *dueRooms) Push(x any) {
	r, _ := x.(*room) // nothing else is pushed
	r.index = len(*d)
	*d = append(*d, r)
}

// Pop takes the last one off.
func (d *dueRooms) Pop() any {
	last := len(*d) - 1
	r := (*d)[last]
	(*d)[last] = nil
	*d = slices.Delete(*d, last, last+1)
	return r
}
