package comments

import (
	"slices"
	"time"
	"unique"
)

// visit is a page that a client is on. There are many clients with one of them each, so they
// share the text of its key.
type visit struct {
	page  unique.Handle[string]
	since time.Time // the client has the page open
}

// visits are the pages of a client, few and mostly one.
type visits []visit

func (v visits) index(page string) int {
	return slices.IndexFunc(v, func(one visit) bool { return one.page.Value() == page })
}

// since returns since when a page is open, if the client is on it.
func (v visits) since(page string) (t time.Time, there bool) {
	if i := v.index(page); i >= 0 {
		return v[i].since, true
	}
	return time.Time{}, false
}

// add adds a page that is not there.
func (v *visits) add(page string, since time.Time) {
	*v = append(*v, visit{unique.Make(page), since})
}

// remove takes a page away, and reports whether it was there.
func (v *visits) remove(page string) bool {
	i := v.index(page)
	if i >= 0 {
		*v = slices.Delete(*v, i, i+1)
	}
	return i >= 0
}
