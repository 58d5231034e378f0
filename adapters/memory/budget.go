package memory

import (
	"sync"
	"sync/atomic"
)

// slack is the part of the limit that is made free at once, so that room is not
// looked for with every packet: one in slack.
const slack = 64

// budget bounds what all namespaces of a server keep together: to the largest
// MaxBytes of any of them. Where that is not enough, those that hold most give
// their oldest first, so that a busy namespace does not take from a quiet one.
//
// budget.mu comes before Adapter.mu, of which at most one is held at a time.
type budget struct {
	held  atomic.Int64 // the sum of Adapter.held
	limit atomic.Int64

	mu      sync.Mutex
	members map[*Adapter]struct{}
}

// join adds an adapter that may keep limit bytes.
func (b *budget) join(a *Adapter, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.members == nil {
		b.members = make(map[*Adapter]struct{})
	}
	b.members[a] = struct{}{}
	b.limit.Store(max(b.limit.Load(), limit))
}

func (b *budget) leave(a *Adapter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, a)
}

// settle makes room if too much is held. It is called with no lock held.
func (b *budget) settle() {
	if b.held.Load() <= b.limit.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := b.limit.Load()
	if b.held.Load() <= limit {
		return // somebody else was faster
	}
	for {
		over := b.held.Load() - (limit - limit/slack)
		if over <= 0 {
			return
		}
		a := b.largestLocked()
		if a == nil {
			return
		}
		a.give(over)
	}
}

// largestLocked returns the adapter that holds most, nil if none holds anything.
func (b *budget) largestLocked() *Adapter {
	var largest *Adapter
	most := int64(0)
	for a := range b.members {
		if n := a.held.Load(); n > most {
			largest, most = a, n
		}
	}
	return largest
}

// give drops the oldest of what is kept, until so many bytes are free, or half of
// it has gone: then it may be another's turn. Something goes in any case.
func (a *Adapter) give(bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.held.Load()
	a.shrinkLocked(max(held-bytes, held/2))
}
