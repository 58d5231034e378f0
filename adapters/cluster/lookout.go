package cluster

import (
	"context"
	"sync"
	"time"
)

// How often the nodes are counted again while answers are late, and how long one
// count may take.
const (
	lookEvery   = 250 * time.Millisecond
	lookFresh   = 200 * time.Millisecond // questions share a look that is no older
	lookTimeout = 3 * time.Second
)

// look is who is there besides this node. Its fields may be read once done is
// closed.
type look struct {
	began time.Time
	done  chan struct{}

	others int
	ids    map[string]bool // nil if the driver is no Roster
	err    error
}

// lookout looks who is there, once for all questions that want to know.
type lookout struct {
	driver  Driver
	closing <-chan struct{}

	mu      sync.Mutex
	last    *look
	ended   bool
	workers sync.WaitGroup
}

func (o *lookout) init(d Driver, closing <-chan struct{}) { o.driver, o.closing = d, closing }

// look returns a look that has begun just now, or is under way.
func (o *lookout) look() *look {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return &look{} // who waits hears of the end, too
	}
	if o.last != nil {
		select {
		case <-o.last.done:
			if time.Since(o.last.began) < lookFresh {
				return o.last
			}
		default:
			return o.last
		}
	}
	l := &look{began: time.Now(), done: make(chan struct{})}
	o.last = l
	o.workers.Go(func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		o.workers.Go(func() {
			select {
			case <-o.closing:
				cancel()
			case <-ctx.Done():
			}
		})
		o.take(ctx, l)
	})
	return l
}

func (o *lookout) take(ctx context.Context, l *look) {
	if r, ok := o.driver.(Roster); ok {
		if ids, err := r.Nodes(ctx); err == nil {
			l.others, l.ids = len(ids), make(map[string]bool, len(ids))
			for _, id := range ids {
				l.ids[id] = true
			}
			return
		}
		// A backend may refuse to name the nodes and still count them.
	}
	var n int
	n, l.err = o.driver.Count(ctx)
	l.others = max(n-1, 0)
}

// end lets nobody look any more.
func (o *lookout) end() {
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
}

func (o *lookout) wait() { o.workers.Wait() }

// headcount is who was asked a question and who has answered it.
type headcount struct {
	want    int // other nodes whose answers are waited for
	got     int
	unnamed int             // of got, from nodes that did not say who they are
	named   map[string]bool // of got
	first   map[string]bool // who was there at the first look
}

// answered counts the answer of a node. It reports false for a second one.
func (h *headcount) answered(from string) bool {
	if from == "" {
		h.unnamed++
		h.got++
		return true
	}
	if h.named[from] {
		return false
	}
	if h.named == nil {
		h.named = make(map[string]bool)
	}
	h.named[from] = true
	h.got++
	return true
}

// missing is how many answers are waited for.
func (h *headcount) missing() int { return max(h.want-h.got, 0) }

// look lowers what is waited for where nodes are gone. By number alone it cannot
// be told whether a node that is gone had answered; it is taken for one that had
// not, so that nobody waits in vain.
func (h *headcount) look(l *look) {
	if l.ids == nil {
		h.want = min(h.want, l.others)
		return
	}
	if h.first == nil {
		h.first = l.ids
	}
	open := -h.unnamed
	for id := range l.ids {
		if h.first[id] && !h.named[id] {
			open++
		}
	}
	h.want = min(h.want, h.got+max(open, 0))
}
