package session

import (
	"sync"
	"time"
)

// cache remembers answers for a short time, and not too many.
type cache struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[question]answer
}

func (c *cache) get(q question) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.entries[q]
	if ok && !c.now().Before(a.until) {
		delete(c.entries, q)
		return answer{}, false
	}
	return a, ok
}

// put remembers an answer until its time. If there is no room, those whose time is over
// go, and otherwise any: it can be asked for again.
func (c *cache) put(q question, a answer) {
	now := c.now()
	if !now.Before(a.until) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxCached {
		c.makeRoomLocked(now)
	}
	c.entries[q] = a
}

func (c *cache) makeRoomLocked(now time.Time) {
	for q, a := range c.entries {
		if !now.Before(a.until) {
			delete(c.entries, q)
		}
	}
	for q := range c.entries {
		if len(c.entries) < maxCached*9/10 {
			return
		}
		delete(c.entries, q)
	}
}
