package guard

import (
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestWords(t *testing.T) {
	t.Parallel()
	d := open()
	for _, c := range []struct {
		word, text string
		found      bool
	}{
		{"casino", "casino", true},
		{"casino", "the Casino!", true},
		{"casino", "CASINO\nonline", true},
		{"Casino", "casino", true},
		{"casino", "casinos", false},
		{"casino", "occasino", false},
		{"casino", "ca sino", false},
		{"ass", "class assess", false},
		{"casino", "c**a**sino", true},
		{"casino", "cas<!-- -->ino", false},
		{"casino", "ca\u200bsi\u00adno", true},
		{"casino", "ca\u2060s\u202ein\ufeffo", true},
		{"casino", "&#99;asino", true},
		{"casino", "ｃａｓｉｎｏ", true},
		{"casino", "𝐜𝒶𝓼𝕚𝖓𝗈", true},
		{"casino", "ⓒⓐⓢⓘⓝⓞ", true},
		{"casino", "саsіno", true}, // а, с and і are Cyrillic
		{"casino", "cаѕinο", true}, // and an omicron
		{"casino", "c\u0336a\u0336s\u0336i\u0336n\u0336o\u0336", true},
		{"casino", "casi\u034fno", true},
		{"casino", "[here](https://best-casino.example/)", true},
		{"casino", "`casino`", true},
		{"naïve", "NAI\u0308VE", true},
		{"naïve", "naive", false},
		{"straße", "STRASSE", true},
		{"buy now", "Buy   now, only today", true},
		{"buy now", "buy it now", false},
		{"don't", "I don’t know", true},
		{"сор", "cop", false}, // a Russian word is none of Latin letters
		{"сор", "Сор в избе", true},
		{"спам", "это спам.", true},
		{"σοφία", "ΣΟΦΊΑ", true},
		{"赌场", "最好的赌场在这里", true},
		{"カジノ", "オンラインｶｼﾞﾉ", true},
		{"كازينو", "أفضل كازينو هنا", true},
		{"42", "42.", true},
		{"42", "421", false},
	} {
		s := said(blog(store.Settings{HoldWords: []string{c.word}}), c.text)
		if c.found {
			d.expect(t, s, store.Pending, "word: "+c.word)
		} else {
			d.expect(t, s, store.Published)
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"Buy my book!", "buy  my\nbook", "BUY-MY-BOOK", "b.u.y my book…", "Ｂｕｙ my book", "buy\u200b my book", "\u202ebuy my book"},
		{"Café", "cafe\u0301", "CAFÉ"},
		{"!!!", "! ! !"},
		{"👍", " 👍\ufe0f "},
	} {
		for _, s := range same {
			if Hash(s) != Hash(same[0]) {
				t.Errorf("%q is not as %q", s, same[0])
			}
		}
	}
	different := []string{"a", "b", "ab", "1", "2", "!", "?", "👍", "👎", "é", "e", "+1", "buy my book", "buy my books"}
	had := make(map[string]string)
	for _, s := range different {
		h := Hash(s)
		if had[h] != "" || h == "" || strings.Contains(h, s) && len(s) > 2 {
			t.Errorf("%q is as %q: %q", s, had[h], h)
		}
		had[h] = s
	}
	for _, s := range []string{"", " \n", "\u200b"} {
		if Hash(s) != "" {
			t.Errorf("%q has a hash", s)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"casino", "саsіno", "c\u0336a", "赌场", "STRASSE", "İstanbul", "ﷺ", "a\u0301\u0301", "don’t", "\xff"} {
		f.Add(s, "the "+s+" here")
	}
	f.Fuzz(func(t *testing.T, word, text string) {
		form := words(word)
		if !strings.HasPrefix(form, " ") || !strings.HasSuffix(form, " ") || strings.Contains(form, "  ") {
			t.Fatalf("%q has the form %q", word, form)
		}
		_ = Hash(text)
		l := newList([]string{word}, []string{text}, []string{word})
		s := said(blog(store.Settings{}), text)
		s.Document.Plain = "before " + word + " after"
		if why := (&findings{s: s}).of(&list{words: l.words}); form != " " && len(why) != 1 {
			t.Errorf("%q is not found in %q", word, s.Document.Plain)
		}
		l.patterns = nil // what they match is theirs
		_ = (&findings{s: s}).of(&l)
	})
}
