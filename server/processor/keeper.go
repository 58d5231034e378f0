package processor

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// tick is how often a Keeper looks. A tick that comes sooner is none.
	tick, leastTick = 50 * time.Millisecond, 25 * time.Millisecond
	// fullShare is the part of the processors in use that a program takes, for two ticks in
	// a row, which needs more. freeShare is how much of a processor must have been idle
	// meanwhile: where others take the rest, more threads got less done, of what was measured.
	fullShare = 0.92
	freeShare = 0.75
	// sparePart is how much of a processor in use must have been idle, over span, for a try
	// with one less.
	sparePart = 0.5
	span      = time.Second
	// firstTry and lastTry bound the time between two tries with one less: it doubles each
	// time that the one was needed.
	firstTry, lastTry = time.Second, 5 * time.Minute
	// calmShare is the part of the processors in use below which, over span, that is
	// forgotten.
	calmShare = 0.4
)

// Keeper has Go use as few processors as the load needs. It begins with one; when that is
// busy for a tenth of a second, and the machine has another that is not, it doubles them.
// When for a second half of one is spare it tries with one less. Go changes their number
// between two garbage collections, so that it may come later.
//
// It does nothing where Go would use one anyway, and where the system does not say what the
// program takes, as on Windows. Where the system does not say what is idle, as on macOS, it
// takes it that something is. Who has set GOMAXPROCS in the environment wants no Keeper.
type Keeper struct {
	// Logger hears of each change, at level debug. It must be set.
	Logger *slog.Logger

	most  int // what Go would use
	cores int // in use

	last  sample                            // of the last tick
	mark  sample                            // of the beginning of the span
	idle  func() (d time.Duration, ok bool) // of all processors together
	full  int                               // for how many ticks they have been
	free  time.Duration                     // idle at the last tick, if they were full
	since time.Time                         // of the last change
	wait  time.Duration                     // before the next try with one less
	tried bool                              // the last change was such a try
}

// sample is what is known at a tick.
type sample struct {
	at   time.Time
	used time.Duration // processor time of the program
}

func now() sample { return sample{time.Now(), Time()} }

// share is how many processors were used since an earlier sample.
func (s sample) share(before sample) float64 {
	return float64(s.used-before.used) / float64(s.at.Sub(before.at))
}

// keeping is whether a Keeper runs, of which there can be one.
var keeping atomic.Bool

// Run keeps until ctx is done, and then leaves it to Go again. While another one runs it
// does nothing.
func (k *Keeper) Run(ctx context.Context) {
	most := runtime.GOMAXPROCS(0)
	if most == 1 || !exact || !keeping.CompareAndSwap(false, true) {
		return
	}
	defer keeping.Store(false)
	defer runtime.SetDefaultGOMAXPROCS()
	k.begin(most, now())
	runtime.GOMAXPROCS(k.cores)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		before := k.cores
		if k.judge(now()); k.cores != before {
			runtime.GOMAXPROCS(k.cores)
			k.changed(now())
			k.Logger.Debug("Go uses another number of processors", "before", before, "now", k.cores, "most", k.most)
		}
	}
}

func (k *Keeper) begin(most int, s sample) {
	k.most, k.cores, k.wait, k.idle = most, 1, firstTry, idle
	k.changed(s)
}

// changed notes that the number in use is another from now on.
func (k *Keeper) changed(s sample) {
	k.last, k.mark, k.since, k.full = s, s, s.at, 0
}

// judge decides at a tick how many there are to be.
func (k *Keeper) judge(s sample) {
	elapsed, share := s.at.Sub(k.last.at), s.share(k.last)
	if elapsed < leastTick {
		return
	}
	k.last = s
	if k.short(share, elapsed) {
		more := k.cores
		if k.tried && s.at.Sub(k.since) < k.wait {
			k.wait, more = min(2*k.wait, lastTry), 1 // the one that was needed
		}
		k.cores, k.tried = min(k.cores+more, k.most), false
		k.changed(s)
		return
	}
	if s.at.Sub(k.mark.at) < span {
		return
	}
	mean := s.share(k.mark)
	k.mark = s
	if mean < calmShare*float64(k.cores) {
		k.wait = firstTry
	}
	if k.cores > 1 && mean < float64(k.cores)-sparePart && s.at.Sub(k.since) >= k.wait {
		k.cores, k.tried = k.cores-1, true
		k.changed(s)
	}
}

// short reports whether there is need of more, and something to be had. It asks the system
// only when there is need, as the answer takes long on a machine with many processors.
func (k *Keeper) short(share float64, elapsed time.Duration) bool {
	if k.cores == k.most || share < fullShare*float64(k.cores) {
		k.full = 0
		return false
	}
	before := k.free
	idle, known := k.idle()
	k.free = idle
	k.full++
	return k.full > 1 && (!known || float64(idle-before) >= freeShare*float64(elapsed))
}
