package trim

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// tick is how often a Trimmer looks, and quietTicks how many times in a row it must
	// have been quiet.
	tick       = 250 * time.Millisecond
	quietTicks = 2
	// quietShare is the part of all processors that a quiet program takes less of.
	quietShare = 0.05
	// leastInterval is the time between two trims; costShare is the part of it that
	// they take at most.
	leastInterval = 2 * time.Second
	costShare     = 0.01
	// manySessions is how many sessions must have come or gone, and leastGain how many
	// bytes it must promise to give back, for a trim to be worth it.
	manySessions = 32
	leastGain    = 2 << 20
	// largeGain is the part of the live heap that is worth it without any change.
	largeGain = 0.25
)

// Trimmer looks at the program four times a second, and trims its memory if for half a
// second no session came or went and it took less than a twentieth of the processors, and
// if since the last trim sessions came or went, or much garbage has gathered.
type Trimmer struct {
	// Sessions returns how many there are. It must be set.
	Sessions func() int
	// Processor returns the processor time the program has used. It must be set.
	Processor func() time.Duration
	// Logger hears of each trim, at level debug. It must be set.
	Logger *slog.Logger

	last   sample    // of the tick before
	quiet  int       // for how many ticks it has been
	moved  int       // how many sessions came or went since the last trim, at least
	notYet time.Time // when there may be another
}

// sample is what is known at a tick.
type sample struct {
	at       time.Time
	sessions int
	used     time.Duration // processor time
	live     uint64        // bytes that the last collection found in use
	gain     uint64        // bytes that a trim may give back
	off      bool          // GOGC=off
}

// Run trims until ctx is done.
func (t *Trimmer) Run(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s := t.look(); t.due(s) {
			t.trim(s)
		}
	}
}

// due judges a tick.
func (t *Trimmer) due(s sample) bool {
	before := t.last
	t.last = s
	change := s.sessions - before.sessions
	t.moved += max(change, -change)
	elapsed := s.at.Sub(before.at)
	still := change == 0 && !before.at.IsZero() && float64(s.used-before.used) < quietShare*float64(elapsed)*float64(runtime.NumCPU())
	if t.quiet++; !still {
		t.quiet = 0
	}
	switch {
	case t.quiet < quietTicks, s.off, s.at.Before(t.notYet), s.gain < leastGain:
		return false
	}
	return t.moved >= manySessions || float64(s.gain) > largeGain*float64(s.live)
}

// trim collects and gives back, and sees to it that the next one does not come soon.
func (t *Trimmer) trim(s sample) {
	start, used := time.Now(), t.Processor()
	debug.FreeOSMemory()
	cost := max(t.Processor()-used, 0)
	after := t.look()
	t.settled(after, cost)
	t.Logger.Debug("memory was trimmed", "took", time.Since(start).Round(time.Microsecond), "processor", cost.Round(time.Microsecond),
		"live_bytes", after.live, "expected_bytes", s.gain, "left_bytes", after.gain)
}

// settled notes a trim that left things so.
func (t *Trimmer) settled(after sample, cost time.Duration) {
	t.last, t.moved = after, 0
	t.notYet = after.at.Add(max(leastInterval, time.Duration(float64(cost)/costShare)))
}

// look takes a sample.
func (t *Trimmer) look() sample {
	of := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/gogc:percent"},
	}
	metrics.Read(of)
	objects, live, free := of[0].Value.Uint64(), of[1].Value.Uint64(), of[2].Value.Uint64()
	return sample{
		at: time.Now(), sessions: t.Sessions(), used: t.Processor(), live: live,
		gain: objects - min(live, objects) + free, off: of[3].Value.Uint64() == math.MaxUint64,
	}
}
