package auth

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf is a backend in memory that can be away.
type shelf struct {
	mu      sync.Mutex
	entries Entries
	away    error
	changed []func()
	loading func() // called within Load, without the lock
}

func newShelf() *shelf {
	return &shelf{entries: Entries{Keys: map[string]APIKey{}, Blocks: map[string]Block{}}}
}

func (s *shelf) Load(context.Context) (*Entries, error) {
	s.mu.Lock()
	e, err, loading := Entries{Keys: maps.Clone(s.entries.Keys), Blocks: maps.Clone(s.entries.Blocks)}, s.away, s.loading
	s.mu.Unlock()
	if loading != nil {
		loading()
	}
	return &e, err
}

func (s *shelf) do(f func(e *Entries) error) error {
	s.mu.Lock()
	if s.away != nil {
		s.mu.Unlock()
		return s.away
	}
	err := f(&s.entries)
	changed := s.changed
	s.mu.Unlock()
	for _, f := range changed {
		f()
	}
	return err
}

func (s *shelf) PutKey(_ context.Context, id string, k APIKey) error {
	return s.do(func(e *Entries) error { e.Keys[id] = k; return nil })
}

func (s *shelf) PutBlock(_ context.Context, id string, b Block) error {
	return s.do(func(e *Entries) error { e.Blocks[id] = b; return nil })
}

func (s *shelf) DeleteKey(_ context.Context, id string) error {
	return s.do(func(e *Entries) error { return remove(e.Keys, id) })
}

func (s *shelf) DeleteBlock(_ context.Context, id string) error {
	return s.do(func(e *Entries) error { return remove(e.Blocks, id) })
}

func (s *shelf) Watch(ctx context.Context, changed func()) {
	s.mu.Lock()
	s.changed = append(s.changed, changed)
	s.mu.Unlock()
	changed()
	<-ctx.Done()
}

func (s *shelf) setAway(err error) {
	s.mu.Lock()
	s.away = err
	s.mu.Unlock()
}

// told collects what OnBlocked says.
type told struct {
	mu  sync.Mutex
	ids []string
}

func (o *told) hear(id string, _ Block) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids = append(o.ids, id)
}

func (o *told) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.ids, " ")
}

// following starts a node that shares a shelf.
func following(t *testing.T, s *shelf) (*Ledger, *told) {
	t.Helper()
	l := NewLedger(s, slog.New(slog.DiscardHandler))
	heard := &told{}
	l.OnBlocked(heard.hear)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Follow(t.Context())
	return l, heard
}

func TestABlockHoldsOnAllNodesUntilItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, heardA := following(t, s)
		b, heardB := following(t, s)
		defer a.Close()
		defer b.Close()
		if err := a.Block(t.Context(), "eve", time.Now().Add(time.Hour), "spam"); err != nil {
			t.Fatal(err)
		}
		if _, blocked := a.Blocked("eve"); !blocked {
			t.Error("not blocked here at once")
		}
		synctest.Wait()
		if got, blocked := b.Blocked("eve"); !blocked || got.Reason != "spam" {
			t.Errorf("the other node: %+v, %v", got, blocked)
		}
		if err := a.Block(t.Context(), "eve", time.Now().Add(2*time.Hour), "more spam"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if heardA.String() != "eve" || heardB.String() != "eve" {
			t.Errorf("heard %q and %q, want each once", heardA, heardB)
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // the clock is synctest's
		if _, blocked := b.Blocked("eve"); blocked || len(a.List()) != 0 {
			t.Error("still blocked after its time")
		}
		if err := b.Block(t.Context(), "eve", time.Time{}, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if heardA.String() != "eve eve" {
			t.Errorf("blocked anew: heard %q", heardA)
		}
		if err := a.Unblock(t.Context(), "eve"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, blocked := b.Blocked("eve"); blocked {
			t.Error("still blocked after it was taken back")
		}
		if err := a.Unblock(t.Context(), "eve"); !errors.Is(err, ErrNotFound) {
			t.Errorf("taken back twice: %v", err)
		}
	})
}

func TestWhatWasKnownCountsWhileTheBackendIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, _ := following(t, s)
		b, heard := following(t, s)
		defer a.Close()
		defer b.Close()
		if err := a.Block(t.Context(), "eve", time.Time{}, ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		s.setAway(errors.New("away"))
		b.touch()
		synctest.Wait()
		if _, blocked := b.Blocked("eve"); !blocked {
			t.Error("forgotten")
		}
		if err := a.Block(t.Context(), "mallory", time.Time{}, ""); err == nil {
			t.Error("a block that cannot be kept is none")
		}
		s.mu.Lock()
		s.away, s.entries.Blocks["mallory"] = nil, Block{} // by somebody else, and nobody told
		s.mu.Unlock()
		time.Sleep(2 * retryPause) //nolint:forbidigo // the clock is synctest's
		synctest.Wait()
		if _, blocked := b.Blocked("mallory"); !blocked || heard.String() != "eve mallory" {
			t.Errorf("not read again when the backend was back; heard %q", heard)
		}
	})
}

// What is read may be older than what is written meanwhile.
func TestALoadDoesNotUndoAChangeThatWasMadeMeanwhile(t *testing.T) {
	t.Parallel()
	s := newShelf()
	l := NewLedger(s, slog.New(slog.DiscardHandler))
	t.Cleanup(l.Close)
	var once sync.Once
	s.loading = func() {
		once.Do(func() {
			if err := l.Block(t.Context(), "eve", time.Time{}, ""); err != nil {
				t.Error(err)
			}
		})
	}
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, blocked := l.Blocked("eve"); !blocked {
		t.Error("the block was undone")
	}
}

func TestWhoUsesARevokedKeyIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		a, _ := following(t, s)
		b, heard := following(t, s)
		defer a.Close()
		defer b.Close()
		id, _ := addKey(t, a, APIKey{Scopes: []Scope{ScopeRead}})
		synctest.Wait()
		if got, blocked := b.Blocked("key:" + id); blocked {
			t.Errorf("a good key is blocked: %+v", got)
		}
		if err := a.RevokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got, blocked := b.Blocked("key:" + id); !blocked || heard.String() != "key:"+id || got.Refusal().Message != "the API key was revoked" {
			t.Errorf("%+v, %v, heard %q", got, blocked, heard)
		}
	})
}

func TestKeysAreUnknownUntilTheyWereRead(t *testing.T) {
	t.Parallel()
	s := newShelf()
	s.setAway(errors.New("away"))
	l := NewLedger(s, slog.New(slog.DiscardHandler))
	t.Cleanup(l.Close)
	_, text, _, err := NewKey(APIKey{Scopes: []Scope{ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (KeyVerifier{l}).Verify(t.Context(), text); codeOf(err) != CodeUnavailable {
		t.Errorf("before: %v", err)
	}
	if _, blocked := l.Blocked("key:" + KeyID(text)); blocked {
		t.Error("a key that is not known yet counts as revoked")
	}
	s.setAway(nil)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := (KeyVerifier{l}).Verify(t.Context(), text); codeOf(err) != CodeInvalidToken {
		t.Errorf("after: %v", err)
	}
}

func TestBlocksThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	l := memory(t)
	for what, err := range map[string]error{
		"nobody":     l.Block(t.Context(), "", time.Time{}, ""),
		"a long id":  l.Block(t.Context(), strings.Repeat("x", MaxID+1), time.Time{}, ""),
		"over":       l.Block(t.Context(), "x", time.Now().Add(-time.Second), ""),
		"a novel":    l.Block(t.Context(), "x", time.Time{}, strings.Repeat("x", 300)),
		"odd bytes":  l.Block(t.Context(), "\xff", time.Time{}, ""),
		"odd reason": l.Block(t.Context(), "x", time.Time{}, "\xff"),
	} {
		if err == nil {
			t.Errorf("%s can be blocked", what)
		}
	}
	if len(l.List()) != 0 {
		t.Errorf("blocked: %v", l.List())
	}
	b := Block{Until: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Reason: "spam"}
	if got := b.Refusal(); got.Code != CodeBlocked || got.Message != "you are blocked until 2030-01-02T03:04:05Z: spam" {
		t.Errorf("the refusal is %+v", got)
	}
}
