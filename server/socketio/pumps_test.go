package socketio

import (
	"testing"
	"testing/synctest"
	"time"
)

// parked returns how many goroutines wait.
func (p *pumps) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.parked)
}

// loop is what work does, without a socket.
func (p *pumps) loop(next chan *Socket) {
	for s := new(Socket); s != nil && p.park(next); {
		s = <-next
	}
}

// A goroutine that nobody needed for a while goes; one that was needed stays.
func TestParkedGoroutinesGoAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pumps
		for range maxParked + 10 {
			go p.loop(make(chan *Socket, 1))
		}
		synctest.Wait()
		if n := p.waiting(); n != maxParked {
			t.Fatalf("%d wait, want %d", n, maxParked)
		}
		s := new(Socket)
		for range 4 { // sweeps
			for range 3 {
				p.mu.Lock()
				next := p.parked[len(p.parked)-1]
				p.parked = p.parked[:len(p.parked)-1]
				p.spare = min(p.spare, len(p.parked))
				p.mu.Unlock()
				next <- s
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

// close leaves no goroutine behind, whether it waits or works.
func TestNoGoroutineIsParkedOnceClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pumps
		for range 3 {
			go p.loop(make(chan *Socket, 1))
		}
		synctest.Wait()
		p.close()
		if p.park(make(chan *Socket, 1)) || p.waiting() != 0 {
			t.Error("one is parked after close")
		}
	}) // fails while a goroutine is left
}
