package load

import (
	"context"
	"time"
)

// inFlightRate bounds how many messages of a fan-out by rate are in flight; what
// would exceed it is skipped and counted.
const inFlightRate = 1 << 12

// fanout has members of rooms say numbered messages. With A rooms that have readers
// and P publishers in each, message n is said in the n modulo A-th of them, by its
// publisher (n / A) modulo P. With a window, no room has more messages in flight than its
// share of it, or one: what comes after waits, so that its readers get none together.
type fanout struct {
	traffic
	seats   seating
	stamp   stamper
	payload []byte

	rooms   []roomOf  // those with readers
	place   []int32   // by room: where it is in rooms, -1 for a room without readers
	holders []*client // by seat; nil for one who does not read
	names   []string  // of rooms

	sent     uint64
	expected int64
	ring     []said // by number modulo its length
	late     map[uint64]said
	pending  int // messages in flight
	window   int
	next     time.Time // when the next message of a rate is due

	tallies []tally // by seat and publisher
}

// roomOf is a room that has readers.
type roomOf struct {
	number  int
	readers int
}

// said is one message in flight.
type said struct {
	number uint64
	at     time.Time
	left   int // members that have not got it
}

var _ job = (*fanout)(nil)

func (r *run) fanout(ctx context.Context) error {
	if _, err := r.join(ctx, r.work.Clients); err != nil {
		return err
	}
	f := newFanout(r)
	var before int64
	if len(r.stalled) > 0 {
		var err error
		if before, err = r.rss(); err != nil {
			return err
		}
	}
	err := f.drive(ctx, f)
	f.account()
	if len(r.stalled) == 0 {
		return err
	}
	r.res.RSSBefore, r.res.RSSClients = before, len(r.stalled)
	if bad := r.resume(); bad != nil {
		return bad
	}
	return err
}

func newFanout(r *run) *fanout {
	f := &fanout{traffic: traffic{run: r}, seats: r.work.seating(), stamp: newStamper(r.work), window: r.work.Window}
	if f.work.Rate > 0 {
		f.window = inFlightRate
	}
	size := 1024
	for size < 4*f.window {
		size *= 2
	}
	f.ring, f.late = make([]said, size), make(map[uint64]said)
	f.seat()
	return f
}

// seat puts the clients on their seats, and prepares a tally for each seat and
// publisher.
func (f *fanout) seat() {
	f.holders = make([]*client, f.seats.seats())
	for _, c := range f.clients {
		for seat := c.number; seat < len(f.holders); seat += f.work.Clients {
			f.holders[seat] = c
		}
	}
	f.place = make([]int32, f.work.Rooms)
	for room := range f.place {
		readers := 0
		f.seats.of(room, func(seat int) bool {
			if f.holders[seat] != nil {
				readers++
			}
			return true
		})
		if f.place[room] = -1; readers > 0 {
			f.place[room] = int32(len(f.rooms))
			f.rooms = append(f.rooms, roomOf{room, readers})
			f.names = append(f.names, f.work.roomName(room))
		}
	}
	publishers := f.work.Publishers
	f.tallies = make([]tally, len(f.holders)*publishers)
	for i := range f.tallies {
		if place := f.place[f.seats.room(i/publishers)]; place >= 0 {
			first := int(place) + len(f.rooms)*(i%publishers)
			f.tallies[i] = newTally(uint64(first), uint64(len(f.rooms)*publishers))
		}
	}
}

// speaker returns publisher who of a room; of few members, some are several.
func (f *fanout) speaker(room roomOf, who int) *client {
	nth := who % room.readers
	var found *client
	f.seats.of(room.number, func(seat int) bool {
		if f.holders[seat] != nil {
			found = f.holders[seat]
			nth--
		}
		return nth >= 0
	})
	return found
}

func (f *fanout) send(now time.Time) time.Duration {
	if f.work.Rate > 0 {
		return f.sendDue(now)
	}
	for f.pending < f.window && !f.sentAll() && !f.hurt && !f.crowded() {
		f.say(now)
	}
	return time.Hour
}

// crowded reports whether the room of the next message has its share of the window in flight.
func (f *fanout) crowded() bool {
	rooms := len(f.rooms)
	before := uint64(rooms * ((f.window + rooms - 1) / rooms))
	if f.sent < before {
		return false
	}
	last := f.ring[(f.sent-before)%uint64(len(f.ring))]
	return last.number == f.sent-before && last.left > 0
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
	place, who := f.origin(f.sent)
	room := f.rooms[place]
	slot := &f.ring[f.sent%uint64(len(f.ring))]
	if slot.left > 0 {
		f.pending-- // overtaken by a whole ring: others go on without it
		f.late[slot.number] = *slot
	}
	*slot = said{number: f.sent, at: at, left: room.readers}
	f.payload = f.stamp.append(f.payload[:0], f.sent, who)
	f.sent++
	f.pending++
	f.expected += int64(room.readers)
	f.speaker(room, int(who)).emit(noID, "say", f.names[place], f.payload)
}

// origin returns where in rooms message n is said, and by which publisher.
func (f *fanout) origin(n uint64) (place int, who uint64) {
	rooms := uint64(len(f.rooms))
	return int(n % rooms), n / rooms % uint64(f.work.Publishers)
}

func (f *fanout) packet(c *client, m packet) {
	n, who, ok := f.stamp.read(m.arg)
	if !ok || m.kind != sioEvent || m.binary != f.work.Binary || n >= f.sent {
		f.malformed(m)
		return
	}
	place, from := f.origin(n)
	seat, member := f.seats.find(c.number, f.rooms[place].number)
	if !member || who != from {
		f.malformed(m)
		return
	}
	if !f.tallies[seat*f.work.Publishers+int(who)].arrived(n) {
		return
	}
	slot := &f.ring[n%uint64(len(f.ring))]
	if slot.number != n || slot.left == 0 {
		f.arrived(c, f.late[n].at) // that of an abandoned one is not known
		return
	}
	f.arrived(c, slot.at)
	if slot.left--; slot.left == 0 {
		f.pending--
	}
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

func (f *fanout) said() uint64 { return f.sent }

func (f *fanout) account() {
	f.res.Expected = f.expected
	f.res.Lost = f.res.Expected - f.res.Delivered
	for i := range f.tallies {
		f.res.Reordered += f.tallies[i].reordered
		f.res.Duplicated += f.tallies[i].duplicated
	}
}
