package comments

import (
	"context"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// watchCounts has the client hear how many comments pages have.
func (r *request) watchCounts(ctx context.Context) (any, error) {
	var q struct {
		Pages []string `json:"pages"`
	}
	if err := r.bind(&q, "{pages}, a list of keys"); err != nil {
		return nil, err
	}
	if len(q.Pages) > maxCounts {
		return nil, badRequest("pages", "pages has more than 100 keys")
	}
	for _, page := range q.Pages {
		if err := checkPage(page, "pages"); err != nil {
			return nil, err
		}
	}
	pages := slices.Compact(slices.Sorted(slices.Values(q.Pages)))
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return nil, context.Canceled
	}
	was := r.counts
	r.counts = pages
	rooms := func(pages []string) (all []string) {
		for _, page := range pages {
			all = append(all, r.site.room(roomCount, page))
		}
		return all
	}
	r.socket.Leave(rooms(was)...)
	r.joinLocked(rooms(pages)...)
	r.site.mu.Lock()
	r.site.unwatchLocked(was)
	for _, page := range pages {
		r.site.watched[page]++
	}
	r.site.mu.Unlock()
	r.mu.Unlock()
	stored, err := r.c.store.Counts(ctx, r.site.name, pages)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(pages))
	for _, page := range pages {
		counts[page] = stored[page]
	}
	return map[string]any{"counts": counts}, nil
}

// maxCounts is of how many pages a client hears the count.
const maxCounts = 100

// unwatchLocked says that somebody hears the counts of pages no more.
func (s *site) unwatchLocked(pages []string) {
	for _, page := range pages {
		if s.watched[page]--; s.watched[page] <= 0 {
			delete(s.watched, page)
		}
	}
}

// pageChanged notes what a page is, and reports whether who is on it hears that at once: that it
// was closed, or opened. That there are more comments they hear a little later.
func (f *feed) pageChanged(p *store.Page) (now bool) {
	s := f.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watched[p.Key] > 0 {
		s.countDue[p.Key] = p.Count
	}
	l := s.pages[p.Key]
	if l == nil {
		return false
	}
	now = !l.loaded || l.page.Locked != p.Locked
	s.pageIsLocked(p)
	l.changed = l.changed || !now
	s.pageDue = s.pageDue || l.changed
	return now
}

// tellPage tells who is on a page what it is.
func (f *feed) tellPage(p *store.Page, upTo int64) {
	f.toPage(p.Key, cursor{upTo, f.told.tally}, "page", map[string]any{"page": pageForm(f.s.about.Load(), p)})
}

func (f *feed) countsDue(time.Time) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.s.pageDue || len(f.s.countDue) > 0
}

// counts tells how many comments pages have.
func (f *feed) counts(time.Time) (more time.Time) {
	s := f.s
	var changed []store.Page
	s.mu.Lock()
	due := s.countDue
	s.countDue, s.pageDue = make(map[string]int), false
	for _, l := range s.pages {
		if l.changed {
			l.changed = false
			changed = append(changed, l.page)
		}
	}
	s.mu.Unlock()
	for i := range changed {
		f.tellPage(&changed[i], f.told.seq)
	}
	for page, count := range due {
		f.emitted("counts", s.c.ns.To(s.room(roomCount, page)).Local().Emit("counts", map[string]any{"counts": map[string]int{page: count}}))
	}
	return more
}
