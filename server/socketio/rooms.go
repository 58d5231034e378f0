package socketio

import (
	"hash/maphash"
	"slices"
	"sync"
)

// chunkLen is how many sockets one piece of a member list holds: what is copied
// at most when a list changes after a snapshot (2 KiB).
const chunkLen = 256

// members is a list of sockets whose snapshots cost nothing: a snapshot shares
// the memory, and whoever changes the list afterwards copies the one or two
// chunks it changes. It is guarded by the lock of its owner; a snapshot may be
// read without it.
type members struct {
	chunks    [][]*Socket // all but the last are full
	owned     []uint64    // the epoch in which chunk i was made or copied
	epoch     uint64      // counts snapshots
	listEpoch uint64      // the epoch in which chunks itself was made or copied
	n         int
}

// snapshot returns the members of this moment.
func (l *members) snapshot() [][]*Socket {
	if l.n == 0 {
		return nil
	}
	l.epoch++
	return l.chunks
}

// add appends s and returns its position.
func (l *members) add(s *Socket) int {
	l.ownList()
	last := len(l.chunks) - 1
	if last < 0 || len(l.chunks[last]) == chunkLen {
		l.chunks = append(l.chunks, nil)
		l.owned = append(l.owned, l.epoch)
		last++
	}
	// Appending in place is fine even when the chunk is shared: a snapshot does
	// not see beyond its own length, and what is removed is never resliced away.
	l.chunks[last] = append(l.chunks[last], s)
	l.n++
	return l.n - 1
}

// removeAt removes the member at position i by moving the last one there. It
// returns the moved member, or nil.
func (l *members) removeAt(i int) *Socket {
	l.ownList()
	last := l.n - 1
	li := last / chunkLen
	l.ownChunk(li)
	tail := l.chunks[li]
	moved := tail[len(tail)-1]
	tail[len(tail)-1] = nil
	l.chunks[li] = tail[:len(tail)-1]
	if len(l.chunks[li]) == 0 {
		l.chunks[li] = nil
		l.chunks, l.owned = l.chunks[:li], l.owned[:li]
	}
	l.n--
	if i == last {
		return nil
	}
	ci := i / chunkLen
	l.ownChunk(ci)
	l.chunks[ci][i%chunkLen] = moved
	return moved
}

func (l *members) ownList() {
	if l.listEpoch != l.epoch {
		l.chunks = slices.Clone(l.chunks)
		l.listEpoch = l.epoch
	}
}

func (l *members) ownChunk(i int) {
	if l.owned[i] != l.epoch {
		l.chunks[i] = slices.Clone(l.chunks[i])
		l.owned[i] = l.epoch
	}
}

// find returns the position of s by looking at each member, or -1.
func (l *members) find(s *Socket) int {
	for ci, c := range l.chunks {
		if i := slices.Index(c, s); i >= 0 {
			return ci*chunkLen + i
		}
	}
	return -1
}

// scanBelow is the size up to which a room looks for a member by scanning
// instead of keeping an index.
const scanBelow = 16

// room is one room with at least one member. Guarded by its shard's lock, but
// for name.
type room struct {
	name  string
	list  members
	index map[*Socket]int32 // nil while the room is small
}

func (r *room) position(s *Socket) int {
	if r.index == nil {
		return r.list.find(s)
	}
	if i, ok := r.index[s]; ok {
		return int(i)
	}
	return -1
}

func (r *room) add(s *Socket) {
	i := r.list.add(s)
	switch {
	case r.index != nil:
		r.index[s] = int32(i) //nolint:gosec // a room has fewer than 2^31 members
	case r.list.n > scanBelow:
		r.index = make(map[*Socket]int32, 2*scanBelow)
		for ci, c := range r.list.chunks {
			for j, m := range c {
				r.index[m] = int32(ci*chunkLen + j)
			}
		}
	}
}

func (r *room) remove(s *Socket) bool {
	i := r.position(s)
	if i < 0 {
		return false
	}
	moved := r.list.removeAt(i)
	if r.index != nil {
		delete(r.index, s)
		if moved != nil {
			r.index[moved] = int32(i) //nolint:gosec // see above
		}
		if r.list.n == 0 {
			r.index = nil
		}
	}
	return true
}

const shardCount = 16

// shard is a part of a namespace's rooms, chosen by the room's name.
type shard struct {
	mu    sync.Mutex
	rooms map[string]*room
}

var shardSeed = maphash.MakeSeed()

func (l *Local) shard(name string) *shard {
	return &l.shards[maphash.String(shardSeed, name)%shardCount]
}

// enter adds s to the room, making it if need be. It returns nil if s is in it.
func (l *Local) enter(name string, s *Socket) (r *room, created bool) {
	sh := l.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r = sh.rooms[name]
	if r != nil && r.position(s) >= 0 {
		return nil, false
	}
	if r == nil {
		if sh.rooms == nil {
			sh.rooms = make(map[string]*room)
		}
		r, created = &room{name: name}, true
		sh.rooms[name] = r
	}
	r.add(s)
	return r, created
}

// exit removes s from the room, and the room with its last member.
func (l *Local) exit(r *room, s *Socket) (deleted bool) {
	sh := l.shard(r.name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	r.remove(s)
	if r.list.n > 0 {
		return false
	}
	delete(sh.rooms, r.name)
	return true
}

func (l *Local) roomSnapshot(name string) [][]*Socket {
	sh := l.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.rooms[name]; r != nil {
		return r.list.snapshot()
	}
	return nil
}
