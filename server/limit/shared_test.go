package limit

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a Shared whose answers are set.
type fake struct {
	asked atomic.Int64
	retry atomic.Int64
	fails atomic.Bool
	hangs atomic.Bool
}

func (f *fake) Take(ctx context.Context, _ string, _ Rate) (time.Duration, error) {
	f.asked.Add(1)
	if f.hangs.Load() {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if f.fails.Load() {
		return 0, errors.New("away")
	}
	return time.Duration(f.retry.Load()), nil
}

func TestWhatAllNodesCountTogetherIsRefused(t *testing.T) {
	t.Parallel()
	s := &fake{}
	d := New(&Options{IPHandshakes: Rate{PerSecond: 100, Burst: 100}, UserHandshakes: Rate{PerSecond: 100, Burst: 100}, Shared: s})
	p := enter(t, d, "192.0.2.1:1")
	s.retry.Store(int64(3 * time.Second))
	_, err := d.Enter(t.Context(), "192.0.2.1:1")
	if x := refused(t, err, IPHandshakes); x.RetryAfter != 3*time.Second {
		t.Errorf("again after %v", x.RetryAfter)
	}
	refused(t, d.EnterUser(t.Context(), p, "ann"), UserHandshakes)
	if d.open.Load() != 1 {
		t.Errorf("%d open", d.open.Load())
	}
}

// Redis that is slow or away costs one handshake a tenth of a second, now and then.
func TestTheLocalLimitsHoldWhileSharedIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fake{}
		s.hangs.Store(true)
		d := New(&Options{IPHandshakes: Rate{PerSecond: 1, Burst: 1000}, Shared: s})
		began := time.Now()
		for range 900 {
			enter(t, d, "192.0.2.1:1").Leave()
		}
		if took := time.Since(began); took != sharedWait {
			t.Errorf("900 handshakes took %v", took)
		}
		if s.asked.Load() != 1 {
			t.Errorf("asked %d times", s.asked.Load())
		}
		for range 100 {
			enter(t, d, "192.0.2.1:1").Leave()
		}
		_, err := d.Enter(t.Context(), "192.0.2.1:1")
		refused(t, err, IPHandshakes)

		s.hangs.Store(false)
		s.fails.Store(true)
		for range 100 {
			time.Sleep(time.Second) //nolint:forbidigo // in a bubble
			enter(t, d, "192.0.2.2:1").Leave()
		}
		if n := s.asked.Load(); n > 12 {
			t.Errorf("asked %d times in 100 s", n)
		}
		s.fails.Store(false)
		time.Sleep(longestRest) //nolint:forbidigo // in a bubble
		before := s.asked.Load()
		for range 10 {
			enter(t, d, "192.0.2.2:1").Leave()
		}
		if n := s.asked.Load() - before; n != 10 {
			t.Errorf("asked %d times of 10 after it is back", n)
		}
	})
}

// A client that goes away does not make Redis look away.
func TestAClientThatGoesAwayIsNotSharedsFault(t *testing.T) {
	t.Parallel()
	s := &fake{}
	s.hangs.Store(true)
	d := New(&Options{IPHandshakes: Rate{PerSecond: 100, Burst: 100}, Shared: s})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := d.Enter(gone, "192.0.2.1:1"); err != nil {
		t.Fatal(err)
	} else {
		p.Leave()
	}
	s.hangs.Store(false)
	s.retry.Store(int64(time.Second))
	_, err := d.Enter(t.Context(), "192.0.2.1:1")
	refused(t, err, IPHandshakes)
}

// asleep is a Shared that takes its time to refuse.
type asleep struct{}

func (asleep) Take(context.Context, string, Rate) (time.Duration, error) {
	time.Sleep(sharedWait / 2) //nolint:forbidigo // in a bubble
	return time.Second, nil
}

// Namespaces that are joined at once were let in, and not counted, by all but one of them.
func TestWhoJoinsSeveralNamespacesAtOnceGetsOneAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(&Options{UserConnections: 1, UserHandshakes: Rate{PerSecond: 100, Burst: 100}, Shared: asleep{}})
		p := enter(t, d, "192.0.2.1:1")
		answers := make(chan error)
		for range 3 {
			go func() { answers <- d.EnterUser(t.Context(), p, "ann") }()
		}
		for range 3 {
			refused(t, <-answers, UserHandshakes)
		}
		gone, cancel := context.WithCancel(t.Context())
		go func() { answers <- d.EnterUser(t.Context(), p, "ann") }()
		synctest.Wait()
		cancel()
		if err := d.EnterUser(gone, p, "ann"); !errors.Is(err, context.Canceled) {
			t.Errorf("who went away waited for %v", err)
		}
		refused(t, <-answers, UserHandshakes)
	})
}

// One hiccup under which many handshakes waited let Redis alone for 16 s, as if it had
// failed that often.
func TestManyThatWaitFailOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fake{}
		s.hangs.Store(true)
		d := New(&Options{IPHandshakes: Rate{PerSecond: 1, Burst: 1000}, Shared: s})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { enter(t, d, "192.0.2.1:1").Leave() })
		}
		wg.Wait()
		s.hangs.Store(false)
		time.Sleep(firstRest) //nolint:forbidigo // in a bubble
		before := s.asked.Load()
		enter(t, d, "192.0.2.1:1").Leave()
		if s.asked.Load() == before {
			t.Error("Redis is not tried again")
		}
	})
}
