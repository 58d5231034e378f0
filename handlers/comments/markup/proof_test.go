package markup

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// attributes are those that an element has, all of them and in this order.
var attributes = map[string][]string{
	"p": nil, "br": nil, "strong": nil, "em": nil, "del": nil, "code": nil, "pre": nil, "blockquote": nil, "ul": nil, "li": nil,
	"ol": nil, "a": {"href", "rel", "target"}, "img": {"src", "alt", "loading", "referrerpolicy"},
}

// prove reports what of HTML is not as doc.go says. It reads it twice: letter by letter, as
// who shows it may, and as browsers do.
func prove(s string) error {
	if err := letters(s); err != nil {
		return fmt.Errorf("%w in %q", err, s)
	}
	if err := asBrowsersDo(s); err != nil {
		return fmt.Errorf("%w in %q", err, s)
	}
	if again := sanitise(s); again != s {
		return fmt.Errorf("sanitised again it is %q, and was %q", again, s)
	}
	return nil
}

var (
	tag    = regexp.MustCompile(`^<(/?)([a-z]+)((?: [a-z]+="[^"<>']*")*)>`)
	inTag  = regexp.MustCompile(` ([a-z]+)="([^"]*)"`)
	number = regexp.MustCompile(`^[0-9]{1,9}$`)
	entity = regexp.MustCompile(`^&(amp|lt|gt|quot|#39);`)
)

// letters reads what the package's document says, and nothing else.
func letters(s string) error {
	var open []string
	if !utf8.ValidString(s) {
		return errors.New("not UTF-8")
	}
	for s != "" {
		switch c := s[0]; {
		case c == '<':
			m := tag.FindStringSubmatch(s)
			if m == nil {
				return fmt.Errorf("no tag at %.40q", s)
			}
			s = s[len(m[0]):]
			switch name := m[2]; {
			case m[1] == "" && name != "br" && name != "img":
				open = append(open, name)
				if len(open) > MaxDepth+1 {
					return errors.New("too deep")
				}
			case m[1] != "" && (len(open) == 0 || open[len(open)-1] != name || m[3] != ""):
				return fmt.Errorf("</%s> closes %v", name, open)
			case m[1] != "":
				open = open[:len(open)-1]
			}
			if err := ampersands(m[3]); err != nil {
				return err
			}
		case c == '>' || c == '"' || c == '\'':
			return fmt.Errorf("a bare %c", c)
		case c == '&':
			m := entity.FindString(s)
			if m == "" {
				return fmt.Errorf("no entity at %.20q", s)
			}
			s = s[len(m):]
		case c < ' ' && c != '\n' && (c != '\t' || !slices.Contains(open, "pre")), c == 0x7f:
			return fmt.Errorf("a control character at %.20q", s)
		default:
			s = s[1:]
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%v are left open", open)
	}
	return nil
}

func ampersands(s string) error {
	for _, m := range inTag.FindAllStringSubmatch(s, -1) {
		for at := strings.IndexByte(m[2], '&'); at >= 0; at = strings.IndexByte(m[2], '&') {
			if m[2] = m[2][at:]; !entity.MatchString(m[2]) {
				return fmt.Errorf("no entity at %.20q", m[2])
			}
			m[2] = m[2][1:]
		}
	}
	return nil
}

// likeOurs brings what html.Render writes into the form of this package.
var likeOurs = strings.NewReplacer("<br/>", "<br>", "&#34;", "&quot;", `referrerpolicy="no-referrer"/>`, `referrerpolicy="no-referrer">`)

func asBrowsersDo(s string) error {
	nodes, err := html.ParseFragment(strings.NewReader(s), &html.Node{Type: html.ElementNode, DataAtom: atom.Div, Data: "div"})
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, n := range nodes {
		if err := allowed(n, nil); err != nil {
			return err
		}
		if err := html.Render(&b, n); err != nil {
			return err
		}
	}
	if again := likeOurs.Replace(b.String()); again != s {
		return fmt.Errorf("a browser reads %q", again)
	}
	return nil
}

func allowed(n *html.Node, around []string) error {
	switch n.Type {
	case html.TextNode:
		return nil
	case html.ElementNode:
	default:
		return fmt.Errorf("a node of type %d", n.Type)
	}
	want, ok := attributes[n.Data]
	if !ok || n.Namespace != "" {
		return fmt.Errorf("an element %q", n.Data)
	}
	if n.Data == "a" && slices.Contains(around, "a") {
		return errors.New("a link in a link")
	}
	if n.Data == "pre" && (n.FirstChild == nil || n.FirstChild.Data != "code" || n.FirstChild.NextSibling != nil) {
		return errors.New("a pre that has not one code in it")
	}
	var have []string
	for _, a := range n.Attr {
		if err := valid(n.Data, a); err != nil {
			return err
		}
		have = append(have, a.Key)
	}
	if n.Data == "ol" && slices.Equal(have, []string{"start"}) {
		have = nil
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("%s has %v", n.Data, have)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if err := allowed(c, append(around, n.Data)); err != nil {
			return err
		}
	}
	return nil
}

// valid reports what an attribute may not be.
func valid(element string, a html.Attribute) error {
	wrong := fmt.Errorf("%s has %s=%q", element, a.Key, a.Val)
	switch a.Key {
	case "href", "src":
		u, err := url.Parse(a.Val)
		if err != nil || len(a.Val) > maxAddress {
			return wrong
		}
		for _, r := range a.Val {
			if r <= ' ' || r >= 0x7f {
				return wrong
			}
		}
		switch {
		case (u.Scheme == "https" || u.Scheme == "http" && element == "a") && u.Host != "" && u.User == nil && u.Opaque == "":
			return nil
		case u.Scheme == "mailto" && element == "a" && u.Opaque != "" && u.RawQuery == "" && !u.ForceQuery:
			return nil
		}
		return wrong
	case "rel":
		if a.Val != Rel {
			return wrong
		}
	case "target":
		if a.Val != "_blank" {
			return wrong
		}
	case "loading":
		if a.Val != "lazy" {
			return wrong
		}
	case "referrerpolicy":
		if a.Val != "no-referrer" {
			return wrong
		}
	case "start":
		if !number.MatchString(a.Val) || a.Val == "1" {
			return wrong
		}
	}
	return nil
}

// proven renders and proves, with images and without.
func proven(t testing.TB, text string) Document {
	t.Helper()
	if err := prove(Render(text, Options{Images: true}).HTML); err != nil {
		t.Errorf("%q with images: %v", text, err)
	}
	d := Render(text, Options{})
	if err := prove(d.HTML); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	if strings.Contains(d.HTML, "<img") {
		t.Errorf("%q: an image, and there shall be none: %q", text, d.HTML)
	}
	return d
}

func TestTheProofFindsWhatIsNotOfTheSubset(t *testing.T) {
	t.Parallel()
	const link = `rel="nofollow ugc noopener" target="_blank">x</a>`
	for _, bad := range []string{
		`<script>alert(1)</script>`, `<p onclick="x">a</p>`, `<p>a`, `a</p>`, `<em><strong>a</em></strong>`, `<p><ul></ul></p>`, `<br/>`,
		`<P>a</P>`, `<p>a & b</p>`, `<p>a &copy; b</p>`, `<p>"</p>`, `<p>'</p>`, `a > b`, `<!-- a -->`, `<svg></svg>`, "a\x00", "a\tb", "a\xff",
		`<a href="https://x.org">x</a>`, `<a href="javascript:alert(1)" ` + link, `<a href="/x" ` + link, `<a href="//x.org" ` + link,
		`<a href="https://a@x.org" ` + link, `<a href="https://x.org/ä" ` + link, `<a href="https:x.org" ` + link, `<a href="https://x.org?a&b" ` + link,
		`<a href="data:text/html,x" ` + link, `<a href="mailto:a@b.c?bcc=d@e.f" ` + link, `<a href='https://x.org' ` + link,
		`<a href="https://x.org" target="_blank" rel="nofollow ugc noopener">x</a>`,
		`<img src="http://x.org/a" alt="" loading="lazy" referrerpolicy="no-referrer">`, `<img src="https://x.org/a" alt="">`,
		`<pre>a</pre>`, `<ol start="-1"></ol>`, `<ol start="1"></ol>`, strings.Repeat("<em>", 40) + strings.Repeat("</em>", 40),
	} {
		if prove(bad) == nil {
			t.Errorf("%q is not found", bad)
		}
	}
	for _, good := range []string{
		"", `<p>a &amp; b<br>c &quot;d&quot; &#39;e&#39; &lt;f&gt;</p>`, `<ol start="3"><li>a<ul><li><p>b</p></li></ul></li></ol>`,
		"<blockquote><pre><code>a\tb\n</code></pre></blockquote>", `<p><a href="https://x.org?a&amp;b" ` + link + `</p>`,
		`<p><a href="mailto:a@b.c" ` + link + `<img src="https://x.org/a" alt="&quot;" loading="lazy" referrerpolicy="no-referrer"></p>`,
	} {
		if err := prove(good); err != nil {
			t.Error(err)
		}
	}
}
