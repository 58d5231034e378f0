package redisstreams

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// keptOverhead is what a kept entry counts beyond its event, its arguments and the
// names of its rooms, in bytes.
const keptOverhead = 512

// kept is an entry that was delivered here.
type kept struct {
	position

	nsp           string
	packet        *socketio.Packet // with the offset of the position
	rooms, except []string
	size          int64
}

func newKept(p position, nsp string, packet *socketio.Packet, t *socketio.Target, held int) *kept {
	k := &kept{position: p, nsp: nsp, packet: packet, rooms: t.Rooms, except: t.Except, size: int64(held) + keptOverhead}
	for _, rooms := range [2][]string{t.Rooms, t.Except} {
		for _, r := range rooms {
			k.size += int64(len(r)) + 16
		}
	}
	return k
}

// recent holds the end of the log in memory, so that many clients that return at once
// do not read it from Redis each. Only the reader adds to it.
type recent struct {
	limit int64 // bytes

	mu      sync.Mutex
	entries []*kept // of namespaces with recovery; those before head are gone
	head    int
	bytes   int64
	from    position // nothing after this is missing in entries; zero if there is nothing
}

// begin makes it hold what comes after a position.
func (r *recent) begin(p position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.zero() {
		r.from = p
	}
}

// forget drops everything.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries, r.head, r.bytes, r.from = nil, 0, 0, position{}
}

// add adds an entry, before which was position prev, and drops what is too old or too
// much.
func (r *recent) add(prev position, k *kept, oldest time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.zero() {
		r.from = prev
	}
	r.entries = append(r.entries, k)
	r.bytes += k.size
	ms := uint64(max(0, oldest.UnixMilli()))
	for r.head < len(r.entries)-1 && (r.bytes > r.limit || r.entries[r.head].id.ms < ms) {
		r.bytes -= r.entries[r.head].size
		r.from = r.entries[r.head].position
		r.head++
	}
	// Replays still read the old slice, which is therefore not changed.
	if r.head > 64 && r.head > len(r.entries)/4 {
		r.entries = append([]*kept(nil), r.entries[r.head:]...)
		r.head = 0
	}
}

// since returns the entries after a position and up to another; ok says that none is
// missing. The slice must not be changed.
func (r *recent) since(p, upTo entryID) (missed []*kept, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.from.zero() || p.before(r.from.id) {
		return nil, false
	}
	live := r.entries[r.head:]
	lo := search(live, p)
	hi := max(lo, search(live, upTo))
	return live[lo:hi:hi], true
}

// start returns from where on entries are held.
func (r *recent) start() (position, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from, !r.from.zero()
}

// search returns how many entries are not after an id.
func search(all []*kept, id entryID) int {
	lo, hi := 0, len(all)
	for lo < hi {
		if mid := (lo + hi) / 2; id.before(all[mid].id) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
