package comments

import (
	"slices"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// siteNews is a part of the news of a site: one comment, or a page.
type siteNews struct {
	seq   int64
	event string
	arg   any
}

// tellSite tells those who follow the whole site, in the order of the store. The id of each event
// is a cursor below everything that is still to be told, so that who is cut off between two
// misses nothing.
func (f *feed) tellSite(comments []store.Comment, pages []store.Page, upTo int64) {
	s := f.s
	if !f.followed() {
		return
	}
	var list []siteNews
	for i := range comments {
		c := &comments[i]
		if form := publicForm(c); form != nil {
			list = append(list, siteNews{c.Seq, "comments", told{c.Page, c.Seq, []any{form}}})
		}
	}
	a := s.about.Load()
	for i := range pages {
		list = append(list, siteNews{pages[i].Seq, "page", map[string]any{"page": pageForm(a, &pages[i])}})
	}
	slices.SortStableFunc(list, func(a, b siteNews) int { return int(a.seq - b.seq) })
	for i := range list {
		at := upTo
		if i+1 < len(list) {
			at = list[i+1].seq - 1
		}
		f.toSite(cursor{max(f.told.seq, at), f.told.tally}, list[i].event, list[i].arg)
	}
}

// toSite tells those who follow the whole site.
func (f *feed) toSite(at cursor, event string, arg any) {
	f.emitted(event, f.s.c.ns.To(f.s.room(roomSite, "")).Local().ID(at.String()).Emit(event, arg))
}

// followed reports whether somebody here follows the whole site.
func (f *feed) followed() bool { return f.s.c.ns.RoomSize(f.s.room(roomSite, "")) > 0 }

// tellTallies tells what is counted of comments of one read.
func (f *feed) tellTallies(comments []store.Comment, upTo int64) {
	parts := byPage(comments)
	for i, of := range parts {
		news := tallied{of[0].Page, upTo, tallyForms(of)}
		f.toPage(news.Page, cursor{f.told.seq, upTo}, "tally", news)
		if !f.followed() {
			continue
		}
		at := f.told.tally // the last one says how far this goes
		if i+1 == len(parts) {
			at = upTo
		}
		f.toSite(cursor{f.told.seq, at}, "tally", news)
	}
}
