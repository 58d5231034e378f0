package workers

import (
	"sync"
	"time"
)

const (
	// maxParked bounds how many goroutines of a Pool wait for work, such as those that
	// answered the polls of a room: each holds a stack of 8 KiB or so.
	maxParked = 512
	// parkedFor is how often those are let go that nobody needed meanwhile.
	parkedFor = 5 * time.Second
)

// Pool runs Work in goroutines of its own, and keeps them for a while. Work must be set
// before the first Do. It is safe for use by many goroutines at once.
type Pool[T any] struct {
	Work func(T)

	mu     sync.Mutex
	parked []chan T    // each has room for one; the last one parked is the first to go on
	spare  int         // the least that were parked since they were looked at
	timer  *time.Timer // nil while none is parked
	closed bool
}

// Do has a goroutine work on v, which never waits for another.
func (p *Pool[T]) Do(v T) {
	p.mu.Lock()
	last := len(p.parked) - 1
	if last < 0 {
		p.mu.Unlock()
		go p.work(v)
		return
	}
	next := p.parked[last]
	p.parked[last] = nil
	p.parked = p.parked[:last]
	p.spare = min(p.spare, last)
	p.mu.Unlock()
	next <- v
}

// work works on one thing after another, until nobody needs it.
func (p *Pool[T]) work(v T) {
	next := make(chan T, 1)
	for ok := true; ok; v, ok = <-next {
		p.Work(v)
		if !p.park(next) {
			return
		}
	}
}

// park offers a goroutine, which then has to wait, or reports that it is not needed.
func (p *Pool[T]) park(next chan T) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.parked) == maxParked {
		return false
	}
	p.parked = append(p.parked, next)
	if p.timer == nil {
		p.timer = time.AfterFunc(parkedFor, p.sweep)
	}
	return true
}

// sweep lets those go that were parked all the time.
func (p *Pool[T]) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letGoLocked(p.spare)
	if p.spare = len(p.parked); p.spare == 0 {
		p.timer = nil
		return
	}
	p.timer.Reset(parkedFor)
}

// letGoLocked ends the n that were parked first.
func (p *Pool[T]) letGoLocked(n int) {
	for _, next := range p.parked[:n] {
		close(next)
	}
	left := copy(p.parked, p.parked[n:])
	clear(p.parked[left:])
	p.parked = p.parked[:left]
}

// Close lets all go that wait, and those that work when they have done. What comes after
// it is worked on all the same.
func (p *Pool[T]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.letGoLocked(len(p.parked))
	p.spare = 0
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
