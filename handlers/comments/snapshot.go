package comments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const (
	jsonKind = "application/json"
	// snapshotThreads is how many threads an answer has.
	snapshotThreads = 50
	// maxAfter is in bytes: no store makes longer ones.
	maxAfter = 200
)

// snapshotAnswer is a part of a page with its cursor.
type snapshotAnswer struct {
	Site     any        `json:"site"` // the public settings
	Page     any        `json:"page"`
	Cursor   string     `json:"cursor"`
	Sort     store.Sort `json:"sort"`
	Comments []any      `json:"comments"`
	Next     string     `json:"next,omitempty"`
}

// snapshot answers with a part of a page.
func (c *Comments) snapshot(w http.ResponseWriter, r *http.Request, s *site) error {
	q, err := snapshotQuery(r.URL.Query(), s.about.Load())
	if err != nil {
		return err
	}
	answer, err := c.readied(r.Context(), s, &recipe{
		key: readyKey{
			kind: "snapshot", site: q.Site, created: s.about.Load().Created.UnixNano(),
			page: q.Page, sort: q.Sort, after: q.After, with: q.With,
		},
		tally: true,
		build: func(ctx context.Context, a *about, head store.Head) (*ready, error) {
			return c.buildSnapshot(ctx, a, head, q)
		},
	})
	if err != nil {
		return err
	}
	answer.serve(w, r)
	return nil
}

// snapshotQuery reads what is asked for.
func snapshotQuery(values url.Values, a *about) (q store.ThreadQuery, err error) {
	q = store.ThreadQuery{
		Site: a.Name, Sort: store.Sort(values.Get("sort")), After: values.Get("after"), With: values.Get("with"), Limit: snapshotThreads,
	}
	if q.Page, err = pageAsked(values); err != nil {
		return q, err
	}
	switch q.Sort {
	case "":
		q.Sort = store.Newest
	case store.Newest, store.Oldest, store.Top:
	default:
		return q, badQuery("sort is newest, oldest or top")
	}
	if len(q.After) > maxAfter || strings.ContainsFunc(q.After, func(r rune) bool { return r < ' ' || r > '~' }) {
		return q, badQuery("after is next of the answer before")
	}
	if q.With != "" && !isID(q.With) {
		return q, badQuery("with is the id of a comment")
	}
	return q, nil
}

// buildSnapshot reads a part of a page. head was read before, so that whoever goes on from it
// misses nothing.
func (c *Comments) buildSnapshot(ctx context.Context, a *about, head store.Head, q store.ThreadQuery) (*ready, error) {
	page, err := c.store.Page(ctx, a.Name, q.Page)
	if err != nil {
		return nil, err
	}
	comments, next, err := c.store.Threads(ctx, q)
	if errors.Is(err, store.ErrPlace) {
		return nil, badQuery("after is %v", err)
	}
	if err != nil {
		return nil, err
	}
	answer := snapshotAnswer{
		Site: publicSettings(a), Page: pageForm(a, &page), Cursor: cursor{head.Seq, head.Tally}.String(), Sort: q.Sort,
		Comments: forms(reader, comments), Next: next,
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	rd, err := newReady(jsonKind, body)
	if err != nil {
		return nil, err
	}
	if days := a.Settings.ReadOnlyAfter; days > 0 && !page.Created.IsZero() {
		if end := page.Created.Add(time.Duration(days) * 24 * time.Hour); end.After(time.Now()) {
			rd.until = end
		}
	}
	return rd, nil
}

// isID reports whether a text can be the id of a comment.
func isID(text string) bool {
	return len(text) == 20 && !strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'v') })
}
