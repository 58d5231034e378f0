package guard

import (
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	d := open()
	for _, c := range []struct {
		host, text string
		found      bool
	}{
		{"evil.example", "https://evil.example", true},
		{"evil.example", "https://EVIL.example:8443/page", true},
		{"evil.example", "[x](http://a.b.evil.example/)", true},
		{"evil.example", "https://notevil.example", false},
		{"evil.example", "https://evil.example.org", false},
		{"evil.example", "https://x.org/evil.example", true}, // named, and that is as far as it can be told
		{"evil.example", "go to evil.example", true},
		{"evil.example", "go to EVIL．example!", true},
		{"evil.example", "go to ev\u200bil.example", true},
		{"evil.example", "mail me@evil.example", true},
		{"evil.example", "![x](https://evil.example/x.png)", true},
		{"*.evil.example", "https://evil.example", true},
		{"https://evil.example/some/page", "https://evil.example/other", true},
		{"EVIL.example.", "https://evil.example", true},
		{"bücher.example", "https://bücher.example", true},
		{"bücher.example", "https://xn--bcher-kva.example", true},
		{"xn--bcher-kva.example", "[x](https://BÜCHER.example)", true},
		{"bücher.example", "https://bucher.example", false},
		{"evil.example", "https://a_b--c.evil.example", true},
		{"evil.example", "go to a_b--c.evil.example", true},
		{"192.0.2.1", "http://192.0.2.1/x", true},
		{"2001:db8::1", "[x](http://[2001:db8:0::1]/)", true},
		{"example", "https://evil.example", true}, // all of a top-level domain
	} {
		if err := checkHost(c.host); err != nil {
			t.Errorf("%s: %v", c.host, err)
		}
		s := said(blog(store.Settings{RejectLinks: []string{c.host}}), c.text)
		v := d.judge(t, s)
		if got := v.State == store.Rejected; got != c.found {
			t.Errorf("%s in %q: %+v, %q", c.host, c.text, v, hostsIn(&s.Document))
		}
	}
}

func TestManyLinks(t *testing.T) {
	t.Parallel()
	d := open()
	site := blog(store.Settings{MaxLinks: 2})
	d.expect(t, said(site, "https://a.org https://b.org and c.org"), store.Published)
	d.expect(t, said(site, "https://a.org https://b.org [c](https://c.org)"), store.Pending, "links: 3, at most 2")
	d.expect(t, said(blog(store.Settings{}), strings.Repeat("https://a.org ", 50)), store.Published)
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	d := open()
	site := blog(store.Settings{RejectPattern: []string{`(?i)\bbuy\s+\w+\s+now\b`}, HoldPatterns: []string{`nothing`, `\d{3}-\d{4}`, `^\*\*`}})
	d.expect(t, said(site, "BUY it  now"), store.Rejected, `pattern 1: (?i)\bbuy\s+\w+\s+now\b`)
	d.expect(t, said(site, "call 555-1234"), store.Pending, `pattern 2: \d{3}-\d{4}`)
	d.expect(t, said(site, "call 5**55**-1234"), store.Pending, `pattern 2: \d{3}-\d{4}`) // without markup
	d.expect(t, said(site, "**loud** text"), store.Pending, `pattern 3: ^\*\*`)           // and with it
	d.expect(t, said(site, "buy it tomorrow"), store.Published)
}

// A pattern that was stored by another version, or by hand, and is none, holds nobody up.
func TestWhatIsNoPatternIsLeftOut(t *testing.T) {
	t.Parallel()
	d := open()
	site := blog(store.Settings{
		RejectPattern: []string{"(", "(a{100}){100}", strings.Repeat("a", maxPattern+1), "b{900}{5}", "evil"},
		RejectWords:   []string{"", "!!!"}, RejectLinks: []string{"not a host", ""},
	})
	d.expect(t, said(site, "(good) aaaa !!!"), store.Published)
	d.expect(t, said(site, "evil"), store.Rejected, "pattern 1: evil")
}
