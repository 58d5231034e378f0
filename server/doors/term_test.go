package doors

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// life is what a term did, and after how long.
type life struct {
	told   []expiring
	toldAt []time.Duration
	lapsed time.Duration
}

// live runs a term that begins now, and then what else happens.
func live(t *testing.T, holds, lead, leeway time.Duration, then func(tm *term, start time.Time)) (l life) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		var mu sync.Mutex
		tm := &term{
			lead: lead, leeway: leeway,
			tell: func(e expiring) {
				mu.Lock()
				defer mu.Unlock()
				l.told = append(l.told, e)
				l.toldAt = append(l.toldAt, time.Since(start))
			},
			lapse: func() {
				mu.Lock()
				defer mu.Unlock()
				l.lapsed = time.Since(start)
			},
		}
		tm.begin(start.Add(holds))
		if then != nil {
			then(tm, start)
		}
		<-time.After(48 * time.Hour)
		tm.stop()
		mu.Lock()
		defer mu.Unlock()
	})
	return l
}

func TestTermTellsAndLapses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                string
		holds, lead, leeway time.Duration
		toldAt, in, lapsed  time.Duration
	}{
		{"an hour", time.Hour, 30 * time.Second, 0, time.Hour - 30*time.Second, 30 * time.Second, time.Hour},
		{"a short one is told in the middle", 20 * time.Second, 30 * time.Second, 0, 10 * time.Second, 10 * time.Second, 20 * time.Second},
		{"leeway is added to the end", time.Minute, 30 * time.Second, 10 * time.Second, 30 * time.Second, 30 * time.Second, 70 * time.Second},
		{"already over, within leeway", -5 * time.Second, 30 * time.Second, 10 * time.Second, 0, 0, 5 * time.Second},
		{"longer than a nap", 25 * time.Hour, 30 * time.Second, 0, 25*time.Hour - 30*time.Second, 30 * time.Second, 25 * time.Hour},
	} {
		l := live(t, c.holds, c.lead, c.leeway, nil)
		if len(l.told) != 1 || l.toldAt[0] != c.toldAt || l.told[0].In != c.in.Milliseconds() || l.lapsed != c.lapsed {
			t.Errorf("%s: told %v at %v, lapsed after %v", c.name, l.told, l.toldAt, l.lapsed)
		}
	}
}

func TestTermThatIsOverTellsNobody(t *testing.T) {
	t.Parallel()
	if l := live(t, -time.Minute, 30*time.Second, 10*time.Second, nil); len(l.told) != 0 || l.lapsed != 0 {
		t.Errorf("told %v, lapsed after %v", l.told, l.lapsed)
	}
}

// TestTermGoesOn: an end that is set anew counts instead of the one before, is told anew,
// and may also be sooner.
func TestTermGoesOn(t *testing.T) {
	t.Parallel()
	l := live(t, time.Minute, 30*time.Second, 0, func(tm *term, start time.Time) {
		<-time.After(45 * time.Second)
		tm.begin(start.Add(time.Hour))
		<-time.After(time.Minute)
		tm.begin(start.Add(10 * time.Minute))
	})
	if len(l.told) != 2 || l.toldAt[0] != 30*time.Second || l.toldAt[1] != 570*time.Second || l.lapsed != 600*time.Second {
		t.Errorf("told %v at %v, lapsed after %v", l.told, l.toldAt, l.lapsed)
	}
}

func TestTermStops(t *testing.T) {
	t.Parallel()
	l := live(t, time.Minute, 30*time.Second, 0, func(tm *term, start time.Time) {
		<-time.After(10 * time.Second)
		tm.stop()
		tm.begin(start.Add(time.Hour)) // too late
	})
	if len(l.told) != 0 || l.lapsed != 0 {
		t.Errorf("told %v, lapsed after %v", l.told, l.lapsed)
	}
}
