package memory

import (
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// entryOverhead is what a kept packet counts beyond its event, its arguments and
// the names of its rooms, in bytes: the packet, its offset, and its entry in a
// slice that is up to three times as long as what it holds.
const entryOverhead = 512

// entry is one kept packet.
type entry struct {
	n             uint64
	packet        *socketio.Packet
	rooms, except []string
	at            time.Time
	size          int64
}

// packetLog holds the packets of one namespace in order, without holes. It is
// guarded by Adapter.mu.
type packetLog struct {
	entries []entry
	head    int // entries before it are gone
	bytes   int64
	gone    uint64 // the number of the last packet that is gone
}

func (l *packetLog) len() int { return len(l.entries) - l.head }

// since returns the packets after number n; ok says that they are all there.
func (l *packetLog) since(n uint64) (missed []entry, ok bool) {
	if n < l.gone {
		return nil, false
	}
	live := l.entries[l.head:]
	if len(live) == 0 {
		return nil, true
	}
	first := live[0].n
	if n+1 <= first {
		return live, n+1 == first
	}
	skip := n + 1 - first
	if skip >= uint64(len(live)) {
		return nil, true
	}
	return live[skip:], true
}

// append adds a packet whose event and arguments hold so many bytes.
func (l *packetLog) append(e entry, held int) {
	e.size = int64(held) + entryOverhead
	for _, names := range [2][]string{e.rooms, e.except} {
		for _, r := range names {
			e.size += int64(len(r)) + 16
		}
	}
	l.bytes += e.size
	l.entries = append(l.entries, e)
}

// shrink drops the oldest until at most limit bytes are left.
func (l *packetLog) shrink(limit int64) {
	for l.bytes > limit && l.len() > 0 {
		l.drop()
	}
}

func (l *packetLog) expire(before time.Time) {
	for l.len() > 0 && l.entries[l.head].at.Before(before) {
		l.drop()
	}
}

func (l *packetLog) drop() {
	e := &l.entries[l.head]
	l.bytes -= e.size
	l.gone = e.n
	*e = entry{}
	l.head++
	switch {
	case l.head == len(l.entries):
		l.entries, l.head = nil, 0
	case l.head > 64 && l.head > len(l.entries)/2:
		l.entries = append([]entry(nil), l.entries[l.head:]...)
		l.head = 0
	}
}
