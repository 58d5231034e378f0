package load

import (
	"context"
	"time"
)

// phase is where a run with traffic stands.
type phase int

const (
	warming phase = iota
	measuring
	draining // nothing is sent any more; what is in flight is awaited
	over
)

const (
	maxStalls = 3
	// linger is how long a run listens on after the last expected delivery,
	// for duplicates.
	linger = 50 * time.Millisecond
)

// job is what a kind of traffic does; traffic decides when. Its methods and
// those of its app are called by the loop's goroutine only.
type job interface {
	app
	// send emits what the window or the rate allows, and returns how long from
	// now until it has to be called again though nothing arrived.
	send(now time.Time) time.Duration
	// inFlight is how many messages are sent and not complete.
	inFlight() int
	// abandon stops waiting for what is in flight.
	abandon()
	// sentAll reports whether Work.Messages are sent.
	sentAll() bool
}

// traffic moves a job through its phases.
type traffic struct {
	*run
	phase phase
	until time.Time // the end of warming or measuring by time

	from      usage
	delivered int64 // over the whole run
	units     int64 // while measuring
	spent     latencies

	progress   time.Time // when the last delivery was seen
	lastSeen   int64     // delivered at that time
	hurt       bool      // a client was lost: no further sending
	drainedFor time.Time // when the last message was complete
}

// arrived counts one expected delivery that was sent at sent.
func (t *traffic) arrived(c *client, sent time.Time) {
	t.delivered++
	if t.phase != measuring {
		return
	}
	t.units++
	if !sent.IsZero() {
		t.spent.add(c.heard.Sub(sent))
	}
}

func (t *traffic) gone(c *client, err error) {
	t.hurt = true
	t.run.gone(c, err)
}

// malformed counts a packet that is none of those sent.
func (t *traffic) malformed(p []byte) {
	t.res.Malformed++
	t.res.note("malformed or unexpected: %.120q", p)
}

// drive runs j from warm-up to the last delivery.
func (t *traffic) drive(ctx context.Context, j job) error {
	for _, c := range t.clients {
		c.app = j
	}
	now := time.Now()
	t.progress, t.until = now, now.Add(t.work.Warmup)
	if t.work.Messages > 0 {
		if err := t.measure(); err != nil {
			return err
		}
	}
	for t.phase != over {
		timeout := 20 * time.Millisecond
		if t.phase < draining {
			timeout = min(timeout, j.send(now))
		}
		if err := t.loop.wait(timeout); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		now = time.Now()
		if err := t.step(now, j); err != nil {
			return err
		}
	}
	t.res.Units = t.units
	t.res.Delivered = t.delivered
	t.latency(&t.spent)
	return nil
}

// step changes the phase when its end has come.
func (t *traffic) step(now time.Time, j job) error {
	if t.delivered != t.lastSeen {
		t.progress, t.lastSeen = now, t.delivered
	}
	stalled := j.inFlight() > 0 && now.Sub(t.progress) > t.work.Stall
	switch t.phase {
	case warming, measuring:
		return t.stepSending(now, j, stalled)
	case draining:
		if stalled {
			t.phase = over
		}
		if j.inFlight() > 0 {
			t.drainedFor = time.Time{}
			return nil
		}
		if t.drainedFor.IsZero() {
			t.drainedFor = now
		}
		if now.Sub(t.drainedFor) > linger {
			t.phase = over
		}
	case over:
	}
	return nil
}

func (t *traffic) stepSending(now time.Time, j job, stalled bool) error {
	if stalled {
		t.res.Stalls++
		t.res.note("nothing arrived for %v with %d messages in flight", t.work.Stall, j.inFlight())
		j.abandon()
		t.progress = now
	}
	finished := t.hurt || t.res.Stalls >= maxStalls
	if t.work.Messages > 0 {
		finished = finished || j.sentAll() && j.inFlight() == 0
	} else {
		finished = finished || t.phase == measuring && now.After(t.until)
	}
	switch {
	case finished && t.phase == warming:
		t.phase = draining
	case finished:
		return t.finish(now)
	case t.phase == warming && now.After(t.until):
		return t.measure()
	}
	return nil
}

func (t *traffic) measure() error {
	from, err := t.read()
	if err != nil {
		return err
	}
	t.from, t.phase, t.until = from, measuring, from.at.Add(t.work.Measure)
	return nil
}

// finish ends the measuring. With a number of messages given, it ended with the
// last delivery, not with the stall after it.
func (t *traffic) finish(now time.Time) error {
	t.phase = draining
	to, err := t.read()
	if err != nil {
		return err
	}
	end := now
	if t.work.Messages > 0 {
		end = t.progress
	}
	return t.measured(t.from, to, end)
}
