package storetest

import (
	"fmt"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testChanges(b *bench) {
	first := b.add("")
	second := b.add("", on("/post-2"))
	third := b.add("", in(store.Pending))
	comments, pages, more, err := b.Changes(b.ctx(), site, "", 0, 10)
	b.must(err)
	b.equal(comments, []store.Comment{b.again(first.ID), b.again(second.ID), b.again(third.ID)})
	if len(pages) != 2 || more || pages[0].Key != page || pages[0].Seq != first.Seq || pages[1].Key != "/post-2" {
		b.Fatalf("%+v, more %v", pages, more)
	}
	cursor := b.head().Seq
	comments, pages, _, err = b.Changes(b.ctx(), site, "", cursor, 10)
	b.must(err)
	if len(comments)+len(pages) != 0 {
		b.Fatalf("nothing has changed: %v %v", comments, pages)
	}

	b.moderate(store.Delete, first.ID)
	_, err = b.LockPage(b.ctx(), site, "/post-2", true, store.Decision{})
	b.must(err)
	comments, pages, _, err = b.Changes(b.ctx(), site, "", cursor, 10)
	b.must(err)
	b.equal(comments, []store.Comment{b.again(first.ID)})
	if len(pages) != 2 || pages[0].Key != page || pages[0].Count != 0 || pages[1].Key != "/post-2" || !pages[1].Locked {
		b.Fatalf("%+v", pages)
	}
	comments, pages, _, err = b.Changes(b.ctx(), site, "/post-2", 0, 10)
	b.must(err)
	if len(comments) != 1 || comments[0].ID != second.ID || len(pages) != 1 {
		b.Fatalf("%v %v", comments, pages)
	}
}

// Whoever goes on after the last number that it was told is told everything, in small parts, too.
func testChangesInParts(b *bench) {
	want := map[string]bool{}
	for i := range 4 { // pages before all comments
		key := fmt.Sprint("/early", i)
		_, err := b.LockPage(b.ctx(), site, key, true, store.Decision{})
		b.must(err)
		want[key] = true
	}
	for i := range 9 {
		key := fmt.Sprint("/", i%4)
		b.add("", on(key))
		c := b.add("", on(key), in(store.Pending))
		_, err := b.LockPage(b.ctx(), site, key, i%2 == 0, store.Decision{})
		b.must(err)
		want[c.ID], want[key] = true, true
	}
	for limit := 1; limit < 6; limit++ {
		got := map[string]bool{}
		var cursor int64
		for more := true; more; {
			comments, pages, again, err := b.Changes(b.ctx(), site, "", cursor, limit)
			b.must(err)
			if len(comments) > limit || len(pages) > limit || again && len(comments)+len(pages) == 0 {
				b.Fatalf("limit %d: %d comments and %d pages, more %v", limit, len(comments), len(pages), again)
			}
			before := cursor
			for _, c := range comments {
				if c.Seq <= before {
					b.Fatalf("%d after %d", c.Seq, before)
				}
				got[c.ID], cursor = true, max(cursor, c.Seq)
			}
			for _, p := range pages {
				got[p.Key], cursor = true, max(cursor, p.Seq)
			}
			more = again
		}
		for name := range want {
			if !got[name] {
				b.Fatalf("limit %d: %s was not told", limit, name)
			}
		}
	}
}

func testTallies(b *bench) {
	first, second := b.add(""), b.add("", on("/post-2"))
	none, more, err := b.Tallies(b.ctx(), site, "", 0, 10)
	b.must(err)
	if len(none) != 0 || more {
		b.Fatalf("%v", none)
	}
	_, err = b.Vote(b.ctx(), site, first.ID, "u_1", 1)
	b.must(err)
	_, err = b.React(b.ctx(), site, second.ID, "u_1", "👍", true)
	b.must(err)
	voted, err := b.Vote(b.ctx(), site, first.ID, "u_2", -1)
	b.must(err)
	if voted.Tally != b.head().Tally {
		b.Fatalf("tally %d, and %d of the site", voted.Tally, b.head().Tally)
	}
	b.equal(b.head().Seq, second.Seq)
	got, more, err := b.Tallies(b.ctx(), site, "", 0, 10)
	b.must(err)
	if len(got) != 2 || more || got[0].ID != second.ID || got[0].Reactions["👍"] != 1 || got[1].ID != first.ID || got[1].Up != 1 || got[1].Down != 1 || got[1].Page != page {
		b.Fatalf("%+v", got)
	}
	got, more, err = b.Tallies(b.ctx(), site, "", 0, 1)
	b.must(err)
	if len(got) != 1 || !more || got[0].ID != second.ID {
		b.Fatalf("%+v, more %v", got, more)
	}
	got, _, err = b.Tallies(b.ctx(), site, page, 0, 10)
	b.must(err)
	b.equal(ids(got), []string{first.ID})
}
