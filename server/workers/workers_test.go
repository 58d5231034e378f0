package workers

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// waiting returns how many goroutines wait.
func (p *Pool[T]) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked)
}

// A goroutine that nobody needed for a while goes; one that was needed stays.
func TestParkedGoroutinesGoAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		p := Pool[chan struct{}]{Work: func(c chan struct{}) { <-c }}
		for range maxParked + 10 {
			p.Do(hold)
		}
		synctest.Wait()
		close(hold)
		synctest.Wait()
		if n := p.waiting(); n != maxParked {
			t.Fatalf("%d wait, want %d", n, maxParked)
		}
		for range 4 { // sweeps
			for range 3 {
				p.Do(hold)
				synctest.Wait()
			}
			time.Sleep(parkedFor) //nolint:forbidigo // in a bubble, where it takes no time
			synctest.Wait()
		}
		if n := p.waiting(); n != 1 {
			t.Errorf("%d wait, want the one that is needed", n)
		}
		time.Sleep(3 * parkedFor) //nolint:forbidigo // as above
		synctest.Wait()
		if n := p.waiting(); n != 0 {
			t.Errorf("%d wait, want none", n)
		}
	})
}

// Close leaves no goroutine behind, whether it waits or works.
func TestNoGoroutineIsParkedOnceClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, later := make(chan struct{}), make(chan struct{})
		p := Pool[chan struct{}]{Work: func(c chan struct{}) { <-c }}
		for range 3 {
			p.Do(now)
			p.Do(later)
		}
		close(now)
		synctest.Wait()
		if n := p.waiting(); n != 3 {
			t.Errorf("%d wait, want 3", n)
		}
		p.Close()
		close(later)
		p.Do(now)
		synctest.Wait()
		if n := p.waiting(); n != 0 {
			t.Errorf("%d wait after Close", n)
		}
	}) // fails while a goroutine is left
}

func TestEverythingIsWorkedOnOnce(t *testing.T) {
	const tasks = 10_000
	var done sync.WaitGroup
	done.Add(tasks)
	var counts [tasks]int
	p := Pool[int]{Work: func(i int) { counts[i]++; done.Done() }}
	for i := range tasks {
		p.Do(i)
	}
	done.Wait()
	p.Close()
	for i, n := range counts {
		if n != 1 {
			t.Fatalf("%d was worked on %d times", i, n)
		}
	}
}
