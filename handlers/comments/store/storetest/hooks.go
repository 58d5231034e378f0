package storetest

import (
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// hooked gives the site a hook.
func (b *bench) hooked() {
	b.Helper()
	s, err := b.Site(b.ctx(), site)
	b.must(err)
	s.Settings.HookURL = "https://hook.example.com"
	b.must(b.UpdateSite(b.ctx(), s))
}

func (b *bench) hooks(s store.Store, now time.Time) []store.Hook {
	b.Helper()
	hooks, err := s.Hooks(b.ctx(), now, time.Minute, 10)
	b.must(err)
	return hooks
}

func testHooks(b *bench) {
	b.add("") // before there is one
	b.hooked()
	now := time.Now()
	c := b.add("")
	b.add("", in(store.Rejected))
	got := b.hooks(b.Store, now)
	if len(got) != 1 || got[0].Tries != 0 {
		b.Fatalf("%+v", got)
	}
	b.equal(got[0].Comment, c)
	if again := b.hooks(b.Store, now.Add(59*time.Second)); len(again) != 0 {
		b.Fatalf("leased twice: %+v", again)
	}
	again := b.hooks(b.Store, now.Add(time.Minute))
	if len(again) != 1 || again[0].ID != got[0].ID {
		b.Fatalf("a lease that ended: %+v", again)
	}
	b.must(b.HookFailed(b.ctx(), got[0].ID, now.Add(time.Hour), "refused"))
	if early := b.hooks(b.Store, now.Add(59*time.Minute)); len(early) != 0 {
		b.Fatalf("too early: %+v", early)
	}
	late := b.hooks(b.Store, now.Add(time.Hour))
	if len(late) != 1 || late[0].Tries != 1 {
		b.Fatalf("%+v", late)
	}
	b.must(b.HookDone(b.ctx(), got[0].ID))
	if done := b.hooks(b.Store, now.Add(24*time.Hour)); len(done) != 0 {
		b.Fatalf("%+v", done)
	}
}

// What a moderator publishes is told, once; what is taken back before it was told is not.
func testHooksOfApproved(b *bench) {
	b.hooked()
	c := b.add("", in(store.Pending))
	b.moderate(store.Approve, c.ID)
	b.moderate(store.Reject, c.ID)
	if got := b.hooks(b.Store, time.Now()); len(got) != 0 {
		b.Fatalf("%+v", got)
	}
	b.moderate(store.Restore, c.ID)
	got := b.hooks(b.Store, time.Now())
	if len(got) != 1 || got[0].Comment.ID != c.ID {
		b.Fatalf("%+v", got)
	}
}

// Of two nodes one tells.
func testNodesHooks(b *bench) {
	b.hooked()
	for range 20 {
		b.add("")
	}
	second, now := b.open(), time.Now()
	found := make(chan []store.Hook)
	for _, s := range []store.Store{b.Store, second} {
		go func() {
			var mine []store.Hook
			for {
				some, err := s.Hooks(b.ctx(), now, time.Minute, 3)
				if err != nil {
					b.Error(err)
				}
				mine = append(mine, some...)
				if len(some) == 0 {
					found <- mine
					return
				}
			}
		}()
	}
	all := append(<-found, <-found...)
	// One that looked while the other had rows locked may have seen none; what is left is there for the next look.
	all = append(all, b.hooks(b.Store, now)...)
	seen := map[int64]bool{}
	for _, h := range all {
		if seen[h.ID] {
			b.Fatalf("%d was told to both", h.ID)
		}
		seen[h.ID] = true
	}
	b.equal(len(seen), 20)
}
