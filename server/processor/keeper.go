package processor

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// tick is how often a Keeper looks.
	tick = 50 * time.Millisecond
	// fullShare is the part of the processors in use that a program takes, for two ticks in
	// a row, which needs more. freeShare is how much of a processor must have been idle
	// meanwhile: where none is free, more threads would only take turns.
	fullShare = 0.92
	freeShare = 0.75
	// sparePart is how much of a processor in use must be idle for a try with one less.
	sparePart = 0.5
	// firstTry and lastTry bound the time between two tries with one less: it doubles each
	// time that the one was needed.
	firstTry, lastTry = time.Second, 5 * time.Minute
	// calmShare is the part of the processors in use below which that is forgotten.
	calmShare = 0.4
)

// Keeper has Go use as few processors as the load needs. It begins with one; when that is
// busy for a tenth of a second, and the machine has another that is not, it doubles them.
// When half of one is spare it tries with one less.
//
// It does nothing where GOMAXPROCS is set in the environment, where Go would use one
// anyway, and where the system does not say what the program takes, as on Windows.
type Keeper struct {
	// Logger hears of each change, at level debug. It must be set.
	Logger *slog.Logger

	most  int // what Go would use
	cores int // in use

	last  sample
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

// keeping is whether a Keeper runs, of which there can be one.
var keeping atomic.Bool

// Run keeps until ctx is done, and then lets Go use all again. While another one runs it
// does nothing.
func (k *Keeper) Run(ctx context.Context) {
	most := runtime.GOMAXPROCS(0)
	if most == 1 || !exact || os.Getenv("GOMAXPROCS") != "" || !keeping.CompareAndSwap(false, true) {
		return
	}
	defer keeping.Store(false)
	defer runtime.GOMAXPROCS(most)
	k.begin(most, sample{time.Now(), Time()})
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
		if k.judge(sample{time.Now(), Time()}); k.cores != before {
			runtime.GOMAXPROCS(k.cores)
			k.Logger.Debug("Go uses another number of processors", "before", before, "now", k.cores, "most", k.most)
		}
	}
}

func (k *Keeper) begin(most int, s sample) {
	k.most, k.cores, k.last, k.since, k.wait, k.idle = most, 1, s, s.at, firstTry, idle
}

// judge decides at a tick how many there are to be.
func (k *Keeper) judge(s sample) {
	elapsed := s.at.Sub(k.last.at)
	share := float64(s.used-k.last.used) / float64(elapsed)
	k.last = s
	if share < calmShare*float64(k.cores) {
		k.wait = firstTry
	}
	switch {
	case k.short(share, elapsed):
		more := k.cores
		if k.tried && s.at.Sub(k.since) < k.wait {
			k.wait, more = min(2*k.wait, lastTry), 1 // the one that was needed
		}
		k.use(min(k.cores+more, k.most), s.at, false)
	case k.cores > 1 && share < float64(k.cores)-sparePart && s.at.Sub(k.since) >= k.wait:
		k.use(k.cores-1, s.at, true)
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

func (k *Keeper) use(cores int, now time.Time, tried bool) {
	k.cores, k.since, k.tried, k.full = cores, now, tried, 0
}
