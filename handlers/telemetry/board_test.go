package telemetry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// stage is a board whose dashboards are of paper.
type stage struct {
	*board

	mu        sync.Mutex
	told      []string // "who event payload"
	conflated map[string]int
	nobody
}

func open(t *testing.T, o Options) *stage {
	t.Helper()
	s := &stage{conflated: make(map[string]int)}
	o.Observer = s
	s.board = newBoard(o.withDefaults(), s)
	t.Cleanup(s.close)
	return s
}

func (s *stage) ReadingsConflated(why string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conflated[why] += n
}

func (s *stage) toDashboards(ids []string, event string, payload json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(ids)
	what := ""
	if event == "readings" {
		var all []Reading
		if err := json.Unmarshal(payload, &all); err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b Reading) int { return compareKeys(a.Device, a.Metric, b.Device, b.Metric) })
		for _, r := range all {
			what += fmt.Sprintf(" %s=%s", r.Device, r.Value.appendJSON(nil))
		}
	} else {
		var a Alert
		if err := json.Unmarshal(payload, &a); err != nil {
			return err
		}
		what = " " + a.State
	}
	s.told = append(s.told, strings.Join(ids, ",")+":"+what)
	return nil
}

func (s *stage) toNodes([]Reading) error { return nil }
func (s *stage) alone() bool             { return true }

// heard returns what was said since the last call.
func (s *stage) heard() []string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

func (s *stage) send(t *testing.T, device string, value float64) {
	t.Helper()
	if _, err := s.take([]Reading{{Device: device, Metric: "m", Value: Number(value), Time: time.Now().UnixMilli()}}); err != nil {
		t.Fatal(err)
	}
}

// pass lets time pass, which synctest makes up.
func pass(d time.Duration) { <-time.After(d) }

// paper stands for a socket.
type paper struct {
	id   string
	slow atomic.Bool
}

func (p *paper) ID() string  { return p.id }
func (p *paper) Ready() bool { return !p.slow.Load() }

// joins subscribes somebody.
func (s *stage) joins(id string, patterns ...string) *paper {
	p := &paper{id: id}
	_, answered := s.subscribe(p, view{patterns: patterns})
	answered()
	return p
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestOnceAnIntervalTheLatestIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{Interval: 100 * time.Millisecond})
		s.joins("a", "*")
		s.joins("b", "*")
		s.joins("vans", "van-*")
		pass(time.Second)
		s.heard()
		s.send(t, "boiler", 1) // after silence at once
		expect(t, s.heard(), "a,b: boiler=1")
		for i := range 5 {
			s.send(t, "boiler", float64(2+i))
		}
		s.send(t, "van-1", 9)
		expect(t, s.heard())
		pass(100 * time.Millisecond)
		got := s.heard()
		slices.Sort(got)
		expect(t, got, "a,b: boiler=6 van-1=9", "vans: van-1=9")
		if s.conflated[whyInterval] != 4 || s.conflated[whySlow] != 0 {
			t.Errorf("conflated %v", s.conflated)
		}
	})
}

func TestASlowDashboardHearsTheLatestOfAllWhenItIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{Interval: 100 * time.Millisecond})
		slow := s.joins("slow", "*")
		s.joins("fast", "*")
		slow.slow.Store(true)
		for i := range 3 {
			s.send(t, "boiler", float64(i))
			if i == 1 {
				s.send(t, "van", 50)
			}
			pass(150 * time.Millisecond)
		}
		expect(t, s.heard(), "fast: boiler=0", "fast: boiler=1 van=50", "fast: boiler=2")
		if s.conflated[whySlow] != 2 {
			t.Errorf("conflated %v", s.conflated)
		}
		slow.slow.Store(false)
		pass(time.Second)
		expect(t, s.heard(), "slow: boiler=2 van=50")
		s.send(t, "boiler", 4)
		expect(t, s.heard(), "fast,slow: boiler=4")
		s.drop(slow)
		pass(time.Second)
		s.send(t, "boiler", 5)
		expect(t, s.heard(), "fast: boiler=5")
	})
}

func TestNothingOvertakesTheSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		s.send(t, "boiler", 1)
		p := &paper{id: "p"}
		first, answered := s.subscribe(p, view{patterns: auth.Everything()})
		if !strings.Contains(string(first.Readings), `"value":1`) {
			t.Errorf("%s", first.Readings)
		}
		s.send(t, "boiler", 2)
		pass(time.Second)
		expect(t, s.heard())
		answered()
		pass(time.Second)
		expect(t, s.heard(), "p: boiler=2")
	})
}

func TestAnAlertWaitsForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		level := 10.0
		s := open(t, Options{Thresholds: []Threshold{{Devices: "*", Metric: "m", Above: &level, For: 5 * time.Second}}})
		s.joins("p", "*")
		s.send(t, "boiler", 11)
		pass(4 * time.Second)
		s.send(t, "boiler", 10) // back in time
		pass(4 * time.Second)
		expect(t, s.heard(), "p: boiler=11", "p: boiler=10")
		s.send(t, "boiler", 12)
		pass(6 * time.Second)
		expect(t, s.heard(), "p: boiler=12", "p: raised")
		s.send(t, "boiler", 3)
		expect(t, s.heard(), "p: boiler=3", "p: cleared")
	})
}

func TestWhatIsKnownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{MaxDevices: 2, MaxMetrics: 2, MaxKeys: 3, HistoryPoints: 20, Forget: time.Hour})
		take := func(all ...Reading) error {
			for i := range all {
				all[i].Time = time.Now().UnixMilli()
			}
			_, err := s.take(all)
			return err
		}
		r := func(device, metric string) Reading {
			return Reading{Device: device, Metric: metric, Value: Number(1)}
		}
		if err := take(r("a", "1"), r("a", "2"), r("b", "1"), r("b", "1")); err != nil {
			t.Fatal(err)
		}
		for name, all := range map[string][]Reading{
			"another metric": {r("a", "3")}, "another key": {r("b", "2")}, "another device": {r("c", "1")}, "one too many": {r("a", "1"), r("c", "1")},
		} {
			if take(all...) == nil {
				t.Errorf("%s was taken", name)
			}
		}
		for range 40 { // keys share what there is for histories
			pass(time.Second)
			if err := take(r("a", "1"), r("a", "2"), r("b", "1")); err != nil {
				t.Fatal(err)
			}
		}
		if s.points > 20 || len(s.devices["a"].cells["1"].history.ring) == 0 {
			t.Errorf("histories have room for %d points", s.points)
		}
		if s.learn([]Reading{{Device: "sockeye:n", Metric: "cpu", Value: Number(1), Time: time.Now().UnixMilli()}}); len(s.devices) != 2 {
			t.Error("another node's own measures were taken where there is no place")
		}
		pass(2 * time.Hour) // the silent make room
		if err := take(r("c", "1"), r("d", "1"), r("d", "2")); err != nil {
			t.Error(err)
		}
		if s.keys != 3 || len(s.devices) != 2 || s.changed.latest() == 0 || s.points > 20 {
			t.Errorf("%d keys of %d devices, %d points", s.keys, len(s.devices), s.points)
		}
	})
}

func TestANodeThatHasGoneIsForgottenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		s.learn([]Reading{{Device: "sockeye:gone", Metric: "cpu", Value: Number(1), Time: time.Now().UnixMilli()}})
		s.send(t, "boiler", 1)
		pass(2 * time.Minute)
		s.send(t, "boiler", 2)
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.devices["sockeye:gone"] != nil || s.devices["boiler"] == nil {
			t.Errorf("known are %d devices", len(s.devices))
		}
	})
}
