package guard

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// known is a store that knows what it was told.
type known struct {
	mu        sync.Mutex
	said      map[string]time.Time // by site, user and hash
	published map[string]int       // by site and user
	fails     bool
}

var errAway = errors.New("the database is away")

func (k *known) SameText(_ context.Context, site, user, hash string, after time.Time) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails {
		return false, errAway
	}
	return k.said[site+" "+user+" "+hash].After(after), nil
}

func (k *known) Person(_ context.Context, site, user string) (store.Person, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails {
		return store.Person{}, errAway
	}
	n, ok := k.published[site+" "+user]
	if !ok {
		return store.Person{}, store.ErrNotFound
	}
	return store.Person{Published: n}, nil
}

// desk is a Guard with what it asks.
type desk struct {
	*Guard
	known *known
}

func open() *desk {
	k := &known{said: make(map[string]time.Time), published: make(map[string]int)}
	return &desk{New(Options{Store: k}), k}
}

// blog is a site with these settings.
func blog(s store.Settings) *store.Site {
	return &store.Site{Name: "blog", Secret: "a secret of the blog, as long as it has to be", Settings: s}
}

// said is what Ann says on a site.
func said(site *store.Site, text string) *Submission {
	d := markup.Render(text, markup.Options{})
	return &Submission{
		Site: site, Author: store.Author{ID: "u_ann"}, Document: d, Text: text, Hash: Hash(d.Plain),
		Open: time.Hour, Address: "192.0.2.1",
	}
}

// judge asks and insists on an answer.
func (d *desk) judge(t *testing.T, s *Submission) Verdict {
	t.Helper()
	v, err := d.Check(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// expect insists on a state and its reasons.
func (d *desk) expect(t *testing.T, s *Submission, state store.State, held ...string) {
	t.Helper()
	if v := d.judge(t, s); v.State != state || v.Code != "" || !slices.Equal(v.Held, held) {
		t.Errorf("%.60q: %+v, want %s for %q", s.Text, v, state, held)
	}
}

// refused insists on a refusal.
func (d *desk) refused(t *testing.T, s *Submission, code string) Verdict {
	t.Helper()
	v := d.judge(t, s)
	if v.Code != code || v.Message == "" {
		t.Errorf("%.60q: %+v, want %s", s.Text, v, code)
	}
	return v
}
