package markup

import (
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
)

// Rel is the value of rel of every link.
const Rel = "nofollow ugc noopener"

// policy is the subset of HTML of this package, once more and by other hands.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")

	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(https?://|mailto:)[!#-;=?-~]+$`)).OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^` + Rel + `$`)).OnElements("a")
	p.AllowAttrs("target").Matching(regexp.MustCompile(`^_blank$`)).OnElements("a")

	p.AllowAttrs("src").Matching(regexp.MustCompile(`^https://[!#-;=?-~]+$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("referrerpolicy").Matching(regexp.MustCompile(`^no-referrer$`)).OnElements("img")

	p.RequireParseableURLs(true)
	p.AllowURLSchemes("http", "https", "mailto")
	return p
}

// entities are the ways in which bluemonday escapes what is escaped otherwise here. In what it
// writes, an & always begins an entity.
var entities = strings.NewReplacer("&#34;", "&quot;", "&#13;", "")

// sanitise takes away what is not of the subset. What is of it stays as it is.
func sanitise(html string) string { return entities.Replace(policy.Sanitize(html)) }
