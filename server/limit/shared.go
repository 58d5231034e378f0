package limit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Shared counts a rate together with other nodes.
type Shared interface {
	// Take takes one of a rate under a key, and returns 0, or when there is one again.
	// It waits no longer than ctx. An error says that nobody could be asked.
	Take(ctx context.Context, key string, r Rate) (retryAfter time.Duration, err error)
}

const (
	// sharedWait bounds how long a handshake waits for Shared.
	sharedWait = 100 * time.Millisecond
	// After a failure Shared is left alone for firstRest, and twice as long after each
	// further one, up to longestRest. Then one handshake tries.
	firstRest, longestRest = time.Second, 16 * time.Second
)

// breaker asks Shared as long as it answers.
type breaker struct {
	shared Shared
	log    *slog.Logger

	failed atomic.Bool
	rest   atomic.Int64 // how long the next rest is, in nanoseconds
	until  atomic.Int64 // nobody asks before, in Unix nanoseconds
}

func newBreaker(s Shared, log *slog.Logger) *breaker {
	b := &breaker{shared: s, log: log}
	b.rest.Store(int64(firstRest))
	return b
}

// take takes one of a rate, if Shared can be asked. 0 allows it.
func (b *breaker) take(ctx context.Context, key string, r Rate) time.Duration {
	if b.shared == nil || r.Off() {
		return 0
	}
	now := time.Now()
	resting := b.until.Load()
	if now.UnixNano() < resting {
		return 0
	}
	tries := b.failed.Load()
	if tries && !b.until.CompareAndSwap(resting, now.Add(sharedWait).UnixNano()) {
		return 0 // another one does
	}
	asking, cancel := context.WithTimeout(ctx, sharedWait)
	defer cancel()
	retry, err := b.shared.Take(asking, key, r)
	switch {
	case err == nil:
		if b.failed.Swap(false) {
			b.rest.Store(int64(firstRest))
			b.until.Store(0)
			b.log.Info("limits are counted by all nodes together again")
		}
		return retry
	case ctx.Err() == nil: // or else it is the client that went away
		b.fail(tries, err)
	}
	return 0
}

// fail notes a failure: of the one that tried again, or the first of those that asked
// meanwhile.
func (b *breaker) fail(tries bool, err error) {
	first := !b.failed.Swap(true)
	if first {
		b.log.Warn("limits are counted by this node alone: Redis does not answer in time", "waited_at_most", sharedWait, "error", err)
	}
	if !first && !tries {
		return
	}
	rest := b.rest.Load()
	if tries {
		rest = min(2*rest, int64(longestRest))
		b.rest.Store(rest)
	}
	b.until.Store(time.Now().Add(time.Duration(rest)).UnixNano())
}
