package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestSettingsThatAreRight(t *testing.T) {
	t.Parallel()
	for _, s := range []store.Settings{
		{},
		{
			Guests: true, Moderation: store.TrustedFirst, TrustAfter: 3, SignInURL: "https://blog.example/login?back=1", MaxDepth: 20, MaxLength: 20_000,
			EditWindow: 900, ReadOnlyAfter: 365, Reactions: []string{"👍", "❤️", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇫🇷", "3️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "©", "‼️", "↔️"}, Votes: store.VotesOff,
			MinTime: 3, MaxLinks: 2, FlagThreshold: 3, HoldWords: []string{"casino", "buy now", "don't"}, RejectWords: []string{"赌场"},
			HoldLinks: []string{"evil.example", "*.bücher.example"}, RejectLinks: []string{"https://evil.example/", "192.0.2.1"},
			HoldPatterns: []string{`(?i)\bspam\b`}, RejectPattern: []string{`^a{1,100}$`}, Retention: 30, HookURL: "http://127.0.0.1:8080/hook",
		},
	} {
		if err := Validate(s); err != nil {
			t.Error(err)
		}
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprint("w", i)
	}
	for _, c := range []struct {
		s    store.Settings
		keys string
	}{
		{store.Settings{Moderation: "none"}, "moderation"},
		{store.Settings{Votes: "down"}, "votes"},
		{store.Settings{TrustAfter: -1, MaxDepth: 21, MaxLength: 20_001}, "trustAfter maxDepth maxLength"},
		{store.Settings{EditWindow: -1, ReadOnlyAfter: -1, MinTime: 3601}, "editWindow readOnlyAfter minTime"},
		{store.Settings{MaxLinks: -1, FlagThreshold: -1, Retention: 1e9}, "maxLinks flagThreshold retention"},
		{store.Settings{SignInURL: "javascript:alert(1)"}, "signInURL"},
		{store.Settings{SignInURL: "/login"}, "signInURL"},
		{store.Settings{SignInURL: "https://"}, "signInURL"},
		{store.Settings{HookURL: "https://ann:secret@blog.example"}, "hookURL"},
		{store.Settings{HookURL: "https://blog.example/" + strings.Repeat("a", 2048)}, "hookURL"},
		{store.Settings{Reactions: []string{"👍", "👍"}}, "reactions[1]"},
		{store.Settings{Reactions: []string{"", "a", "👍👎", "👍 ", "<b>", "1", "🇫", "🇫🇷🇩🇪", "\u200d", "👍\u200d", "\ufe0f"}}, "reactions[0] reactions[1] reactions[2] reactions[3] reactions[4] reactions[5] reactions[6] reactions[7] reactions[8] reactions[9] reactions[10]"},
		{store.Settings{Reactions: strings.Split(strings.Repeat("👍", 13), "")}, "reactions"},
		{store.Settings{Reactions: []string{"👍" + strings.Repeat("\ufe0f", 100)}}, "reactions[0]"},
		{store.Settings{HoldWords: []string{"ok", "", "!!!", "c++"}}, "holdWords[1] holdWords[2] holdWords[3]"},
		{store.Settings{RejectWords: []string{strings.Repeat("a", 101)}}, "rejectWords[0]"},
		{store.Settings{RejectWords: many}, "rejectWords"},
		{store.Settings{HoldLinks: []string{"a b", "evil.example", "https://", "x@y.org", "..", strings.Repeat("a", 3000)}}, "holdLinks[0] holdLinks[2] holdLinks[3] holdLinks[4] holdLinks[5]"},
		{store.Settings{RejectLinks: many}, "rejectLinks"},
		{store.Settings{RejectPattern: []string{"ok", "a+", "("}}, "rejectPatterns[2]"},
		{store.Settings{HoldPatterns: []string{"a*", "(?=a)", `\1`, strings.Repeat("a", 501), "(a{100}){100}", "((a{10}){10}){10}{7}"}}, "holdPatterns[0] holdPatterns[1] holdPatterns[2] holdPatterns[3] holdPatterns[4] holdPatterns[5]"},
		{store.Settings{HoldPatterns: []string{"a{900}", "b{900}", "c{900}", "d{900}", "e{900}", "f{900}"}}, "holdPatterns"},
		{store.Settings{HoldPatterns: many[:51]}, "holdPatterns"},
	} {
		err := Validate(c.s)
		var all Invalids
		if !errors.As(err, &all) {
			t.Errorf("%s: %v", c.keys, err)
			continue
		}
		var keys []string
		for _, one := range all {
			keys = append(keys, one.Key)
			if one.Message == "" || !strings.Contains(err.Error(), one.Key+": "+one.Message) || len(one.Message) > 300 {
				t.Errorf("%s says %q", one.Key, one.Message)
			}
		}
		if !slices.Equal(keys, strings.Fields(c.keys)) {
			t.Errorf("got %v", err)
			t.Errorf("want %s", c.keys)
		}
		var one *Invalid
		if !errors.As(err, &one) || one != all[0] {
			t.Errorf("%s: the first is %v", c.keys, one)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"(", "a*", `(?i)\bspam\b`, "((a{10}){10}){10}", "[[:alpha:]]", `\pL+`, "(?P<x>a)", "a|b|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		re, n, err := pattern(s)
		if err == nil && (n > maxProgram || len(s) > maxPattern || re.MatchString("")) {
			t.Errorf("%q has %d steps", s, n)
		}
		if err != nil && re != nil {
			t.Errorf("%q is a pattern, and is not", s)
		}
		_ = isEmoji(s)
		_ = checkHost(s)
	})
}
