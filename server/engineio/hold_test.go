package engineio

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// livedUntilCut waits until something of addr is that old, and cuts it.
func (h *holds) livedUntilCut(addr string, age time.Duration) {
	<-time.After(age)
	h.cut(addr, age)
}

func TestHoldIsJitteredDownByATenth(t *testing.T) {
	for _, c := range []struct {
		hold PollHold
		want time.Duration
	}{{PollHold{}, 20 * time.Second}, {PollHold{Fixed: 90 * time.Second}, 90 * time.Second}, {PollHold{Fixed: 5}, 5}} {
		h := newHolds(c.hold)
		seen := map[time.Duration]bool{}
		for range 1000 {
			d, longest, _ := h.duration("10.0.0.1:1")
			if longest != c.want+time.Second {
				t.Fatalf("at most %v, want a second more than %v", longest, c.want)
			}
			if d > c.want || d < c.want-c.want/10 {
				t.Fatalf("%v, want at most a tenth under %v", d, c.want)
			}
			seen[d] = true
		}
		if c.want > time.Second && len(seen) < 100 {
			t.Errorf("only %d different holds", len(seen))
		}
	}
}

func TestHoldLearnsFromTwoCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{})
		const addr = "10.0.0.1:1000"
		h.livedUntilCut(addr, 10700*time.Millisecond)
		if got := h.learned(addr); got != 20*time.Second {
			t.Errorf("after one cut: %v", got)
		}
		h.livedUntilCut("10.0.0.1:2000", 10*time.Second) // another port of the same address
		if got := h.learned(addr); got != 7750*time.Millisecond {
			t.Errorf("after two cuts, the shorter at 10 s: %v", got)
		}
		if got := h.learned("10.0.0.2:1000"); got != 20*time.Second {
			t.Errorf("another address: %v", got)
		}
		h.livedUntilCut(addr, 3*time.Second) // somebody closed a page
		h.survived(addr, 9*time.Second)
		if got := h.learned(addr); got != 7750*time.Millisecond {
			t.Errorf("after a page was closed: %v", got)
		}
		h.livedUntilCut(addr, 3400*time.Millisecond) // a shorter cut, seen twice
		if got := h.learned(addr); got != minHold {
			t.Errorf("after cuts at 3 s: %v", got)
		}
	})
}

// A rule is tried again, by one GET at a time, and less often the longer it holds:
// each trial may cost a client its connection.
func TestALearnedHoldIsTriedAgainByOneGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{})
		const addr = "10.0.0.1:1000"
		h.livedUntilCut(addr, 10*time.Second)
		h.livedUntilCut(addr, 10*time.Second)
		for memory := cutMemory; memory <= 2*maxCutMemory; memory *= 2 {
			believed := min(memory, maxCutMemory)
			<-time.After(believed - time.Second)
			if got := h.learned(addr); got != 7750*time.Millisecond {
				t.Fatalf("within %v: %v", believed, got)
			}
			<-time.After(2 * time.Second)
			if got := h.learned(addr); got != 20*time.Second {
				t.Fatalf("the trial after %v: %v", believed, got)
			}
			if got := h.learned(addr); got != 7750*time.Millisecond {
				t.Fatalf("beside the trial: %v", got)
			}
			h.livedUntilCut(addr, 10*time.Second)
		}
		<-time.After(maxCutMemory + time.Second)
		if got := h.learned(addr); got != 20*time.Second {
			t.Fatalf("the last trial: %v", got)
		}
		h.survived(addr, 20*time.Second)
		if got := h.learned(addr); got != 20*time.Second || len(h.cuts.table) != 0 {
			t.Errorf("after a trial that lived: %v", got)
		}
		h.livedUntilCut(addr, 3*time.Second) // counts anew
		if got := h.learned(addr); got != 20*time.Second {
			t.Errorf("after one cut anew: %v", got)
		}
	})
}

// A proxy whose time-out was raised is noticed by the trial.
func TestAHoldGrowsWithTheTimeOutOfTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{})
		const addr = "10.0.0.1:1000"
		h.livedUntilCut(addr, 8*time.Second)
		h.livedUntilCut(addr, 8*time.Second)
		<-time.After(cutMemory + time.Second)
		h.learned(addr) // the trial
		h.livedUntilCut(addr, 15*time.Second)
		if got := h.learned(addr); got != 20*time.Second {
			t.Errorf("after one cut at 15 s: %v", got)
		}
		h.livedUntilCut(addr, 15*time.Second)
		if got := h.learned(addr); got != 12750*time.Millisecond {
			t.Errorf("after two: %v", got)
		}
	})
}

// squid 5 looks at its time-outs now and then: what it cuts after 10 s ends after 9.5
// to 11.5 s. Once that is learned nothing is cut any more, not even a GET that waits
// for a ping.
func TestHoldLearnsFromCutsOfAProxyThatIsNotPrecise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for early := range 20 {
			for late := range 20 {
				h := newHolds(PollHold{})
				h.livedUntilCut("a", 9500*time.Millisecond+time.Duration(early)*100*time.Millisecond)
				h.livedUntilCut("a", 9500*time.Millisecond+time.Duration(late)*100*time.Millisecond)
				if _, longest, _ := h.duration("a"); longest > 9500*time.Millisecond || longest < 7*time.Second {
					t.Errorf("after cuts %d and %d ms later than 9.5 s: %v", 100*early, 100*late, longest)
				}
			}
		}
	})
}

func TestHoldForgetsCutsThatWereNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{})
		const addr = "10.0.0.1:1000"
		for _, age := range []time.Duration{300 * time.Millisecond, 4 * time.Second, 18 * time.Second, 10 * time.Second} {
			h.livedUntilCut(addr, age) // pages are closed at any age
		}
		if got := h.learned(addr); got != 20*time.Second {
			t.Fatalf("learned %v of closed pages", got)
		}
		h.livedUntilCut(addr, 7*time.Second) // two reloads of a page
		h.livedUntilCut(addr, 7*time.Second)
		if got := h.learned(addr); got != minHold {
			t.Fatalf("learned %v", got)
		}
		h.survived(addr, 6*time.Second)
		if got := h.learned(addr); got != minHold {
			t.Errorf("a shorter hold that went well changed it to %v", got)
		}
		h.survived(addr, 8*time.Second)
		if got := h.learned(addr); got != 20*time.Second {
			t.Errorf("a longer one did not: %v", got)
		}
		h.livedUntilCut(addr, 25*time.Second) // not early
		h.livedUntilCut(addr, 25*time.Second)
		if got := h.learned(addr); got != 20*time.Second {
			t.Errorf("late cuts changed it to %v", got)
		}
	})
}

func TestAFixedHoldLearnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{Fixed: 30 * time.Second})
		for range 5 {
			h.livedUntilCut("a", time.Second)
			h.survived("a", 2*time.Second)
		}
		if d, _, _ := h.duration("a"); d < 27*time.Second || len(h.cuts.table) != 0 {
			t.Errorf("%v, %d records", d, len(h.cuts.table))
		}
	})
}

func TestHoldsRememberABoundedNumberOfAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHolds(PollHold{})
		for i := range 3 * maxAddresses {
			h.livedUntilCut(fmt.Sprintf("[2001:db8::%x]:1", i), time.Second)
		}
		if n := len(h.cuts.table); n > maxAddresses {
			t.Errorf("%d addresses", n)
		}
		<-time.After(cutMemory + time.Second)
		for i := range maxAddresses {
			h.livedUntilCut(fmt.Sprintf("10.0.0.%d:1", i), time.Second)
		}
		if n := len(h.cuts.table); n > maxAddresses {
			t.Errorf("%d addresses after all were forgotten", n)
		}
	})
}

func TestAWaitingPollIsAnsweredWithANoop(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{PollHold: PollHold{Fixed: 50 * time.Millisecond}, AllowEIO3: true}, nil)
	for protocol, want := range map[int]string{4: "6", 3: "1:6"} {
		c := f.poll(protocol)
		for range 3 {
			c.get().want(t, http.StatusOK, want)
		}
	}
}

func TestAWaitingPollIsHeldForTwentySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{PingInterval: 50 * time.Second}, nil)
		c := f.poll(4)
		for range 2 {
			since := time.Now()
			c.get().want(t, http.StatusOK, "6")
			if d := time.Since(since); d > 20*time.Second || d < 18*time.Second {
				t.Errorf("held for %v", d)
			}
		}
	})
}

// A ping that goes out within a second of the end of the hold is waited for: it
// says more than a noop.
func TestAPingThatIsDueWinsOverTheNoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{PollHold: PollHold{Fixed: 1}, PingInterval: 10500 * time.Millisecond}, nil)
		c := f.poll(4)
		<-time.After(10 * time.Second)
		since := time.Now()
		c.get().want(t, http.StatusOK, "2")
		if d := time.Since(since); d != 500*time.Millisecond {
			t.Errorf("the ping came after %v", d)
		}
		c.post("3").want(t, http.StatusOK, "ok")
		c.get().want(t, http.StatusOK, "6")
	})
}

func TestTheServerLearnsTheHoldOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{PingInterval: 100 * time.Second}, nil)
		for range 2 {
			c := f.poll(4)
			w := c.hold("")
			<-time.After(10 * time.Second)
			w.cut()
			c.side().ended(t, ReasonTransportError, DetailPollAborted)
		}
		c := f.poll(4)
		since := time.Now()
		c.get().want(t, http.StatusOK, "6")
		if d := time.Since(since); d > 7750*time.Millisecond || d < 6900*time.Millisecond {
			t.Errorf("held for %v, want 7.75 s or a little less", d)
		}
	})
}
