package load

import (
	"context"
	"testing"
	"time"
)

func TestChurn(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		for _, kind := range []Kind{Fanout, Echo} {
			srv := &relay{}
			ctx, cancel := context.WithCancel(t.Context())
			w := small(Work{Kind: kind, Transport: tr, Churn: 25, Warmup: time.Millisecond, Measure: 20 * time.Second, Stall: 5 * time.Second})
			before := -1 // how many had left when the measured time began
			r, _ := Run(ctx, Target{URL: srv.serve(t)}, w, OnProgress(func(p Progress) {
				srv.mu.Lock()
				defer srv.mu.Unlock()
				switch {
				case p.Phase != Measuring:
				case before < 0:
					before = srv.left
				case srv.left >= before+10:
					cancel()
				}
			}))
			cancel()
			if r == nil {
				t.Fatal("no result")
			}
			clean(t, r)
			if r.Churned == 0 {
				t.Errorf("%s beside %s: nobody came and went", tr, kind)
			}
		}
	}
}

func TestRefusedChurnIsCounted(t *testing.T) {
	t.Parallel()
	srv := &relay{refuse: func(session int) bool { return session == 10 }}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Churn: 200, Measure: 200 * time.Millisecond})
	if r.FailedConnects != 1 || r.Lost != 0 || len(r.Notes) == 0 {
		t.Errorf("%d failed connects, %d lost, notes %q; want 1, 0 and why", r.FailedConnects, r.Lost, r.Notes)
	}
}

func TestChurnThatIsNotAnsweredFails(t *testing.T) {
	t.Parallel()
	r := mustRun(t, (&relay{hang: 9}).serve(t), Work{Kind: Fanout, Churn: 100, Measure: 100 * time.Millisecond})
	if r.FailedConnects == 0 || r.Lost != 0 || r.Churned > 1 {
		t.Errorf("%d failed connects, %d lost, %d came and went; want some, 0, at most 1", r.FailedConnects, r.Lost, r.Churned)
	}
}
