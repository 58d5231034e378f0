package storetest

import (
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testVotes(b *bench) {
	c := b.add("")
	for _, step := range []struct {
		user     string
		value    int
		up, down int
		changes  int64
	}{
		{"u_1", 1, 1, 0, 1},
		{"u_1", 1, 1, 0, 0},
		{"u_2", 1, 2, 0, 1},
		{"u_1", -1, 1, 1, 1},
		{"u_1", 0, 1, 0, 1},
		{"u_1", 0, 1, 0, 0},
	} {
		before := b.head()
		got, err := b.Vote(b.ctx(), site, c.ID, step.user, step.value)
		b.must(err)
		if got.Up != step.up || got.Down != step.down || b.head().Tally != before.Tally+step.changes || b.head().Seq != before.Seq {
			b.Fatalf("%+v: %d up, %d down, %+v after %+v", step, got.Up, got.Down, b.head(), before)
		}
		b.equal(b.again(c.ID), got)
	}
	if _, err := b.Vote(b.ctx(), site, c.ID, "u_1", 2); err == nil {
		b.Fatal("a vote of 2")
	}
	_, err := b.Vote(b.ctx(), site, "00000000000000000000", "u_1", 1)
	b.is(err, store.ErrNotFound)
}

func testReactions(b *bench) {
	c := b.add("")
	for _, step := range []struct {
		user, reaction string
		on             bool
		want           map[string]int
		changes        int64
	}{
		{"u_1", "👍", true, map[string]int{"👍": 1}, 1},
		{"u_1", "👍", true, map[string]int{"👍": 1}, 0},
		{"u_2", "👍", true, map[string]int{"👍": 2}, 1},
		{"u_1", "🎉", true, map[string]int{"👍": 2, "🎉": 1}, 1},
		{"u_2", "🎉", false, map[string]int{"👍": 2, "🎉": 1}, 0},
		{"u_1", "🎉", false, map[string]int{"👍": 2}, 1},
	} {
		before := b.head().Tally
		got, err := b.React(b.ctx(), site, c.ID, step.user, step.reaction, step.on)
		b.must(err)
		b.equal(got.Reactions, step.want)
		b.equal(b.head().Tally, before+step.changes)
		b.equal(b.again(c.ID), got)
	}
	_, err := b.React(b.ctx(), site, "00000000000000000000", "u_1", "👍", true)
	b.is(err, store.ErrNotFound)
}

func testFlags(b *bench) {
	c := b.add("")
	first, err := b.Flag(b.ctx(), site, c.ID, "u_1", "rude", 0)
	b.must(err)
	again, err := b.Flag(b.ctx(), site, c.ID, "u_1", "very rude", 0)
	b.must(err)
	b.equal(again, first)
	second, err := b.Flag(b.ctx(), site, c.ID, "u_2", "", 0)
	b.must(err)
	if first.Flags != 1 || second.Flags != 2 || second.State != store.Published || first.Seq <= c.Seq || second.Seq <= first.Seq {
		b.Fatalf("%+v\n%+v", first, second)
	}
	pending, flagged, err := b.Waiting(b.ctx(), site)
	b.must(err)
	b.equal([]int{pending, flagged}, []int{0, 1})

	cleared := b.moderate(store.Unflag, c.ID)
	if len(cleared) != 1 || cleared[0].Flags != 0 {
		b.Fatalf("%+v", cleared)
	}
	// Whom a moderator has answered does not flag the same again; somebody else may.
	repeated, err := b.Flag(b.ctx(), site, c.ID, "u_1", "rude", 1)
	b.must(err)
	third, err := b.Flag(b.ctx(), site, c.ID, "u_3", "rude", 2)
	b.must(err)
	b.equal([]int{repeated.Flags, third.Flags}, []int{0, 1})
	_, err = b.Erase(b.ctx(), site, "u_1", store.Decision{})
	b.must(err)
	b.equal(b.again(c.ID).Flags, 1) // what was settled is not taken away once more
}

func testFlagsHold(b *bench) {
	c := b.add("")
	for i, user := range []string{"u_1", "u_2", "u_3"} {
		got, err := b.Flag(b.ctx(), site, c.ID, user, "rude", 2)
		b.must(err)
		held := i >= 1
		if got.Flags != i+1 || (got.State == store.Pending) != held || (len(got.Held) == 1) != held {
			b.Fatalf("after %d flags: %+v", i+1, got)
		}
	}
	b.equal(b.count(page), 0)
	rejected := b.add("", in(store.Rejected))
	got, err := b.Flag(b.ctx(), site, rejected.ID, "u_1", "rude", 1)
	b.must(err)
	b.equal(got.State, store.Rejected)
	approved := b.moderate(store.Approve, c.ID)
	if approved[0].State != store.Published || approved[0].Flags != 0 || len(approved[0].Held) != 0 {
		b.Fatalf("%+v", approved)
	}
	b.equal(b.count(page), 1)
}

func testMine(b *bench) {
	a, c := b.add(""), b.add("", of("Ben"))
	elsewhere := b.add("", on("/post-2"))
	pending := b.add("", in(store.Pending), of("Ben"))
	b.add("", in(store.Pending))
	b.add("", in(store.Pending), of("Ben"), on("/post-2"))
	for _, id := range []string{a.ID, elsewhere.ID} {
		_, err := b.Vote(b.ctx(), site, id, "u_ben", -1)
		b.must(err)
	}
	_, err := b.Vote(b.ctx(), site, c.ID, "u_ann", 1)
	b.must(err)
	for _, r := range []string{"🎉", "👍"} {
		_, err := b.React(b.ctx(), site, c.ID, "u_ben", r, true)
		b.must(err)
	}
	_, err = b.Flag(b.ctx(), site, a.ID, "u_ben", "rude", 0)
	b.must(err)
	mine, err := b.Mine(b.ctx(), site, page, "u_ben")
	b.must(err)
	b.equal(mine.Votes, map[string]int{a.ID: -1})
	if len(mine.Reactions) != 1 || len(mine.Reactions[c.ID]) != 2 {
		b.Fatalf("%+v", mine.Reactions)
	}
	b.equal(ids(mine.Pending), []string{pending.ID})
}
