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
)

// holds decides how long a GET is held. It learns of proxies that cut requests:
// when waiting GETs of an address were cut twice at about the same age, and none
// lived longer since, holds for that address end shortly before the cut. People
// who close a page cut GETs too, but at any age.
type holds struct {
	fixed, usual time.Duration

	mu   sync.Mutex
	cuts map[string]*cutRecord
}

type cutRecord struct {
	last time.Duration // age at the last cut
	cut  time.Duration // age at which this address is cut, 0 until that is known
	at   time.Time     // of the last cut, or of learning
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
	if c == nil || c.cut == 0 || time.Since(c.at) > holdMemory {
		return h.usual
	}
	return min(h.usual, max(minHold, c.cut-tolerance(c.cut)))
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
		h.cuts[host] = &cutRecord{last: age, at: now}
		return
	}
	earlier := min(c.last, age)
	alike := max(c.last, age)-earlier <= tolerance(earlier)
	c.last = age
	switch {
	case alike && (c.cut == 0 || earlier < c.cut):
		c.cut, c.at = max(earlier, 1), now
	case c.cut == 0:
		c.at = now
	}
}

// tolerance is how much two cuts at the same age may differ, and how much earlier
// than a cut a hold ends.
func tolerance(age time.Duration) time.Duration { return max(age/10, 500*time.Millisecond) }

// survived records that a GET from addr was held for age and still answered: no
// proxy there cuts earlier.
func (h *holds) survived(addr string, age time.Duration) {
	if h.fixed != 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	host := hostOf(addr)
	c := h.cuts[host]
	if c != nil && (c.cut > 0 && age > c.cut || c.cut == 0 && age > c.last) {
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
