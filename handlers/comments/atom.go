package comments

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const (
	atomKind    = "application/atom+xml; charset=utf-8"
	atomEntries = 50
)

// atomFeed is a feed document (RFC 4287, section 4.1.1).
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"` // RFC 3339
	Links   []atomLink  `xml:"link"`
	Author  *atomPerson `xml:"author"` // of entries without one: section 4.1.1 wants one where there are no entries
	Entries []atomEntry `xml:"entry"`
}

// atomEntry is a comment (section 4.1.2).
type atomEntry struct {
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Updated   string      `xml:"updated"`
	Published string      `xml:"published"`
	Author    atomPerson  `xml:"author"`
	Links     []atomLink  `xml:"link"`
	Content   atomContent `xml:"content"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

// atomContent is HTML, escaped as text (section 4.1.3.3).
type atomContent struct {
	Type string `xml:"type,attr"`
	HTML string `xml:",chardata"`
}

// atomRequest is which feed is asked for.
type atomRequest struct {
	page string // "" is the whole site
	self string // where it is asked for
}

// buildAtom reads what is new of a page, or of a site.
func (c *Comments) buildAtom(ctx context.Context, a *about, q atomRequest) (*ready, error) {
	comments, err := c.store.Recent(ctx, a.Name, q.page, atomEntries)
	if err != nil {
		return nil, err
	}
	pages := make(map[string]store.Page)
	for i := range comments {
		pages[comments[i].Page] = store.Page{}
	}
	if q.page != "" {
		pages[q.page] = store.Page{}
	}
	for key := range pages {
		if pages[key], err = c.store.Page(ctx, a.Name, key); err != nil {
			return nil, err
		}
	}
	f, updated := a.atomFeed(q, comments, pages)
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	if err := xml.NewEncoder(&buf).Encode(f); err != nil {
		return nil, fmt.Errorf("writing a feed: %w", err)
	}
	r, err := newReady(atomKind, buf.Bytes())
	if err == nil {
		r.modified = updated
	}
	return r, err
}

// atomFeed is the document of comments, newest first.
func (a *about) atomFeed(q atomRequest, comments []store.Comment, pages map[string]store.Page) (f *atomFeed, updated time.Time) {
	f = &atomFeed{
		ID: a.atomID("page", q.page), Title: "Comments of " + a.Name,
		Links: []atomLink{{Rel: "self", Type: "application/atom+xml", Href: q.self}},
	}
	updated = a.Created
	if q.page != "" {
		page := pages[q.page]
		f.Title = "Comments on " + cmp.Or(page.Title, page.Key)
		if page.Created.After(updated) {
			updated = page.Created
		}
		if address := addressOf(&a.Site, &page); address != "" {
			f.Links = append(f.Links, atomLink{Rel: "alternate", Type: "text/html", Href: address})
		}
	}
	for i := range comments {
		c := &comments[i]
		page := pages[c.Page]
		changed := shown(c)
		if c.Edited.After(changed) {
			changed = c.Edited
		}
		if changed.After(updated) {
			updated = changed
		}
		f.Entries = append(f.Entries, a.atomEntry(c, &page, changed))
	}
	if len(comments) == 0 {
		f.Author = &atomPerson{a.Name}
	}
	f.Updated = atomTime(updated)
	return f, updated
}

// shown is when the public first saw a comment.
func shown(c *store.Comment) time.Time {
	if c.Published.IsZero() {
		return c.Created
	}
	return c.Published
}

func (a *about) atomEntry(c *store.Comment, page *store.Page, changed time.Time) atomEntry {
	e := atomEntry{
		ID: a.atomID("comment", c.ID), Title: c.Author.Name + " on " + cmp.Or(page.Title, page.Key),
		Updated: atomTime(changed), Published: atomTime(shown(c)),
		Author: atomPerson{c.Author.Name}, Content: atomContent{"html", c.HTML},
	}
	if address := addressOf(&a.Site, page); address != "" {
		e.Links = append(e.Links, atomLink{Rel: "alternate", Type: "text/html", Href: withFragment(address, "comment-"+c.ID)})
	}
	return e
}

// withFragment is where in a page something is.
func withFragment(address, fragment string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Fragment, u.RawFragment = fragment, ""
	return u.String()
}

func atomTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// atomID is an id that stays as it is wherever the site and this server move to: a UUID of
// version 8 (RFC 9562, section 5.8), of what it stands for.
func (a *about) atomID(kind, of string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "sockeye %s\x00%s\x00%d\x00%s", kind, a.Name, a.Created.UnixMilli(), of))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// addressAsked is the address of a feed, as the client sees it, without parameters that are none of it: a feed is made
// once, whatever else is in its address.
func addressAsked(r *http.Request, page string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	query := url.Values{}
	if page != "" {
		query.Set("page", page)
	}
	u := url.URL{Scheme: scheme, Host: r.Host, Path: r.URL.Path, RawQuery: strings.ReplaceAll(query.Encode(), "%2F", "/")}
	return u.String()
}

// feedAtom answers with what is new of a page, or of the site.
func (c *Comments) feedAtom(w http.ResponseWriter, r *http.Request, s *site) error {
	q := atomRequest{page: r.URL.Query().Get("page")}
	if q.page != "" {
		if err := checkPage(q.page, "page"); err != nil {
			return err
		}
	}
	q.self = addressAsked(r, q.page)
	answer, err := c.readied(r.Context(), s, &recipe{
		key: readyKey{kind: "atom", site: s.name, created: s.about.Load().Created.UnixNano(), page: q.page, with: q.self},
		build: func(ctx context.Context, a *about, _ store.Head) (*ready, error) {
			return c.buildAtom(ctx, a, q)
		},
	})
	if err != nil {
		return err
	}
	answer.serve(w, r)
	return nil
}
