package limit

import (
	"errors"
	"testing"
)

func TestCallersAreCountedApart(t *testing.T) {
	t.Parallel()
	c := NewCallers(Rate{PerSecond: 0.001, Burst: 3}, 2, nil)
	enter := func(who string) Name {
		var x *Exceeded
		if errors.As(c.Enter(who), &x) {
			if x.RetryAfter <= 0 {
				t.Errorf("%s: nobody knows when to try again", x)
			}
			return x.Limit
		}
		return ""
	}
	for i, want := range []Name{"", "", APIOpen} {
		if got := enter("a"); got != want {
			t.Errorf("request %d: %q, want %q", i, got, want)
		}
	}
	if got := enter("b"); got != "" {
		t.Errorf("somebody else: %q", got)
	}
	c.Leave("a")
	for i, want := range []Name{"", APIOpen} {
		if got := enter("a"); got != want {
			t.Errorf("request %d after one was over: %q, want %q", i, got, want)
		}
	}
	c.Leave("a")
	if got := enter("a"); got != APIRequests {
		t.Errorf("the fourth: %q", got)
	}
}
