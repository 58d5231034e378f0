package load

import (
	"context"
	"testing"
	"time"
)

// allLeave waits until n sessions have said goodbye.
func (r *relay) allLeave(t *testing.T, n int) {
	t.Helper()
	seen := make(map[int]bool)
	for late := time.After(10 * time.Second); len(seen) < n; {
		select {
		case session := <-r.goodbyes:
			seen[session] = true
		case <-late:
			t.Errorf("%d said goodbye, want %d", len(seen), n)
			return
		}
	}
}

func TestClientsSayGoodbye(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Idle, Connect, Fanout, Echo} {
		for _, tr := range transports {
			t.Run(string(kind)+"/"+string(tr), func(t *testing.T) {
				t.Parallel()
				n := 4
				w := Work{Kind: kind, Transport: tr, Clients: n, Baseline: 2}
				if kind == Idle || kind == Connect {
					n += w.Baseline
				}
				srv := &relay{goodbyes: make(chan int, n)}
				clean(t, mustRun(t, srv.serve(t), w))
				srv.allLeave(t, n)
			})
		}
	}
}

func TestClientsOfARunThatIsStoppedSayGoodbye(t *testing.T) {
	t.Parallel()
	for _, phase := range []Phase{Connecting, Measuring} {
		ctx, cancel := context.WithCancel(t.Context())
		srv := &relay{goodbyes: make(chan int, 8)}
		srv.refuse = func(session int) bool {
			if session == 4 && phase == Connecting {
				cancel()
			}
			return session == 4
		}
		_, err := Run(ctx, Target{URL: srv.serve(t)}, small(Work{Kind: Echo, Clients: 5, Dials: 1, Measure: time.Minute}), OnProgress(func(p Progress) {
			if p.Phase == phase && phase == Measuring {
				cancel()
			}
		}))
		if err == nil {
			t.Errorf("%s: not stopped", phase)
		}
		srv.allLeave(t, 4)
		cancel()
	}
}

// The server takes no notice until the run is over.
func TestClientsDoNotWaitLongForTheirLeave(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		srv := &relay{goodbyes: make(chan int)}
		clean(t, mustRun(t, srv.serve(t), Work{Kind: Echo, Transport: tr, Clients: 4}))
		srv.allLeave(t, 4)
	}
}

func TestStalledClientsSayGoodbye(t *testing.T) {
	t.Parallel()
	srv := &relay{goodbyes: make(chan int, 4)}
	clean(t, mustRun(t, srv.serve(t), Work{Kind: Fanout, Clients: 4, Stalled: 0.5}))
	srv.allLeave(t, 4)
}
