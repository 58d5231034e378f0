package main

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

// counts is what a soak did and what went wrong. All fields may be changed at once.
type counts struct {
	connects                       [3]atomic.Int64 // by way
	upgrades, cuts, goodbyes       atomic.Int64
	moves                          atomic.Int64 // joins and leaves
	said, heard, attached, echoed  atomic.Int64
	stalled                        atomic.Int64 // readers that the server ended
	lost, reordered, doubled, torn atomic.Int64
	failed                         atomic.Int64 // what a client could not do

	mu    sync.Mutex
	notes []string
}

const maxNotes = 10

// fault counts something that went wrong and keeps the first of them in words.
func (c *counts) fault(kind *atomic.Int64, n int, format string, args ...any) {
	kind.Add(int64(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notes) < maxNotes {
		c.notes = append(c.notes, fmt.Sprintf(format, args...))
	}
}

// faults is how much went wrong.
func (c *counts) faults() int64 {
	return c.lost.Load() + c.reordered.Load() + c.doubled.Load() + c.torn.Load() + c.failed.Load()
}

// body is what message n of a publisher says: 16 bytes to 1.5 KB, and 20 KB at times.
func body(from, n int) []byte {
	size := 16 + (n*37+from*11)%1500
	if n%50 == 49 {
		size = 20_000
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a' + byte((from+n+i)%26)
	}
	return b
}

// binary reports whether message n goes as an attachment.
func binary(n int) bool { return n%3 == 0 }

// follower checks what one receiver hears from several publishers.
type follower struct {
	counts *counts

	mu      sync.Mutex
	strict  bool                 // the first message of each is number 1
	next    map[int]int          // by publisher
	missing map[int]map[int]bool // likewise: skipped so far
}

func newFollower(c *counts, strict bool) *follower {
	return &follower{counts: c, strict: strict, next: make(map[int]int), missing: make(map[int]map[int]bool)}
}

// take checks an event "msg" with a publisher, a number and a body.
func (f *follower) take(e event) {
	if len(e.args) != 4 || e.args[0] != "msg" {
		f.counts.fault(&f.counts.torn, 1, "unexpected event %.80v", e.args)
		return
	}
	from, okFrom := e.args[1].(float64)
	n, okN := e.args[2].(float64)
	if !okFrom || !okN || !same(e.args[3], int(from), int(n)) {
		f.counts.fault(&f.counts.torn, 1, "message %v of %v is not what was sent", e.args[2], e.args[1])
		return
	}
	f.counts.heard.Add(1)
	if binary(int(n)) {
		f.counts.attached.Add(1)
	}
	f.number(int(from), int(n))
}

// same reports whether an argument is the body of a message.
func same(arg any, from, n int) bool {
	switch v := arg.(type) {
	case attachment:
		return binary(n) && bytes.Equal(v, body(from, n))
	case string:
		return !binary(n) && v == string(body(from, n))
	}
	return false
}

// number checks the order. What is skipped counts as lost until it comes.
func (f *follower) number(from, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, known := f.next[from]
	if !known {
		next = n
		if f.strict {
			next = 1
		}
	}
	switch {
	case n >= next:
		for ; next < n; next++ {
			f.missLocked(from, next)
		}
		f.next[from] = n + 1
	case f.missing[from][n]:
		delete(f.missing[from], n)
		f.counts.lost.Add(-1)
		f.counts.fault(&f.counts.reordered, 1, "message %d of %d came after %d", n, from, next-1)
	default:
		f.counts.fault(&f.counts.doubled, 1, "message %d of %d came twice", n, from)
	}
}

func (f *follower) missLocked(from, n int) {
	if f.missing[from] == nil {
		f.missing[from] = make(map[int]bool)
	}
	f.missing[from][n] = true
	f.counts.fault(&f.counts.lost, 1, "message %d of %d did not come before the next", n, from)
}

// has reports whether everything of a publisher up to number n was there.
func (f *follower) has(from, n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return n == 0 || f.next[from] > n
}

// complete counts as lost what has not come of a publisher's n messages.
func (f *follower) complete(from, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for next := max(f.next[from], 1); next <= n; next++ {
		f.missLocked(from, next)
	}
}
