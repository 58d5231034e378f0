package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testModerate(b *bench) {
	states := []store.State{store.Published, store.Pending, store.Rejected}
	results := map[store.Action]store.State{store.Approve: store.Published, store.Restore: store.Published, store.Reject: store.Rejected, store.Delete: store.Deleted}
	for action, want := range results {
		for _, from := range states {
			c := b.add("", in(from), of("Ben"))
			before := b.head().Seq
			got, err := b.Moderate(b.ctx(), site, []string{c.ID}, action, store.Decision{By: "m_mod", ByName: "Mod", Note: "because"})
			b.must(err)
			if len(got) != 1 || got[0].State != want {
				b.Fatalf("%s of %s: %+v", action, from, got)
			}
			b.equal(b.again(c.ID), got[0])
			log, err := b.Decisions(b.ctx(), site, 0, 1)
			b.must(err)
			noted := len(log) == 1 && log[0].Comment == c.ID
			if changes := from != want; noted != changes || (b.head().Seq > before) != changes {
				b.Fatalf("%s of %s: noted %v, seq %d after %d", action, from, noted, b.head().Seq, before)
			}
			if d := log; noted && (d[0].Action != action || d[0].User != "u_ben" || d[0].Page != page || d[0].By != "m_mod" || d[0].ByName != "Mod" || d[0].Note != "because" || d[0].Time.IsZero()) {
				b.Fatalf("%+v", d)
			}
		}
	}
	b.equal(b.count(page), 6)
}

func testModerateNothing(b *bench) {
	a, c, gone := b.add(""), b.add("", in(store.Pending)), b.add("")
	b.moderate(store.Delete, gone.ID)
	got := b.moderate(store.Approve, a.ID, "none", gone.ID, c.ID)
	b.equal(ids(got), []string{a.ID, c.ID})
	b.equal(got[0], a)
	if _, err := b.Moderate(b.ctx(), site, []string{a.ID}, "praise", store.Decision{}); err == nil {
		b.Fatal("an action that there is not")
	}
	b.equal(b.again(gone.ID).State, store.Deleted)
}

func testPin(b *bench) {
	c := b.add("")
	if got := b.moderate(store.Pin, c.ID); !got[0].Pinned || got[0].Seq <= c.Seq {
		b.Fatalf("%+v", got)
	}
	if got := b.moderate(store.Unpin, c.ID); got[0].Pinned {
		b.Fatalf("%+v", got)
	}
	b.moderate(store.Pin, c.ID)
	if got := b.moderate(store.Delete, c.ID); got[0].Pinned {
		b.Fatal("what is deleted stays on top")
	}
}

func testBans(b *bench) {
	_, err := b.Banned(b.ctx(), site, "u_eve")
	b.is(err, store.ErrNotFound)
	now := time.Now().UTC().Truncate(time.Millisecond)
	long := store.Ban{User: "u_eve", Name: "Eve", By: "Mod", Reason: "spam", Created: now}
	short := store.Ban{User: "u_ben", Name: "Ben", By: "Mod", Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)}
	over := store.Ban{User: "u_ann", Name: "Ann", By: "Mod", Created: now.Add(-time.Hour), Expires: now.Add(-time.Minute)}
	for _, ban := range []store.Ban{long, short, over} {
		_, err := b.Ban(b.ctx(), site, ban, false, store.Decision{By: "m_mod", ByName: "Mod"})
		b.must(err)
	}
	got, err := b.Banned(b.ctx(), site, "u_eve")
	b.must(err)
	b.equal(got, long)
	_, err = b.Banned(b.ctx(), site, "u_ann")
	b.is(err, store.ErrNotFound)
	_, err = b.Banned(b.ctx(), other, "u_eve")
	b.is(err, store.ErrNotFound)
	all, err := b.Bans(b.ctx(), site)
	b.must(err)
	b.equal(all, []store.Ban{long, short})

	long.Reason = "worse"
	_, err = b.Ban(b.ctx(), site, long, false, store.Decision{})
	b.must(err)
	got, err = b.Banned(b.ctx(), site, "u_eve")
	b.must(err)
	b.equal(got.Reason, "worse")
	b.must(b.Unban(b.ctx(), site, "u_eve", store.Decision{By: "m_mod"}))
	b.is(b.Unban(b.ctx(), site, "u_eve", store.Decision{}), store.ErrNotFound)
	log, err := b.Decisions(b.ctx(), site, 0, 1)
	b.must(err)
	if log[0].Action != store.UnbanUser || log[0].User != "u_eve" {
		b.Fatalf("%+v", log)
	}
}

func testBanRejects(b *bench) {
	p, q, r := b.add("", of("Eve")), b.add("", of("Eve"), in(store.Pending)), b.add("", of("Eve"), in(store.Rejected))
	keep := b.add("", of("Ben"))
	rejected, err := b.Ban(b.ctx(), site, store.Ban{User: "u_eve"}, true, store.Decision{By: "m_mod"})
	b.must(err)
	b.equal(ids(rejected), []string{p.ID, q.ID})
	for _, id := range []string{p.ID, q.ID, r.ID} {
		b.equal(b.again(id).State, store.Rejected)
	}
	b.equal(b.again(keep.ID), keep)
	b.equal(b.count(page), 1)
	b.equal(b.again(r.ID).Seq, r.Seq)
}

func testLog(b *bench) {
	for i := range 5 {
		b.must(b.Note(b.ctx(), site, store.Decision{By: "m_mod", ByName: "Mod", Action: store.SetSettings, Note: fmt.Sprint(i)}))
	}
	b.must(b.Note(b.ctx(), other, store.Decision{Action: store.SetSettings}))
	var notes []string
	for before := int64(0); ; {
		some, err := b.Decisions(b.ctx(), site, before, 2)
		b.must(err)
		if len(some) == 0 {
			break
		}
		for _, d := range some {
			notes = append(notes, d.Note)
			before = d.ID
		}
	}
	b.equal(notes, []string{"4", "3", "2", "1", "0"})
}

func testPerson(b *bench) {
	_, err := b.Person(b.ctx(), site, "u_ben")
	b.is(err, store.ErrNotFound)
	first := b.add("", of("Ben"))
	b.add("", of("Ben"), in(store.Rejected))
	last := b.add("", func(c *store.Comment) { c.Author = store.Author{ID: "u_ben", Name: "Benjamin"} })
	b.add("")
	_, err = b.Flag(b.ctx(), site, last.ID, "u_ann", "", 0)
	b.must(err)
	p, err := b.Person(b.ctx(), site, "u_ben")
	b.must(err)
	b.equal(p, store.Person{Author: last.Author, Comments: 3, Published: 2, Rejected: 1, Flagged: 1, First: first.Created})
}

func testLinks(b *bench) {
	now := time.Now()
	b.must(b.AddLink(b.ctx(), store.Link{Site: site, Hash: "l1", Expires: now.Add(time.Hour)}))
	_, err := b.UseLink(b.ctx(), "l1", store.Account{Site: site, Name: "mod", ID: "m_1", Password: "p1"}, now.Add(2*time.Hour))
	b.is(err, store.ErrExpired)
	_, err = b.UseLink(b.ctx(), "none", store.Account{Site: site, Name: "mod"}, now)
	b.is(err, store.ErrExpired)
	_, err = b.UseLink(b.ctx(), "l1", store.Account{Site: other, Name: "mod"}, now)
	b.is(err, store.ErrExpired)
	_, err = b.UseLink(b.ctx(), "l1", store.Account{Site: site}, now)
	b.is(err, store.ErrNotFound)
	made, err := b.UseLink(b.ctx(), "l1", store.Account{Site: site, Name: "mod", ID: "m_1", Password: "p1"}, now)
	b.must(err)
	if made.Site != site || made.Name != "mod" || made.ID != "m_1" || made.Created.IsZero() {
		b.Fatalf("%+v", made)
	}
	_, err = b.UseLink(b.ctx(), "l1", store.Account{Site: site, Name: "again", ID: "m_2"}, now)
	b.is(err, store.ErrExpired)
	got, err := b.Account(b.ctx(), site, "mod")
	b.must(err)
	b.equal(got, made)

	b.must(b.AddSession(b.ctx(), store.Session{Hash: "s", Site: site, Name: "mod", Account: "m_1", Expires: now.Add(time.Hour)}))
	b.must(b.AddLink(b.ctx(), store.Link{Site: site, Hash: "l2", Name: "mod", Expires: now.Add(time.Hour)}))
	changed, err := b.UseLink(b.ctx(), "l2", store.Account{Site: site, Name: "somebody", ID: "m_9", Password: "p2"}, now)
	b.must(err)
	made.Password = "p2"
	b.equal(changed, made)
	_, err = b.Session(b.ctx(), "s", now)
	b.is(err, store.ErrNotFound)
	all, err := b.Accounts(b.ctx(), site)
	b.must(err)
	b.equal(all, []store.Account{made})
}

// A link with which a new moderator chooses a name is no key to the account of another one.
func testLinkOfSomebodyElse(b *bench) {
	now := time.Now()
	for _, hash := range []string{"l1", "l2"} {
		b.must(b.AddLink(b.ctx(), store.Link{Site: site, Hash: hash, Expires: now.Add(time.Hour)}))
	}
	_, err := b.UseLink(b.ctx(), "l1", store.Account{Site: site, Name: "mod", ID: "m_1", Password: "p1"}, now)
	b.must(err)
	_, err = b.UseLink(b.ctx(), "l2", store.Account{Site: site, Name: "mod", ID: "m_2", Password: "p2"}, now)
	b.is(err, store.ErrExists)
	a, err := b.Account(b.ctx(), site, "mod")
	b.must(err)
	b.equal(a.Password, "p1")
	_, err = b.UseLink(b.ctx(), "l2", store.Account{Site: site, Name: "second", ID: "m_2", Password: "p2"}, now)
	b.must(err)
}

func testSessions(b *bench) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	b.is(b.AddSession(b.ctx(), store.Session{Hash: "s", Site: site, Name: "nobody", Expires: now.Add(time.Hour)}), store.ErrNotFound)
	b.must(b.AddLink(b.ctx(), store.Link{Site: site, Hash: "l", Name: "mod", Expires: now.Add(time.Hour)}))
	_, err := b.UseLink(b.ctx(), "l", store.Account{Site: site, ID: "m_1", Password: "p"}, now)
	b.must(err)
	want := store.Session{Hash: "s1", Site: site, Name: "mod", Account: "m_1", Expires: now.Add(time.Hour)}
	b.must(b.AddSession(b.ctx(), want))
	second := want
	second.Hash = "s2"
	b.must(b.AddSession(b.ctx(), second))
	got, err := b.Session(b.ctx(), "s1", now)
	b.must(err)
	b.equal(got, want)
	_, err = b.Session(b.ctx(), "s1", now.Add(time.Hour))
	b.is(err, store.ErrNotFound)
	b.must(b.RemoveSession(b.ctx(), "s1"))
	_, err = b.Session(b.ctx(), "s1", now)
	b.is(err, store.ErrNotFound)
	_, err = b.Session(b.ctx(), "s2", now)
	b.must(err)
	b.must(b.RemoveAccount(b.ctx(), site, "mod"))
	_, err = b.Session(b.ctx(), "s2", now)
	b.is(err, store.ErrNotFound)
	b.is(b.RemoveAccount(b.ctx(), site, "mod"), store.ErrNotFound)
	_, err = b.Account(b.ctx(), site, "mod")
	b.is(err, store.ErrNotFound)
	if all, err := b.Accounts(b.ctx(), site); err != nil || slices.ContainsFunc(all, func(a store.Account) bool { return a.Name == "mod" }) {
		b.Fatal(all, err)
	}
}
