package staff

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
)

func TestAPasswordIsKeptAsArgon2id(t *testing.T) {
	t.Parallel()
	h := newHasher(strong)
	hash, err := h.hash(t.Context(), password)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=32768,t=2,p=1$") {
		t.Fatalf("%q, %v", hash, err)
	}
	if ok, err := h.matches(t.Context(), hash, password); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := h.matches(t.Context(), hash, password+"!"); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	other, err := h.hash(t.Context(), password)
	if err != nil || other == hash {
		t.Error("the same password has the same hash twice")
	}
}

// The example was made by the reference implementation: echo -n "password" | argon2 somesalt -id -t 2 -m 16 -p 1.
func TestHashesOfOthersAreRead(t *testing.T) {
	t.Parallel()
	const theirs = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, err := newHasher(weak).matches(t.Context(), theirs, "password")
	if !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestAHashThatIsNoneMatchesNothingAndCostsNoMore(t *testing.T) {
	t.Parallel()
	h := newHasher(weak)
	good, err := h.hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	salt, key, _ := strings.Cut(strings.TrimPrefix(good, "$argon2id$v=19$m=64,t=1,p=1$"), "$")
	for _, bad := range []string{
		"", "x", "$2a$10$abc", "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key, "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=99999,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1,p=999$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1x$" + salt + "$" + key, "$argon2id$v=19$m=64,t=1,p=1$$" + key, "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key[:20], good + "$", good + "=", "x" + good,
	} {
		if _, _, _, ok := parse(bad); ok {
			t.Errorf("%q is a hash", bad)
		}
		before := h.runs.Load()
		if ok, err := h.matches(t.Context(), bad, password); ok || err != nil {
			t.Errorf("%q: %v, %v", bad, ok, err)
		}
		if h.runs.Load() != before+1 {
			t.Errorf("%q: it shows by the time that it is none", bad)
		}
	}
}

// However many sign in at once, few passwords are hashed at the same time, some wait, and the rest hear that
// there are too many.
func TestPasswordsAreHashedAFewAtATime(t *testing.T) {
	t.Parallel()
	h := newHasher(weak)
	for range hashAtOnce { // two that take their time
		h.turns <- struct{}{}
	}
	h.waiting.Add(hashAtOnce)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	const more = 10
	results := make(chan error, hashWaiting+more)
	var wg sync.WaitGroup
	for range hashWaiting + more {
		wg.Go(func() {
			_, err := h.hash(ctx, password)
			results <- err
		})
	}
	for range more {
		if err := <-results; !errors.Is(err, ErrBusy) {
			t.Errorf("got %v", err)
		}
	}
	if n := h.runs.Load(); n != 0 {
		t.Errorf("%d were hashed while there was no room", n)
	}
	<-h.turns // one has ended
	h.waiting.Add(-1)
	if err := <-results; err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
	close(results)
	for err := range results {
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if n := h.waiting.Load(); n != hashAtOnce-1 {
		t.Errorf("%d are counted as waiting", n)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$")
	f.Fuzz(func(t *testing.T, hash string) {
		if c, salt, key, ok := parse(hash); ok && (format(c, salt, key) != hash || c.memory > maxMemory || c.passes > maxPasses) {
			t.Errorf("%q is read as %+v", hash, c)
		}
	})
}
