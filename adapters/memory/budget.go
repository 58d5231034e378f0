package memory

import (
	"sync"
	"sync/atomic"
)

// slack is the part of the limit that is made free at once, so that room is not
// looked for with every packet: one in slack.
const slack = 64

// holder is what a namespace keeps of one kind.
type holder interface {
	// holds returns how many bytes it keeps. It does not wait.
	holds() int64
	// give drops the oldest, until so many bytes are free or it is another's turn.
	// Something goes in any case.
	give(bytes int64)
}

// budget bounds what all namespaces of a server keep together, of packets and sessions or
// of histories: to the largest bound of any of them. Where that is not enough, those that hold most give
// their oldest first, so that a busy namespace does not take from a quiet one.
//
// budget.mu comes before Adapter.mu, of which at most one is held at a time.
type budget struct {
	held  atomic.Int64 // by all members
	limit atomic.Int64

	mu      sync.Mutex
	members map[holder]struct{}
}

// join adds a member that may keep limit bytes.
func (b *budget) join(h holder, limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.members == nil {
		b.members = make(map[holder]struct{})
	}
	b.members[h] = struct{}{}
	b.limit.Store(max(b.limit.Load(), limit))
}

func (b *budget) leave(h holder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, h)
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
		h := b.largestLocked()
		if h == nil {
			return
		}
		h.give(over)
	}
}

// largestLocked returns the member that holds most, nil if none holds anything.
func (b *budget) largestLocked() holder {
	var largest holder
	most := int64(0)
	for h := range b.members {
		if n := h.holds(); n > most {
			largest, most = h, n
		}
	}
	return largest
}

func (a *Adapter) holds() int64 { return a.held.Load() }

// give drops the oldest of what is kept, until so many bytes are free, or half of
// it has gone: then it may be another's turn. Something goes in any case.
func (a *Adapter) give(bytes int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := a.held.Load()
	a.shrinkLocked(max(held-bytes, held/2))
}
