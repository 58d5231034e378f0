package cluster

import (
	"sync"
	"time"
)

// maxInbox is how many messages may wait in an inbox before whoever brings the next
// one waits, too.
const maxInbox = 4096

// inbox runs what came from other nodes one after the other, on a goroutine that
// lives only while there is something.
type inbox struct {
	patience time.Duration // how long the next one waits for one that runs; 0 is as long as it takes

	mu      sync.Mutex
	room    *sync.Cond // signalled when the queue gets shorter, and at the end
	queue   []func()
	running *struct{ _ byte } // who runs the queue; nil for nobody
	ended   bool
	workers sync.WaitGroup
}

func (b *inbox) init(patience time.Duration) {
	b.patience = patience
	b.room = sync.NewCond(&b.mu)
}

// idle reports whether everything that was put in has been run.
func (b *inbox) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running == nil
}

// put runs f when everything before it has been run. It waits while too much is
// waiting already.
func (b *inbox) put(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) >= maxInbox && !b.ended {
		b.room.Wait()
	}
	if b.ended {
		return
	}
	b.queue = append(b.queue, f)
	if b.running == nil {
		b.startLocked()
	}
}

func (b *inbox) startLocked() {
	me := new(struct{ _ byte })
	b.running = me
	b.workers.Go(func() { b.run(me) })
}

func (b *inbox) run(me *struct{ _ byte }) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) > 0 && !b.ended {
		f := b.queue[0]
		b.queue[0] = nil
		b.queue = b.queue[1:]
		b.room.Broadcast()
		b.mu.Unlock()
		b.runOne(me, f)
		b.mu.Lock()
		if b.running != me { // somebody else has gone on
			return
		}
	}
	b.queue = nil // its room is given back
	b.running = nil
}

func (b *inbox) runOne(me *struct{ _ byte }, f func()) {
	if b.patience > 0 {
		t := time.AfterFunc(b.patience, func() { b.passBy(me) })
		defer t.Stop()
	}
	f()
}

// passBy goes on with the queue while one of it still runs.
func (b *inbox) passBy(me *struct{ _ byte }) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running != me || b.ended {
		return
	}
	b.running = nil
	if len(b.queue) > 0 {
		b.startLocked()
	}
}

// end drops what has not been run, and lets no more in.
func (b *inbox) end() {
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	b.room.Broadcast()
}

func (b *inbox) wait() { b.workers.Wait() }
