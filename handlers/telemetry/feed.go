package telemetry

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Why a reading was not sent: see Observer.
const (
	whyInterval = "interval"
	whySlow     = "slow"
)

// maxMeasured is how many readings wait for the other nodes at most. Where there are more
// the nodes hear of the next ones.
const maxMeasured = 50_000

// maxNodeReadings is how many readings one message to the other nodes holds.
const maxNodeReadings = 500

// sweepEvery is how often silent devices are looked for.
const sweepEvery = time.Minute

// connection is a socket, or what stands for one in a test.
type connection interface {
	ID() string
	// Ready reports whether what is emitted now goes out at once.
	Ready() bool
}

// feed is what some dashboards are told: those that asked for the same devices and may see
// the same. It is guarded by the board's mutex.
type feed struct {
	key      string
	patterns auth.Patterns
	may      func(device string) bool // nil: all
	seen     map[*device]bool         // what may and patterns have said
	of       map[*dashboard]struct{}
}

// sees reports whether the feed has a device in it.
func (f *feed) sees(d *device) bool {
	if f.may == nil && f.patterns.All() {
		return true
	}
	in, known := f.seen[d]
	if !known {
		in = f.patterns.Match(d.name) && (f.may == nil || f.may(d.name))
		f.seen[d] = in
	}
	return in
}

// dashboard is who is told. It is guarded by the board's mutex.
type dashboard struct {
	conn connection
	feed *feed
	// served is the tick up to which it has been told everything. Of what has changed
	// since it hears the last state, when it is ready: nothing is kept for it.
	served uint64
	// answering says that it is about to hear the snapshot, before which it hears nothing.
	answering bool
}

// view is what a dashboard wants to see, and what of it it may.
type view struct {
	patterns auth.Patterns
	rights   string                   // the same for all who may see the same
	may      func(device string) bool // nil: all
}

// snapshot is what a dashboard is told first.
type snapshot struct {
	Readings json.RawMessage `json:"readings"`
	Alerts   []Alert         `json:"alerts"`
	Devices  []string        `json:"devices"`  // the patterns
	Interval int64           `json:"interval"` // milliseconds
	Time     int64           `json:"time"`     // milliseconds since 1970, here
}

// subscribe has a connection see something else than before, and returns all there is. It
// hears nothing until answered is called.
func (b *board) subscribe(c connection, v view) (s snapshot, answered func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropLocked(c)
	d := &dashboard{conn: c, served: b.tick - 1, answering: true}
	b.enterLocked(d, v)
	b.dashboards[c.ID()] = d
	b.sizeLocked()
	s = snapshot{Devices: v.patterns, Interval: b.opts.Interval.Milliseconds(), Time: time.Now().UnixMilli(), Alerts: []Alert{}}
	readings, alerts := b.sinceLocked(d.feed, 0)
	s.Readings = encode(readings)
	for i := range alerts {
		if alerts[i].State == stateRaised {
			s.Alerts = append(s.Alerts, alerts[i])
		}
	}
	return s, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		d.answering = false
		b.wakeLocked(b.nextLocked())
	}
}

// change has a connection see what it may by now; what it could not see before it is told.
func (b *board) change(c connection, v view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.dashboards[c.ID()]
	if d == nil || d.conn != c {
		return
	}
	b.exitLocked(d)
	d.served = 0
	b.enterLocked(d, v)
	b.wakeLocked(b.nextLocked())
}

// patternsOf returns what a connection sees; nil is nothing.
func (b *board) patternsOf(c connection) auth.Patterns {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.dashboards[c.ID()]; d != nil && d.conn == c {
		return d.feed.patterns
	}
	return nil
}

// drop forgets a connection.
func (b *board) drop(c connection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropLocked(c)
}

func (b *board) dropLocked(c connection) {
	if d := b.dashboards[c.ID()]; d != nil && d.conn == c {
		delete(b.dashboards, c.ID())
		b.exitLocked(d)
		b.sizeLocked()
	}
}

func (b *board) enterLocked(d *dashboard, v view) {
	key := strconv.Itoa(len(v.patterns)) + " " + strings.Join(v.patterns, "\n") + "\n" + v.rights
	f := b.feeds[key]
	if f == nil {
		f = &feed{key: key, patterns: v.patterns, may: v.may, seen: make(map[*device]bool), of: make(map[*dashboard]struct{})}
		b.feeds[key] = f
	}
	f.of[d] = struct{}{}
	d.feed = f
}

func (b *board) exitLocked(d *dashboard) {
	delete(d.feed.of, d)
	if len(d.feed.of) == 0 {
		delete(b.feeds, d.feed.key)
	}
}

// sinceLocked returns the last state of what has changed in a feed after a tick.
func (b *board) sinceLocked(f *feed, tick uint64) (readings []Reading, alerts []Alert) {
	b.changed.after(tick, func(c *cell) {
		if f.sees(c.device) {
			readings = append(readings, c.last)
		}
	})
	b.alerts.after(tick, func(w *watch) {
		if f.sees(w.of.device) {
			alerts = append(alerts, w.alert())
		}
	})
	slices.Reverse(alerts) // in the order in which they changed
	return readings, alerts
}

// nextLocked returns when dashboards may be told again.
func (b *board) nextLocked() time.Time { return b.flushed.Add(b.opts.Interval) }

// wakeLocked has dashboards told at a time, or before that.
func (b *board) wakeLocked(at time.Time) {
	switch {
	case b.closed || b.flushing: // who flushes looks again
		return
	case b.timer == nil:
		b.running.Add(1)
	case !at.Before(b.wakes) || !b.timer.Stop():
		return
	}
	b.wakes = at
	b.timer = time.AfterFunc(time.Until(at), b.flush)
}

// telling is what some dashboards are told.
type telling struct {
	to       []string
	readings []Reading
	alerts   []Alert
}

// flush tells dashboards and nodes what has changed. There is one at a time.
func (b *board) flush() {
	defer b.running.Done()
	tellings, measured := b.gather()
	for i := range tellings {
		b.tell(&tellings[i])
	}
	for len(measured) > 0 {
		part := measured[:min(maxNodeReadings, len(measured))]
		measured = measured[len(part):]
		if err := b.voice.toNodes(part); err != nil {
			b.opts.Logger.Debug("telemetry: other nodes were not told", slog.Any("error", err))
			break // they learn from the next readings
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushing = false
	if b.behindLocked() {
		b.wakeLocked(b.nextLocked())
	}
	if due := b.raiseDueLocked(time.Now()); !due.IsZero() {
		b.wakeLocked(due)
	}
}

// behindLocked reports whether somebody is yet to be told something.
func (b *board) behindLocked() bool {
	latest := max(b.changed.latest(), b.alerts.latest())
	if latest >= b.tick || len(b.measured) > 0 {
		return true
	}
	for _, d := range b.dashboards {
		if d.served < latest && !d.answering {
			return true
		}
	}
	return false
}

// gather ends the tick, and says who is to be told what.
func (b *board) gather() (tellings []telling, measured []Reading) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer, b.flushing, b.flushed = nil, true, now
	b.raiseDueLocked(now)
	if now.Sub(b.swept) > sweepEvery {
		b.sweepLocked(now)
	}
	for _, f := range b.feeds {
		tellings = append(tellings, b.gatherFeedLocked(f)...)
	}
	b.tick++
	measured, b.measured = b.measured, nil
	return tellings, measured
}

// gatherFeedLocked has all dashboards of a feed told that are ready. Those that were told
// up to the same tick share what they are told: but for slow ones that is all of them.
func (b *board) gatherFeedLocked(f *feed) []telling {
	ready := make(map[uint64][]string) // by the tick up to which they were told
	for d := range f.of {
		if d.served < b.tick-1 || d.answering {
			b.countMissedLocked(d)
		}
		if !d.answering && d.conn.Ready() {
			ready[d.served] = append(ready[d.served], d.conn.ID())
			d.served = b.tick
		}
	}
	tellings := make([]telling, 0, len(ready))
	for served, ids := range ready {
		t := telling{to: ids}
		if t.readings, t.alerts = b.sinceLocked(f, served); len(t.readings)+len(t.alerts) > 0 {
			tellings = append(tellings, t)
		}
	}
	return tellings
}

// countMissedLocked counts what has changed in this tick, and had changed before without
// this dashboard having been told.
func (b *board) countMissedLocked(d *dashboard) {
	n := 0
	b.changed.after(b.tick-1, func(c *cell) {
		if c.was > d.served && d.feed.sees(c.device) {
			n++
		}
	})
	if n > 0 {
		b.opts.Observer.ReadingsConflated(whySlow, n)
	}
}

func (b *board) tell(t *telling) {
	if len(t.readings) > 0 {
		b.emit(t.to, "readings", encode(t.readings))
	}
	for i := range t.alerts {
		if text, err := json.Marshal(&t.alerts[i]); err == nil {
			b.emit(t.to, "alert", text)
		}
	}
}

func (b *board) emit(to []string, event string, payload json.RawMessage) {
	if err := b.voice.toDashboards(to, event, payload); err != nil && !errors.Is(err, socketio.ErrServerClosed) {
		b.opts.Logger.Warn("telemetry: dashboards were not told", slog.String("event", event), slog.Any("error", err))
	}
}
