package limit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMeterCountsEachKeyByItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewMeter(nil, nil)
		slow, fast := Rate{PerSecond: 0.1, Burst: 2}, Rate{PerSecond: 10, Burst: 4}
		for key, r := range map[string]Rate{"a": slow, "b": fast, "c": slow} {
			for i := range r.Burst {
				if wait := m.Take(t.Context(), key, r); wait != 0 {
					t.Errorf("%s, %d: %v", key, i, wait)
				}
			}
		}
		if wait := m.Take(t.Context(), "a", slow); wait != 10*time.Second {
			t.Errorf("a: %v", wait)
		}
		if wait := m.Take(t.Context(), "b", fast); wait != 100*time.Millisecond {
			t.Errorf("b: %v", wait)
		}
		for range 100 {
			if wait := m.Take(t.Context(), "d", Rate{}); wait != 0 {
				t.Errorf("without a rate: %v", wait)
			}
		}
	})
}

func TestAMeterAsksOthersAfterItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &fake{}
		m := NewMeter(s, nil)
		r := Rate{PerSecond: 1, Burst: 2}
		s.retry.Store(int64(time.Minute))
		if wait := m.Take(t.Context(), "a", r); wait != time.Minute {
			t.Errorf("refused by others: %v", wait)
		}
		s.retry.Store(0)
		if wait := m.Take(t.Context(), "a", r); wait != 0 {
			t.Errorf("%v", wait)
		}
		asked := s.asked.Load()
		if wait := m.Take(t.Context(), "a", r); wait != time.Second {
			t.Errorf("refused here: %v", wait)
		}
		if s.asked.Load() != asked {
			t.Error("others were asked about what is refused here")
		}
		s.fails.Store(true)
		for i := range 3 {
			if wait := m.Take(t.Context(), "b", r); (wait == 0) != (i < 2) {
				t.Errorf("while the others are away, %d: %v", i, wait)
			}
		}
	})
}

func TestAMeterIsBounded(t *testing.T) {
	t.Parallel()
	m := NewMeter(nil, nil)
	for i := range 3 * shards * idlePerShard / 2 {
		m.Take(t.Context(), fmt.Sprint(i), Rate{PerSecond: 1, Burst: 1})
	}
	if n := m.table.len(); n > shards*idlePerShard {
		t.Errorf("%d keys are kept", n)
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:80": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::", "[2001:db8::1]:80": "2001:db8::",
		"fe80::1%eth0": "fe80::", "64:ff9b::192.0.2.1": "64:ff9b::c000:201", "": "", "@": "@",
	} {
		if got := KeyOf(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
