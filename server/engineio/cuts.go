package engineio

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	cutMemory    = 10 * time.Minute // how long what was learned of an address is believed at first
	maxCutMemory = 16 * cutMemory   // and at most, when it proved true again and again
	maxAddresses = 4096             // addresses remembered at once, in each table
)

// cuts learns at what age something of an address is cut: its waiting GETs, or its
// idle WebSockets. Two cuts in a row at about the same age, while nothing lived
// longer, are a rule of a proxy there, if the second began after the first was cut.
// People who close a page cut things too, but at any age; and a program that ends cuts
// all that it has, together.
//
// No rule is believed for good. After cutMemory one caller is told of none, as a
// trial. If that is cut too the rule is believed for twice as long as before, up to
// maxCutMemory, so that a proxy that stays costs few trials; if it lives longer the
// rule is forgotten.
type cuts struct {
	usual time.Duration // what is cut at this age or later says nothing

	mu    sync.Mutex
	table map[string]*cutRecord
	size  atomic.Int32 // of table, so that most callers need no lock
}

type cutRecord struct {
	last   time.Duration // age at the last cut
	lastAt time.Time     // of that cut
	cut    time.Duration // age at which this address cuts, 0 until that is known
	at     time.Time     // of the last cut, of learning, or of the last trial
	belief time.Duration // from at on: how long until the next trial, or until it is forgotten
	trial  bool          // one was told of no rule
}

func newCuts(usual time.Duration) *cuts {
	return &cuts{usual: usual, table: make(map[string]*cutRecord)}
}

// known returns the age at which addr cuts, or 0 where that is not known, or is
// to be tried.
func (h *cuts) known(addr string) time.Duration {
	if h.size.Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.table[hostOf(addr)]
	if c == nil || c.cut == 0 {
		return 0
	}
	if now := time.Now(); now.Sub(c.at) > c.belief {
		c.at, c.trial = now, true
		return 0
	}
	return c.cut
}

// rules counts the addresses of which a rule is believed.
func (h *cuts) rules() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, now := 0, time.Now()
	for _, c := range h.table {
		if c.cut > 0 && now.Sub(c.at) <= c.belief {
			n++
		}
	}
	return n
}

// cut records that something of addr was cut at this age. alike: it may well be a
// rule, being the first cut there, or like the one before, or like the rule that
// is known. learned: it has become one, or has stood a trial.
func (h *cuts) cut(addr string, age time.Duration) (alike, learned bool) {
	if age >= h.usual {
		return false, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	host, now := hostOf(addr), time.Now()
	c := h.table[host]
	if c == nil || c.cut == 0 && now.Sub(c.at) > c.belief {
		if c == nil {
			makeRoom(h.table, func(c *cutRecord) bool { return now.Sub(c.at) > c.belief })
		}
		h.table[host] = &cutRecord{last: age, lastAt: now, at: now, belief: cutMemory}
		h.resizedLocked()
		return true, false
	}
	return c.again(age, now)
}

// again is cut for an address that has a record.
func (c *cutRecord) again(age time.Duration, now time.Time) (alike, learned bool) {
	earlier := min(c.last, age)
	alike = max(c.last, age)-earlier <= tolerance(earlier)
	together := now.Add(tolerance(age) - age).Before(c.lastAt)
	if !together {
		c.last, c.lastAt = age, now
	}
	if c.cut > 0 && age > c.cut+tolerance(c.cut) { // it lived longer than the rule allows
		c.cut = 0
	}
	asRuled := c.cut > 0 && age >= c.cut-tolerance(c.cut)
	switch {
	case asRuled && c.trial:
		c.at, c.belief, c.trial = now, min(2*c.belief, maxCutMemory), false
		return true, true
	case asRuled:
		c.cut = min(c.cut, age)
		return true, false
	case together:
		return alike, false
	case alike:
		c.cut, c.at, c.belief, c.trial = max(earlier, 1), now, cutMemory, false
		return true, true
	case c.cut == 0:
		c.at = now
	}
	return false, false
}

// tolerance is how much two cuts at the same age may differ, and how much earlier
// than a cut a hold ends. It is for proxies that look at their time-outs now and then:
// squid 5 cuts what should end after 10 s at any age from 9.5 to 11.5 s.
func tolerance(age time.Duration) time.Duration {
	return max(age/10, min(age/3, 2250*time.Millisecond))
}

// survived records that something of addr was not cut at this age: nothing there
// cuts earlier.
func (h *cuts) survived(addr string, age time.Duration) {
	if h.size.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	host := hostOf(addr)
	c := h.table[host]
	if c != nil && (c.cut > 0 && age > c.cut || c.cut == 0 && age > c.last) {
		delete(h.table, host)
		h.resizedLocked()
	}
}

func (h *cuts) resizedLocked() {
	h.size.Store(int32(len(h.table))) //nolint:gosec // at most maxAddresses
}

// makeRoom makes room in a full table of addresses: what is stale goes, or else any
// eighth, so that many addresses do not mean a walk through the table for each.
func makeRoom[R any](table map[string]R, stale func(R) bool) {
	if len(table) < maxAddresses {
		return
	}
	for host, r := range table {
		if stale(r) {
			delete(table, host)
		}
	}
	for host := range table {
		if len(table) <= maxAddresses-maxAddresses/8 {
			return
		}
		delete(table, host)
	}
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
