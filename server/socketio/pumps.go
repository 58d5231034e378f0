package socketio

import (
	"sync"
	"time"
)

const (
	// maxParked bounds how many goroutines wait for work: each holds a stack of 8 KiB or so.
	maxParked = 64
	// parkedFor is how often those are let go that nobody needed meanwhile.
	parkedFor = 5 * time.Second
)

// pumps keeps goroutines that have handled events for those that come next. A new one
// begins with a small stack, which encoding the first answer makes grow: that was measured
// at a sixth of the cost of an echo.
type pumps struct {
	mu     sync.Mutex
	parked []chan *Socket // each has room for one; the last one parked is the first to go on
	spare  int            // the least that were parked since they were looked at
	timer  *time.Timer    // nil while none is parked
	closed bool
}

// start has somebody pump what is queued for s.
func (p *pumps) start(s *Socket) {
	p.mu.Lock()
	last := len(p.parked) - 1
	if last < 0 {
		p.mu.Unlock()
		go p.work(s)
		return
	}
	next := p.parked[last]
	p.parked[last] = nil
	p.parked = p.parked[:last]
	p.spare = min(p.spare, last)
	p.mu.Unlock()
	next <- s
}

// work pumps for one socket after another, until nobody needs it.
func (p *pumps) work(s *Socket) {
	next := make(chan *Socket, 1)
	for s != nil {
		s.pump()
		if !p.park(next) {
			return
		}
		s = <-next
	}
}

// park offers a goroutine, which then has to wait, or reports that it is not needed.
func (p *pumps) park(next chan *Socket) bool {
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
func (p *pumps) sweep() {
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
func (p *pumps) letGoLocked(n int) {
	for _, next := range p.parked[:n] {
		close(next)
	}
	left := copy(p.parked, p.parked[n:])
	clear(p.parked[left:])
	p.parked = p.parked[:left]
}

// close lets all go that wait, and those that work when they have done.
func (p *pumps) close() {
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
