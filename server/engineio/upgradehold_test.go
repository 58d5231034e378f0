package engineio

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestUpgradesAreWithheldWhereThreeWebSocketsDiedYoung(t *testing.T) {
	var s story
	var log bytes.Buffer
	o := &Options{Observer: &s, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, o, nil)
		f.dieYoung(3)
		if n := f.srv.Stats().UpgradesWithheld; n != 1 {
			t.Errorf("%d addresses", n)
		}
		for minute := range 10 {
			if f.offers() {
				t.Fatalf("offered after %d minutes", minute)
			}
			if f.wsInMemory().SID == "" { // who comes by WebSocket alone is always let in
				t.Fatal("no session")
			}
			<-time.After(time.Minute)
		}
		if !f.offers() {
			t.Error("still withheld after ten minutes")
		}
		if n := f.srv.Stats().UpgradesWithheld; n != 0 {
			t.Errorf("%d addresses after ten minutes", n)
		}
		f.dieYoung(2) // counts anew
		if !f.offers() {
			t.Error("withheld after two more")
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	told := strings.Join(s.told, "\n")
	if strings.Count(told, "died young") != 5 || strings.Count(told, "upgrade withheld") != 10 {
		t.Errorf("told %q", s.told)
	}
	if n := strings.Count(log.String(), "upgrades withheld"); n != 1 {
		t.Errorf("%d lines of the log: %s", n, log.String())
	}
}

func TestTwoWebSocketsThatDieYoungAreNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		f.dieYoung(2)
		if !f.offers() {
			t.Error("withheld")
		}
		f.dieYoung(1)
		if f.offers() {
			t.Error("offered after the third")
		}
	})
}

func TestASessionOnPollingMayStillUpgradeAsItWasOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		c := f.poll(4)
		f.dieYoung(3)
		s := f.upgradeInMemory(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
		s.send("2probe")
		s.patientWant("3probe")
		s.send("5")
		synctest.Wait()
		if got := c.side().Transport(); got != TransportWebSocket {
			t.Errorf("the session is on %s", got)
		}
	})
}

// Somebody who leaves, or whom the server sends away, says nothing about the network.
func TestOrderlyEndsAreNoDeaths(t *testing.T) {
	ends := map[string]func(p *page){
		"a close frame":     (*page).leave,
		"a close packet":    func(p *page) { p.send("1") },
		"the server closes": func(p *page) { p.side.Close(ReasonForcedClose, DetailServerDisconnect, nil) },
		"a bad packet":      func(p *page) { p.send("9") },
		"a slow reader":     func(p *page) { p.side.standstill() },
		"lost later": func(p *page) {
			<-time.After(youngAge)
			p.cut()
		},
		"lost while the server is closing it": func(p *page) {
			_ = p.side.SendPaged(func() *Message { return says("more") }) // never done
			p.side.Close(ReasonForcedClose, DetailServerDisconnect, nil)
			_ = p.conn.Close()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			var s story
			synctest.Test(t, func(t *testing.T) {
				f := serveInMemory(t, &Options{Observer: &s}, nil)
				for range 5 {
					p := f.mustVisit()
					<-time.After(100 * time.Millisecond)
					end(p)
					<-p.side.Done()
				}
				if !f.offers() {
					t.Error("withheld")
				}
			})
			if told := strings.Join(s.told, "\n"); strings.Contains(told, "died young") {
				t.Errorf("told %q", s.told)
			}
		})
	}
}

// Clients that come by WebSocket alone are neither counted nor kept out.
func TestSessionsByWebSocketAloneAreNotJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for range 5 {
			s := f.wsInMemory()
			<-time.After(time.Second)
			_ = s.conn.Close()
			synctest.Wait()
		}
		if !f.offers() {
			t.Error("withheld")
		}
	})
}

// A company shares an address: a few whose WebSockets die do not take them from the
// many whose live.
func TestThreeThatDieYoungAmongFiftyThatLiveAreNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for range 50 {
			f.mustVisit()
		}
		<-time.After(time.Minute)
		f.dieYoung(3)
		if !f.offers() {
			t.Error("withheld")
		}
		if n := f.srv.upgrades.open["pipe"]; n != 50 {
			t.Errorf("%d open", n)
		}
	})
}

// Nor does one client that is cut again and again, for as long as it likes.
func TestOneClientThatIsCutAgainAndAgainCountsAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for range 10 {
			f.mustVisit()
		}
		for range 500 {
			f.dieYoung(1)
			<-time.After(time.Second)
		}
		if !f.offers() {
			t.Error("withheld")
		}
	})
}

// When most are cut again and again, those that just began are not mistaken for
// ones that live.
func TestManyThatAreCutAgainAndAgainSettle(t *testing.T) {
	for _, lifetime := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := serveInMemory(t, nil, nil)
			begun := time.Now()
			settled := make(chan int, 40)
			for i := range cap(settled) {
				go func() {
					<-time.After(time.Duration(i) * 50 * time.Millisecond)
					for rounds := 0; ; rounds++ {
						p, offered := f.visit()
						if !offered {
							settled <- rounds
							return
						}
						<-time.After(lifetime)
						p.send("4something, so that it is not idle")
						_ = p.conn.Close()
						<-time.After(1500 * time.Millisecond)
					}
				}()
			}
			most := 0
			for range cap(settled) {
				most = max(most, <-settled)
			}
			if most > 4 {
				t.Errorf("cut after %v: a client settled after %d rounds", lifetime, most)
			}
			if d := time.Since(begun); d > time.Minute {
				t.Errorf("cut after %v: settled after %v", lifetime, d)
			}
		})
	}
}

// A site of short visits: more ended well than died.
func TestWhatEndedWellCountsAsMuch(t *testing.T) {
	h := newUpgradeHolds(&Options{Observer: noObserver{}, Logger: slog.New(slog.DiscardHandler)})
	for i := range 3 {
		h.upgraded("a")
		h.died("a", death{age: time.Second})
		for range 2 + i {
			h.upgraded("a")
			h.ended("a")
		}
	}
	if !h.offers("a") {
		t.Error("withheld, though more ended well before the third death")
	}
	h.upgraded("a")
	h.died("a", death{age: time.Second})
	if !h.offers("a") {
		t.Error("withheld, though more ended well")
	}
	for range 5 {
		h.upgraded("a")
		h.died("a", death{age: time.Second})
	}
	if h.offers("a") {
		t.Error("offered, though more died")
	}
}

// A death after which nobody comes back was somebody leaving without a word, such
// as a program that ended.
func TestADeathAfterWhichNobodyComesBackIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for range 8 {
			f.dieYoung(1)
			<-time.After(returnTime + time.Second)
		}
		if !f.offers() {
			t.Error("withheld")
		}
		for range 3 {
			f.dieYoung(1)
			<-time.After(returnTime - time.Second)
		}
		if f.offers() {
			t.Error("offered, though somebody came back each time")
		}
	})
}

func TestDeathsThatAreFarApartAreNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		for range 10 {
			f.dieYoung(1)
			f.offers() // somebody comes back
			<-time.After(6 * time.Minute)
		}
		if !f.offers() {
			t.Error("withheld")
		}
	})
}

// A WebSocket that fell silent before it answered one ping died young too; one that
// fell silent later is a laptop that sleeps.
func TestAWebSocketThatNeverAnsweredAPingDiedYoung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		silence := func(heard int) {
			t.Helper()
			c := f.poll(4)
			s := f.upgradeInMemory(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
			s.send("2probe")
			s.patientWant("3probe")
			s.send("5")
			for range heard {
				s.patientWant("2")
				s.send("3")
			}
			<-c.side().Done()
			synctest.Wait()
			c.side().ended(t, ReasonPingTimeout, DetailNoPong)
		}
		for range 4 {
			silence(1)
		}
		if !f.offers() {
			t.Error("withheld for connections that fell silent later")
		}
		for range 3 {
			silence(0)
		}
		if f.offers() {
			t.Error("offered")
		}
	})
}

// An upgrade that the network did not let come to its end counts, if the session
// lives on.
func TestUpgradesThatFailCount(t *testing.T) {
	attempts := map[string]struct {
		counts  bool
		attempt func(f *fixture, c *pollClient, s *socket)
	}{
		"cut after the probe": {true, func(_ *fixture, _ *pollClient, s *socket) {
			s.send("2probe")
			s.patientWant("3probe")
			_ = s.conn.Close()
		}},
		"cut before the probe": {true, func(_ *fixture, _ *pollClient, s *socket) {
			synctest.Wait()
			_ = s.conn.Close()
		}},
		"nothing comes through": {true, func(f *fixture, _ *pollClient, _ *socket) {
			<-time.After(f.srv.opts.UpgradeTimeout)
		}},
		"the client gives up": {false, func(_ *fixture, _ *pollClient, s *socket) {
			s.send("2probe")
			s.patientWant("3probe")
			s.write(whole(8, "\x03\xe8"))
		}},
		"no upgrade after all": {false, func(_ *fixture, _ *pollClient, s *socket) { s.send("4hello") }},
		"the page is closed": {false, func(_ *fixture, c *pollClient, s *socket) {
			w := c.hold("&t=x")
			w.cut()
			_ = s.conn.Close()
		}},
		"the server ends the session": {false, func(_ *fixture, c *pollClient, _ *socket) {
			c.side().end(&CloseError{Reason: ReasonForcedClose})
		}},
	}
	for name, a := range attempts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := serveInMemory(t, &Options{PingInterval: time.Hour}, nil)
				for range 3 {
					c := f.poll(4)
					s := f.upgradeInMemory(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
					a.attempt(f, c, s)
					_ = s.conn.SetDeadline(time.Now().Add(time.Minute))
					go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(s.in) }()
					<-time.After(failedUpgradeWait + time.Millisecond)
					synctest.Wait()
				}
				if got := f.offers(); got == a.counts {
					t.Errorf("offered: %v", got)
				}
			})
		})
	}
}

func TestTheTablesOfAddressesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newUpgradeHolds(&Options{Observer: noObserver{}, Logger: slog.New(slog.DiscardHandler)})
		for i := range 3 * maxAddresses {
			addr := fmt.Sprintf("[2001:db8::%x]:1", i)
			h.upgraded(addr)
			h.died(addr, death{age: time.Second})
		}
		if n := len(h.table); n > maxAddresses {
			t.Errorf("%d addresses", n)
		}
		if n := len(h.open); n != 0 {
			t.Errorf("%d counts of open WebSockets", n)
		}
		<-time.After(holdMemory + time.Second)
		for i := range maxAddresses {
			h.failed(fmt.Sprintf("10.0.0.%d:1", i), time.Second)
		}
		if n := len(h.table); n > maxAddresses {
			t.Errorf("%d addresses after all were forgotten", n)
		}
	})
}

func TestUpgradesAreOfferedAllTheSameIfSoConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{AlwaysUpgrade: true}, nil)
		f.dieYoung(10)
		if !f.offers() {
			t.Error("withheld")
		}
	})
}

func TestOnlyTheAddressWhereTheyDiedIsWithheld(t *testing.T) {
	h := newUpgradeHolds(&Options{Observer: noObserver{}, Logger: slog.New(slog.DiscardHandler)})
	for i := range 3 {
		addr := fmt.Sprintf("10.0.0.1:%d", i)
		h.upgraded(addr)
		h.died(addr, death{age: time.Second})
	}
	if h.offers("10.0.0.1:999") || !h.offers("10.0.0.2:1") {
		t.Error("the wrong address")
	}
}

// On a real connection, ended in either way that TCP has.
func TestCutsOfRealConnectionsAreSeen(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c net.Conn){
		"FIN": func(c net.Conn) { _ = c.Close() },
		"RST": func(c net.Conn) {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		},
	} {
		f := serve(t, nil, nil)
		for range 3 {
			c := f.poll(4)
			s := c.probe()
			c.complete(s)
			end(s.conn)
			c.side().ended(t, ReasonTransportClose, DetailConnectionLost)
		}
		if n := f.srv.Stats().UpgradesWithheld; n != 1 {
			t.Errorf("%s: %d addresses", name, n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		if a := f.do(ctx, "GET", "EIO=4&transport=polling", "", nil); !strings.Contains(a.body, `"upgrades":[]`) {
			t.Errorf("%s: %s", name, a.body)
		}
		cancel()
	}
}
