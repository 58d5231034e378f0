package redisstreams

import (
	"context"
	"fmt"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// replay gives a returning client what it missed, one packet a call: from the memory
// of this node if that reaches back far enough, otherwise from Redis, a page at a time.
type replay struct {
	a          *Adapter
	from, upTo position // from moves on
	who        *history

	pace pace
	page []*kept // what was read and not looked at
	last string  // the offset of the last packet given out
	done bool
}

// next returns the next packet, or nil at the end.
func (r *replay) next() (*socketio.Packet, error) {
	for {
		for len(r.page) > 0 {
			k := r.page[0]
			r.page = r.page[1:]
			if k.nsp == r.a.name && r.who.addressed(k) {
				r.last = k.packet.Offset()
				return k.packet, nil
			}
		}
		if !r.from.id.before(r.upTo.id) {
			r.settle()
			return nil, nil //nolint:nilnil // that was all
		}
		if err := r.read(); err != nil {
			r.a.hub.log.Warn("a client that came back cannot be given all it missed, and is disconnected to start anew", "error", err)
			r.a.drop(r.who.pid)
			return nil, err
		}
	}
}

// settle notes what the client was given last, so that it need not be looked for when
// the client is cut off again.
func (r *replay) settle() {
	if r.done {
		return
	}
	r.done = true
	r.a.mu.Lock()
	defer r.a.mu.Unlock()
	r.a.Replayed(r.who.pid, r.upTo.offset(), r.last)
}

// read reads what comes after from.
func (r *replay) read() error {
	h := r.a.hub
	start, held := r.a.inMemory()
	if held && !r.from.id.before(start) {
		if page, ok := h.recent.since(r.from.id, r.upTo.id); ok {
			r.page, r.from = page, r.upTo
			return nil
		}
	}
	upTo := r.upTo.id
	if held && start.before(upTo) && r.from.id.before(start) {
		upTo = start // the rest is in memory
	}
	ctx, cancel := context.WithTimeout(context.Background(), pageTimeout)
	defer cancel()
	count := r.pace.count(pageCount)
	got, err := h.redis.XRangeN(ctx, h.stream(), "("+r.from.id.String(), upTo.String(), count).Result()
	if err != nil {
		return fmt.Errorf("redisstreams: reading the log: %w", err)
	}
	r.pace.took(got, pageBytes)
	for _, m := range got {
		e, ok := readEntry(m)
		if !ok {
			return errHole
		}
		next := position{id: e.id, n: r.from.n, epoch: r.from.epoch}
		if e.ours() {
			if e.epoch != r.from.epoch || e.n != r.from.n+1 {
				return errHole
			}
			next.n = e.n
		}
		r.from = next
		if k := r.keep(&e, next); k != nil && r.who.addressed(k) {
			r.page = append(r.page, k)
		}
	}
	if int64(len(got)) < count && r.from.id.before(upTo) {
		if upTo == r.upTo.id && r.from.n != r.upTo.n {
			return errHole // the end of what was to be there is missing
		}
		r.from.id = upTo
	}
	return nil
}

// keep decodes an entry that may be for the client.
func (r *replay) keep(e *entry, at position) *kept {
	if e.kind != typeBroadcast || e.nsp != r.a.name {
		return nil
	}
	p, t, err := decodeBroadcast(e.nsp, e.data)
	if err != nil || t.Flags.Volatile {
		return nil // nobody got it
	}
	p.SetOffset(at.offset())
	return &kept{position: at, nsp: e.nsp, packet: p, rooms: t.Rooms, except: t.Except}
}

// history says in which rooms a session was when.
type history struct {
	sid, pid string
	rooms    map[string]bool
	changes  map[string][]change
}

type change struct {
	after  entryID // it was done after this entry, and before the next
	joined bool
}

func historyOf(st *socketio.Session) *history {
	h := &history{sid: st.SID, pid: st.PID, rooms: make(map[string]bool, len(st.Rooms)), changes: make(map[string][]change)}
	for _, r := range st.Rooms {
		h.rooms[r] = true
	}
	for _, c := range st.Changed {
		// A join or leave while an entry was being delivered counts as before it: no client
		// can tell, as the one who returns has not seen that entry yet.
		if after, ok := parseOffset(c.After); ok {
			h.changes[c.Room] = append(h.changes[c.Room], change{after.id, c.Joined})
		}
	}
	return h
}

// addressed reports whether an entry was for the session.
func (h *history) addressed(k *kept) bool {
	for _, r := range k.except {
		if h.in(r, k.id) {
			return false
		}
	}
	if len(k.rooms) == 0 {
		return true
	}
	for _, r := range k.rooms {
		if h.in(r, k.id) {
			return true
		}
	}
	return false
}

// in reports whether the session was in a room when an entry was delivered.
func (h *history) in(room string, id entryID) bool {
	if room == h.sid {
		return true
	}
	in := h.rooms[room]
	changes := h.changes[room]
	if len(changes) > 0 {
		in = !changes[0].joined
	}
	for _, c := range changes {
		if !c.after.before(id) {
			break
		}
		in = c.joined
	}
	return in
}
