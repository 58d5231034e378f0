package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testAdd(b *bench) {
	created := time.UnixMilli(1_700_000_000_123).UTC()
	want := store.Comment{
		Site: site, Page: page, Title: "A post", URL: "https://blog.example.com/post-1",
		Author: store.Author{ID: "g_ben", Subject: "17", Name: "Ben", Avatar: "https://example.com/a.png", Role: "moderator", Guest: true},
		Key:    "k1", Text: "Grüße 👋", HTML: "<p>Grüße 👋</p>", Hash: "h1", State: store.Pending, Held: []string{"words: x", "links"}, Addr: "a1",
		Created: created,
	}
	got, stored, err := b.Add(b.ctx(), want)
	if err != nil || !stored {
		b.Fatal(stored, err)
	}
	if len(got.ID) != 20 || strings.Trim(got.ID, "0123456789abcdefghijklmnopqrstuv") != "" {
		b.Fatalf("ID %q", got.ID)
	}
	want.ID, want.Root, want.Seq = got.ID, got.ID, 1
	b.equal(got, want)
	b.equal(b.again(got.ID), want)
	b.equal(b.head().Seq, 1)
	b.equal(b.count(page), 0)

	published := b.add("")
	if !published.Published.Equal(published.Created) || time.Since(published.Created) > time.Hour || published.Seq != 2 {
		b.Fatalf("%+v", published)
	}
	b.equal(b.count(page), 1)
}

func testAddAgain(b *bench) {
	first := b.add("", func(c *store.Comment) { c.Key = "k" })
	before := b.head()
	again, stored, err := b.Add(b.ctx(), store.Comment{Site: site, Page: page, Author: by("Ann"), Key: "k", Text: "another text"})
	b.must(err)
	if stored {
		b.Fatal("stored twice")
	}
	b.equal(again, first)
	b.equal(b.head(), before)
	b.equal(b.count(page), 1)
	for _, c := range []store.Comment{
		{Site: site, Page: page, Author: by("Ben"), Key: "k", Text: "x"},  // another author
		{Site: other, Page: page, Author: by("Ann"), Key: "k", Text: "x"}, // another site
		{Site: site, Page: page, Author: by("Ann"), Text: "x"},            // no key
		{Site: site, Page: page, Author: by("Ann"), Text: "x"},
	} {
		if added, stored, err := b.Add(b.ctx(), c); err != nil || !stored || added.ID == first.ID {
			b.Fatalf("%+v: stored %v, %v", c, stored, err)
		}
	}
}

func testAddAnswer(b *bench) {
	root := b.add("")
	answer := b.add(root.ID)
	deeper := b.add(answer.ID)
	b.equal([]any{root.Depth, answer.Depth, deeper.Depth}, []int{0, 1, 2})
	b.equal([]string{root.Root, answer.Root, deeper.Root}, []string{root.ID, root.ID, root.ID})
	before := b.head()
	for _, c := range []store.Comment{
		{Site: site, Page: page, Parent: "00000000000000000000", Author: by("Ann"), Text: "x"},
		{Site: site, Page: "/post-2", Parent: root.ID, Author: by("Ann"), Text: "x"},
	} {
		_, _, err := b.Add(b.ctx(), c)
		b.is(err, store.ErrNotFound)
	}
	b.equal(b.head(), before)
	p, err := b.Page(b.ctx(), site, "/post-2")
	b.must(err)
	if !p.Created.IsZero() {
		b.Fatal("a refused comment made a page")
	}
}

// PostgreSQL takes no zero bytes and no broken UTF-8; what is returned is what is stored.
func testAddStrangeText(b *bench) {
	c := b.add("", func(c *store.Comment) {
		c.Text, c.Page, c.Author.Name = "a\x00b\xffc'\"\\%_\r\n\u2028", "/p\x00\xfe", "N\x00"
	})
	b.equal(b.again(c.ID), c)
	if c.Text != "ab\uFFFDc'\"\\%_\r\n\u2028" || c.Author.Name != "N" {
		b.Fatalf("%q of %q", c.Text, c.Author.Name)
	}
	_, err := b.Page(b.ctx(), site, "/\x00\xff")
	b.must(err)
	_, err = b.Comment(b.ctx(), site, "\x00")
	b.is(err, store.ErrNotFound)
}

func testIDsInOrder(b *bench) {
	var added []string
	for range 50 {
		added = append(added, b.add("").ID)
	}
	if !slices.IsSorted(added) || len(slices.Compact(added)) != 50 {
		b.Fatalf("%v", added)
	}
	if store.NewID(time.UnixMilli(1000)) >= store.NewID(time.UnixMilli(1001)) {
		b.Fatal("IDs are not in the order of time")
	}
}

func testEdit(b *bench) {
	c := b.add("")
	edited := time.UnixMilli(1_800_000_000_000).UTC()
	got, err := b.Edit(b.ctx(), site, c.ID, store.Edit{
		Text: "better", HTML: "<p>better</p>", Hash: "h2", State: store.Pending, Held: []string{"links"}, Edited: edited,
	})
	b.must(err)
	want := c
	want.Text, want.HTML, want.Hash, want.State, want.Held, want.Edited, want.Seq = "better", "<p>better</p>", "h2", store.Pending, []string{"links"}, edited, got.Seq
	b.equal(got, want)
	b.equal(b.again(c.ID), want)
	if got.Seq <= c.Seq || b.head().Seq != got.Seq {
		b.Fatalf("seq %d after %d", got.Seq, c.Seq)
	}
	b.equal(b.count(page), 0)
	_, err = b.Edit(b.ctx(), site, "00000000000000000000", store.Edit{Text: "x"})
	b.is(err, store.ErrNotFound)
}

func testDeleteComment(b *bench) {
	c := b.add("", func(c *store.Comment) { c.Key, c.Addr, c.Text = "k", "a", "regret" })
	got, err := b.Edit(b.ctx(), site, c.ID, store.Edit{Delete: true})
	b.must(err)
	if got.State != store.Deleted || got.Text+got.HTML+got.Hash+got.Addr != "" || got.Author != c.Author || got.Seq <= c.Seq {
		b.Fatalf("%+v", got)
	}
	b.equal(b.again(c.ID), got)
	b.equal(b.count(page), 0)
	found, _, err := b.Search(b.ctx(), store.Search{Site: site, Text: "regret", Limit: 10})
	b.must(err)
	if len(found) != 0 {
		b.Fatal("what was deleted is found by its text")
	}
	_, err = b.Edit(b.ctx(), site, c.ID, store.Edit{Text: "x", State: store.Published})
	b.is(err, store.ErrNotFound)
	before := b.head()
	again, err := b.Edit(b.ctx(), site, c.ID, store.Edit{Delete: true})
	b.must(err)
	b.equal(again, got)
	b.equal(b.head(), before)
}

// Whatever a comment was and becomes, a page counts what is published.
func testStates(b *bench) {
	states := []store.State{store.Published, store.Pending, store.Rejected}
	want := 0
	for _, from := range states {
		for _, to := range states {
			c := b.add("", in(from))
			if to == store.Published {
				want++
			}
			got, err := b.Edit(b.ctx(), site, c.ID, store.Edit{Text: "x", State: to})
			b.must(err)
			if n := b.count(page); n != want {
				b.Fatalf("%s to %s: %d are counted, want %d", from, to, n, want)
			}
			seen := from == store.Published || to == store.Published
			if got.Published.IsZero() == seen || from == store.Published && !got.Published.Equal(c.Published) {
				b.Fatalf("%s to %s: first published %v", from, to, got.Published)
			}
		}
	}
}

// An edit that was decided before a moderator decided otherwise publishes nothing.
func testOvertakenEdit(b *bench) {
	c := b.add("")
	b.moderate(store.Reject, c.ID)
	got, err := b.Edit(b.ctx(), site, c.ID, store.Edit{Text: "x", State: store.Published, Was: store.Published})
	b.must(err)
	if got.State != store.Rejected || b.again(c.ID).State != store.Rejected || b.count(page) != 0 {
		b.Fatalf("the edit made it %s", got.State)
	}
	held := b.add("", in(store.Pending), func(c *store.Comment) { c.Held = []string{"flags"} })
	got, err = b.Edit(b.ctx(), site, held.ID, store.Edit{Text: "x", State: store.Published, Was: store.Published})
	b.must(err)
	b.equal(got.Held, []string{"flags"})
	got, err = b.Edit(b.ctx(), site, held.ID, store.Edit{Text: "x", State: store.Published, Was: store.Pending})
	b.must(err)
	if got.State != store.Published || got.Held != nil {
		b.Fatalf("an edit of what waits: %s, %v", got.State, got.Held)
	}
}

func testRecent(b *bench) {
	first := b.add("")
	b.add("", in(store.Pending))
	second := b.add(first.ID, on(page))
	third := b.add("", on("/post-2"))
	for _, test := range []struct {
		page  string
		limit int
		want  []string
	}{
		{"", 10, []string{third.ID, second.ID, first.ID}},
		{"", 2, []string{third.ID, second.ID}},
		{page, 10, []string{second.ID, first.ID}},
		{"/none", 10, nil},
	} {
		got, err := b.Recent(b.ctx(), site, test.page, test.limit)
		b.must(err)
		b.equal(ids(got), test.want)
	}
}

func testSearch(b *bench) {
	a := b.add("", saying("100% sure_thing ÄRGER"))
	p := b.add("", in(store.Pending), of("Ben"))
	r := b.add("", in(store.Rejected), of("Ben"), on("/post-2"))
	f := b.add("", of("Çelik"))
	_, err := b.Flag(b.ctx(), site, f.ID, "u_ben", "rude", 0)
	b.must(err)
	_, err = b.Flag(b.ctx(), site, p.ID, "u_ann", "rude", 0)
	b.must(err)
	for _, test := range []struct {
		search store.Search
		want   []string
	}{
		{store.Search{}, []string{f.ID, r.ID, p.ID, a.ID}},
		{store.Search{State: store.Pending}, []string{p.ID}},
		{store.Search{State: store.Published}, []string{f.ID, a.ID}},
		{store.Search{State: store.Deleted}, nil},
		{store.Search{Flagged: true}, []string{f.ID}},
		{store.Search{Flagged: true, State: store.Published}, []string{f.ID}},
		{store.Search{Flagged: true, State: store.Pending}, nil},
		{store.Search{User: "u_ben"}, []string{r.ID, p.ID}},
		{store.Search{User: "u_ben", Page: page}, []string{p.ID}},
		{store.Search{Text: "ärger"}, []string{a.ID}},
		{store.Search{Text: "0% SURE_"}, []string{a.ID}},
		{store.Search{Text: "0_ sure"}, nil},
		{store.Search{Text: "sure%thing"}, nil},
		{store.Search{Text: "!"}, nil},
		{store.Search{Text: "çel"}, []string{f.ID}},
		{store.Search{Before: r.ID}, []string{p.ID, a.ID}},
	} {
		test.search.Site, test.search.Limit = site, 10
		got, next, err := b.Search(b.ctx(), test.search)
		b.must(err)
		if !slices.Equal(ids(got), test.want) || next != "" {
			b.Fatalf("%+v: %v and %q, want %v", test.search, ids(got), next, test.want)
		}
	}
	var parts []string
	for next := ""; ; {
		got, more, err := b.Search(b.ctx(), store.Search{Site: site, Limit: 2, Before: next})
		b.must(err)
		parts = append(parts, ids(got)...)
		if next = more; next == "" {
			break
		}
	}
	b.equal(parts, []string{f.ID, r.ID, p.ID, a.ID})
}

func testSameText(b *bench) {
	c := b.add("", func(c *store.Comment) { c.Hash = "same" })
	for _, test := range []struct {
		site, user, hash string
		after            time.Time
		want             bool
	}{
		{site, c.Author.ID, "same", c.Created.Add(-time.Minute), true},
		{site, c.Author.ID, "same", c.Created, false},
		{site, "u_ben", "same", time.Time{}, false},
		{other, c.Author.ID, "same", time.Time{}, false},
		{site, c.Author.ID, "different", time.Time{}, false},
		{site, c.Author.ID, "", time.Time{}, false},
	} {
		got, err := b.SameText(b.ctx(), test.site, test.user, test.hash, test.after)
		b.must(err)
		if got != test.want {
			b.Fatalf("%+v: %v", test, got)
		}
	}
}
