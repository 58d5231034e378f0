package cluster

import (
	"log/slog"
	"sync"
)

// Bounds of what waits to be answered.
const (
	maxAnswering = 32    // answers on their way at once
	maxAnswers   = 16384 // answers that wait; more are dropped, and whoever asked times out
)

// answers sends what other nodes are to be told, on goroutines that live only while
// there is something: those who answer must not wait for the network.
type answers struct {
	logger *slog.Logger

	mu      sync.Mutex
	queue   []func() error
	running int
	failing bool // the last one failed
	ended   bool
	workers sync.WaitGroup
}

func (o *answers) init(logger *slog.Logger) { o.logger = logger }

// put sends an answer soon.
func (o *answers) put(send func() error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return
	}
	if len(o.queue) >= maxAnswers {
		o.failLocked("too many answers wait")
		return
	}
	o.queue = append(o.queue, send)
	if o.running < maxAnswering {
		o.running++
		o.workers.Go(o.run)
	}
}

func (o *answers) run() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && !o.ended {
		send := o.queue[0]
		o.queue[0] = nil
		o.queue = o.queue[1:]
		o.mu.Unlock()
		err := send()
		o.mu.Lock()
		if err != nil {
			o.failLocked(err.Error())
		} else {
			o.failing = false
		}
	}
	if o.running--; o.running == 0 {
		o.queue = nil // its room is given back
	}
}

// failLocked logs the first of several failures.
func (o *answers) failLocked(why string) {
	if !o.failing && !o.ended {
		o.logger.Warn("an answer to another node was not sent", slog.String("error", why))
	}
	o.failing = true
}

// end drops what has not been sent.
func (o *answers) end() {
	o.mu.Lock()
	o.ended = true
	o.mu.Unlock()
}

func (o *answers) wait() { o.workers.Wait() }
