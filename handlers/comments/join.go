package comments

import (
	"context"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxKey is the length of the key of a page, in bytes.
const maxKey = 512

// checkPage refuses what can be no key of a page.
func checkPage(key, field string) error {
	switch {
	case key == "":
		return badRequest(field, field+" is missing: the key of the page, such as /post-1")
	case len(key) > maxKey:
		return badRequest(field, field+" has more than "+strconv.Itoa(maxKey)+" bytes")
	case !utf8.ValidString(key):
		return badRequest(field, field+" is no text")
	}
	for _, r := range key {
		if unicode.IsControl(r) {
			return badRequest(field, field+" has a control character")
		}
	}
	return nil
}

// livePage is a page that somebody on this node is on.
type livePage struct {
	here    int // sessions
	page    store.Page
	loaded  bool // page is known
	changed bool // page is to be told
	viewers int  // as they were last told
	dirty   bool // viewers are to be told
}

// mine is what a user finds of the user's own on a page.
type mine struct {
	User      *userForm           `json:"user,omitempty"`
	Votes     map[string]int      `json:"votes"`
	Reactions map[string][]string `json:"reactions"`
	Pending   []any               `json:"pending"`
}

// joined answers a join.
type joined struct {
	Page     pageOf      `json:"page"`
	Cursor   string      `json:"cursor"`
	Reset    bool        `json:"reset,omitempty"`
	Comments []any       `json:"comments"`
	Tallies  []tallyForm `json:"tallies"`
	Mine     mine        `json:"mine"`
	Viewers  *int        `json:"viewers,omitempty"`
	Stamp    string      `json:"stamp"`
}

func (r *request) join(ctx context.Context) (any, error) {
	var q struct {
		Page   string `json:"page"`
		Cursor string `json:"cursor"`
		Stamp  string `json:"stamp"`
	}
	if err := r.bind(&q, "{page, cursor?, stamp?}"); err != nil {
		return nil, err
	}
	if err := checkPage(q.Page, "page"); err != nil {
		return nil, err
	}
	after, valid := parseCursor(q.Cursor)
	if q.Cursor != "" && !valid {
		return nil, badRequest("cursor", "cursor is none that this server gave")
	}
	a := r.site.about.Load()
	opened := time.Now()
	if q.Stamp != "" {
		opened = a.guard.Since(&a.Site, q.Stamp)
	}
	// First into the room, then what is after the cursor: nothing falls between.
	opened, err := r.enter(q.Page, opened)
	if err != nil {
		return nil, err
	}
	told, err := r.site.following(ctx)
	if err != nil {
		return nil, err
	}
	answer := joined{Comments: []any{}, Tallies: []tallyForm{}, Stamp: a.guard.Stamp(&a.Site, opened)}
	n := news{reset: true, upTo: told}
	if q.Cursor != "" {
		if n, err = r.site.since(ctx, q.Page, after, told); err != nil {
			return nil, err
		}
	}
	answer.Cursor, answer.Reset = n.upTo.String(), n.reset
	if !n.reset {
		answer.Comments, answer.Tallies = forms(r.user, n.comments), tallyForms(n.tallies)
	}
	page, err := r.site.page(ctx, q.Page)
	if err != nil {
		return nil, err
	}
	answer.Page = pageForm(a, &page)
	if answer.Mine, err = r.mine(ctx, q.Page); err != nil {
		return nil, err
	}
	if a.Settings.Viewers {
		count := r.site.viewers(q.Page)
		answer.Viewers = &count
	}
	return answer, nil
}

// enter counts a session in on a page. It returns since when it is there.
func (s *session) enter(page string, opened time.Time) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, there := s.pages.since(page)
	switch {
	case s.over:
		return opened, context.Canceled
	case there:
		return since, nil
	case len(s.pages) >= maxPages:
		return opened, badRequest("page", "you are on "+strconv.Itoa(maxPages)+" pages: leave one first")
	}
	s.pages.add(page, opened)
	s.viewLocked(page)
	s.site.enter(page)
	return opened, nil
}

// mine reads what a user thinks of the comments of a page.
func (r *request) mine(ctx context.Context, page string) (mine, error) {
	m := mine{Votes: map[string]int{}, Reactions: map[string][]string{}, Pending: []any{}}
	if !r.user.known() {
		return m, nil
	}
	m.User = formOfUser(&r.user.Author)
	stored, err := r.c.store.Mine(ctx, r.site.name, page, r.user.ID)
	if err != nil {
		return m, err
	}
	if stored.Votes != nil {
		m.Votes = stored.Votes
	}
	if stored.Reactions != nil {
		m.Reactions = stored.Reactions
	}
	m.Pending = forms(r.user, stored.Pending)
	return m, nil
}

func (r *request) leave(context.Context) (any, error) {
	var q struct {
		Page string `json:"page"`
	}
	if err := r.bind(&q, "{page}"); err != nil {
		return nil, err
	}
	r.mu.Lock()
	there := r.pages.remove(q.Page)
	r.mu.Unlock()
	if there {
		r.socket.Leave(r.site.room(roomPage, q.Page))
		r.socket.Leave(r.site.room(roomStaff, q.Page))
		r.site.mu.Lock()
		r.site.exitLocked(q.Page)
		r.site.mu.Unlock()
	}
	return struct{}{}, nil
}

// enter counts somebody in on a page.
func (s *site) enter(page string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.pages[page]
	if l == nil {
		l = &livePage{}
		s.pages[page] = l
	}
	l.here++
	l.dirty, s.crowd = true, true
	s.wakeLocked()
}

// exitLocked counts somebody out.
func (s *site) exitLocked(page string) {
	l := s.pages[page]
	if l == nil {
		return
	}
	l.here--
	l.dirty, s.crowd = true, true
	s.wakeLocked()
}

// page returns a page, which the feed keeps up to date while somebody here is on it.
func (s *site) page(ctx context.Context, key string) (store.Page, error) {
	s.mu.Lock()
	if l := s.pages[key]; l != nil && l.loaded && s.feed != nil && s.head.Seq == s.feed.told.seq {
		p := l.page
		s.mu.Unlock()
		return p, nil
	}
	s.mu.Unlock()
	p, err := s.c.store.Page(ctx, s.name, key)
	if err != nil {
		return p, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageIsLocked(&p)
	return p, nil
}

// pageIsLocked notes what a page is, unless that is older than what is known.
func (s *site) pageIsLocked(p *store.Page) {
	if l := s.pages[p.Key]; l != nil && (!l.loaded || p.Seq >= l.page.Seq) {
		l.page, l.loaded = *p, true
	}
}
