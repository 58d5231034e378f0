package load

import (
	"bytes"
	"context"
	"strconv"
	"time"
)

var (
	echoEvent = []byte(`["echo","`)
	ackHead   = []byte(`["`)
)

// echo has each client emit numbered events, whose number is their ack id. The
// server handles the events of one socket in order, so the acks come in order.
type echo struct {
	traffic
	stamp   stamper
	payload []byte
	id      []byte

	emitters []emitter // by client
	pending  int       // events in flight, of all clients
	credited bool      // whether every client was given its window
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
	if _, err := r.join(ctx, r.work.Clients, ""); err != nil {
		return err
	}
	e := &echo{traffic: traffic{run: r}, stamp: newStamper(r.work.Payload)}
	for range r.clients {
		e.emitters = append(e.emitters, emitter{at: make([]time.Time, r.work.Window), tally: newTally(0, 1)})
	}
	if err := e.drive(ctx, e); err != nil {
		return err
	}
	e.account()
	return nil
}

// send opens every client's window once; afterwards each ack sends the next.
func (e *echo) send(now time.Time) time.Duration {
	if e.credited {
		return time.Hour
	}
	e.credited = true
	for _, c := range e.clients {
		m := &e.emitters[c.index]
		for m.inFlight < e.work.Window && e.more(m) {
			e.emitNext(c, m, now)
		}
	}
	return time.Hour
}

func (e *echo) more(m *emitter) bool {
	if e.phase >= draining || e.hurt {
		return false
	}
	return e.work.Messages == 0 || m.sent < uint64(e.work.Messages)
}

func (e *echo) emitNext(c *client, m *emitter, now time.Time) {
	e.payload = e.stamp.append(e.payload[:0], m.sent, uint64(c.index))
	e.id = strconv.AppendUint(append(e.id[:0], sioEvent), m.sent, 10)
	m.at[m.sent%uint64(len(m.at))] = now
	m.sent++
	m.inFlight++
	e.pending++
	c.emit(e.id, echoEvent, e.payload, eventTail)
}

func (e *echo) packet(c *client, p []byte) {
	m := &e.emitters[c.index]
	n, ok := e.readAck(p, uint64(c.index))
	if !ok || n >= m.sent {
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
	if e.more(m) {
		e.emitNext(c, m, c.heard)
	}
}

// readAck reads 3<id>["<payload>"] and returns the id, if the payload is the one
// that was sent with it by client who.
func (e *echo) readAck(p []byte, who uint64) (uint64, bool) {
	if len(p) == 0 || p[0] != sioAck {
		return 0, false
	}
	digits := bytes.IndexByte(p, '[')
	if digits < 2 {
		return 0, false
	}
	id, err := strconv.ParseUint(string(p[1:digits]), 10, 63)
	if err != nil {
		return 0, false
	}
	body, ok := cutEvent(p[digits:], ackHead)
	if !ok {
		return 0, false
	}
	n, from, ok := e.stamp.read(body)
	return id, ok && n == id && from == who
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

func (e *echo) account() {
	for i := range e.emitters {
		m := &e.emitters[i]
		e.res.Expected += int64(m.sent)
		e.res.Reordered += m.tally.reordered
		e.res.Duplicated += m.tally.duplicated
	}
	e.res.Lost = e.res.Expected - e.res.Delivered
}
