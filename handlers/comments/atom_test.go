package comments

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// feedOf reads a feed as a program would that knows Atom only.
type feedOf struct {
	XMLName xml.Name
	ID      string `xml:"http://www.w3.org/2005/Atom id"`
	Title   string `xml:"http://www.w3.org/2005/Atom title"`
	Updated string `xml:"http://www.w3.org/2005/Atom updated"`
	Author  []struct {
		Name string `xml:"name"`
	} `xml:"http://www.w3.org/2005/Atom author"`
	Links   []linkOf  `xml:"http://www.w3.org/2005/Atom link"`
	Entries []entryOf `xml:"http://www.w3.org/2005/Atom entry"`
}

type linkOf struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type entryOf struct {
	ID        string `xml:"id"`
	Title     string `xml:"title"`
	Updated   string `xml:"updated"`
	Published string `xml:"published"`
	Author    struct {
		Name string `xml:"name"`
	} `xml:"author"`
	Links   []linkOf `xml:"link"`
	Content struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"content"`
}

func readFeed(t *testing.T, a *answer) (f feedOf) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%s, %v: %s", a.Status, a.Header, a.text)
	}
	if err := xml.Unmarshal(a.text, &f); err != nil {
		t.Fatalf("%v: %s", err, a.text)
	}
	if f.XMLName != (xml.Name{Space: "http://www.w3.org/2005/Atom", Local: "feed"}) || !strings.HasPrefix(string(a.text), xml.Header) {
		t.Errorf("%v", f.XMLName)
	}
	return f
}

var uuid8 = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// TestAFeedHasWhatAtomRequires: RFC 4287, sections 4.1.1 and 4.1.2.
func TestAFeedHasWhatAtomRequires(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	one := add(t, n.store, store.Comment{Text: "a < b & \"c\"", HTML: "<p>a &lt; b &amp; <em>c</em></p>\n", Title: "Post & more", URL: blogOrigin + "/a?x=1"})
	two := add(t, n.store, store.Comment{Text: "else", Page: "odd\tkey", Author: store.Author{ID: "g_0123456789abcdef", Name: "Ben\x01"}})
	add(t, n.store, store.Comment{Text: "waits", State: store.Pending})
	edited, err := n.store.Edit(t.Context(), "blog", two.ID, store.Edit{Text: "e", HTML: "<p>e</p>", State: store.Published, Edited: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, want := range map[string][]store.Comment{
		"/comments/v1/blog/feed.atom":         {edited, one},
		"/comments/v1/blog/feed.atom?page=/a": {one},
		"/comments/v1/shop/feed.atom":         nil,
		"/comments/v1/blog/feed.atom?page=/z": nil,
	} {
		f := readFeed(t, n.get(t, path))
		if !uuid8.MatchString(f.ID) || ids[f.ID] || f.Title == "" || len(f.Entries) != len(want) {
			t.Fatalf("%s: %+v", path, f)
		}
		ids[f.ID] = true
		if self := linkTo(f.Links, "self"); self != n.url+path {
			t.Errorf("%s is at %s itself", path, self)
		}
		updated := parseTime(t, f.Updated)
		if len(want) == 0 && len(f.Author) != 1 {
			t.Errorf("%s: a feed without entries has no author", path)
		}
		for i, e := range f.Entries {
			c := want[i]
			if !uuid8.MatchString(e.ID) || e.Title == "" || e.Author.Name == "" || e.Content.Type != "html" || e.Content.Text != c.HTML {
				t.Errorf("%s: %+v", path, e)
			}
			if at := parseTime(t, e.Updated); at.After(updated) || at.Before(parseTime(t, e.Published)) {
				t.Errorf("%s: %s is later than the feed's %s", path, e.Updated, f.Updated)
			}
		}
	}
	f := readFeed(t, n.get(t, "/comments/v1/blog/feed.atom?page=/a"))
	if f.Title != "Comments on Post & more" || linkTo(f.Links, "alternate") != blogOrigin+"/a?x=1" {
		t.Errorf("%+v", f)
	}
	if e := f.Entries[0]; linkTo(e.Links, "alternate") != blogOrigin+"/a?x=1#comment-"+one.ID || e.Title != "Ann on Post & more" || e.Author.Name != "Ann" {
		t.Errorf("%+v", e)
	}
	// The same comment has the same id in both.
	if all := readFeed(t, n.get(t, "/comments/v1/blog/feed.atom")); all.Entries[1].ID != f.Entries[0].ID || all.Entries[0].Author.Name != "Ben\ufffd" {
		t.Errorf("%+v", all.Entries)
	}
}

func linkTo(links []linkOf, rel string) string {
	for _, l := range links {
		if l.Rel == rel {
			if u, err := url.Parse(l.Href); err == nil && u.IsAbs() {
				return l.Href
			}
		}
	}
	return ""
}

func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Errorf("%v", err)
	}
	return at
}

func TestWhoHasAFeedIsToldSo(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	add(t, n.store, store.Comment{Text: "one"})
	const path = "/comments/v1/blog/feed.atom"
	first := n.get(t, path)
	modified := first.Header.Get("Last-Modified")
	for _, header := range [][]string{{"If-None-Match", first.Header.Get("ETag")}, {"If-Modified-Since", modified}} {
		if a := n.get(t, path, header...); a.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s", header[0], a.Status)
		}
	}
	at, err := http.ParseTime(modified)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range [][]string{
		{"If-None-Match", `"other"`, "If-Modified-Since", modified}, // the tag counts
		{"If-Modified-Since", at.Add(-time.Minute).Format(http.TimeFormat)},
		{"If-Modified-Since", "yesterday"},
	} {
		if a := n.get(t, path, header...); a.StatusCode != http.StatusOK {
			t.Errorf("%v: %s", header, a.Status)
		}
	}
	n.get(t, path+"?page="+strings.Repeat("x", 600)).wants(t, http.StatusBadRequest, "bad_request")
}

// TestAFeedIsMadeOnce: whoever adds parameters to its address does not have it made again, nor others' answers leave.
func TestAFeedIsMadeOnce(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for _, more := range []string{"", "&x=1", "&x=2", "&page=/b"} {
		a := n.get(t, "/comments/v1/blog/feed.atom?page=/a"+more)
		if a.StatusCode != http.StatusOK || !strings.Contains(string(a.text), `href="`+n.url+`/comments/v1/blog/feed.atom?page=/a"`) {
			t.Errorf("%s: %s %s", more, a.Status, a.text)
		}
	}
	if got := n.shelf.builds; got != 1 {
		t.Errorf("it was made %d times", got)
	}
}
