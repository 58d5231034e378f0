package socketio

import (
	"iter"
	"slices"
)

// What a change of a member list copies at most after a snapshot: two chunks (2 KiB
// each), two groups of chunks (2 KiB each) and the list of groups, which are 32 bytes
// for each 16,384 members.
const (
	chunkLen = 256 // sockets in a chunk
	groupLen = 64  // chunks in a group
)

// chunk and group are pieces of a member list. Each knows the epoch of the list in which
// it was made or copied: if that is not the present one, snapshots share it.
type (
	chunk struct {
		socks []*Socket
		epoch uint64
	}
	group struct {
		chunks []chunk
		epoch  uint64
	}
)

// roster is a list of sockets in pieces. All chunks but the last hold chunkLen sockets
// and all groups but the last groupLen chunks, except in the roster of a set, which is
// one chunk of any length.
type roster []group

// rosterOf is the roster of sockets that are in a slice.
func rosterOf(socks []*Socket) roster {
	if len(socks) == 0 {
		return nil
	}
	return roster{{chunks: []chunk{{socks: socks}}}}
}

// chunks is how many chunks there are.
func (r roster) chunks() int {
	if len(r) == 0 {
		return 0
	}
	return (len(r)-1)*groupLen + len(r[len(r)-1].chunks)
}

func (r roster) chunk(i int) []*Socket { return r[i/groupLen].chunks[i%groupLen].socks }

// each yields the chunks in order.
func (r roster) each() iter.Seq[[]*Socket] {
	return func(yield func([]*Socket) bool) {
		for i := range r {
			for j := range r[i].chunks {
				if !yield(r[i].chunks[j].socks) {
					return
				}
			}
		}
	}
}

// members is a list of sockets whose snapshots cost nothing: a snapshot shares the
// memory, and whoever changes the list afterwards copies the pieces that it changes,
// however long the list is. It is guarded by the lock of its owner; a snapshot may be
// read without it.
type members struct {
	now       roster
	n         int
	epoch     uint64 // counts snapshots
	listEpoch uint64 // the epoch in which now itself was made or copied
}

// snapshot returns the members of this moment.
func (l *members) snapshot() roster {
	if l.n == 0 {
		return nil
	}
	l.epoch++
	return l.now
}

// add appends s and returns its position.
func (l *members) add(s *Socket) int {
	ci := l.n / chunkLen
	gi := ci / groupLen
	if gi == len(l.now) {
		l.ownList()
		l.now = append(l.now, group{epoch: l.epoch})
	}
	g := l.ownGroup(gi)
	if ci%groupLen == len(g.chunks) {
		g.chunks = append(g.chunks, chunk{epoch: l.epoch})
	}
	// Appending in place is fine even when the chunk is shared: a snapshot does not see
	// beyond its own length, and what is removed is never resliced away.
	c := &g.chunks[ci%groupLen]
	c.socks = append(c.socks, s)
	l.n++
	return l.n - 1
}

// removeAt removes the member at position i by moving the last one there. It
// returns the moved member, or nil.
func (l *members) removeAt(i int) *Socket {
	last := l.n - 1
	tail := l.ownChunk(last / chunkLen)
	end := len(tail.socks) - 1
	moved := tail.socks[end]
	tail.socks[end] = nil
	tail.socks = tail.socks[:end]
	if end == 0 {
		l.dropChunk()
	}
	l.n--
	if i == last {
		return nil
	}
	l.ownChunk(i / chunkLen).socks[i%chunkLen] = moved
	return moved
}

// dropChunk takes the last chunk away, which is empty, and its group if that is empty
// then. Both belong to this epoch.
func (l *members) dropChunk() {
	gi := len(l.now) - 1
	g := &l.now[gi]
	end := len(g.chunks) - 1
	g.chunks[end] = chunk{}
	g.chunks = g.chunks[:end]
	if end == 0 {
		*g = group{}
		l.now = l.now[:gi]
	}
}

func (l *members) ownList() {
	if l.listEpoch != l.epoch {
		l.now = slices.Clone(l.now)
		l.listEpoch = l.epoch
	}
}

// ownGroup returns the group as one that no snapshot shares.
func (l *members) ownGroup(gi int) *group {
	l.ownList()
	g := &l.now[gi]
	if g.epoch != l.epoch {
		*g = group{chunks: slices.Clone(g.chunks), epoch: l.epoch}
	}
	return g
}

// ownChunk returns the chunk as one that no snapshot shares.
func (l *members) ownChunk(ci int) *chunk {
	c := &l.ownGroup(ci / groupLen).chunks[ci%groupLen]
	if c.epoch != l.epoch {
		*c = chunk{socks: slices.Clone(c.socks), epoch: l.epoch}
	}
	return c
}

// find returns the position of s by looking at each member, or -1.
func (l *members) find(s *Socket) int {
	ci := 0
	for c := range l.now.each() {
		if i := slices.Index(c, s); i >= 0 {
			return ci*chunkLen + i
		}
		ci++
	}
	return -1
}
