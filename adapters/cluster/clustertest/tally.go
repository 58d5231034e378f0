package clustertest

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
)

// Tally is a cluster.Observer that counts. The zero value is ready.
type Tally struct {
	mu     sync.Mutex
	counts map[cluster.Way]Counts
}

// Counts are what a Tally has heard of one way.
type Counts struct {
	Published, NotPublished, Received, NotUnderstood int
	Took                                             time.Duration
}

var _ cluster.Observer = (*Tally)(nil)

// Of returns the counts of one way.
func (t *Tally) Of(w cluster.Way) Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[w]
}

func (t *Tally) change(w cluster.Way, f func(c *Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[cluster.Way]Counts)
	}
	c := t.counts[w]
	f(&c)
	t.counts[w] = c
}

// Published counts messages that were taken.
func (t *Tally) Published(w cluster.Way, n int, took time.Duration) {
	t.change(w, func(c *Counts) {
		c.Published += n
		c.Took += took
	})
}

// NotPublished counts messages that were not.
func (t *Tally) NotPublished(w cluster.Way, n int) {
	t.change(w, func(c *Counts) { c.NotPublished += n })
}

// Received counts messages that came.
func (t *Tally) Received(w cluster.Way, n int) {
	t.change(w, func(c *Counts) { c.Received += n })
}

// NotUnderstood counts those that could not be read.
func (t *Tally) NotUnderstood(w cluster.Way) {
	t.change(w, func(c *Counts) { c.NotUnderstood++ })
}
