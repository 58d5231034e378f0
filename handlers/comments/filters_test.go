package comments

import (
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// heldOf is why comments of a state are there, by text.
func (c *client) heldOf(state string) map[string][]string {
	c.t.Helper()
	all := make(map[string][]string)
	for _, one := range objectsOf(c.must("queue", object{"state": state})["comments"]) {
		var why []string
		held, _ := one["held"].([]any)
		for _, reason := range held {
			why = append(why, reason.(string))
		}
		all[one["text"].(string)] = why
	}
	return all
}

// TestWhatIsRejectedIsStoredForModeratorsAlone: its author hears no more than that, a program that fills in
// the honeypot as well.
func TestWhatIsRejectedIsStoredForModeratorsAlone(t *testing.T) {
	t.Parallel()
	n := alone(t)
	n.with(t, func(s *store.Settings) { s.RejectWords, s.RejectLinks = []string{"casino"}, []string{"evil.example"} })
	ann, mod := n.user(t, "ann"), n.moderator(t)
	ann.must("join", object{"page": "/a"})
	for text, why := range map[string]string{
		"visit my c**a**si\u200bno": "word: casino", "[here](https://a.EVIL.example)": "link: evil.example", "nice page": guard.HeldHoneypot,
	} {
		more := object{}
		if why == guard.HeldHoneypot {
			more["website"] = "https://x.org"
		}
		answer := ann.ask("post", saying("/a", text, more))
		if codeOf(answer) != "rejected" || strings.Contains(answer["error"].(object)["message"].(string), why) {
			t.Errorf("%q is answered with %v", text, answer)
		}
		if held := mod.heldOf("rejected")[text]; !slices.Equal(held, []string{why}) {
			t.Errorf("%q is rejected for %q, want %q", text, held, why)
		}
	}
	if got := n.reader(t).must("join", object{"page": "/a"}); len(objectsOf(got["comments"])) != 0 {
		t.Errorf("the public sees %v", got)
	}
	if got := mod.say("/a", "a casino at evil.example, says a moderator", object{"website": "x"}); got["state"] != "published" {
		t.Errorf("%v", got)
	}
}

func TestWhatIsHeldWaitsAndSaysWhyToModerators(t *testing.T) {
	t.Parallel()
	n := alone(t)
	n.with(t, func(s *store.Settings) {
		s.Moderation, s.HoldPatterns, s.MaxLinks = store.TrustedFirst, []string{`(?i)buy\s+now`}, 1
	})
	ann, mod := n.user(t, "ann"), n.moderator(t)
	ann.must("join", object{"page": "/a"})
	first := ann.say("/a", "my first one")
	if held := mod.heldOf("pending")["my first one"]; first["state"] != "pending" || !slices.Equal(held, []string{guard.HeldNewAuthor}) {
		t.Errorf("%v: %q", first, held)
	}
	mod.must("moderate", object{"ids": []any{first["id"]}, "action": "approve"})
	second := ann.say("/a", "my second one")
	if second["state"] != "published" {
		t.Errorf("who is known waits: %v", second)
	}
	const changed = "BUY now: https://a.org https://b.org"
	if got := ann.must("edit", object{"id": second["id"], "text": changed})["comment"].(object); got["state"] != "pending" {
		t.Errorf("changed: %v", got)
	}
	if held := mod.heldOf("pending")[changed]; !slices.Equal(held, []string{`pattern 1: (?i)buy\s+now`, "links: 2, at most 1"}) {
		t.Errorf("held for %q", held)
	}
}

func TestWhoIsTooFastOrSaysTheSameTwiceIsToldSo(t *testing.T) {
	t.Parallel()
	n := alone(t)
	n.with(t, func(s *store.Settings) { s.MinTime = 3000 })
	ann := n.user(t, "ann")
	ann.must("join", object{"page": "/a"})
	answer := ann.ask("post", saying("/a", "first!"))
	if after, _ := answer["error"].(object)["retryAfter"].(float64); codeOf(answer) != "too_fast" || after < 1 || after > 3000 {
		t.Errorf("%v", answer)
	}
	n.with(t, func(s *store.Settings) { s.MinTime = 0 })
	ann.say("/a", "Said once.")
	if code := ann.code("post", saying("/b", "**said** once")); code != "duplicate" {
		t.Errorf("said twice: %q", code)
	}
	n.user(t, "ben").say("/a", "Said once.")
}

func TestWhoPostsTooOftenIsToldWhenToComeAgain(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann := n.user(t, "ann")
	ann.must("join", object{"page": "/a"})
	answer := object{}
	for i := 0; codeOf(answer) != "rate_limited"; i++ {
		if i > 1000 {
			t.Fatal("without end")
		}
		answer = ann.ask("post", saying("/a", strings.Repeat("again ", i+1)))
		if i < 5 && codeOf(answer) != "" {
			t.Errorf("%d: %v", i, answer)
		}
	}
	if after, _ := answer["error"].(object)["retryAfter"].(float64); after <= 0 || after > 10 {
		t.Errorf("%v", answer)
	}
}
