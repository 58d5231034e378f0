package storetest

import (
	"reflect"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testSites(b *bench) {
	b.is(b.CreateSite(b.ctx(), store.Site{Name: site}), store.ErrExists)
	s, err := b.Site(b.ctx(), site)
	b.must(err)
	if s.Version != 1 || s.Created.IsZero() || s.Secret != "secret of "+site {
		b.Fatalf("%+v", s)
	}
	s.Origins = []string{"https://a.example.com", "https://*.example.org"}
	s.Secret = "another"
	s.Settings = store.Settings{
		Guests: true, Moderation: store.TrustedFirst, MaxDepth: 7, Reactions: []string{"👍", "🎉"},
		HoldWords: []string{"naïve"}, HookURL: "https://hook.example.com", Retention: 30,
	}
	b.must(b.UpdateSite(b.ctx(), s))
	s.Version = 2
	got, err := b.Site(b.ctx(), site)
	b.must(err)
	if !reflect.DeepEqual(got, s) {
		b.Fatalf("got  %+v\nwant %+v", got, s)
	}
	if v := b.head().Version; v != 2 {
		b.Fatalf("the head has version %d, want 2", v)
	}
	all, err := b.ListSites(b.ctx())
	b.must(err)
	if len(all) != 2 || all[0].Name != site || all[1].Name != other || all[1].Version != 1 {
		b.Fatalf("%+v", all)
	}
}

func testSiteNotThere(b *bench) {
	_, err := b.Site(b.ctx(), "none")
	b.is(err, store.ErrNotFound)
	b.is(b.UpdateSite(b.ctx(), store.Site{Name: "none"}), store.ErrNotFound)
	b.is(b.DeleteSite(b.ctx(), "none"), store.ErrNotFound)
	_, _, err = b.Add(b.ctx(), store.Comment{Site: "none", Page: page, Author: by("Ann"), Text: "hello"})
	b.is(err, store.ErrNotFound)
	_, _, _, err = b.Changes(b.ctx(), "none", "", 0, 10)
	b.is(err, store.ErrNotFound)
	b.is(b.Note(b.ctx(), "none", store.Decision{Action: store.SetSettings}), store.ErrNotFound)
}

// What is of one site is neither seen nor changed by the name of another.
func testSitesApart(b *bench) {
	c := b.add("")
	before, err := b.Heads(b.ctx())
	b.must(err)
	_, err = b.Comment(b.ctx(), other, c.ID)
	b.is(err, store.ErrNotFound)
	_, err = b.Edit(b.ctx(), other, c.ID, store.Edit{Text: "x"})
	b.is(err, store.ErrNotFound)
	_, err = b.Vote(b.ctx(), other, c.ID, "u_ben", 1)
	b.is(err, store.ErrNotFound)
	_, _, err = b.Add(b.ctx(), store.Comment{Site: other, Page: page, Parent: c.ID, Author: by("Ben"), Text: "x"})
	b.is(err, store.ErrNotFound)
	decided, err := b.Moderate(b.ctx(), other, []string{c.ID}, store.Delete, store.Decision{})
	b.must(err)
	threads, _, err := b.Threads(b.ctx(), store.ThreadQuery{Site: other, Page: page, Limit: 10, With: c.ID})
	b.must(err)
	found, _, err := b.Search(b.ctx(), store.Search{Site: other, Limit: 10})
	b.must(err)
	if len(decided)+len(threads)+len(found) != 0 {
		b.Fatalf("%v %v %v", decided, threads, found)
	}
	n, err := b.Erase(b.ctx(), other, c.Author.ID, store.Decision{})
	b.must(err)
	b.equal(n, 0)
	b.equal(b.again(c.ID), c)
	after, err := b.Heads(b.ctx())
	b.must(err)
	b.equal(after, before)
}

func testDeleteSite(b *bench) {
	c := b.add("")
	b.add(c.ID)
	_, err := b.Vote(b.ctx(), site, c.ID, "u_ben", 1)
	b.must(err)
	b.must(b.AddLink(b.ctx(), store.Link{Site: site, Hash: "l", Expires: time.Now().Add(time.Hour)}))
	_, err = b.Ban(b.ctx(), site, store.Ban{User: "u_eve"}, false, store.Decision{})
	b.must(err)
	b.must(b.DeleteSite(b.ctx(), site))
	_, err = b.Site(b.ctx(), site)
	b.is(err, store.ErrNotFound)
	created := time.UnixMilli(1_700_000_000_000).UTC()
	b.must(b.CreateSite(b.ctx(), store.Site{Name: site, Created: created}))
	_, err = b.Comment(b.ctx(), site, c.ID)
	b.is(err, store.ErrNotFound)
	_, err = b.Banned(b.ctx(), site, "u_eve")
	b.is(err, store.ErrNotFound)
	_, err = b.UseLink(b.ctx(), "l", store.Account{Site: site, Name: "mod"}, time.Now())
	b.is(err, store.ErrExpired)
	b.equal(b.count(page), 0)
	b.equal(b.head(), store.Head{Version: 1, Created: created})
}

func testPageOfFirstComment(b *bench) {
	p, err := b.Page(b.ctx(), site, page)
	b.must(err)
	b.equal(p, store.Page{Site: site, Key: page})
	first := b.add("", func(c *store.Comment) { c.Title, c.URL = "A post", "https://blog.example.com/post-1" })
	b.add("", func(c *store.Comment) { c.Title, c.URL = "Another name", "https://elsewhere.example.com" })
	p, err = b.Page(b.ctx(), site, page)
	b.must(err)
	if p.Title != "A post" || p.URL != "https://blog.example.com/post-1" || !p.Created.Equal(first.Created) || p.Count != 2 {
		b.Fatalf("%+v", p)
	}
	if c := b.again(first.ID); c.Title != p.Title || c.URL != p.URL {
		b.Fatalf("the comment is of %q at %q", c.Title, c.URL)
	}
}

func testLockPage(b *bench) {
	before := b.head().Seq
	p, err := b.LockPage(b.ctx(), site, page, true, store.Decision{By: "m_mod", ByName: "Mod"})
	b.must(err)
	if !p.Locked || p.Seq <= before || b.head().Seq != p.Seq || !p.Created.IsZero() {
		b.Fatalf("%+v after %d", p, before)
	}
	again, err := b.LockPage(b.ctx(), site, page, true, store.Decision{By: "m_mod", ByName: "Mod"})
	b.must(err)
	b.equal(again, p)
	c := b.add("") // the store does not decide
	p, err = b.LockPage(b.ctx(), site, page, false, store.Decision{By: "m_mod", ByName: "Mod"})
	b.must(err)
	if p.Locked || p.Count != 1 || !p.Created.Equal(c.Created) {
		b.Fatalf("%+v", p)
	}
	log, err := b.Decisions(b.ctx(), site, 0, 10)
	b.must(err)
	if len(log) != 2 || log[0].Action != store.Unlock || log[1].Action != store.Lock || log[1].Page != page || log[1].ByName != "Mod" {
		b.Fatalf("%+v", log)
	}
}
