package once

import (
	"context"
	"sync"
	"time"
)

// maxRemembered is how many keys a Memory has: some 30 MB.
const maxRemembered = 100_000

// Memory is the Keeper of a node alone: of more keys than 100,000 it forgets the oldest.
type Memory struct {
	mu    sync.Mutex
	byKey map[string]remembered
	order []string // a ring
	next  int
}

type remembered struct {
	sum   string
	until time.Time
	slot  int
}

var _ Keeper = (*Memory)(nil)

// NewMemory returns a Memory.
func NewMemory() *Memory { return &Memory{byKey: make(map[string]remembered)} }

// Claim looks the keys up. It does not fail.
func (m *Memory) Claim(_ context.Context, claims []Claim) ([]Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out, now := make([]Outcome, len(claims)), time.Now()
	for i, c := range claims {
		switch was, known := m.byKey[c.Key]; {
		case known && now.Before(was.until) && was.sum == c.Sum:
			out[i] = Repeated
		case known && now.Before(was.until):
			out[i] = Reused
		default:
			m.keepLocked(c, now.Add(For))
		}
	}
	return out, nil
}

func (m *Memory) keepLocked(c Claim, until time.Time) {
	slot := m.next
	if len(m.order) < maxRemembered {
		slot = len(m.order)
		m.order = append(m.order, c.Key)
	} else {
		if old, there := m.byKey[m.order[slot]]; there && old.slot == slot {
			delete(m.byKey, m.order[slot])
		}
		m.order[slot] = c.Key
		m.next = (slot + 1) % maxRemembered
	}
	m.byKey[c.Key] = remembered{c.Sum, until, slot}
}

// GiveBack forgets keys.
func (m *Memory) GiveBack(_ context.Context, claims []Claim) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range claims {
		delete(m.byKey, c.Key)
	}
}
