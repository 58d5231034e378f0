package socketio

import (
	"hash/maphash"
	"sync"
)

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
		for i, m := range r.list.now.chunk(0) { // scanBelow is less than a chunk
			r.index[m] = int32(i)
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

func (l *Local) roomSnapshot(name string) roster {
	sh := l.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if r := sh.rooms[name]; r != nil {
		return r.list.snapshot()
	}
	return nil
}
