package auth

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"news", "news", true},
		{"news", "news2", false},
		{"", "", true},
		{"*", "", true},
		{"*", "anything:at/all", true},
		{"news:*", "news:", true},
		{"news:*", "news:sport:tennis", true},
		{"news:*", "news", false},
		{"*:private", "a:private", true},
		{"*:private", "a:privately", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "acb", false},
		{"a*a", "a", false}, // one character is not two
		{"a**c", "abc", true},
	} {
		if got := (Patterns{c.pattern}).Match(c.name); got != c.want {
			t.Errorf("pattern %q, name %q: got %v", c.pattern, c.name, got)
		}
	}
	if Patterns(nil).Match("") {
		t.Error("no pattern matches something")
	}
	if !(Patterns{"a", "b"}).Match("b") {
		t.Error("the second of two patterns is not looked at")
	}
}

func TestPatternsForSomebody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, id, name string
		want              bool
	}{
		{"user:{id}", "7", "user:7", true},
		{"user:{id}", "7", "user:77", false},
		{"user:{id}:*", "7", "user:7:inbox", true},
		{"{id}-{id}", "a", "a-a", true},
		{"user:{id}", "", "user:", false},
		{"user:{id}", "", "user:{id}", false},
		{"user:{id}", "*", "user:7", false}, // an id is never a pattern
		{"user:{id}", "*", "user:*", false},
		{"user:{id}", "{id}", "user:{id}", true},
		{"user:*", "", "user:7", true},
	} {
		if got := (Patterns{c.pattern}).MatchFor(c.id, c.name); got != c.want {
			t.Errorf("pattern %q, id %q, name %q: got %v", c.pattern, c.id, c.name, got)
		}
	}
}

func TestPatternsThatFitEverything(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{"*": true, "**": true, "": false, "a*": false, "*a": false} {
		if got := (Patterns{"x", pattern}).All(); got != want {
			t.Errorf("pattern %q: got %v", pattern, got)
		}
	}
	if (Patterns{"a", ""}).Validate("k") == nil || (Patterns{strings.Repeat("x", 257)}).Validate("k") == nil {
		t.Error("patterns that cannot be are no error")
	}
	if err := (Patterns{"a", "user:{id}"}).Validate("k"); err != nil {
		t.Error(err)
	}
}

// FuzzPatterns compares with the plain recursive rule.
func FuzzPatterns(f *testing.F) {
	f.Add("a*b", "aab")
	f.Add("*a*b*", "xaxbx")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 12 || len(name) > 24 || strings.Count(pattern, "*") > 4 {
			return
		}
		if got, want := fits(pattern, name), slow(pattern, name); got != want {
			t.Errorf("pattern %q, name %q: got %v", pattern, name, got)
		}
	})
}

func slow(pattern, name string) bool {
	switch {
	case pattern == "":
		return name == ""
	case pattern[0] == '*':
		return slow(pattern[1:], name) || name != "" && slow(pattern, name[1:])
	default:
		return name != "" && name[0] == pattern[0] && slow(pattern[1:], name[1:])
	}
}
