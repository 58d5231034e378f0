package load

import (
	"context"
	"errors"
	"testing"
	"time"
)

// ping sends a ping to all sessions before the given one, and ends those that do not answer
// in time, as servers do.
func (r *relay) ping(before int) {
	silent := make(map[int]*fakeSession)
	r.mu.Lock()
	for _, s := range r.sessions {
		if s.index < before {
			silent[s.index] = s
		}
	}
	r.mu.Unlock()
	for _, s := range silent {
		s.send("2")
	}
	late := time.After(10 * time.Second)
	for len(silent) > 0 {
		select {
		case session := <-r.pongs:
			delete(silent, session)
		case <-late:
			for _, s := range silent {
				s.send("1")
			}
			return
		}
	}
}

// The last client is let in only when all others have answered a ping or were thrown out for
// not doing so.
func TestClientsAnswerPingsWhileOthersAreBeingDialled(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Idle, Connect, Fanout, Echo} {
		for _, tr := range transports {
			t.Run(string(kind)+"/"+string(tr), func(t *testing.T) {
				t.Parallel()
				w := Work{Kind: kind, Transport: tr, Clients: 4, Baseline: 2, Dials: 1}
				last := w.Clients - 1
				if kind == Idle || kind == Connect {
					last += w.Baseline
				}
				srv := &relay{pongs: make(chan int, 8)}
				srv.refuse = func(session int) bool {
					if session == last {
						srv.ping(session)
					}
					return false
				}
				clean(t, mustRun(t, srv.serve(t), w))
			})
		}
	}
}

// Who is thrown out while others are being dialled ends a work as one later does.
func TestWhoIsThrownOutWhileOthersAreBeingDialledIsCounted(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Fanout, Echo} {
		srv := &relay{}
		gone := make(chan struct{})
		srv.hangUp = func(session int) time.Duration {
			if session == 0 {
				time.AfterFunc(2*adoptEvery, func() { close(gone) })
				return time.Millisecond
			}
			return 0
		}
		srv.refuse = func(session int) bool {
			if session == 2 {
				<-gone
			}
			return false
		}
		r := mustRun(t, srv.serve(t), Work{Kind: kind, Clients: 3, Dials: 1, Rate: 10, Measure: time.Minute})
		if r.Disconnected != 1 {
			t.Errorf("%s: %d disconnected, want 1", kind, r.Disconnected)
		}
	}
}

func TestDiallingEndsWhereNobodyIsLetInAnyMore(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Idle, Connect, Fanout, Echo} {
		for _, tr := range transports {
			t.Run(string(kind)+"/"+string(tr), func(t *testing.T) {
				t.Parallel()
				w := small(Work{Kind: kind, Transport: tr, Clients: 40, Baseline: 1, Dials: 2, DialTimeout: 500 * time.Millisecond})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				r, err := Run(ctx, Target{URL: (&relay{hang: 5}).serve(t)}, w)
				let, figures := 5, kind == Idle || kind == Connect
				if figures {
					let -= w.Baseline
				}
				var short *ConnectError
				if !errors.As(err, &short) || short.Connected != let || short.Clients != 40 || short.Failed < 4 || short.Failed > 5 {
					t.Fatalf("error %v, want %d connected of 40, and four failed or five", err, let)
				}
				if figures != (r != nil) || figures && (r.Delivered != int64(let) || !r.Stopped) {
					t.Errorf("result %+v", r)
				}
			})
		}
	}
}

func TestARunThatEndsWhileItConnectsSaysHowFarItWas(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Idle, Connect, Fanout, Echo} {
		ctx, cancel := context.WithCancel(t.Context())
		srv := &relay{refuse: func(session int) bool {
			if session == 5 {
				cancel()
			}
			return session == 5
		}}
		r, err := Run(ctx, Target{URL: srv.serve(t)}, small(Work{Kind: kind, Clients: 8, Baseline: 2, Dials: 1}))
		let := 5
		if kind == Idle || kind == Connect {
			let = 3
		}
		var short *ConnectError
		if !errors.As(err, &short) || !errors.Is(err, context.Canceled) || short.Connected != let || short.Clients != 8 || short.Failed != 0 {
			t.Errorf("%s: error %v, want %d connected of 8", kind, err, let)
		}
		if r != nil && r.Units != int64(let) {
			t.Errorf("%s: %d units, want %d", kind, r.Units, let)
		}
		cancel()
	}
}
