package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Suite says where databases are.
type Suite struct {
	// Database returns the name of an empty database, as store.Open takes it.
	Database func(t testing.TB) string
	// New returns the name of one that nobody has opened yet; nil is Database.
	New func(t testing.TB) string
	// Nodes says that a database may be opened several times at once.
	Nodes bool
}

// site is the one of most tests, other one that should not notice.
const (
	site  = "blog"
	other = "shop"
	page  = "/post-1"
)

// patience is how long something may take that is waited for.
const patience = time.Minute

// bench is what a test works on.
type bench struct {
	*testing.T
	store.Store
	suite Suite
	name  string // of the database
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.New == nil {
		s.New = s.Database
	}
	tests := []struct {
		name string
		run  func(*bench)
		skip bool
	}{
		{"Sites", testSites, false},
		{"SiteNotThere", testSiteNotThere, false},
		{"SitesApart", testSitesApart, false},
		{"DeleteSite", testDeleteSite, false},
		{"Add", testAdd, false},
		{"AddAgain", testAddAgain, false},
		{"AddAnswer", testAddAnswer, false},
		{"AddStrangeText", testAddStrangeText, false},
		{"IDsInOrder", testIDsInOrder, false},
		{"Edit", testEdit, false},
		{"DeleteComment", testDeleteComment, false},
		{"States", testStates, false},
		{"OvertakenEdit", testOvertakenEdit, false},
		{"PageOfFirstComment", testPageOfFirstComment, false},
		{"LockPage", testLockPage, false},
		{"ThreadsInOrder", testThreadsInOrder, false},
		{"ThreadsInParts", testThreadsInParts, false},
		{"ThreadsOldestInParts", testThreadsOldestInParts, false},
		{"ThreadsWith", testThreadsWith, false},
		{"ThreadsKeepTogether", testThreadsKeepTogether, false},
		{"Changes", testChanges, false},
		{"ChangesInParts", testChangesInParts, false},
		{"Tallies", testTallies, false},
		{"Recent", testRecent, false},
		{"Search", testSearch, false},
		{"SameText", testSameText, false},
		{"Votes", testVotes, false},
		{"Reactions", testReactions, false},
		{"Flags", testFlags, false},
		{"FlagsHold", testFlagsHold, false},
		{"Mine", testMine, false},
		{"Moderate", testModerate, false},
		{"ModerateNothing", testModerateNothing, false},
		{"Pin", testPin, false},
		{"Bans", testBans, false},
		{"BanRejects", testBanRejects, false},
		{"Log", testLog, false},
		{"Person", testPerson, false},
		{"Links", testLinks, false},
		{"LinkOfSomebodyElse", testLinkOfSomebodyElse, false},
		{"Sessions", testSessions, false},
		{"Export", testExport, false},
		{"Erase", testErase, false},
		{"Import", testImport, false},
		{"ImportRefuses", testImportRefuses, false},
		{"Purge", testPurge, false},
		{"PurgeKeepsThreads", testPurgeKeepsThreads, false},
		{"Hooks", testHooks, false},
		{"HooksOfApproved", testHooksOfApproved, false},
		{"Canceled", testCanceled, false},
		{"Closed", testClosed, false},
		{"ManyWriters", testManyWriters, false},
		{"SameKeyAtOnce", testSameKeyAtOnce, false},
		{"TailInOrder", testTailInOrder, false},
		{"Model", testModel, false},
		{"NodesTogether", testNodesTogether, !s.Nodes},
		{"NodesTail", testNodesTail, !s.Nodes},
		{"NodesOpenAtOnce", testNodesOpenAtOnce, !s.Nodes},
		{"NodesHooks", testNodesHooks, !s.Nodes},
		{"Reopened", testReopened, !s.Nodes},
	}
	for _, test := range tests {
		if test.skip {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			b := &bench{T: t, suite: s, name: s.Database(t)}
			b.Store = b.open()
			for _, name := range []string{site, other} {
				b.must(b.CreateSite(b.ctx(), store.Site{Name: name, Secret: "secret of " + name, Origins: []string{"https://" + name + ".example.com"}}))
			}
			test.run(b)
		})
	}
}

// open opens the database, once more.
func (b *bench) open() store.Store {
	b.Helper()
	s, err := store.Open(b.ctx(), b.name, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Errorf("close: %v", err)
		}
	})
	return s
}

func (b *bench) ctx() context.Context { return b.Context() }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// is fails where an error is not the one that was promised.
func (b *bench) is(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("error %v, want %v", err, want)
	}
}

// equal compares what prints the same.
func (b *bench) equal(got, want any) {
	b.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		b.Fatalf("got  %s\nwant %s", g, w)
	}
}

// by is an author.
func by(name string) store.Author { return store.Author{ID: "u_" + strings.ToLower(name), Name: name} }

// add stores a comment that says something, changed as a test likes it.
func (b *bench) add(parent string, change ...func(*store.Comment)) store.Comment {
	b.Helper()
	c := store.Comment{Site: site, Page: page, Parent: parent, Author: by("Ann"), Text: "says", HTML: "<p>says</p>", Hash: "h", State: store.Published}
	for _, f := range change {
		f(&c)
	}
	added, stored, err := b.Add(b.ctx(), c)
	if err != nil || !stored {
		b.Fatalf("add: stored %v, %v", stored, err)
	}
	return added
}

func of(name string) func(*store.Comment)     { return func(c *store.Comment) { c.Author = by(name) } }
func on(key string) func(*store.Comment)      { return func(c *store.Comment) { c.Page = key } }
func in(s store.State) func(*store.Comment)   { return func(c *store.Comment) { c.State = s } }
func saying(text string) func(*store.Comment) { return func(c *store.Comment) { c.Text = text } }
func at(created time.Time) func(*store.Comment) {
	return func(c *store.Comment) { c.Created = created }
}

// again reads a comment.
func (b *bench) again(id string) store.Comment {
	b.Helper()
	c, err := b.Comment(b.ctx(), site, id)
	b.must(err)
	return c
}

func (b *bench) head() store.Head {
	b.Helper()
	heads, err := b.Heads(b.ctx())
	b.must(err)
	return heads[site]
}

func (b *bench) count(key string) int {
	b.Helper()
	p, err := b.Page(b.ctx(), site, key)
	b.must(err)
	counts, err := b.Counts(b.ctx(), site, []string{key, "/nothing"})
	b.must(err)
	if counts[key] != p.Count || len(counts) > 1 {
		b.Fatalf("counts are %v, the page has %d", counts, p.Count)
	}
	return p.Count
}

func (b *bench) moderate(action store.Action, ids ...string) []store.Comment {
	b.Helper()
	decided, err := b.Moderate(b.ctx(), site, ids, action, store.Decision{By: "m_mod", ByName: "Mod"})
	b.must(err)
	return decided
}

// ids are the ones of comments, in their order.
func ids(comments []store.Comment) []string {
	all := make([]string, len(comments))
	for i := range comments {
		all[i] = comments[i].ID
	}
	return all
}
