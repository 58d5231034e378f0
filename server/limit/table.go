package limit

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	shards = 64
	// idlePerShard bounds the entries of a shard that have nothing open: 65,536 in all,
	// of some 200 bytes each. Those with something open are bounded by what is open.
	idlePerShard = 1024
	// looked is how many idle entries are compared when one must go.
	looked = 8
	// abuseFactor times a rate within a second is abuse.
	abuseFactor = 10
	// shunTime is how long who abuses is not let in at all.
	shunTime = 10 * time.Second
)

// table counts what each of many has open and how often it comes. An idle entry goes
// when there are too many, the one that came longest ago of some that are looked at: who
// floods the table with keys makes others' buckets full again, and no more.
type table[K comparable] struct {
	rate Rate
	open int // at most; 0: no limit

	seed   maphash.Seed
	shards [shards]shard[K]
}

type shard[K comparable] struct {
	mu      sync.Mutex
	entries map[K]*entry
	busy    int // entries with something open
}

type entry struct {
	bucket *rate.Limiter // nil without a rate
	open   int           // sessions
	seen   int64         // Unix nanoseconds

	conns, unheard int // TCP connections, and those without a request yet

	second  int64 // Unix seconds, in which
	refused int   // so many were refused
	shunned int64 // until then, in Unix nanoseconds
}

func (e *entry) idle() bool { return e.open == 0 && e.conns == 0 }

func newTable[K comparable](r Rate, open int) *table[K] {
	t := &table[K]{rate: r, open: open, seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].entries = make(map[K]*entry)
	}
	return t
}

// at calls f with the entry of a key, which is made if need be. f may change it.
func (t *table[K]) at(k K, now time.Time, f func(e *entry)) {
	s := &t.shards[maphash.Comparable(t.seed, k)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[k]
	if e == nil {
		s.makeRoom()
		e = &entry{}
		if !t.rate.Off() {
			e.bucket = t.rate.bucket()
		}
		s.entries[k] = e
	}
	e.seen = now.UnixNano()
	idle := e.idle()
	f(e)
	switch {
	case idle && !e.idle():
		s.busy++
	case !idle && e.idle():
		s.busy--
	}
}

// makeRoom removes one idle entry if there are too many.
func (s *shard[K]) makeRoom() {
	if len(s.entries)-s.busy < idlePerShard {
		return
	}
	var oldest K
	var seen int64
	n := 0
	for k, e := range s.entries { // in an order that is another one each time
		if !e.idle() {
			continue
		}
		if n == 0 || e.seen < seen {
			oldest, seen = k, e.seen
		}
		if n++; n == looked {
			break
		}
	}
	delete(s.entries, oldest)
}

// enter counts one more session, if it may be. share is how much of the burst is left.
func (t *table[K]) enter(k K, now time.Time, rateName, openName Name) (share float64, x *Exceeded) {
	share = 1
	t.at(k, now, func(e *entry) {
		switch {
		case t.open > 0 && e.open >= t.open:
			x = &Exceeded{Limit: openName, RetryAfter: openRetry}
		case e.bucket != nil && !e.bucket.AllowN(now, 1):
			x = &Exceeded{Limit: rateName, RetryAfter: until(e.bucket, now)}
		default:
			e.open++
			if e.bucket != nil {
				share = max(e.bucket.TokensAt(now), 0) / float64(e.bucket.Burst())
			}
			return
		}
		t.misbehaved(e, now)
	})
	return share, x
}

// openRetry is when who has too much open may look again.
const openRetry = 10 * time.Second

// leave counts one session less.
func (t *table[K]) leave(k K) {
	t.at(k, time.Now(), func(e *entry) { e.open-- })
}

// misbehaved notes a refusal, and shuns who goes on as if there were none.
func (t *table[K]) misbehaved(e *entry, now time.Time) {
	if e.bucket == nil {
		return
	}
	if second := now.Unix(); e.second != second {
		e.second, e.refused = second, 0
	}
	if e.refused++; float64(e.refused) >= abuseFactor*max(t.rate.PerSecond, 1) {
		e.shunned = now.Add(shunTime).UnixNano()
	}
}

// len returns how many entries there are.
func (t *table[K]) len() int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}
