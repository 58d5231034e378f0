package engineio

import (
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// SendFlag changes how a message is queued.
type SendFlag uint8

const (
	// Volatile drops the message when the outbox is not empty or no poll waits.
	// Under SlowReaderDropOldest it is queued instead, and is what goes first.
	Volatile SendFlag = 1 << iota
	// NoCompress sends the message as it is where others are compressed.
	NoCompress
)

// controlPacket marks pings and pongs in the outbox.
const controlPacket SendFlag = 1 << 7

// maxWrite bounds, in bytes, what one write or one poll answer gathers before it
// goes out. A single longer message still goes out whole.
const maxWrite = 64 << 10

// maxReplayAnswer bounds what a poll answer takes of a replay.
const maxReplayAnswer = 256 << 10

// maxPollAnswer bounds one poll answer likewise; a round trip costs more than a
// write, so it is longer.
const maxPollAnswer = 1 << 20

// entry is one place in an outbox: a message, or a replay that is pulled as the
// reader takes it.
type entry struct {
	m     *Message
	next  func() *Message
	flags SendFlag
}

// traffic counts messages and their bytes, without framing, for one session.
type traffic struct {
	messages, bytes uint64
}

func (t *traffic) add(messages, bytes int) {
	t.messages += uint64(messages) //nolint:gosec // a count is not negative
	t.bytes += uint64(bytes)       //nolint:gosec // a count is not negative
}

// replayed is what was taken of a replay at once.
type replayed struct {
	messages, bytes int
	more            bool // there is more to come
}

func (p *replayed) add(m *Message) {
	p.messages++
	p.bytes += m.Len()
}

// outbox is a session's queue, counted in bytes. It is guarded by Session.mu.
type outbox struct {
	queue  []entry // in first, in long, or in memory of its own where it is longer
	bytes  int     // of what is queued and of what is being written
	taken  uint64  // bytes ever taken by the reader; tells progress from standstill
	sent   traffic
	first  [2]entry
	long   *longQueue
	pulled bool // the replay at the head is being pulled from, outside the lock

	total counting // what of it is in the server's total
}

// longQueue is what a queue borrows that does not find room in its outbox.
type longQueue [64]entry

var longQueues = sync.Pool{New: func() any { return new(longQueue) }}

func (o *outbox) empty() bool { return len(o.queue) == 0 }

func (o *outbox) push(e entry) {
	if n := len(o.queue); n == cap(o.queue) && o.long == nil && n < len(longQueue{}) {
		o.lengthen()
	}
	o.queue = append(o.queue, e)
	if e.m != nil {
		o.bytes += e.m.size
	}
}

// lengthen gives the queue more room: the outbox's own first.
func (o *outbox) lengthen() {
	if len(o.queue) < len(o.first) {
		n := copy(o.first[:], o.queue)
		o.queue = o.first[:n]
		return
	}
	o.long, _ = longQueues.Get().(*longQueue)
	n := copy(o.long[:], o.queue)
	o.queue = o.long[:n]
}

// rewind empties the queue, and gives back what it has borrowed, so that an idle session
// holds next to nothing.
func (o *outbox) rewind() {
	if o.long != nil {
		*o.long = longQueue{}
		longQueues.Put(o.long)
		o.long = nil
	}
	o.first = [len(o.first)]entry{}
	o.queue = o.first[:0]
}

// pushControl queues a ping or a pong in front of everything but the open packet, or the
// head of an event stream: the client's clock runs while it takes what is queued, and the
// place of these packets among messages means nothing. One that is queued already stands
// for this one too, so that a client which sends pings and takes nothing cannot fill the
// queue.
func (o *outbox) pushControl(m *Message) {
	first := 0
	if len(o.queue) > 0 && o.queue[0].flags&controlPacket == 0 && o.queue[0].m != nil && o.queue[0].m.kind == wire.Open {
		first = 1
	}
	for i := first; i < len(o.queue) && o.queue[i].flags&controlPacket != 0; i++ {
		if o.queue[i].m == m {
			return
		}
	}
	o.queue = slices.Insert(o.queue, first, entry{m: m, flags: controlPacket})
	o.bytes += m.size
}

// putBack returns a replay that has more to come to the head of the queue, behind
// control packets that were queued meanwhile.
func (o *outbox) putBack(replay entry) {
	i := 0
	for i < len(o.queue) && o.queue[i].flags&controlPacket != 0 {
		i++
	}
	o.queue = slices.Insert(o.queue, i, replay)
}

// take moves entries of up to limit bytes to dst, at least one. A replay is
// never taken with others: the caller pulls it. Nor is a close packet: the
// official client acts on it before it has handed out the messages that come in
// the same payload, and so would lose them.
func (o *outbox) take(dst []entry, limit int) []entry {
	n, size := 0, 0
	for n < len(o.queue) && o.queue[n].m != nil {
		m := o.queue[n].m
		if n > 0 && (size+m.size > limit || m == closePacket) {
			break
		}
		size += m.size
		n++
	}
	if n == 0 && len(o.queue) > 0 {
		n = 1
	}
	dst = append(dst, o.queue[:n]...)
	o.drop(n)
	return dst
}

// drop removes the first n entries.
func (o *outbox) drop(n int) {
	if n == len(o.queue) {
		o.rewind()
		return
	}
	clear(o.queue[:n])
	o.queue = o.queue[n:]
}

// settle takes the bytes of written entries off the account.
func (o *outbox) settle(done []entry) {
	for _, e := range done {
		if e.m != nil {
			o.bytes -= e.m.size
			o.taken += uint64(e.m.size) //nolint:gosec // a size is not negative
			if e.m.kind == wire.Message {
				o.sent.add(1, e.m.Len())
			}
		}
	}
}

// dropVolatile drops queued volatile messages, oldest first, until the outbox
// is at most limit bytes, and returns how many went.
func (o *outbox) dropVolatile(limit int) int {
	kept, dropped := o.queue[:0], 0
	for _, e := range o.queue {
		if o.bytes > limit && e.m != nil && e.flags&Volatile != 0 {
			o.bytes -= e.m.size
			dropped++
			continue
		}
		kept = append(kept, e)
	}
	clear(o.queue[len(kept):])
	o.queue = kept
	return dropped
}

// reset empties the outbox.
func (o *outbox) reset() {
	o.rewind()
	o.bytes = 0
}
