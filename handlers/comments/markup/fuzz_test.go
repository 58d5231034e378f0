package markup

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzRender(f *testing.F) {
	for _, c := range tricks {
		f.Add(c.text)
	}
	for _, s := range []string{"# a\n- b\n  > c\n\n```go\nd\n```", "3) a\n\n   b", "[a](https://x.org) ![b](https://x.org/b)", "*a **b ~~c `d", "a&amp;b\\&c&#38;", strings.Repeat("> - ", 9) + "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := proven(t, text)
		if !utf8.ValidString(d.Plain) || strings.ContainsAny(d.Plain, "\x00\x1b\r") {
			t.Errorf("%q is %q as text", text, d.Plain)
		}
		for _, l := range d.Links {
			if to, ok := address(l); !ok || to != l {
				t.Errorf("%q leads to %q, which is %q", text, l, to)
			}
		}
	})
}
