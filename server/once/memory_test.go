package once

import (
	"reflect"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func claim(t *testing.T, m *Memory, claims ...Claim) []Outcome {
	t.Helper()
	out, err := m.Claim(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAKeyIsRememberedForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		a, b, other := Claim{"k", "a"}, Claim{"k", "b"}, Claim{"l", "a"}
		if got := claim(t, m, a, a, b, other); !reflect.DeepEqual(got, []Outcome{Fresh, Repeated, Reused, Fresh}) {
			t.Errorf("%v", got)
		}
		time.Sleep(For - time.Second) //nolint:forbidigo // the clock of synctest
		if got := claim(t, m, a); got[0] != Repeated {
			t.Errorf("before the end: %v", got)
		}
		time.Sleep(time.Second) //nolint:forbidigo // the clock of synctest
		if got := claim(t, m, b, a); !reflect.DeepEqual(got, []Outcome{Fresh, Reused}) {
			t.Errorf("after the end: %v", got)
		}
		m.GiveBack(t.Context(), []Claim{b})
		if got := claim(t, m, a); got[0] != Fresh {
			t.Errorf("given back: %v", got)
		}
	})
}

func TestTheOldestKeysGoFirst(t *testing.T) {
	m := NewMemory()
	for i := range maxRemembered + 10 {
		claim(t, m, Claim{strconv.Itoa(i), "s"})
	}
	if len(m.byKey) != maxRemembered {
		t.Errorf("%d keys are remembered", len(m.byKey))
	}
	if got := claim(t, m, Claim{"9", "s"}, Claim{strconv.Itoa(maxRemembered), "s"}); !reflect.DeepEqual(got, []Outcome{Fresh, Repeated}) {
		t.Errorf("%v", got)
	}
}
