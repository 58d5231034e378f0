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
	// stopLimit is how long a run that is stopped early awaits what is in flight.
	stopLimit = 5 * time.Second
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
	// said is how many messages were sent.
	said() uint64
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

	seen       time.Time // when the last delivery was seen
	lastSeen   int64     // delivered at that time
	waiting    time.Time // since when something is in flight and nothing was seen
	hurt       bool      // a client was lost: no further sending
	drainedFor time.Time // when the last message was complete
	stopAt     time.Time // when a run that is stopped early gives up

	churn   *churn // nil for none
	churned int64  // before the measured time
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
func (t *traffic) malformed(m packet) {
	t.res.Malformed++
	t.res.note("malformed or unexpected: %.120q", m.raw)
}

// drive runs j from warm-up to the last delivery.
func (t *traffic) drive(ctx context.Context, j job) error {
	for _, c := range t.clients {
		c.app = j
		t.hurt = t.hurt || c.err != nil // thrown out while others were being dialled
	}
	if t.work.Churn > 0 {
		t.churn = startChurn(ctx, t.run)
		defer t.churn.end(t.res)
	}
	now := time.Now()
	t.seen, t.waiting, t.until = now, now, now.Add(t.work.Warmup)
	if t.work.Messages > 0 {
		if err := t.measure(); err != nil {
			return err
		}
	}
	t.report(now, j)
	for t.phase != over {
		timeout := 20 * time.Millisecond
		if t.phase < draining {
			timeout = min(timeout, j.send(now))
		}
		if err := t.loop.wait(timeout); err != nil {
			return err
		}
		now = time.Now()
		if ctx.Err() != nil && t.stopAt.IsZero() {
			if err := t.stop(now); err != nil {
				return err
			}
		}
		if err := t.step(now, j); err != nil {
			return err
		}
		t.report(now, j)
	}
	t.res.Units = t.units
	t.res.Delivered = t.delivered
	t.res.Compressed = t.tools.compressed
	t.latency(&t.spent)
	return ctx.Err()
}

// stop ends the sending early.
func (t *traffic) stop(now time.Time) error {
	t.stopAt = now.Add(stopLimit)
	switch t.phase {
	case measuring:
		return t.finish(now)
	case warming:
		t.phase = draining
	case draining, over:
	}
	return nil
}

func (t *traffic) report(now time.Time, j job) {
	switch t.phase {
	case warming:
		t.tell(WarmingUp, shareOf(t.work.Warmup, t.until, now), 0)
	case measuring:
		done := shareOf(t.work.Measure, t.until, now)
		if t.work.Messages > 0 {
			done = float64(j.said()) / float64(t.work.Messages)
		}
		t.tell(Measuring, done, t.units)
	case draining:
		t.tell(Draining, shareOf(linger, t.drainedFor.Add(linger), now), 0)
	case over:
	}
}

// step changes the phase when its end has come.
func (t *traffic) step(now time.Time, j job) error {
	if t.delivered != t.lastSeen {
		t.seen, t.waiting, t.lastSeen = now, now, t.delivered
	}
	if j.inFlight() == 0 {
		t.waiting = now
	}
	stalled := now.Sub(t.waiting) > t.work.Stall
	switch t.phase {
	case warming, measuring:
		return t.stepSending(now, j, stalled)
	case draining:
		if stalled || !t.stopAt.IsZero() && now.After(t.stopAt) {
			t.phase = over
			return nil
		}
		if j.inFlight() > 0 || t.churn.busy() {
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
		t.seen, t.waiting = now, now
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
	t.churned = t.churn.count()
	return nil
}

// finish ends the measuring. With a number of messages given, it ended with the
// last delivery, not with the stall after it.
func (t *traffic) finish(now time.Time) error {
	t.phase = draining
	t.res.Churned = t.churn.count() - t.churned
	t.churn.stop()
	to, err := t.read()
	if err != nil {
		return err
	}
	end := now
	if t.work.Messages > 0 {
		end = t.seen
	}
	return t.measured(t.from, to, end)
}
