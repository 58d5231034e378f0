package load

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

var transports = []Transport{WebSocket, Polling, Upgrade}

func TestCleanServerLosesNothing(t *testing.T) {
	works := map[string]Work{
		"idle":              {Kind: Idle},
		"connect":           {Kind: Connect},
		"fanout":            {Kind: Fanout},
		"fanout window":     {Kind: Fanout, Window: 16, Publishers: 3},
		"fanout rate":       {Kind: Fanout, Rate: 200, Publishers: 2},
		"fanout burst":      {Kind: Fanout, Window: 100, Messages: 100},
		"echo":              {Kind: Echo},
		"echo window":       {Kind: Echo, Window: 16},
		"echo burst":        {Kind: Echo, Clients: 1, Window: 200, Messages: 200},
		"echo large":        {Kind: Echo, Payload: 70_000, Messages: 3},
		"echo middle-sized": {Kind: Echo, Payload: 1000, Messages: 3},
	}
	for name, w := range works {
		for _, tr := range transports {
			t.Run(name+"/"+string(tr), func(t *testing.T) {
				w.Transport = tr
				r := mustRun(t, (&relay{}).serve(t), w)
				if got := r.Failure(); got != "" {
					t.Errorf("failure %q, notes %q", got, r.Notes)
				}
				if r.Expected == 0 || r.Delivered != r.Expected {
					t.Errorf("delivered %d of %d", r.Delivered, r.Expected)
				}
				if w.Messages > 0 && r.Units != r.Expected { // a short time may pass without any on a busy machine
					t.Errorf("%d units, want %d", r.Units, r.Expected)
				}
			})
		}
	}
}

func TestMessagesAreCountedExactly(t *testing.T) {
	r := mustRun(t, (&relay{}).serve(t), Work{Kind: Fanout, Clients: 5, Window: 7, Messages: 30})
	if r.Units != 150 || r.Delivered != 150 || r.Expected != 150 {
		t.Errorf("units %d, delivered %d, expected %d; want 150 of each", r.Units, r.Delivered, r.Expected)
	}
	r = mustRun(t, (&relay{}).serve(t), Work{Kind: Echo, Clients: 5, Window: 7, Messages: 30})
	if r.Units != 150 || r.Delivered != 150 || r.Expected != 150 {
		t.Errorf("echo: units %d, delivered %d, expected %d; want 150 of each", r.Units, r.Delivered, r.Expected)
	}
}

// every makes a tamper that applies do to the n-th packet of session 1.
func every(n int, do func(packet string) []string) func(int, string) []string {
	var mu sync.Mutex
	seen := 0
	return func(session int, packet string) []string {
		mu.Lock()
		defer mu.Unlock()
		if session == 1 {
			seen++
			if seen == n {
				return do(packet)
			}
		}
		return []string{packet}
	}
}

func TestLostDeliveriesAreCounted(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		for _, tr := range transports {
			t.Run(string(kind)+"/"+string(tr), func(t *testing.T) {
				srv := &relay{tamper: every(3, func(string) []string { return nil })}
				r := mustRun(t, srv.serve(t), Work{Kind: kind, Transport: tr, Clients: 4, Window: 4, Messages: 20})
				if r.Lost != 1 {
					t.Errorf("lost %d of %d, want 1", r.Lost, r.Expected)
				}
				if !strings.Contains(r.Failure(), "1 lost") {
					t.Errorf("failure %q does not tell", r.Failure())
				}
			})
		}
	}
}

func TestLossDoesNotStopARunByTime(t *testing.T) {
	t.Parallel()
	srv := &relay{tamper: every(2, func(string) []string { return nil })}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Warmup: time.Millisecond, Measure: 3 * time.Second, Stall: time.Second})
	if r.Lost != 1 || r.Stalls != 1 {
		t.Errorf("lost %d in %d stalls, want 1 in 1", r.Lost, r.Stalls)
	}
	if r.Delivered <= 2*8 { // the second message of eight clients is the one that stalls
		t.Errorf("delivered %d, want the run to go on after the stall", r.Delivered)
	}
}

func TestDuplicatesAreCounted(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		srv := &relay{tamper: every(3, func(p string) []string { return []string{p, p} })}
		r := mustRun(t, srv.serve(t), Work{Kind: kind, Messages: 20})
		if r.Duplicated != 1 || r.Lost != 0 {
			t.Errorf("%s: duplicated %d, lost %d; want 1, 0", kind, r.Duplicated, r.Lost)
		}
	}
}

func TestDuplicateOfTheLastMessageIsSeen(t *testing.T) {
	srv := &relay{tamper: every(20, func(p string) []string { return []string{p, p} })}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Messages: 20})
	if r.Duplicated != 1 {
		t.Errorf("duplicated %d, want 1", r.Duplicated)
	}
}

func TestReorderingIsCounted(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		var held string
		var mu sync.Mutex
		n := 0
		srv := &relay{tamper: func(session int, p string) []string {
			mu.Lock()
			defer mu.Unlock()
			if session != 1 {
				return []string{p}
			}
			switch n++; n {
			case 3:
				held = p
				return nil
			case 4:
				return []string{p, held}
			}
			return []string{p}
		}}
		r := mustRun(t, srv.serve(t), Work{Kind: kind, Window: 8, Messages: 20})
		if r.Reordered != 1 || r.Lost != 0 || r.Duplicated != 0 {
			t.Errorf("%s: reordered %d, lost %d, duplicated %d; want 1, 0, 0", kind, r.Reordered, r.Lost, r.Duplicated)
		}
	}
}

func TestChangedBytesAreMalformedAndLost(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		srv := &relay{tamper: every(3, func(p string) []string { return []string{strings.Replace(p, "quick", "quack", 1)} })}
		r := mustRun(t, srv.serve(t), Work{Kind: kind, Messages: 20})
		if r.Malformed != 1 || r.Lost != 1 {
			t.Errorf("%s: malformed %d, lost %d; want 1, 1", kind, r.Malformed, r.Lost)
		}
	}
}

func TestDisconnectIsReportedAndEndsTheRun(t *testing.T) {
	for _, tr := range transports {
		srv := &relay{tamper: every(3, func(string) []string { return []string{"1"} })}
		r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Transport: tr, Measure: 10 * time.Second})
		if r.Disconnected != 1 || r.Lost == 0 {
			t.Errorf("%s: disconnected %d, lost %d; want 1 and some", tr, r.Disconnected, r.Lost)
		}
	}
}

func TestFailedConnectsAreCounted(t *testing.T) {
	for _, tr := range transports {
		srv := &relay{refuse: func(session int) bool { return session == 5 }}
		r := mustRun(t, srv.serve(t), Work{Kind: Connect, Transport: tr, Clients: 8, Baseline: 2})
		if r.FailedConnects != 1 || r.Delivered != 7 {
			t.Errorf("%s: %d failed, %d connected; want 1, 7", tr, r.FailedConnects, r.Delivered)
		}
		if len(r.Notes) == 0 {
			t.Errorf("%s: no note says why", tr)
		}
	}
}

func TestNobodyConnectedIsAnError(t *testing.T) {
	srv := &relay{refuse: func(int) bool { return true }}
	_, err := Run(t.Context(), Target{URL: srv.serve(t)}, small(Work{Kind: Echo}))
	if !errors.Is(err, errNobody) {
		t.Errorf("error %v, want %v", err, errNobody)
	}
}

func TestPollingSurvivesClosedKeepAlive(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		r := mustRun(t, (&relay{closeAfterPost: true}).serve(t), Work{Kind: kind, Transport: Polling, Messages: 20, Clients: 3})
		if got := r.Failure(); got != "" {
			t.Errorf("%s: failure %q, notes %q", kind, got, r.Notes)
		}
	}
}

func TestPollingReadsChunkedBodies(t *testing.T) {
	r := mustRun(t, (&relay{chunked: true}).serve(t), Work{Kind: Fanout, Transport: Polling, Window: 8, Messages: 50})
	if got := r.Failure(); got != "" {
		t.Errorf("failure %q, notes %q", got, r.Notes)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Run(ctx, Target{URL: (&relay{}).serve(t)}, Work{Kind: Fanout, Measure: time.Minute})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
}

// The portable loop is what runs where there is no epoll.
func TestPortableLoop(t *testing.T) {
	for _, kind := range []Kind{Fanout, Echo} {
		for _, tr := range transports {
			w, err := small(Work{Kind: kind, Transport: tr, Window: 16, Messages: 200}).filled()
			if err != nil {
				t.Fatal(err)
			}
			target := Target{URL: (&relay{}).serve(t)}
			eps, _, err := resolveAll(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			form, err := newFormat(target, w)
			if err != nil {
				t.Fatal(err)
			}
			l := newPortableLoop()
			r := newRun(w, eps, form, l)
			err = r.do(t.Context())
			l.close()
			if err != nil {
				t.Fatal(err)
			}
			if got := r.res.Failure(); got != "" || r.res.Delivered != r.res.Expected {
				t.Errorf("%s over %s: failure %q, delivered %d of %d", kind, tr, got, r.res.Delivered, r.res.Expected)
			}
		}
	}
}

func TestNobodyListensIsAnError(t *testing.T) {
	for _, tr := range transports {
		w := small(Work{Kind: Connect, Transport: tr})
		if _, err := Run(t.Context(), Target{URL: "http://127.0.0.1:1"}, w); !errors.Is(err, errNobody) {
			t.Errorf("%s: error %v, want %v", tr, err, errNobody)
		}
	}
}

func TestAnEchoByRateKeepsTime(t *testing.T) {
	for _, tr := range transports {
		start := time.Now()
		r := mustRun(t, (&relay{}).serve(t), Work{Kind: Echo, Transport: tr, Clients: 4, Rate: 50, Messages: 10})
		took := time.Since(start)
		if r.Expected != 40 || r.Delivered != 40 || r.Units != 40 || r.Failure() != "" {
			t.Errorf("%s: %d units, delivered %d of %d, %q; want 40", tr, r.Units, r.Delivered, r.Expected, r.Failure())
		}
		if least := 39 * 5 * time.Millisecond; took < least { // 4 clients with 50 a second each: one every 5 ms
			t.Errorf("%s: 40 messages in %v, which are due in %v", tr, took, least)
		}
	}
}

func TestAnEchoByRateCountsFromWhenAMessageWasDue(t *testing.T) {
	release := make(chan struct{})
	srv := &relay{tamper: every(1, func(p string) []string { <-release; return []string{p} })}
	time.AfterFunc(100*time.Millisecond, func() { close(release) })
	r := mustRun(t, srv.serve(t), Work{Kind: Echo, Clients: 2, Rate: 100, Messages: 20, Stall: 5 * time.Second})
	if r.Failure() != "" || r.Max < 50*time.Millisecond {
		t.Errorf("%q, at most %v; want the answers behind the late one to be late too", r.Failure(), r.Max)
	}
}

func TestAnEchoByRateSaysWhatItLeavesOut(t *testing.T) {
	srv := &relay{tamper: func(int, string) []string { return nil }}
	r := mustRun(t, srv.serve(t), Work{Kind: Echo, Clients: 1, Rate: 1e5, Warmup: time.Millisecond, Measure: 200 * time.Millisecond, Stall: 400 * time.Millisecond})
	if r.Skipped == 0 || r.Expected != inFlightRate {
		t.Errorf("%d said and %d left out; want %d and some", r.Expected, r.Skipped, inFlightRate)
	}
}

// A message that is due later than a stall would take is no stall.
func TestASlowRateIsNoStall(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Fanout, Echo} {
		r := mustRun(t, (&relay{}).serve(t), Work{Kind: kind, Clients: 1, Rate: 1, Messages: 3, Stall: 600 * time.Millisecond})
		if r.Stalls != 0 || r.Delivered != 3 {
			t.Errorf("%s: %d stalls, delivered %d of 3", kind, r.Stalls, r.Delivered)
		}
	}
}

func TestIdleLastsAndCountsWhoIsThrownOut(t *testing.T) {
	const hold = 300 * time.Millisecond
	srv := &relay{}
	srv.hangUp = func(session int) time.Duration {
		if session%4 == 3 {
			return hold / 3
		}
		return 0
	}
	last := Progress{}
	r, err := Run(t.Context(), Target{URL: srv.serve(t)}, small(Work{Kind: Idle, Hold: hold, Clients: 8, Baseline: 1}),
		OnProgress(func(p Progress) { last = p }))
	if err != nil {
		t.Fatal(err)
	}
	if r.Elapsed < hold || last.Phase != Holding {
		t.Errorf("lasted %v, and %q at last; want %v at least", r.Elapsed, last.Phase, hold)
	}
	if r.Disconnected != 2 || r.Units != 6 || !strings.Contains(r.Failure(), "2 disconnected") {
		t.Errorf("%d disconnected, %d stayed, %q; want 2 and 6", r.Disconnected, r.Units, r.Failure())
	}
}

func TestNoRoomHasMoreThanItsShareOfTheWindowInFlight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rooms, window, sent int
		inFlight            []uint64
		want                bool
	}{
		{2, 2, 2, []uint64{0, 1}, true},
		{2, 2, 2, []uint64{1}, false}, // the other room's
		{2, 2, 5, []uint64{3}, true},
		{2, 3, 2, []uint64{0, 1}, false}, // two each, of which three
		{2, 3, 4, []uint64{0}, true},
		{1, 3, 3, []uint64{1, 2}, false},
		{5, 1, 5, []uint64{0}, true},
		{2000, 1, 2024, []uint64{1048}, false}, // another is in the place of the room's last
	} {
		f := &fanout{window: c.window, rooms: make([]roomOf, c.rooms), ring: make([]said, 1024), sent: uint64(c.sent)}
		for _, n := range c.inFlight {
			f.ring[n%1024] = said{number: n, left: 1}
		}
		if got := f.crowded(); got != c.want {
			t.Errorf("%d rooms, window %d: message %d with %v in flight waits: %v, want %v", c.rooms, c.window, c.sent, c.inFlight, got, c.want)
		}
	}
}
