package comments

import (
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Bounds of what comes with a comment, in bytes.
const (
	maxClientKey = 64
	maxTitle     = 300
	maxURL       = 2000
	maxHoneypot  = 1000
)

// posted is what a client sends.
type posted struct {
	Page    string `json:"page"`
	Parent  string `json:"parent"`
	Text    string `json:"text"`
	Key     string `json:"key"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	Website string `json:"website"`
	Stamp   string `json:"stamp"`
}

func (r *request) post(ctx context.Context) (any, error) {
	added, err := r.add(ctx)
	var refused *refusal
	switch {
	case err == nil:
		r.c.opts.Observer.Commented(string(added.State))
	case errors.As(err, &refused):
		r.c.opts.Observer.Commented(refused.code)
	case errors.Is(err, store.ErrNotFound):
		r.c.opts.Observer.Commented(errNotFound.code)
	default:
		r.c.opts.Observer.Commented(errFailed.code)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"comment": formFor(r.user, &added)}, nil
}

func (r *request) add(ctx context.Context) (added store.Comment, err error) {
	var q posted
	if err = r.bind(&q, "{page, parent?, text, key, title?, url?, website?, stamp?}"); err != nil {
		return added, err
	}
	if err = q.check(); err != nil {
		return added, err
	}
	a := r.site.about.Load()
	document, err := read(a, q.Text)
	if err != nil {
		return added, err
	}
	if err = r.take(ctx, "post"); err != nil {
		return added, err
	}
	state, held, err := r.judge(ctx, a, &q, document)
	if err == nil {
		q.Parent, err = r.place(ctx, a, &q)
	}
	if err != nil {
		var refused *refusal
		if errors.As(err, &refused) { // said again after its answer was lost, it is neither a duplicate nor too late
			if earlier, found := r.earlier(ctx, q.Key); found {
				return earlier, nil
			}
		}
		return added, err
	}
	c := store.Comment{
		Site: r.site.name, Page: q.Page, Title: clip(q.Title, maxTitle), URL: a.pageURL(q.URL), Parent: q.Parent,
		Author: r.user.Author, Key: q.Key, Text: q.Text, HTML: document.HTML, Hash: guard.Hash(document.Plain),
		State: state, Held: held, Addr: a.addressHash(r.address()),
	}
	added, _, err = r.c.store.Add(ctx, c)
	if err != nil {
		return added, err
	}
	r.site.advanced(added.Seq, 0)
	r.site.types(q.Page, r.user.ID, "")
	if added.State == store.Rejected && !r.user.moderator() {
		return added, &refusal{code: "rejected", message: "this site does not publish a comment like this"}
	}
	return added, nil
}

// check refuses what can be no comment.
func (q *posted) check() error {
	if err := checkPage(q.Page, "page"); err != nil {
		return err
	}
	switch {
	case q.Key == "" || len(q.Key) > maxClientKey || !utf8.ValidString(q.Key):
		return badRequest("key", "key is missing, or has more than "+strconv.Itoa(maxClientKey)+" bytes: make one up for each comment")
	case !utf8.ValidString(q.Text) || strings.ContainsRune(q.Text, 0):
		return badRequest("text", "text is no text")
	case !utf8.ValidString(q.Title):
		return badRequest("title", "title is no text")
	case len(q.Parent) > maxClientKey:
		return errNotFound
	}
	q.Website = clip(q.Website, maxHoneypot)
	return nil
}

// read makes HTML of a text, if there is something to see and not too much.
func read(a *about, text string) (markup.Document, error) {
	most := maxLength(&a.Settings)
	if n := utf8.RuneCountInString(text); n > most {
		return markup.Document{}, &refusal{
			code: "too_long", field: "text",
			message: "the comment has " + strconv.Itoa(n) + " characters; the most is " + strconv.Itoa(most),
		}
	}
	document := markup.Render(text, markup.Options{Images: a.Settings.Images})
	if document.HTML == "" || strings.TrimSpace(text) == "" {
		return document, &refusal{code: "empty", field: "text", message: "there is nothing to see in the comment"}
	}
	return document, nil
}

// judge says what becomes of a comment, or refuses it.
func (r *request) judge(ctx context.Context, a *about, q *posted, document markup.Document) (store.State, []string, error) {
	if err := r.writes(ctx); err != nil {
		return "", nil, err
	}
	page, err := r.c.store.Page(ctx, r.site.name, q.Page)
	if err != nil {
		return "", nil, err
	}
	if err := takesComments(a, &page); err != nil && !r.user.moderator() {
		return "", nil, err
	}
	verdict, err := a.guard.Check(ctx, &guard.Submission{
		Site: &a.Site, Author: r.user.Author, Document: document, Text: q.Text, Hash: guard.Hash(document.Plain),
		Honeypot: q.Website, Open: time.Since(r.opened(a, q)), Address: r.address(), Trusted: r.user.moderator(),
	})
	if err != nil {
		return "", nil, err
	}
	if verdict.Code != "" {
		return "", nil, &refusal{code: verdict.Code, message: verdict.Message, retryAfter: verdict.RetryAfter}
	}
	return verdict.State, verdict.Held, nil
}

// opened is since when the client has the page open, as far as it can show.
func (r *request) opened(a *about, q *posted) time.Time {
	r.mu.Lock()
	since, there := r.pages.since(q.Page)
	r.mu.Unlock()
	if !there {
		since = time.Now()
	}
	if q.Stamp != "" {
		if shown := a.guard.Since(&a.Site, q.Stamp); shown.Before(since) {
			since = shown
		}
	}
	return since
}

// place is the parent that a comment is put under: what it answers or, where that is at the
// deepest level, what that is under.
func (r *request) place(ctx context.Context, a *about, q *posted) (parent string, err error) {
	deepest := maxDepth(&a.Settings)
	for parent = q.Parent; parent != ""; {
		of, err := r.c.store.Comment(ctx, r.site.name, parent)
		switch {
		case err != nil:
			return "", err
		case of.Page != q.Page:
			return "", errNotFound
		case parent == q.Parent && of.State != store.Published:
			return "", &refusal{code: "not_found", field: "parent", message: "the comment that this one answers is not there any more"}
		case of.Depth < deepest:
			return parent, nil
		}
		parent = of.Parent
	}
	return parent, nil
}

// earlier finds what the user has said under a key.
func (r *request) earlier(ctx context.Context, key string) (store.Comment, bool) {
	const last = 50
	comments, _, err := r.c.store.Search(ctx, store.Search{Site: r.site.name, User: r.user.ID, Limit: last})
	if err != nil {
		return store.Comment{}, false
	}
	for i := range comments {
		if comments[i].Key == key && comments[i].State != store.Rejected {
			return comments[i], true
		}
	}
	return store.Comment{}, false
}

// addressHash stands for an address without telling it.
func (a *about) addressHash(address string) string {
	return hex.EncodeToString(a.keyed("address:" + address)[:16])
}

// pageURL is the address that a client says a page has, if it is one of the site.
func (a *about) pageURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	if len(a.Origins) > 0 && !a.origins.Allow(requestOf(u.Scheme+"://"+u.Host)) {
		return ""
	}
	u.Fragment = ""
	return u.String()
}

// clip shortens a text to so many bytes, between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func (r *request) preview(ctx context.Context) (any, error) {
	var q struct {
		Text string `json:"text"`
	}
	if err := r.bind(&q, "{text}"); err != nil {
		return nil, err
	}
	if err := r.take(ctx, "preview"); err != nil {
		return nil, err
	}
	document, err := read(r.site.about.Load(), q.Text)
	if err != nil {
		return nil, err
	}
	return map[string]string{"html": document.HTML}, nil
}

// typing says that the user types. There is no answer.
func (r *request) typing(ctx context.Context) (any, error) {
	var q struct {
		Page string `json:"page"`
	}
	if err := r.bind(&q, "{page}"); err != nil {
		return nil, err
	}
	now := time.Now()
	r.mu.Lock()
	_, there := r.pages.since(q.Page)
	tooSoon := now.Sub(r.typed) < typesEvery
	if !tooSoon {
		r.typed = now
	}
	r.mu.Unlock()
	switch {
	case !r.site.about.Load().Settings.Typing, tooSoon:
		return nil, nil //nolint:nilnil // it is a hint, which nobody waits for
	case !there:
		return nil, badRequest("page", "join the page first")
	}
	if err := r.writes(ctx); err != nil {
		return nil, err
	}
	r.site.types(q.Page, r.user.ID, r.user.Name)
	return nil, nil //nolint:nilnil // see above
}

// types notes on all nodes that somebody types on a page; with no name, no more.
func (s *site) types(page, user, name string) {
	if !s.about.Load().Settings.Typing {
		return
	}
	s.mu.Lock()
	s.typesLocked(page, user, name, time.Now())
	s.mu.Unlock()
	s.c.nudge(&nodeMessage{Site: s.name, Typing: []nodeTypist{{page, user, name}}})
}
