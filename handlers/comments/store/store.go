package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// Errors that a caller can act on.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrExpired  = errors.New("expired or used already")
	ErrPlace    = errors.New("no place to go on after: give next of the answer before")
)

// Store is what is kept. Names of sites are lower-case letters, digits and hyphens, at most 64.
type Store interface {
	Sites
	Comments
	Opinions
	Moderation
	Staff
	Owners

	// Backup writes a whole copy of a SQLite database to a new file, while it is in use.
	// With PostgreSQL it fails and says to use pg_dump.
	Backup(ctx context.Context, file string) error
	io.Closer
}

// Sites are the sites and their pages.
type Sites interface {
	// CreateSite adds a site: ErrExists where there is one of the name.
	CreateSite(ctx context.Context, s Site) error
	// UpdateSite replaces origins, secrets and settings, and raises Version.
	UpdateSite(ctx context.Context, s Site) error
	// DeleteSite takes a site away with everything in it.
	DeleteSite(ctx context.Context, name string) error
	Site(ctx context.Context, name string) (Site, error)
	ListSites(ctx context.Context) ([]Site, error)
	// Heads says of each site how far it is: one small query, for who follows them all.
	Heads(ctx context.Context) (map[string]Head, error)

	// Page is a page of a site; one that has no comments yet is made up, with Created zero.
	Page(ctx context.Context, site, key string) (Page, error)
	// LockPage raises the site's seq.
	LockPage(ctx context.Context, site, key string, locked bool, d Decision) (Page, error)
	// Counts is how many published comments pages have; those without any are left out.
	Counts(ctx context.Context, site string, keys []string) (map[string]int, error)
}

// Comments are what was said. Each write raises the site's seq by one or more.
type Comments interface {
	// Add stores a new comment. One with the Key of an earlier one of the same author is not stored:
	// the earlier one is returned, and stored is false. A parent that is not there, or on another page, is
	// ErrNotFound. Depth and Root are set here. A published one is noted for the site's hook.
	Add(ctx context.Context, c Comment) (added Comment, stored bool, err error)
	// Edit replaces text, HTML and state.
	Edit(ctx context.Context, site, id string, e Edit) (Comment, error)
	Comment(ctx context.Context, site, id string) (Comment, error)
	// Threads reads a part of a page in order, each thread whole: published comments,
	// and those that are not but have published ones under them. next is "" at the end.
	Threads(ctx context.Context, q ThreadQuery) (comments []Comment, next string, err error)
	// Changes are the comments of a site in any state, and its pages, whose seq is above after, lowest first.
	// page "" is all of them. more: there were more than limit.
	Changes(ctx context.Context, site, page string, after int64, limit int) (comments []Comment, pages []Page, more bool, err error)
	// Tallies are the comments whose tally is above after, lowest first: only ID, Page and what is counted.
	Tallies(ctx context.Context, site, page string, after int64, limit int) (comments []Comment, more bool, err error)
	// Recent are the last published ones of a site, or of a page, newest first.
	Recent(ctx context.Context, site, page string, limit int) ([]Comment, error)
	// Search is what a moderator looks for, newest first.
	Search(ctx context.Context, q Search) (comments []Comment, next string, err error)
	// SameText reports whether the user has said the same after a time: hash is Comment.Hash.
	SameText(ctx context.Context, site, user, hash string, after time.Time) (bool, error)
}

// Opinions are votes, reactions and flags: one of each kind from a user. Each that
// changes something raises the site's tally; a flag raises seq.
type Opinions interface {
	// Vote sets a user's vote: 1, -1, or 0 for none. It returns what is counted then.
	Vote(ctx context.Context, site, id, user string, value int) (Comment, error)
	React(ctx context.Context, site, id, user, reaction string, on bool) (Comment, error)
	// Flag notes that a user finds something wrong; again is no more. hold, if above 0, makes a published
	// comment pending that has so many flags.
	Flag(ctx context.Context, site, id, user, reason string, hold int) (Comment, error)
	// Mine is what a user thinks of the comments of a page.
	Mine(ctx context.Context, site, page, user string) (Mine, error)
}

// Moderation is what moderators decide. Each decision is logged with what it does.
type Moderation interface {
	// Moderate decides about comments; those that are not there are left out of the result.
	// d.By, d.ByName and d.Note are the caller's; the rest is filled in for each comment. Deleted ones are left out, too,
	// because nothing is left of them to decide about; what is so already is not logged again.
	Moderate(ctx context.Context, site string, ids []string, action Action, d Decision) ([]Comment, error)
	Ban(ctx context.Context, site string, b Ban, rejectAll bool, d Decision) ([]Comment, error)
	Unban(ctx context.Context, site, user string, d Decision) error
	// Banned returns the ban of a user that holds now, or ErrNotFound.
	Banned(ctx context.Context, site, user string) (Ban, error)
	Bans(ctx context.Context, site string) ([]Ban, error)
	// Decisions is the log, newest first; before is the id of a decision, or 0.
	Decisions(ctx context.Context, site string, before int64, limit int) ([]Decision, error)
	// Note adds to the log what changed no comment, such as settings.
	Note(ctx context.Context, site string, d Decision) error
	// Waiting is how many comments are pending, and published ones with flags.
	Waiting(ctx context.Context, site string) (pending, flagged int, err error)
	Person(ctx context.Context, site, user string) (Person, error)
}

// Staff are accounts of moderators. Secrets are hashed before they come here.
type Staff interface {
	AddLink(ctx context.Context, l Link) error
	// UseLink takes a link that holds and makes an account of it, in one transaction: ErrExpired where the
	// link does not hold for a.Site. A link with a name replaces the password of the account of that name, if there is one,
	// and ends its sessions; one without a name makes new accounts only, ErrExists, and holds on then.
	UseLink(ctx context.Context, hash string, a Account, now time.Time) (Account, error)
	Account(ctx context.Context, site, name string) (Account, error)
	Accounts(ctx context.Context, site string) ([]Account, error)
	// RemoveAccount ends its sessions too.
	RemoveAccount(ctx context.Context, site, name string) error
	AddSession(ctx context.Context, s Session) error
	Session(ctx context.Context, hash string, now time.Time) (Session, error)
	RemoveSession(ctx context.Context, hash string) error
}

// Owners is what the owner of a site, or the law, asks for.
type Owners interface {
	// EachComment calls f for every comment of a site in any state, by Created; user "" is all of them.
	EachComment(ctx context.Context, site, user string, f func(Comment) error) error
	// UserOf finds the public id of the user with this id on the site itself (Author.Subject).
	UserOf(ctx context.Context, site, subject string) (string, error)
	// Opinions of a user: votes, reactions and flags, for export.
	OpinionsOf(ctx context.Context, site, user string) ([]Opinion, error)
	// Erase takes away what is known of a user: text, name, votes, reactions and flags; of a ban and of the log
	// the public id stays. The comments become deleted ones without an author, which readers see
	// where others answered; comments is how many. Where it fails it may be begun again.
	Erase(ctx context.Context, site, user string, d Decision) (comments int, err error)
	// Import stores comments as they are, many in one transaction; those with an ID that
	// is there already are left alone. dry: nothing is stored, and the count is what would be. What is answered
	// has to be there, or among them: ErrNotFound. Root and Depth are set here; hooks are not told.
	Import(ctx context.Context, site string, comments []Comment, dry bool) (stored int, err error)
	// Purge removes comments created before a time. Threads that have nothing younger are gone, which raises
	// Head.Floor: cursors below it are too old. In other threads nothing is left of them but that they were
	// there. It also forgets addresses after 30 days, whatever the time is; a zero time does that only.
	Purge(ctx context.Context, site string, before time.Time) (removed int, err error)

	// Hooks are the comments, published now, of which a site's owner was not told yet and whose time
	// has come; they are leased to the caller until then, so that one node of several tells.
	Hooks(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Hook, error)
	// HookDone takes one away; HookFailed has it tried again at a time.
	HookDone(ctx context.Context, id int64) error
	HookFailed(ctx context.Context, id int64, again time.Time, problem string) error
}
