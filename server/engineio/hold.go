package engineio

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	minHold     = 5 * time.Second  // an address is never held shorter
	holdMemory  = 10 * time.Minute // what was learned of an address is forgotten after this
	maxHoldings = 4096             // addresses remembered at once
	cutsToLearn = 2
)

// holds decides how long a GET is held. It learns of proxies that cut requests:
// when waiting GETs of an address were cut twice before their time, and none
// lived longer since, holds for that address end shortly before the cut.
type holds struct {
	fixed, usual time.Duration

	mu   sync.Mutex
	cuts map[string]*cutRecord
}

type cutRecord struct {
	shortest time.Duration
	count    int
	at       time.Time
}

func newHolds(p PollHold) *holds {
	return &holds{fixed: p.Fixed, usual: DefaultPollHold, cuts: make(map[string]*cutRecord)}
}

// duration returns the hold for a GET from addr, jittered down by up to a tenth.
func (h *holds) duration(addr string) time.Duration {
	d := h.fixed
	if d == 0 {
		d = h.learned(addr)
	}
	return d - rand.N(d/10+1) //nolint:gosec // jitter needs no secrecy
}

func (h *holds) learned(addr string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.cuts[hostOf(addr)]
	if c == nil || c.count < cutsToLearn || time.Since(c.at) > holdMemory {
		return h.usual
	}
	margin := max(c.shortest/10, 500*time.Millisecond)
	return min(h.usual, max(minHold, c.shortest-margin))
}

// cut records that a waiting GET from addr was closed by the other side after
// age.
func (h *holds) cut(addr string, age time.Duration) {
	if h.fixed != 0 || age >= h.usual {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	host := hostOf(addr)
	c := h.cuts[host]
	now := time.Now()
	if c == nil || now.Sub(c.at) > holdMemory {
		if c == nil && len(h.cuts) >= maxHoldings {
			h.evictLocked(now)
		}
		h.cuts[host] = &cutRecord{shortest: age, count: 1, at: now}
		return
	}
	c.shortest = min(c.shortest, age)
	c.count++
	c.at = now
}

// survived records that a GET from addr was held for age and still answered: no
// proxy there cuts earlier.
func (h *holds) survived(addr string, age time.Duration) {
	if h.fixed != 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	host := hostOf(addr)
	if c := h.cuts[host]; c != nil && age > c.shortest {
		delete(h.cuts, host)
	}
}

// evictLocked makes room: what is forgotten anyway goes, or else any eighth, so
// that many addresses do not mean a walk through the table for each.
func (h *holds) evictLocked(now time.Time) {
	for host, c := range h.cuts {
		if now.Sub(c.at) > holdMemory {
			delete(h.cuts, host)
		}
	}
	for host := range h.cuts {
		if len(h.cuts) <= maxHoldings-maxHoldings/8 {
			return
		}
		delete(h.cuts, host)
	}
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
