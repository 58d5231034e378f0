package engineio

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// cutWhenIdle cuts the page's WebSocket as soon as nothing went over it for this
// long, and reports how long it lived; at most for limit.
func (p *page) cutWhenIdle(idle, limit time.Duration) (lived time.Duration) {
	begun, tick := time.Now(), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for time.Since(begun) < limit {
		if p.side.ws.activity.idle() >= idle {
			p.cut()
			break
		}
		<-tick.C
	}
	return time.Since(begun)
}

// The first two WebSockets that a proxy cuts in silence teach the server to ping
// the third.
func TestWebSocketsThatAreCutWhileIdleArePingedMoreOften(t *testing.T) {
	var s story
	var log bytes.Buffer
	o := &Options{Observer: &s, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, o, nil)
		for range 2 {
			if d := f.mustVisit().cutWhenIdle(10*time.Second, time.Hour); d > 11*time.Second {
				t.Errorf("lived %v without pings", d)
			}
		}
		if n := f.srv.Stats().KeptAlive; n != 1 {
			t.Errorf("%d addresses", n)
		}
		for range 3 {
			p := f.mustVisit()
			if d := p.cutWhenIdle(10*time.Second, time.Minute); d < time.Minute {
				t.Errorf("lived %v", d)
			}
			// In a minute of silence: every 5 s, less where Engine.IO's own came first.
			if n := p.wsPings.Load(); n < 8 || n > 12 {
				t.Errorf("%d pings", n)
			}
			p.leave()
		}
		alone := f.wsInMemory() // as for one that came by WebSocket alone
		p := live(alone, f.peer(alone.SID))
		if d := p.cutWhenIdle(10*time.Second, time.Minute); d < time.Minute {
			t.Errorf("one by WebSocket alone lived %v", d)
		}
		if !f.offers() {
			t.Error("upgrades are withheld")
		}
	})
	if told := strings.Join(s.told, "\n"); strings.Count(told, "keep-alive learned") != 1 {
		t.Errorf("told %q", s.told)
	}
	if text := log.String(); !strings.Contains(text, "idle=10s") || !strings.Contains(text, "ping_every=5s") || strings.Count(text, "\n") != 1 {
		t.Errorf("log %s", text)
	}
}

// idleForSixSeconds has two WebSockets cut, one after the other, which were idle for so long.
func (f *fixture) idleForSixSeconds() {
	for range 2 {
		<-time.After(6 * time.Second)
		f.srv.idleCuts.cut("pipe", 6*time.Second)
	}
}

func TestWebSocketPingsStopWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		f.idleForSixSeconds()
		p := f.mustVisit()
		<-time.After(10 * time.Second)
		n := p.wsPings.Load()
		if n != 3 {
			t.Errorf("%d pings in 10 s, want one every 3 s", n)
		}
		p.side.Close(ReasonForcedClose, DetailServerDisconnect, nil)
		<-time.After(time.Minute)
		if got := p.wsPings.Load(); got != n {
			t.Errorf("%d pings after the end", got-n)
		}
	})
}

func TestABusyWebSocketGetsNoPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		f.idleForSixSeconds()
		p := f.mustVisit()
		for i := range 30 {
			<-time.After(2 * time.Second)
			if i%2 == 0 {
				p.send("4hello")
			} else if err := p.side.Send(says("hello"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.wsPings.Load(); n != 0 {
			t.Errorf("%d pings", n)
		}
	})
}

// A proxy that cuts every WebSocket at the same age, busy or not, is not met with
// pings for long.
func TestUpgradesAreWithheldWherePingsDoNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		begun := time.Now()
		for round := range 3 {
			p := f.mustVisit()
			<-time.After(10 * time.Second)
			if n := p.wsPings.Load(); (n > 0) != (round == 2) {
				t.Errorf("round %d: %d pings", round, n)
			}
			p.cut()
			<-time.After(time.Second)
		}
		if f.offers() {
			t.Error("offered")
		}
		if d := time.Since(begun); d > time.Minute {
			t.Errorf("settled after %v", d)
		}
	})
}

// Deaths in silence count for nothing as long as pings may help. Those of one moment are one:
// a program that ends cuts all that it has.
func TestManyThatAreCutWhileIdleDoNotWithholdUpgrades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for round := range 3 {
			var pages []*page
			for range 10 {
				pages = append(pages, f.mustVisit())
			}
			<-time.After(10 * time.Second)
			for _, p := range pages {
				if n := p.wsPings.Load(); (n > 0) != (round == 2) {
					t.Errorf("round %d: %d pings", round, n)
				}
				p.cut()
			}
			if round < 2 && !f.offers() {
				t.Errorf("withheld after round %d", round)
			}
		}
	})
}

// Where one lives through a longer silence, no proxy cuts at a shorter one.
func TestASilenceThatWasSurvivedRefutesTheCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		f.mustVisit() // silent for 25 s at a time, and answers
		for range 6 {
			p := f.mustVisit()
			<-time.After(24 * time.Second)
			p.cut()
			<-time.After(5 * time.Second) // the other one answers its ping
		}
		if n := f.srv.Stats().KeptAlive; n != 0 {
			t.Errorf("learned of %d addresses", n)
		}
	})
}

func TestConnectionsThatAreLostAtOddAgesTeachNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{PingInterval: time.Minute}, nil)
		for _, age := range []time.Duration{40, 31, 50, 35, 45} {
			p := f.mustVisit()
			<-time.After(age * time.Second)
			p.cut()
		}
		if n := f.srv.Stats().KeptAlive; n != 0 {
			t.Errorf("learned of %d addresses", n)
		}
	})
}

func TestSilenceIsCountedInBothDirections(t *testing.T) {
	a := &activity{since: time.Now().Add(-time.Minute)}
	if got := a.idle().Round(time.Second); got != time.Minute {
		t.Errorf("idle for %v", got)
	}
	a.sent()
	if got := a.idle(); got > time.Second {
		t.Errorf("idle for %v after something was sent", got)
	}
	// Only what comes back shows that the silence was survived.
	if got := a.came().Round(time.Second); got != time.Minute {
		t.Errorf("survived %v", got)
	}
	if got := a.came(); got > time.Second {
		t.Errorf("survived %v once more", got)
	}
}
