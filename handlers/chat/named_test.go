package chat

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestANameOfTheSiteIsItsUsers: who chose it before is called otherwise, and the user
// keeps it.
func TestANameOfTheSiteIsItsUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{MaxNick: 8})
		come(t, h, "s1", "eve", "Ann", "lobby")
		synctest.Wait()
		h.ear.heard()
		if got := h.comesAs(t, "s2", owner{id: "ann@site", nick: "ann", named: true}).Nick; got != "ann" {
			t.Errorf("the user of the site is called %q", got)
		}
		synctest.Wait()
		heard := h.ear.heard()
		slices.Sort(heard)
		if !slices.Equal(heard, []string{"eve you", "lobby renamed Ann to Ann 2"}) {
			t.Errorf("heard %q", heard)
		}
		if got := h.comesAs(t, "s3", owner{id: "other@site", nick: "Ann", named: true}).Nick; got != "Ann 2" && got != "Ann 3" {
			t.Errorf("another user of that name is called %q", got)
		}
		if got := h.comesAs(t, "s4", owner{id: "long@site", nick: "Maximiliane", named: true}).Nick; got != "Maximili" {
			t.Errorf("a user with a long name is called %q", got)
		}
		if _, err := h.rename(h.of("s2"), "Bea"); codeOf(err) != "forbidden" {
			t.Errorf("a user whom the site names was renamed: %v", err)
		}
		if _, err := h.rename(h.of("s1"), "ANN"); codeOf(err) != "nick_taken" {
			t.Errorf("renamed to the name of another: %v", err)
		}
	})
}

func TestShortIDs(t *testing.T) {
	if got := shortID("ann"); got != "ann" {
		t.Errorf("got %q", got)
	}
	long := strings.Repeat("x", 256)
	if got := shortID(long); len(got) != 16 || got == shortID(long+"y") {
		t.Errorf("got %q", got)
	}
}
