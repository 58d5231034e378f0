package processor

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock plays a machine to a Keeper, tick by tick.
type clock struct {
	t     *testing.T
	k     Keeper
	now   time.Time
	used  time.Duration
	idled time.Duration
	blind bool // nothing is known of the machine
}

func newClock(t *testing.T, most int) *clock {
	t.Helper()
	c := &clock{t: t, now: time.Unix(0, 0)}
	c.k.begin(most, sample{c.now, 0})
	c.k.idle = func() (time.Duration, bool) { return c.idled, !c.blind }
	return c
}

// pass lets ticks pass in which the program takes part of what it may, but not more than
// share processors, and so much of the machine is free. It returns what is in use then.
func (c *clock) pass(ticks int, share, free float64) int {
	for range ticks {
		c.now = c.now.Add(tick)
		c.used += time.Duration(min(share, float64(c.k.cores)) * float64(tick))
		c.idled += time.Duration(free * float64(tick))
		c.k.judge(sample{c.now, c.used})
	}
	return c.k.cores
}

func (c *clock) want(what string, got, want int) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("%s: %d in use, want %d", what, got, want)
	}
}

func TestMoreAreUsedWhereTheyAreNeededAndFree(t *testing.T) {
	c := newClock(t, 8)
	c.want("idle", c.pass(100, 0, 8), 1)
	c.want("nearly all of one", c.pass(100, 0.9, 7), 1)
	c.want("more than one, for a moment", c.pass(1, 8, 7), 1)
	c.want("and again", c.pass(1, 8, 7), 2)
	c.want("more than two", c.pass(2, 8, 6), 4)
	c.want("more than four", c.pass(2, 8, 4), 8)
	c.want("as many as there are", c.pass(10, 8, 0), 8)
}

func TestNoMoreAreUsedThanAreFree(t *testing.T) {
	c := newClock(t, 2)
	c.want("others take the rest", c.pass(100, 2, 0.5), 1)
	c.want("others are done", c.pass(1, 2, 1), 2)
	c = newClock(t, 2)
	c.blind = true
	c.want("nobody knows", c.pass(2, 2, 0), 2)
}

// One less is tried when half of one is spare, and less often where it was needed.
func TestFewerAreTried(t *testing.T) {
	c := newClock(t, 4)
	c.pass(4, 4, 3)
	c.want("all of four", c.pass(100, 3.6, 1), 4)
	c.want("little", c.pass(200, 0.3, 3), 1)

	c = newClock(t, 2)
	c.pass(2, 2, 1)
	for name, load := range map[string][2]float64{"steady": {1.4, 1.4}, "in bursts": {2, 0.8}} {
		changes, cores := 0, c.k.cores
		for i := range int(10 * time.Minute / tick) {
			if now := c.pass(1, load[i/3%2], 0.8); now != cores {
				changes, cores = changes+1, now
			}
		}
		if changes < 2 || changes > 24 { // 1, 2, 4 … seconds apart, up to 5 minutes
			t.Errorf("%s: %d changes in ten minutes of a load for one and a half", name, changes)
		}
		c.want(name, cores, 2)
	}
}

// A tick that is late, as while garbage is collected, is followed by one that comes too soon.
func TestATickThatComesTooSoonIsNone(t *testing.T) {
	c := newClock(t, 2)
	c.pass(1, 2, 1)
	c.k.judge(sample{c.now.Add(time.Millisecond), c.used})
	c.want("busy on both sides of it", c.pass(1, 2, 1), 2)
}

func TestIdleTimeIsRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"cpu  97613 0 30594 58792 429 0 1221 0 0 0\ncpu0 48112 0 15289 30227 96 0 628 0 0 0\n", (58792 + 429) * jiffy, true},
		{"cpu 1 2 3 4 5", 9 * jiffy, true},
		{"cpu 1 2 3 4", 0, false},
		{"cpu  0 0 0 0 0 0 0 0 0 0\n", 0, false},
		{"cpu0 1 2 3 4 5 6", 0, false},
		{"cpu 1 2 3 x 5 6", 0, false},
		{"", 0, false},
	} {
		if got, ok := idleOf([]byte(c.text)); got != c.want && ok || ok != c.ok {
			t.Errorf("%q: %v, %v", c.text, got, ok)
		}
	}
	if _, ok := idle(); ok != (runtime.GOOS == "linux") {
		t.Errorf("on %s it is known: %v", runtime.GOOS, ok)
	}
}

// A Keeper holds for the process: it begins with one, the next does nothing meanwhile, and
// in the end everything is as it was.
func TestAKeeperHoldsForTheProcess(t *testing.T) {
	runtime.SetDefaultGOMAXPROCS()
	defer runtime.SetDefaultGOMAXPROCS()
	most := runtime.GOMAXPROCS(0)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		(&Keeper{Logger: slog.New(slog.DiscardHandler)}).Run(ctx)
		close(done)
	}()
	want := 1
	if !exact {
		want = most // which may be 1 as well
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.GOMAXPROCS(0) != want; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d in use, want %d", runtime.GOMAXPROCS(0), want)
		}
	}
	(&Keeper{}).Run(ctx) // would wait, if it did anything
	stop()
	<-done
	if got := runtime.GOMAXPROCS(0); got != most {
		t.Errorf("%d in use afterwards, want %d", got, most)
	}
}
