package comments

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxCountsBody is in bytes: maxCounts keys, escaped.
const maxCountsBody = 512 << 10

type countsAnswer struct {
	Counts map[string]int `json:"counts"`
}

// counts answers how many comments pages have, for pages that list others.
func (c *Comments) counts(w http.ResponseWriter, r *http.Request, s *site) error {
	var keys []string
	if r.Method == http.MethodPost {
		var in struct{ Pages []string }
		if err := readJSON(r, maxCountsBody, &in); err != nil {
			return err
		}
		keys = in.Pages
	} else {
		keys = r.URL.Query()["page"]
	}
	keys, err := countedPages(keys)
	if err != nil {
		return err
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	answer, err := c.readied(r.Context(), s, &recipe{
		// No page has this key, so that every change of the site counts.
		key: readyKey{kind: "counts", site: s.name, created: s.about.Load().Created.UnixNano(), with: string(list)},
		build: func(ctx context.Context, a *about, _ store.Head) (*ready, error) {
			return c.buildCounts(ctx, a, keys)
		},
	})
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		writeBytes(w, http.StatusOK, answer.body)
		return nil
	}
	answer.serve(w, r)
	return nil
}

// countedPages are the pages that are asked for, each once.
func countedPages(keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, badQuery("say which pages: ?page=/a&page=/b, or POST {\"pages\": [\"/a\", \"/b\"]}")
	}
	keys = slices.Clone(keys)
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) > maxCounts {
		return nil, badQuery("at most %d pages at once", maxCounts)
	}
	for _, key := range keys {
		if err := checkPage(key, "page"); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (c *Comments) buildCounts(ctx context.Context, a *about, keys []string) (*ready, error) {
	found, err := c.store.Counts(ctx, a.Name, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[string]int, len(keys))
	for _, key := range keys {
		all[key] = found[key]
	}
	body, err := json.Marshal(countsAnswer{all})
	if err != nil {
		return nil, fmt.Errorf("writing counts: %w", err)
	}
	return newReady(jsonKind, body)
}
