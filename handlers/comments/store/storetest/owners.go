package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// all reads every comment of a site.
func (b *bench) all(name, user string) []store.Comment {
	b.Helper()
	var all []store.Comment
	b.must(b.EachComment(b.ctx(), name, user, func(c store.Comment) error {
		all = append(all, c)
		return nil
	}))
	return all
}

func testExport(b *bench) {
	now := time.Now()
	late := b.add("", at(now.Add(time.Hour)))
	early := b.add("", at(now.Add(-time.Hour)), of("Ben"), in(store.Rejected))
	gone := b.add("", at(now))
	b.moderate(store.Delete, gone.ID)
	b.equal(ids(b.all(site, "")), []string{early.ID, gone.ID, late.ID})
	b.equal(b.all(site, "u_ben"), []store.Comment{early})
	stop := errors.New("stop")
	b.is(b.EachComment(b.ctx(), site, "", func(c store.Comment) error {
		_, err := b.Comment(b.ctx(), site, c.ID) // the store may be used meanwhile
		return errors.Join(err, stop)
	}), stop)

	_, err := b.Vote(b.ctx(), site, late.ID, "u_ben", -1)
	b.must(err)
	_, err = b.React(b.ctx(), site, late.ID, "u_ben", "👍", true)
	b.must(err)
	_, err = b.Flag(b.ctx(), site, late.ID, "u_ben", "rude", 0)
	b.must(err)
	opinions, err := b.OpinionsOf(b.ctx(), site, "u_ben")
	b.must(err)
	got := map[string]string{}
	for _, o := range opinions {
		if o.Comment != late.ID || o.Time.IsZero() {
			b.Fatalf("%+v", o)
		}
		got[o.Kind] = o.Value
	}
	b.equal(got, map[string]string{"vote": "-1", "reaction": "👍", "flag": "rude"})
}

func testErase(b *bench) {
	ben := store.Author{ID: "u_ben", Subject: "17", Name: "Ben Uncommon", Avatar: "https://example.com/a.png"}
	root := b.add("", func(c *store.Comment) { c.Author, c.Text, c.Key, c.Addr = ben, "my secret", "k", "a" })
	answer := b.add(root.ID)
	leaf := b.add("", func(c *store.Comment) { c.Author = ben })
	user, err := b.UserOf(b.ctx(), site, "17")
	b.must(err)
	b.equal(user, "u_ben")
	for _, f := range []func() error{
		func() error { _, err := b.Vote(b.ctx(), site, answer.ID, "u_ben", 1); return err },
		func() error { _, err := b.React(b.ctx(), site, answer.ID, "u_ben", "👍", true); return err },
		func() error { _, err := b.Flag(b.ctx(), site, answer.ID, "u_ben", "my reason", 0); return err },
		func() error { _, err := b.Vote(b.ctx(), site, answer.ID, "u_eve", 1); return err },
		func() error {
			_, err := b.Ban(b.ctx(), site, store.Ban{User: "u_ben", Name: "Ben Uncommon"}, false, store.Decision{})
			return err
		},
	} {
		b.must(f())
	}
	cursor := b.head()
	n, err := b.Erase(b.ctx(), site, "u_ben", store.Decision{By: "m_mod"})
	b.must(err)
	b.equal(n, 2)

	comments, _, _, err := b.Changes(b.ctx(), site, "", cursor.Seq, 10)
	b.must(err)
	b.equal(ids(comments), []string{root.ID, leaf.ID, answer.ID})
	for _, c := range comments[:2] {
		if c.State != store.Deleted || c.Author != (store.Author{}) || c.Text+c.HTML+c.Hash+c.Key+c.Addr != "" {
			b.Fatalf("%+v", c)
		}
	}
	if got := comments[2]; got.Up != 1 || len(got.Reactions) != 0 || got.Flags != 0 || got.Tally <= cursor.Tally {
		b.Fatalf("%+v", got)
	}
	b.equal(b.threads(store.Oldest, 10), []string{root.ID, answer.ID})
	b.equal(b.count(page), 1)
	_, err = b.UserOf(b.ctx(), site, "17")
	b.is(err, store.ErrNotFound)
	opinions, err := b.OpinionsOf(b.ctx(), site, "u_ben")
	b.must(err)
	found, _, err := b.Search(b.ctx(), store.Search{Site: site, Text: "uncommon", Limit: 10})
	b.must(err)
	if len(opinions)+len(found)+len(b.all(site, "u_ben")) != 0 {
		b.Fatalf("%v %v", opinions, found)
	}
	ban, err := b.Banned(b.ctx(), site, "u_ben")
	b.must(err)
	b.equal(ban.Name, "")
	n, err = b.Erase(b.ctx(), site, "u_ben", store.Decision{})
	b.must(err)
	b.equal(n, 0)
}

func testImport(b *bench) {
	root := b.add("", func(c *store.Comment) { c.Title, c.URL = "A post", "https://blog.example.com/post-1" })
	b.add(root.ID, of("Ben"))
	for i := range 3 {
		c := b.add("", on(fmt.Sprint("/", i)), in(store.Pending), func(c *store.Comment) { c.Held, c.Key = []string{"links"}, fmt.Sprint("k", i) })
		b.moderate(store.Pin, c.ID)
	}
	_, err := b.Vote(b.ctx(), site, root.ID, "u_ben", 1)
	b.must(err)
	_, err = b.React(b.ctx(), site, root.ID, "u_ben", "👍", true)
	b.must(err)
	b.moderate(store.Delete, root.ID)
	exported := b.all(site, "")

	shuffled := slices.Clone(exported)
	slices.Reverse(shuffled) // what is answered may come later
	n, err := b.Import(b.ctx(), other, shuffled, true)
	b.must(err)
	b.equal(n, 5)
	b.equal(len(b.all(other, "")), 0)
	// In a dry run, what is answered may have been in a call before.
	answer := exported[slices.IndexFunc(exported, func(c store.Comment) bool { return c.Parent != "" })]
	n, err = b.Import(b.ctx(), other, []store.Comment{answer}, true)
	b.must(err)
	b.equal(n, 1)
	n, err = b.Import(b.ctx(), other, shuffled, false)
	b.must(err)
	b.equal(n, 5)
	imported := b.all(other, "")
	for i := range exported {
		want := exported[i]
		want.Site, want.Seq, want.Tally = other, imported[i].Seq, 0
		b.equal(imported[i], want)
	}
	p, err := b.Page(b.ctx(), other, page)
	b.must(err)
	if p.Title != "A post" || p.Count != 1 || !p.Created.Equal(root.Created) {
		b.Fatalf("%+v", p)
	}
	heads, err := b.Heads(b.ctx())
	b.must(err)
	b.equal(heads[other].Seq, 5)

	for _, dry := range []bool{true, false} {
		if n, err = b.Import(b.ctx(), other, shuffled, dry); n != 0 || err != nil {
			b.Fatalf("again: %d, %v", n, err)
		}
	}
	shuffled[0].ID, shuffled[0].Key = store.NewID(time.Now()), ""
	for _, dry := range []bool{true, false} {
		if n, err = b.Import(b.ctx(), other, shuffled, dry); n != 1 || err != nil {
			b.Fatalf("one more: %d, %v", n, err)
		}
	}
}

func testImportRefuses(b *bench) {
	good := store.Comment{ID: store.NewID(time.Now()), Page: page, Author: by("Ann"), Text: "x", State: store.Published, Created: time.Now()}
	for name, change := range map[string]func(*store.Comment){
		"no ID":       func(c *store.Comment) { c.ID = "" },
		"strange ID":  func(c *store.Comment) { c.ID = "../../../etc/passwd0" },
		"no page":     func(c *store.Comment) { c.Page = "" },
		"no time":     func(c *store.Comment) { c.Created = time.Time{} },
		"no state":    func(c *store.Comment) { c.State = "shouted" },
		"no question": func(c *store.Comment) { c.Parent = "00000000000000000000" },
		"itself":      func(c *store.Comment) { c.Parent = c.ID },
	} {
		bad := good
		bad.ID = store.NewID(time.Now())
		change(&bad)
		if n, err := b.Import(b.ctx(), site, []store.Comment{good, bad}, false); err == nil || n != 0 {
			b.Fatalf("%s: %d, %v", name, n, err)
		}
	}
	if n := len(b.all(site, "")); n != 0 {
		b.Fatalf("%d are there", n)
	}
}

func testPurge(b *bench) {
	now := time.Now()
	old := b.add("", at(now.Add(-48*time.Hour)), func(c *store.Comment) { c.Addr = "a" })
	b.add(old.ID, at(now.Add(-47*time.Hour)), in(store.Pending))
	b.add("", at(now.Add(-40*24*time.Hour)), on("/post-2"), func(c *store.Comment) { c.Addr = "a" })
	fresh := b.add("", at(now.Add(-time.Hour)), func(c *store.Comment) { c.Addr = "a" })
	_, err := b.Vote(b.ctx(), site, old.ID, "u_1", 1)
	b.must(err)

	n, err := b.Purge(b.ctx(), site, time.Time{})
	b.must(err)
	b.equal(n, 0)
	for _, c := range b.all(site, "") {
		if forgotten := c.Created.Before(now.Add(-30 * 24 * time.Hour)); c.State == store.Published && (c.Addr == "") != forgotten {
			b.Fatalf("%+v", c)
		}
	}

	cursor := b.head()
	n, err = b.Purge(b.ctx(), site, now.Add(-24*time.Hour))
	b.must(err)
	b.equal(n, 3)
	b.equal(ids(b.all(site, "")), []string{fresh.ID})
	b.equal([]int{b.count(page), b.count("/post-2")}, []int{1, 0})
	head := b.head()
	if head.Floor <= cursor.Seq || head.Floor > head.Seq {
		b.Fatalf("%+v after %+v", head, cursor)
	}
	_, pages, _, err := b.Changes(b.ctx(), site, "", cursor.Seq, 10)
	b.must(err)
	b.equal(len(pages), 2)
	opinions, err := b.OpinionsOf(b.ctx(), site, "u_1")
	b.must(err)
	b.equal(len(opinions), 0)
	n, err = b.Purge(b.ctx(), site, now.Add(-24*time.Hour))
	b.must(err)
	b.equal(n, 0)
	b.equal(b.head(), head)
}

func testPurgeKeepsThreads(b *bench) {
	now := time.Now()
	old := b.add("", at(now.Add(-48*time.Hour)))
	young := b.add(old.ID, at(now))
	_, err := b.Vote(b.ctx(), site, old.ID, "u_1", 1)
	b.must(err)
	cursor := b.head()
	n, err := b.Purge(b.ctx(), site, now.Add(-24*time.Hour))
	b.must(err)
	b.equal(n, 1)
	b.equal(b.threads(store.Oldest, 10), []string{old.ID, young.ID})
	c := b.again(old.ID)
	if c.State != store.Deleted || c.Author.ID != "" || c.Text != "" || c.Up != 0 || c.Seq <= cursor.Seq {
		b.Fatalf("%+v", c)
	}
	b.equal(b.head().Floor, cursor.Floor)
	n, err = b.Purge(b.ctx(), site, now.Add(-24*time.Hour))
	b.must(err)
	b.equal(n, 0)
}
