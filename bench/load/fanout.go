package load

import (
	"bytes"
	"context"
	"time"
)

const benchRoom = "bench"

var (
	sayHead   = []byte(`2["say","` + benchRoom + `","`)
	msgHead   = []byte(`2["msg","`)
	eventTail = []byte(`"]`)
)

// inFlightRate bounds how many messages of a fan-out by rate are in flight; what
// would exceed it is skipped and counted.
const inFlightRate = 1 << 12

// fanout has members of one room say numbered messages. Message n is said by
// member n modulo the number of publishers.
type fanout struct {
	traffic
	stamp   stamper
	payload []byte

	sent    uint64
	ring    []said // by number modulo its length
	pending int    // messages in flight
	window  int
	next    time.Time // when the next message of a rate is due

	tallies []tally // by member and publisher
}

// said is one message in flight.
type said struct {
	number uint64
	at     time.Time
	left   int // members that have not got it
}

var _ job = (*fanout)(nil)

func (r *run) fanout(ctx context.Context) error {
	if _, err := r.join(ctx, r.work.Clients, benchRoom); err != nil {
		return err
	}
	f := newFanout(r)
	if err := f.drive(ctx, f); err != nil {
		return err
	}
	f.account()
	return nil
}

func newFanout(r *run) *fanout {
	f := &fanout{traffic: traffic{run: r}, stamp: newStamper(r.work.Payload), window: r.work.Window}
	f.work.Publishers = min(f.work.Publishers, len(r.clients))
	if f.work.Rate > 0 {
		f.window = inFlightRate
	}
	size := 1
	for size < f.window {
		size *= 2
	}
	f.ring = make([]said, size)
	publishers := uint64(f.work.Publishers)
	for range r.clients {
		for p := range publishers {
			f.tallies = append(f.tallies, newTally(p, publishers))
		}
	}
	return f
}

func (f *fanout) send(now time.Time) time.Duration {
	if f.work.Rate > 0 {
		return f.sendDue(now)
	}
	for f.pending < f.window && !f.sentAll() && !f.hurt {
		f.say(now)
	}
	return time.Hour
}

func (f *fanout) sendDue(now time.Time) time.Duration {
	if f.next.IsZero() {
		f.next = now
	}
	for !f.next.After(now) && !f.sentAll() && !f.hurt {
		if f.pending < f.window {
			f.say(f.next)
		} else {
			f.res.Skipped++
		}
		f.next = f.next.Add(time.Duration(float64(time.Second) / f.work.Rate))
	}
	return f.next.Sub(now)
}

func (f *fanout) say(at time.Time) {
	publishers := uint64(f.work.Publishers)
	who := f.sent % publishers
	slot := &f.ring[f.sent%uint64(len(f.ring))]
	if slot.left > 0 {
		f.pending-- // overtaken by a whole ring: lost, and counted at the end
	}
	*slot = said{number: f.sent, at: at, left: len(f.clients)}
	f.payload = f.stamp.append(f.payload[:0], f.sent, who)
	f.sent++
	f.pending++
	f.clients[who].emit(sayHead, f.payload, eventTail)
}

func (f *fanout) packet(c *client, p []byte) {
	body, ok := cutEvent(p, msgHead)
	n, who, stamped := f.stamp.read(body)
	publishers := uint64(f.work.Publishers)
	if !ok || !stamped || n >= f.sent || who != n%publishers {
		f.malformed(p)
		return
	}
	if !f.tallies[uint64(c.index)*publishers+who].arrived(n) {
		return
	}
	slot := &f.ring[n%uint64(len(f.ring))]
	if slot.number != n || slot.left == 0 {
		f.arrived(c, time.Time{}) // abandoned before
		return
	}
	f.arrived(c, slot.at)
	if slot.left--; slot.left == 0 {
		f.pending--
	}
}

// cutEvent returns what stands between head and the end of the packet.
func cutEvent(p, head []byte) ([]byte, bool) {
	if !bytes.HasPrefix(p, head) || !bytes.HasSuffix(p, eventTail) || len(p) < len(head)+len(eventTail) {
		return nil, false
	}
	return p[len(head) : len(p)-len(eventTail)], true
}

func (f *fanout) inFlight() int { return f.pending }

func (f *fanout) abandon() {
	f.pending = 0
	for i := range f.ring {
		f.ring[i].left = 0
	}
}

func (f *fanout) sentAll() bool {
	return f.work.Messages > 0 && f.sent >= uint64(f.work.Messages)
}

func (f *fanout) account() {
	f.res.Expected = int64(f.sent) * int64(len(f.clients))
	f.res.Lost = f.res.Expected - f.res.Delivered
	for i := range f.tallies {
		f.res.Reordered += f.tallies[i].reordered
		f.res.Duplicated += f.tallies[i].duplicated
	}
}
