package storetest

import (
	"fmt"
	"slices"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// threads reads a whole page in parts of so many threads.
func (b *bench) threads(sort store.Sort, limit int) []string {
	b.Helper()
	var all []string
	for after := ""; ; {
		some, next, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Sort: sort, Limit: limit, After: after})
		b.must(err)
		roots := 0
		for _, c := range some {
			if c.Parent == "" {
				roots++
			}
		}
		if roots > limit || next != "" && roots < limit {
			b.Fatalf("%d threads in a part of %d, and then %q", roots, limit, next)
		}
		all = append(all, ids(some)...)
		if after = next; after == "" {
			return all
		}
	}
}

func testThreadsInOrder(b *bench) {
	first := b.add("")
	second := b.add("")
	b.add("", on("/post-2"))
	early := b.add(first.ID)
	third := b.add("")
	late := b.add(first.ID)
	under := b.add(early.ID)
	for user, id := range map[string]string{"u_1": second.ID, "u_2": second.ID, "u_3": first.ID} {
		_, err := b.Vote(b.ctx(), site, id, user, 1)
		b.must(err)
	}
	_, err := b.Vote(b.ctx(), site, third.ID, "u_1", -1)
	b.must(err)

	thread := []string{first.ID, early.ID, under.ID, late.ID}
	b.equal(b.threads(store.Newest, 10), slices.Concat([]string{third.ID, second.ID}, thread))
	b.equal(b.threads("", 10), b.threads(store.Newest, 10))
	b.equal(b.threads(store.Oldest, 10), slices.Concat(thread, []string{second.ID, third.ID}))
	b.equal(b.threads(store.Top, 10), slices.Concat([]string{second.ID}, thread, []string{third.ID}))

	b.moderate(store.Pin, first.ID)
	b.equal(b.threads(store.Newest, 10), slices.Concat(thread, []string{third.ID, second.ID}))
	b.equal(b.threads(store.Oldest, 10), slices.Concat(thread, []string{second.ID, third.ID}))
	b.equal(b.threads(store.Top, 10), slices.Concat(thread, []string{second.ID, third.ID}))

	whole, _, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Limit: 10})
	b.must(err)
	for _, c := range whole {
		b.equal(c, b.again(c.ID))
	}
}

// fill makes threads with pins and votes here and there.
func (b *bench) fill() {
	b.Helper()
	for i := range 12 {
		c := b.add("")
		if i%5 == 0 {
			b.moderate(store.Pin, c.ID)
		}
		for v := range i % 3 {
			_, err := b.Vote(b.ctx(), site, c.ID, fmt.Sprint("u_", v), 1)
			b.must(err)
		}
		if i%4 == 0 {
			b.add(c.ID)
		}
	}
}

func testThreadsInParts(b *bench) {
	b.fill()
	for _, sort := range []store.Sort{store.Newest, store.Top} {
		whole := b.threads(sort, 100)
		if len(whole) != 15 {
			b.Fatalf("%d comments, want 15", len(whole))
		}
		for _, limit := range []int{1, 2, 3, 12} {
			b.equal(b.threads(sort, limit), whole)
		}
	}
	for _, after := range []string{"x", "1.2", "a.b.c", "1.1.1.1"} {
		if _, _, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Limit: 1, After: after}); err == nil {
			b.Fatalf("%q is a place", after)
		}
	}
}

// What is new does not move the parts of what is old: with the oldest first, it comes at the end.
func testThreadsOldestInParts(b *bench) {
	b.fill()
	for _, limit := range []int{1, 2, 5} {
		b.equal(b.threads(store.Oldest, limit), b.threads(store.Oldest, 100))
	}
	some, next, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Sort: store.Oldest, Limit: 11})
	b.must(err)
	late := b.add("")
	rest, _, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Sort: store.Oldest, Limit: 11, After: next})
	b.must(err)
	if all := slices.Concat(ids(some), ids(rest)); len(all) != 16 || all[15] != late.ID {
		b.Fatalf("%v", all)
	}
}

func testThreadsWith(b *bench) {
	old := b.add("")
	answer := b.add(old.ID)
	hidden := b.add("", in(store.Pending))
	elsewhere := b.add("", on("/post-2"))
	middle := b.add("")
	newest := b.add("")
	for _, test := range []struct {
		with string
		want []string
	}{
		{"", []string{newest.ID}},
		{answer.ID, []string{newest.ID, old.ID, answer.ID}},
		{newest.ID, []string{newest.ID}},
		{hidden.ID, []string{newest.ID}},
		{elsewhere.ID, []string{newest.ID}},
		{"none", []string{newest.ID}},
	} {
		got, next, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Limit: 1, With: test.with})
		b.must(err)
		if !slices.Equal(ids(got), test.want) {
			b.Fatalf("with %q: %v, want %v", test.with, ids(got), test.want)
		}
		rest, _, err := b.Threads(b.ctx(), store.ThreadQuery{Site: site, Page: page, Limit: 5, After: next})
		b.must(err)
		b.equal(ids(rest), []string{middle.ID, old.ID, answer.ID})
	}
}

func testThreadsKeepTogether(b *bench) {
	root := b.add("")
	gone := b.add(root.ID)
	below := b.add(gone.ID)
	leaf := b.add(root.ID)
	alone := b.add("")
	b.moderate(store.Delete, root.ID, gone.ID, leaf.ID, alone.ID)
	b.equal(b.threads(store.Oldest, 10), []string{root.ID, gone.ID, below.ID})
	b.equal(b.count(page), 1)
	b.moderate(store.Reject, below.ID)
	b.equal(b.threads(store.Oldest, 10), []string(nil))
	b.moderate(store.Restore, below.ID)
	b.equal(b.threads(store.Oldest, 10), []string{root.ID, gone.ID, below.ID})
}
