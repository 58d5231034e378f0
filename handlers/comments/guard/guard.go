package guard

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
)

// Known is what a Guard asks the store; a store.Store can tell.
type Known interface {
	SameText(ctx context.Context, site, user, hash string, after time.Time) (bool, error)
	Person(ctx context.Context, site, user string) (store.Person, error)
}

// Options are what a Guard is given.
type Options struct {
	Store  Known
	Shared limit.Shared // nil counts here alone
	Logger *slog.Logger // nil logs nothing
}

// Guard judges what is sent to all sites. Its methods may be called from any goroutine.
type Guard struct {
	store Known
	meter *limit.Meter

	mu    sync.Mutex
	lists map[string]*lists // by site
}

// New makes a Guard.
func New(o Options) *Guard {
	return &Guard{store: o.Store, meter: limit.NewMeter(o.Shared, o.Logger), lists: make(map[string]*lists)}
}

// Submission is a comment, new or edited, that somebody wants to be seen.
type Submission struct {
	Site     *store.Site
	Author   store.Author
	Document markup.Document
	Text     string
	Hash     string
	Honeypot string        // what the field held that people do not see
	Open     time.Duration // for how long the page was open, as far as it is known
	Address  string        // of the client, without port
	Edit     bool          // honeypot, time and duplicates do not count
	Trusted  bool          // a moderator: everything but the length passes
}

// Verdict is what becomes of it.
type Verdict struct {
	State      store.State   // Published, Pending, or Rejected: stored, and seen by moderators only
	Held       []string      // why, for moderators
	Code       string        // not "": refused, and not stored; a code of package comments
	Message    string        // for its author
	RetryAfter time.Duration // when to come again, where that helps
}
