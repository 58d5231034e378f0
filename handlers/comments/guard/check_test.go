package guard

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestLength(t *testing.T) {
	t.Parallel()
	d := open()
	d.expect(t, said(blog(store.Settings{}), strings.Repeat("é", DefaultLength)), store.Published)
	d.refused(t, said(blog(store.Settings{}), strings.Repeat("é", DefaultLength+1)), "too_long")
	short := blog(store.Settings{MaxLength: 10})
	d.expect(t, said(short, "ten chars."), store.Published)
	d.refused(t, said(short, "ten chars.."), "too_long")
	for _, nothing := range []string{"", " \n ", "\u200b", "> ", "&nbsp;"} {
		d.refused(t, said(short, nothing), "empty")
	}
	for _, change := range []func(*Submission){func(s *Submission) { s.Trusted = true }, func(s *Submission) { s.Edit = true }} {
		s := said(short, "more than ten")
		change(s)
		d.refused(t, s, "too_long")
	}
}

func TestTheHoneypot(t *testing.T) {
	t.Parallel()
	d := open()
	s := said(blog(store.Settings{}), "nice site")
	s.Honeypot = "https://spam.example"
	d.expect(t, s, store.Rejected, HeldHoneypot)
	s.Edit = true
	d.expect(t, s, store.Published)
}

func TestTheTimeOnThePage(t *testing.T) {
	t.Parallel()
	d := open()
	s := said(blog(store.Settings{MinTime: 5}), "first!")
	s.Open = 1500 * time.Millisecond
	if v := d.refused(t, s, "too_fast"); v.RetryAfter != 3500*time.Millisecond {
		t.Errorf("again after %v", v.RetryAfter)
	}
	s.Open = 5 * time.Second
	d.expect(t, s, store.Published)
	s.Open, s.Edit = 0, true
	d.expect(t, s, store.Published)
	d.expect(t, said(blog(store.Settings{}), "where nothing is set"), store.Published)
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	d := open()
	site := blog(store.Settings{})
	d.known.said["blog u_ann "+Hash("Buy my book!")] = time.Now().Add(-time.Hour)
	d.known.said["blog u_ann "+Hash("Good morning")] = time.Now().Add(-25 * time.Hour)
	d.refused(t, said(site, "Buy my book!"), "duplicate")
	d.refused(t, said(site, "**buy** my  book"), "duplicate")
	d.expect(t, said(site, "Buy my other book!"), store.Published)
	d.expect(t, said(site, "Good morning"), store.Published) // that was yesterday
	other := said(site, "Buy my book!")
	other.Author.ID = "u_ben"
	d.expect(t, other, store.Published)
	edited := said(site, "Buy my book!")
	edited.Edit = true
	d.expect(t, edited, store.Published)
}

func TestModeration(t *testing.T) {
	t.Parallel()
	d := open()
	d.known.published["blog u_ann"] = 2
	for _, c := range []struct {
		how   store.Moderating
		after int
		user  string
		state store.State
		held  []string
	}{
		{"", 0, "u_new", store.Published, nil},
		{store.PostModeration, 0, "u_new", store.Published, nil},
		{store.PreModeration, 0, "u_ann", store.Pending, []string{HeldModeration}},
		{store.TrustedFirst, 0, "u_new", store.Pending, []string{HeldNewAuthor}},
		{store.TrustedFirst, 0, "u_ann", store.Published, nil},
		{store.TrustedFirst, 2, "u_ann", store.Published, nil},
		{store.TrustedFirst, 3, "u_ann", store.Pending, []string{HeldNewAuthor}},
	} {
		s := said(blog(store.Settings{Moderation: c.how, TrustAfter: c.after}), "hello")
		s.Author.ID = c.user
		d.expect(t, s, c.state, c.held...)
		s.Edit = true // or who was approved could become something else
		d.expect(t, s, c.state, c.held...)
		s.Trusted = true
		d.expect(t, s, store.Published)
	}
}

func TestWhatModeratorsSayPasses(t *testing.T) {
	t.Parallel()
	d := open()
	d.known.fails = true
	s := said(blog(store.Settings{Moderation: store.PreModeration, RejectWords: []string{"casino"}, MinTime: 60}), "no casino here")
	s.Open, s.Honeypot, s.Trusted = 0, "x", true
	d.expect(t, s, store.Published)
}

func TestAStoreThatIsAwayIsAnError(t *testing.T) {
	t.Parallel()
	d := open()
	d.known.fails = true
	s := said(blog(store.Settings{Moderation: store.TrustedFirst}), "hello")
	if _, err := d.Check(t.Context(), s); !errors.Is(err, errAway) {
		t.Errorf("duplicates: %v", err)
	}
	s.Edit = true
	if _, err := d.Check(t.Context(), s); !errors.Is(err, errAway) {
		t.Errorf("authors: %v", err)
	}
}

func TestRejectedComesBeforeHeldAndAllReasonsAreGiven(t *testing.T) {
	t.Parallel()
	d := open()
	site := blog(store.Settings{
		Moderation: store.PreModeration, HoldWords: []string{"poker", "casino"}, RejectWords: []string{"viagra"}, HoldLinks: []string{"evil.example"}, MaxLinks: 1,
	})
	text := "poker and casino: https://evil.example https://x.org"
	d.expect(t, said(site, text), store.Pending, "word: poker", "word: casino", "link: evil.example", "links: 2, at most 1", HeldModeration)
	d.expect(t, said(site, text+" viagra"), store.Rejected, "word: viagra")

	many := blog(store.Settings{HoldWords: strings.Fields("a b c d e f g h i j k l")})
	v := d.judge(t, said(many, "a b c d e f g h i j k l m"))
	if len(v.Held) != maxReasons+1 || v.Held[maxReasons] != "and 2 more" {
		t.Errorf("%q", v.Held)
	}
}

func TestListsAreThoseOfTheSettingsNow(t *testing.T) {
	t.Parallel()
	d := open()
	site, shop := blog(store.Settings{RejectWords: []string{"casino"}}), blog(store.Settings{})
	shop.Name = "shop"
	d.expect(t, said(site, "casino"), store.Rejected, "word: casino")
	d.expect(t, said(shop, "casino"), store.Published)
	if d.listsOf(site) != d.listsOf(blog(store.Settings{RejectWords: []string{"casino"}})) {
		t.Error("the same lists are compiled again")
	}
	site.Settings.RejectWords[0] = "poker"
	d.expect(t, said(site, "casino"), store.Published)
	d.expect(t, said(site, "poker"), store.Rejected, "word: poker")
	site.Settings.RejectWords = nil
	d.expect(t, said(site, "poker"), store.Published)
	for i := range 2 * keptSites {
		d.listsOf(&store.Site{Name: strings.Repeat("a", i)})
	}
	if n := len(d.lists); n > keptSites {
		t.Errorf("lists of %d sites are kept", n)
	}
}
