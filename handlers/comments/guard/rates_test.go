package guard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
)

// takes counts how often somebody may do something at once.
func (d *desk) takes(t *testing.T, site *store.Site, action, user, address string) (n int) {
	t.Helper()
	for d.Take(t.Context(), site, action, user, address) == 0 {
		if n++; n > 1000 {
			t.Fatalf("%s without end", action)
		}
	}
	return n
}

func TestHowOftenAUserMayDoWhat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open()
		site, shop := blog(store.Settings{}), blog(store.Settings{})
		shop.Name = "shop"
		for action, want := range map[string]int{"post": 5, "edit": 10, "flag": 20, "preview": 30, "vote": 60} {
			if n := d.takes(t, site, action, "u_ann", ""); n != want {
				t.Errorf("%s: %d at once, want %d", action, n, want)
			}
		}
		if n := d.takes(t, site, "something new", "u_ben", ""); n != 60 {
			t.Errorf("what has no rate of its own: %d", n)
		}
		if n := d.takes(t, shop, "post", "u_ann", ""); n != 5 {
			t.Errorf("on another site: %d", n)
		}
		if wait := d.Take(t.Context(), site, "post", "u_ann", ""); wait != 10*time.Second {
			t.Errorf("again after %v", wait)
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // in a bubble, where time passes when all wait
		if n := d.takes(t, site, "post", "u_ann", ""); n != 1 {
			t.Errorf("after ten seconds: %d", n)
		}
	})
}

func TestGuestsOfOneAddressAreCountedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open()
		site := blog(store.Settings{})
		posts := func(address string) (n int) {
			for i := range 100 { // each as somebody else
				if d.Take(t.Context(), site, "post", fmt.Sprint("g_", address, i), address) == 0 {
					n++
				}
			}
			return n
		}
		for address, want := range map[string]int{
			"192.0.2.1": 20, "192.0.2.1:4711": 0, "192.0.2.2": 20, "2001:db8::1": 20, "[2001:db8::2]:80": 0, "2001:db8:0:1::1": 20, "127.0.0.1": 100, "::1": 100, "[::1]:80": 100, "@": 20,
		} {
			if want == 0 {
				continue
			}
			if n := posts(address); n != want {
				t.Errorf("%s: %d, want %d", address, n, want)
			}
		}
		for _, same := range []string{"192.0.2.1:4711", "[2001:db8::2]:80", "2001:db8::ffff"} {
			if n := posts(same); n != 0 {
				t.Errorf("%s has %d more", same, n)
			}
		}
	})
}

func TestLoginsAreCountedFromEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := open()
		for _, address := range []string{"127.0.0.1", "192.0.2.1"} {
			if n := d.takes(t, blog(store.Settings{}), "login", "", address); n != 10 {
				t.Errorf("%s: %d", address, n)
			}
		}
	})
}

// together counts for several nodes.
type together struct {
	mu    sync.Mutex
	left  map[string]int
	fails bool
}

func (s *together) Take(_ context.Context, key string, r limit.Rate) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails {
		return 0, errors.New("away")
	}
	if _, there := s.left[key]; !there {
		s.left[key] = r.Burst
	}
	if s.left[key] == 0 {
		return time.Minute, nil
	}
	s.left[key]--
	return 0, nil
}

func TestLimitsAreSharedByAllNodesAndHoldOnEachWhileTheyCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &together{left: make(map[string]int)}
		one, two := &desk{Guard: New(Options{Shared: shared})}, &desk{Guard: New(Options{Shared: shared})}
		site := blog(store.Settings{})
		for range 3 {
			if wait := one.Take(t.Context(), site, "post", "u_ann", ""); wait != 0 {
				t.Errorf("wait %v", wait)
			}
		}
		if n := two.takes(t, site, "post", "u_ann", ""); n != 2 {
			t.Errorf("on the other node: %d", n)
		}
		shared.mu.Lock()
		shared.fails = true
		shared.mu.Unlock()
		if n := one.takes(t, site, "post", "u_ben", ""); n != 5 {
			t.Errorf("while the others cannot be asked: %d", n)
		}
	})
}
