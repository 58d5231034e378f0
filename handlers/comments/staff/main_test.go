package staff

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// weak is a cost for tests.
var weak = cost{memory: 64, passes: 1, threads: 1}

// office is a Staff of the sites "blog" and "shop", whose clock a test may set.
type office struct {
	*Staff
	db    store.Store
	clock time.Time
}

func open(t *testing.T) *office {
	t.Helper()
	db, err := store.Open(t.Context(), ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"blog", "shop"} {
		if err := db.CreateSite(t.Context(), store.Site{Name: name, Secret: "of " + name}); err != nil {
			t.Fatal(err)
		}
	}
	o := &office{Staff: New(db), db: db, clock: time.Now()}
	o.hashes = newHasher(weak)
	o.now = func() time.Time { return o.clock }
	return o
}

// link makes a link.
func (o *office) link(t *testing.T, site, name string) string {
	t.Helper()
	secret, err := o.Invite(t.Context(), site, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// ann sets Ann up as moderator of the blog.
func (o *office) ann(t *testing.T) store.Account {
	t.Helper()
	a, err := o.SetUp(t.Context(), "blog", o.link(t, "blog", "Ann"), "", password)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const password = "correct horse battery"
