package limit

import (
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// heard counts what an Observer is told.
type heard struct {
	mu   sync.Mutex
	hits map[string]int
}

func (h *heard) LimitHit(limit, effect string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hits == nil {
		h.hits = make(map[string]int)
	}
	h.hits[limit+" "+effect]++
}

func (h *heard) of(limit Name, effect Effect) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits[string(limit)+" "+string(effect)]
}
