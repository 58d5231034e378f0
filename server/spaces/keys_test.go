package spaces

import (
	"slices"
	"strings"
	"testing"
)

func TestKeysAreTriedFromTheNarrowest(t *testing.T) {
	got := Sorted(slices.Values([]string{"^/a$", "/*", "/b", "/a-*", "/longer", "^/ab+$", "/c"}))
	if want := []string{"/longer", "/b", "/c", "/a-*", "/*", "^/ab+$", "^/a$"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestWhatAKeyFits(t *testing.T) {
	for _, c := range []struct {
		key, name string
		want      bool
	}{
		{"/", "/", true},
		{"/news", "/news", true},
		{"/news", "/news2", false},
		{"/a.b", "/axb", false},
		{"/game-*", "/game-7", true},
		{"/game-*", "/game-", false},
		{"/game-*", "/game-7/x", false},
		{"^/team-[0-9]+$", "/team-12", true},
		{"^/team-[0-9]+$", "/team-x", false},
	} {
		re, err := Compile(c.key)
		if err != nil {
			t.Errorf("%s: %v", c.key, err)
		} else if got := re.MatchString(c.name); got != c.want {
			t.Errorf("%s fits %s: %v", c.key, c.name, got)
		}
	}
	for key, want := range map[string]string{"": "needs a name", "news": `write "/news"`, "^/x": "ends in $", "^/[$": "not a regular expression"} {
		if _, err := Compile(key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", key, err, want)
		}
	}
}
