package markup

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// linkTo is a link as it is written.
func linkTo(href, text string) string {
	return `<a href="` + href + `" rel="nofollow ugc noopener" target="_blank">` + text + `</a>`
}

func TestTheSubset(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, html, plain string }{
		{"one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>", "one\ntwo\nthree"},
		{"one\r\ntwo  \rthree\\\nfour", "<p>one<br>two<br>three<br>four</p>", "one\ntwo\nthree\nfour"},
		{"*a* _b_ **c** __d__ ~~e~~ ***f***", "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <del>e</del> <em><strong>f</strong></em></p>", "a b c d e f"},
		{"snake_case_name 2*3*4", "<p>snake_case_name 2<em>3</em>4</p>", "snake_case_name 234"},
		{"`a <b> &amp;` ``c`d``", "<p><code>a &lt;b&gt; &amp;amp;</code> <code>c`d</code></p>", "a <b> &amp; c`d"},
		{"```go\nif a < b {\n\tc()\n}\n```", "<pre><code>if a &lt; b {\n\tc()\n}\n</code></pre>", "if a < b {\n\tc()\n}"},
		{"```\nleft *open*", "<pre><code>left *open*\n</code></pre>", "left *open*"},
		{"> a\nb\n> > c\n\nd", "<blockquote><p>a<br>b</p><blockquote><p>c</p></blockquote></blockquote><p>d</p>", "a\nb\nc\nd"},
		{"- a\n- b\n  1. c\n  2. d", "<ul><li>a</li><li>b<ol><li>c</li><li>d</li></ol></li></ul>", "a\nb\nc\nd"},
		{"7. a\n\n   b\n8. c", `<ol start="7"><li><p>a</p><p>b</p></li><li><p>c</p></li></ol>`, "a\nb\nc"},
		{"# Big *news*\n###### small", "<p><strong>Big <em>news</em></strong></p><p><strong>small</strong></p>", "Big news\nsmall"},
		{"a\n===\nb\n---", "<p>a<br>===<br>b<br>---</p>", "a\n===\nb\n---"},
		{"| a | b |\n|---|---|\n| c | d |", "<p>| a | b |<br>|---|---|<br>| c | d |</p>", "| a | b |\n|---|---|\n| c | d |"},
		{"    four spaces", "<p>four spaces</p>", "four spaces"},
		{"- a\n\n      b\n\n>     c\n\n\td", "<ul><li><p>a</p><p>b</p></li></ul><blockquote><p>c</p></blockquote><p>d</p>", "a\nb\nc\nd"},
		{"- - - - - - - - - - a\n\n                      b", strings.Repeat("<ul><li>", 8) + "<p>- - a</p><p>b</p>" + strings.Repeat("</li></ul>", 8), "- - a\nb"},
		{"42.", "<p>42.</p>", "42."},
		{"```2026\n```", "<p>```2026<br>```</p>", "```2026\n```"},
		{"[](javascript:a)", "<p>[](javascript:a)</p>", "[](javascript:a)"},
		{"a[^1]\n\n[^1]: note", "<p>a[^1]</p><p>[^1]: note</p>", "a[^1]\n[^1]: note"},
		{"[a]\n\n[a]: https://x.org", "<p>[a]</p><p>[a]: " + linkTo("https://x.org", "https://x.org") + "</p>", "[a]\n[a]: https://x.org"},
		{"<b>bold</b> <!-- c --> <br>", "<p>&lt;b&gt;bold&lt;/b&gt; &lt;!-- c --&gt; &lt;br&gt;</p>", "<b>bold</b> <!-- c --> <br>"},
		{"&lt;b&gt; &copy; &#x26; &nope; \\&amp; \\*", "<p>&lt;b&gt; © &amp; &amp;nope; &amp;amp; *</p>", "<b> © & &nope; &amp; *"},
		{`"it's"`, "<p>&quot;it&#39;s&quot;</p>", `"it's"`},
		{"👍🏽 日本語 עברית", "<p>👍🏽 日本語 עברית</p>", "👍🏽 日本語 עברית"},
	} {
		d := proven(t, c.markdown)
		if d.HTML != c.html || d.Plain != c.plain {
			t.Errorf("%q:\n got %s\nwant %s\n got %q\nwant %q", c.markdown, d.HTML, c.html, d.Plain, c.plain)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ markdown, html, link string }{
		{"[a *b*](https://x.org/c?d=e&f=g#h 'title')", linkTo("https://x.org/c?d=e&amp;f=g#h", "a <em>b</em>"), "https://x.org/c?d=e&f=g#h"},
		{"https://x.org/a_b_c.", linkTo("https://x.org/a_b_c", "https://x.org/a_b_c") + ".", "https://x.org/a_b_c"},
		{"(www.x.org)", "(" + linkTo("http://www.x.org", "www.x.org") + ")", "http://www.x.org"},
		{"<https://x.org/>", linkTo("https://x.org/", "https://x.org/"), "https://x.org/"},
		{"ann@example.com", linkTo("mailto:ann@example.com", "ann@example.com"), "mailto:ann@example.com"},
		{"[w](mailto:ann@example.com?bcc=all@example.com)", linkTo("mailto:ann@example.com", "w"), "mailto:ann@example.com"},
		{"[b](HTTPS://BÜCHER.example/ä b)", "", ""},
		{"[b](<HTTPS://BÜCHER.example/ä b>)", linkTo("https://xn--bcher-kva.example/%C3%A4%20b", "b"), "https://xn--bcher-kva.example/%C3%A4%20b"},
		{"[six](http://[2001:db8::1]:8080/)", linkTo("http://[2001:db8::1]:8080/", "six"), "http://[2001:db8::1]:8080/"},
		{"[](https://x.org)", linkTo("https://x.org", "https://x.org"), "https://x.org"},
		{"[\u200b](https://x.org)", linkTo("https://x.org", "\u200bhttps://x.org"), "https://x.org"},
		{"![alt *text*](https://x.org/a.png)", linkTo("https://x.org/a.png", "alt text"), "https://x.org/a.png"},
		{"![](https://x.org/a.png)", linkTo("https://x.org/a.png", "https://x.org/a.png"), "https://x.org/a.png"},
		{"[![i](https://x.org/i.png)](https://y.org)", linkTo("https://y.org", "i"), "https://y.org"},
		{"[under](https://A_b--c.example/)", linkTo("https://a_b--c.example/", "under"), "https://a_b--c.example/"},
		{"[ip](http://192.0.2.1:80/)", linkTo("http://192.0.2.1:80/", "ip"), "http://192.0.2.1:80/"},
		{"[dword](http://1113982867/)", "dword", ""},
		{"[hex](http://0x42.0x66.0x7.0x93/)", "hex", ""},
		{"[octal](http://0102.0146.0007.0223/)", "octal", ""},
		{"[short](http://127.1/)", "short", ""},
		{"[rel](/a)", "rel", ""},
		{"[net](//x.org)", "net", ""},
		{"[part](https:x.org)", "part", ""},
		{"[back](https:\\\\x.org)", "back", ""},
		{"[who](https://bank.example@x.org)", "who", ""},
		{"[ftp](ftp://x.org)", "ftp", ""},
		{"[none]()", "none", ""},
		{"[long](https://x.org/" + strings.Repeat("a", maxAddress) + ")", "long", ""},
		{"[port](https://x.org:http/)", "port", ""},
		{"[host](https://x_y%41.org$/)", "host", ""},
		{"`https://x.org`", "<code>https://x.org</code>", ""},
	} {
		d := proven(t, c.markdown)
		if c.html == "" { // it is not a link, and what of it is one does not matter here
			if strings.Contains(d.HTML, ">b</a>") {
				t.Errorf("%q is a link: %s", c.markdown, d.HTML)
			}
			continue
		}
		if want := "<p>" + c.html + "</p>"; d.HTML != want {
			t.Errorf("%q:\n got %s\nwant %s", c.markdown, d.HTML, want)
		}
		if got := strings.Join(d.Links, " "); got != c.link {
			t.Errorf("%q leads to %q, want %q", c.markdown, got, c.link)
		}
	}
}

func TestImagesAreShownWhereTheSiteWantsThem(t *testing.T) {
	t.Parallel()
	d := Render("![a \"b\"](https://x.org/a.png?c&d) ![e](http://x.org/e.png) ![f](data:image/png;base64,AAAA)", Options{Images: true})
	want := `<p><img src="https://x.org/a.png?c&amp;d" alt="a &quot;b&quot;" loading="lazy" referrerpolicy="no-referrer"> ` +
		linkTo("http://x.org/e.png", "e") + ` f</p>`
	if d.HTML != want || !slices.Equal(d.Links, []string{"https://x.org/a.png?c&d", "http://x.org/e.png"}) {
		t.Errorf("got %s\nwant %s\n%q", d.HTML, want, d.Links)
	}
}

func TestEachLinkIsNamedOnce(t *testing.T) {
	t.Parallel()
	d := Render("https://a.org https://b.org [c](https://a.org)", Options{})
	if !slices.Equal(d.Links, []string{"https://a.org", "https://b.org"}) {
		t.Errorf("%q", d.Links)
	}
}

func TestWhereNothingIsLeftToSeeThereIsNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", " \n\t ", "\u200b\u2060", "\u3164", "\u2800\u00a0", "-", "> ", "#", "&nbsp;", "&#8203;", "**\u200b**", "```\n```", "\x00\x1b\x07", "\u202e"} {
		if d := Render(s, Options{}); d.HTML != "" {
			t.Errorf("%q: %q", s, d.HTML)
		}
	}
	if d := Render("![](https://x.org/a.png)", Options{Images: true}); !strings.HasPrefix(d.HTML, "<p><img") {
		t.Errorf("an image is something: %q", d.HTML)
	}
}

func TestTextIsNotTurnedAround(t *testing.T) {
	t.Parallel()
	d := proven(t, "a\u202eb\u2066c&#8238;d\ufeffe &#x202e;")
	if d.HTML != "<p>abcde </p>" {
		t.Errorf("%q", d.HTML)
	}
}

func TestMarksOverLettersDoNotPileUp(t *testing.T) {
	t.Parallel()
	d := proven(t, "a"+strings.Repeat("\u0301", 500)+"b e\u0301\u0323 "+strings.Repeat("&#769;", 500))
	if n := strings.Count(d.HTML, "\u0301"); n > 3*maxStack || !strings.Contains(d.HTML, "b e\u0301\u0323 ") {
		t.Errorf("%d marks: %q", n, d.HTML)
	}
}

func TestWhatIsNoUTF8BecomesSo(t *testing.T) {
	t.Parallel()
	d := proven(t, "a\xff\xfe\xc0\xafb &#0; &#xD800; &#x110000;")
	if !utf8.ValidString(d.HTML) || !utf8.ValidString(d.Plain) || !strings.Contains(d.Plain, "b") {
		t.Errorf("%q, %q", d.HTML, d.Plain)
	}
}
