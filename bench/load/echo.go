package load

import (
	"context"
	"time"
)

// echo has each client emit numbered events, whose number is their ack id. The
// server handles the events of one socket in order, so the acks come in order.
type echo struct {
	traffic
	stamp   stamper
	payload []byte

	emitters []emitter // by client
	pending  int       // events in flight, of all clients
	window   int       // messages in flight of each client, at most
	credited bool      // whether every client was given its window
	turn     int       // the client that is next by the clock
	next     time.Time // when that is
}

// echoBehind is how long a client of an echo by rate may wait for its oldest
// acknowledgement; what would be sent after that is skipped and counted.
const echoBehind = 10 * time.Second

// echoWindow bounds what one client of w has in flight.
func (w Work) echoWindow() int {
	if w.Rate == 0 {
		return w.Window
	}
	return int(min(max(w.Rate*echoBehind.Seconds(), 16), inFlightRate))
}

// emitter is the sending side of one client.
type emitter struct {
	sent     uint64
	inFlight int
	at       []time.Time // by number modulo the window
	abandon  uint64      // events under this number are no longer in flight
	tally    tally
}

var _ job = (*echo)(nil)

func (r *run) echo(ctx context.Context) error {
	if _, err := r.join(ctx, r.work.Clients); err != nil {
		return err
	}
	e := &echo{traffic: traffic{run: r}, stamp: newStamper(r.work), window: r.work.echoWindow()}
	for range r.clients {
		e.emitters = append(e.emitters, emitter{at: make([]time.Time, e.window), tally: newTally(0, 1)})
	}
	err := e.drive(ctx, e)
	e.account()
	return err
}

// send opens every client's window once; afterwards each ack sends the next. With
// a rate the clock does.
func (e *echo) send(now time.Time) time.Duration {
	if e.work.Rate > 0 {
		return e.sendDue(now)
	}
	if e.credited {
		return time.Hour
	}
	e.credited = true
	for _, c := range e.clients {
		m := &e.emitters[c.index]
		for m.inFlight < e.window && e.more(m) {
			e.emitNext(c, m, now)
		}
	}
	return time.Hour
}

// sendDue has the clients take turns, evenly spread over the time between two
// messages of one.
func (e *echo) sendDue(now time.Time) time.Duration {
	if e.next.IsZero() {
		e.next = now
	}
	for step := time.Duration(float64(time.Second) / e.work.Rate / float64(len(e.clients))); !e.next.After(now); e.next = e.next.Add(step) {
		c := e.clients[e.turn]
		e.turn = (e.turn + 1) % len(e.clients)
		m := &e.emitters[c.index]
		switch {
		case !e.more(m):
		case m.inFlight < e.window:
			e.emitNext(c, m, e.next)
		default:
			e.res.Skipped++
		}
	}
	return e.next.Sub(now)
}

func (e *echo) more(m *emitter) bool {
	if e.phase >= draining || e.hurt {
		return false
	}
	return e.work.Messages == 0 || m.sent < uint64(e.work.Messages)
}

func (e *echo) emitNext(c *client, m *emitter, at time.Time) {
	e.payload = e.stamp.append(e.payload[:0], m.sent, uint64(c.index))
	id := int64(m.sent)
	m.at[m.sent%uint64(len(m.at))] = at
	m.sent++
	m.inFlight++
	e.pending++
	c.emit(id, "echo", "", e.payload)
}

func (e *echo) packet(c *client, p packet) {
	m := &e.emitters[c.index]
	n, from, ok := e.stamp.read(p.arg)
	if !ok || p.kind != sioAck || p.binary != e.work.Binary || n != p.id || from != uint64(c.index) || n >= m.sent {
		e.malformed(p)
		return
	}
	if !m.tally.arrived(n) {
		return
	}
	if n < m.abandon {
		e.arrived(c, time.Time{})
		return
	}
	e.arrived(c, m.at[n%uint64(len(m.at))])
	m.inFlight--
	e.pending--
	if e.work.Rate == 0 && e.more(m) {
		e.emitNext(c, m, c.heard)
	}
}

func (e *echo) inFlight() int { return e.pending }

func (e *echo) abandon() {
	e.pending, e.credited = 0, false
	for i := range e.emitters {
		m := &e.emitters[i]
		m.inFlight, m.abandon = 0, m.sent
	}
}

func (e *echo) sentAll() bool {
	for i := range e.emitters {
		if e.more(&e.emitters[i]) {
			return false
		}
	}
	return true
}

func (e *echo) said() uint64 {
	var sum uint64
	for i := range e.emitters {
		sum += e.emitters[i].sent
	}
	return sum / uint64(len(e.emitters))
}

func (e *echo) account() {
	for i := range e.emitters {
		m := &e.emitters[i]
		e.res.Expected += int64(m.sent)
		e.res.Reordered += m.tally.reordered
		e.res.Duplicated += m.tally.duplicated
	}
	e.res.Lost = e.res.Expected - e.res.Delivered
}
