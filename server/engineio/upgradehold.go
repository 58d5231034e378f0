package engineio

import (
	"math"
	"sync"
	"time"
)

// Some proxies let a WebSocket begin and then cut it. The official client connects
// again by polling, upgrades again, is cut again, and so on: a page that never
// settles. So the server remembers how the WebSockets of an address ended, and
// stops offering the upgrade there for a while.
const (
	// youngAge: a WebSocket that is lost earlier than this, without a close frame,
	// died young.
	youngAge = 30 * time.Second
	// youngDeaths is how many sessions of an address must see that, within
	// holdMemory, before upgrades are withheld.
	youngDeaths = 3
	// holdMemory is how long deaths count, and how long upgrades are withheld.
	holdMemory = 10 * time.Minute
	// returnTime: a death after which nobody of the address comes back for this long
	// was somebody leaving. The official client is back within 7.5 s.
	returnTime = 30 * time.Second
	// shareTime is the time over which deaths are weighed against the WebSockets that
	// live, so that one client which is cut again and again counts as the few that it
	// is.
	shareTime = 10 * time.Second
	// failedUpgradeWait is how long after an upgrade failed its session must still be
	// there: a page that is closed takes both with it.
	failedUpgradeWait = 2 * retryGrace
)

// upgradeHolds decides which addresses are offered the upgrade. Many people may
// share an address, so deaths count beside what goes well there. Sessions that
// began by WebSocket are neither counted nor kept from anything.
type upgradeHolds struct {
	o *Options

	mu    sync.Mutex
	open  map[string]int // upgraded WebSockets by address; as many as there are, at most
	table map[string]*upgradeRecord
}

// upgradeRecord is what is known of an address where WebSockets died young.
type upgradeRecord struct {
	since  time.Time // of the first death that counts
	last   time.Time // of the last
	died   int       // sessions that saw their WebSocket die young
	came   int       // of these, those after which somebody came back
	spared int       // died idle before WebSocket pings were tried; they count if those do not help
	well   int       // WebSockets that ended in another way
	share  float64   // deaths of about the last shareTime
	until  time.Time // upgrades are withheld
}

// death is one WebSocket that died young.
type death struct {
	age    time.Duration
	spared bool // WebSocket pings may prevent the next one
	pinged bool // ... and did not prevent this one
}

func newUpgradeHolds(o *Options) *upgradeHolds {
	return &upgradeHolds{o: o, open: make(map[string]int), table: make(map[string]*upgradeRecord)}
}

// offers reports whether a session that begins by polling is offered the upgrade.
func (h *upgradeHolds) offers(addr string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.table[hostOf(addr)]
	if r == nil {
		return true
	}
	now := time.Now()
	if now.Sub(r.last) <= returnTime {
		r.came = r.died
	}
	return !now.Before(r.until)
}

// withheld counts the addresses that are offered no upgrade.
func (h *upgradeHolds) withheld() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, now := 0, time.Now()
	for _, r := range h.table {
		if now.Before(r.until) {
			n++
		}
	}
	return n
}

// upgraded counts a WebSocket that a session moved to.
func (h *upgradeHolds) upgraded(addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changeLocked(hostOf(addr), 1)
}

// ended counts the end of one that did not die young.
func (h *upgradeHolds) ended(addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	host := hostOf(addr)
	h.changeLocked(host, -1)
	if r := h.table[host]; r != nil {
		r.well++
	}
}

// died counts one that did.
func (h *upgradeHolds) died(addr string, d death) {
	h.mu.Lock()
	host := hostOf(addr)
	h.changeLocked(host, -1)
	h.countUnlock(host, d)
}

// failed counts an upgrade that the network did not let come to its end.
func (h *upgradeHolds) failed(addr string, age time.Duration) {
	h.mu.Lock()
	h.countUnlock(hostOf(addr), death{age: age})
}

// changeLocked keeps the number of open WebSockets. It may pass below zero for a
// moment, when one ends while it begins.
func (h *upgradeHolds) changeLocked(host string, by int) {
	if n := h.open[host] + by; n != 0 {
		h.open[host] = n
	} else {
		delete(h.open, host)
	}
}

// countUnlock counts a death, with the lock held, releases it, and tells what
// follows.
func (h *upgradeHolds) countUnlock(host string, d death) {
	now := time.Now()
	r := h.recordLocked(host, now)
	r.count(now, d)
	open := h.open[host]
	withhold := !h.o.AlwaysUpgrade && r.died >= youngDeaths && r.died >= r.well && r.share > float64(open)
	again := now.Before(r.until)
	if withhold {
		r.until = now.Add(holdMemory)
	}
	died := r.died
	h.mu.Unlock()

	h.o.Observer.WebSocketDiedYoung()
	if withhold && !again {
		h.o.Logger.Warn("upgrades withheld: WebSockets of this address die young", "remote", host,
			"died", died, "open", open, "withheld_for", holdMemory)
	}
}

// recordLocked returns the record of an address, made anew when the old one is
// forgotten.
func (h *upgradeHolds) recordLocked(host string, now time.Time) *upgradeRecord {
	r := h.table[host]
	if r != nil && r.stale(now) {
		*r = upgradeRecord{since: now, last: now}
	}
	if r == nil {
		makeRoom(h.table, func(r *upgradeRecord) bool { return r.stale(now) })
		r = &upgradeRecord{since: now, last: now}
		h.table[host] = r
	}
	return r
}

func (r *upgradeRecord) stale(now time.Time) bool {
	return now.Sub(r.since) > holdMemory && !now.Before(r.until)
}

// count counts a death.
func (r *upgradeRecord) count(now time.Time, d death) {
	away := now.Sub(r.last)
	if away > returnTime {
		r.died = r.came
	}
	r.last = now
	// A client that is cut at age and comes back two seconds later is there every
	// age + 2 s, so that much of it is seen within shareTime.
	weight := max(1, float64(d.age+2*time.Second)/float64(shareTime))
	r.share = r.share*math.Exp(-float64(away)/float64(shareTime)) + weight
	if d.spared {
		r.spared++
		return
	}
	if d.pinged {
		r.died += r.spared
		r.spared = 0
	}
	r.died++
}
