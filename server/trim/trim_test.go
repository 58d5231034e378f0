package trim

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhenATrimIsDue(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	start := time.Unix(1000, 0)
	busy := time.Duration(quietShare * float64(runtime.NumCPU()) * float64(time.Second))
	steps := []struct {
		what     string
		sessions int
		used     time.Duration // in the second before
		gain     uint64
		off      bool
		want     bool
	}{
		{"the first look knows nothing", 0, 0, 90 * mb, false, false},
		{"clients come", 1000, 0, 50 * mb, false, false},
		{"they have come, and are at work", 1000, 2 * busy, 50 * mb, false, false},
		{"GOGC=off", 1000, 0, 50 * mb, true, false},
		{"there is nothing to gain", 1000, 0, mb, false, false},
		{"quiet", 1000, busy / 2, 50 * mb, false, true},
		{"too soon", 1000, 0, 90 * mb, false, false},
		{"one leaves", 999, 0, 90 * mb, false, false},
		{"quiet, but not for long", 999, 0, 90 * mb, false, false},
		{"nothing new, and little to gain", 999, 0, 20 * mb, false, false},
		{"much garbage", 999, 0, 30 * mb, false, true},
		{"they leave", 0, 0, 0, false, false},
		{"too soon again", 0, 0, 90 * mb, false, false},
		{"still too soon, as it cost much", 0, 0, 90 * mb, false, false},
		{"they have left, and little is to gain", 0, 0, 1 * mb, false, false},
		{"they have left for long enough", 0, 0, 5 * mb, false, true},
	}
	trimmer := &Trimmer{}
	var used time.Duration
	for i, step := range steps {
		used += step.used
		s := sample{at: start.Add(time.Duration(i) * time.Second), sessions: step.sessions, used: used, live: 100 * mb, gain: step.gain, off: step.off}
		if got := trimmer.due(s); got != step.want {
			t.Errorf("%s: due %v, want %v", step.what, got, step.want)
		}
		if step.want {
			cost := 10 * time.Millisecond
			if i > 7 {
				cost = 50 * time.Millisecond // a hundredth of five seconds
			}
			trimmer.settled(s, cost)
		}
	}
}

// A program that was given much to collect is trimmed when nothing more happens.
func TestGarbageIsGivenBack(t *testing.T) {
	if debug.SetGCPercent(10_000) < 0 { // so that nothing else collects it
		t.Skip("GOGC=off")
	}
	defer debug.SetGCPercent(100)
	synctest.Test(t, func(t *testing.T) {
		trimmer := &Trimmer{
			Sessions: func() int { return 0 }, Processor: func() time.Duration { return 0 }, Logger: slog.New(slog.DiscardHandler),
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		runtime.GC()
		before := collections()
		litter(64 << 20)
		go trimmer.Run(ctx)
		<-time.After(3*time.Second + tick/2) // of the bubble's clock
		synctest.Wait()
		if n := collections() - before; n != 1 {
			t.Errorf("%d collections, want 1", n)
		}
	})
}

// litter makes garbage.
func litter(n int) { garbage.Store(new(make([]byte, n))); garbage.Store(nil) }

var garbage atomic.Pointer[[]byte]

func collections() uint64 {
	of := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(of)
	return of[0].Value.Uint64()
}
