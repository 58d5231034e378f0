package comments

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// attic is a store that is asked for nothing but old comments. Only retain uses it.
type attic struct {
	store.Store
	sites []store.Site
	fail  error

	mu     sync.Mutex
	purged []string
}

func (a *attic) seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.purged)
}

func (a *attic) ListSites(context.Context) ([]store.Site, error) { return a.sites, nil }

func (a *attic) Purge(_ context.Context, site string, before time.Time) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before.IsZero() { // addresses are forgotten in any case
		a.purged = append(a.purged, site)
		return 0, nil
	}
	a.purged = append(a.purged, site+" "+time.Since(before).String())
	if site == "broken" {
		return 0, a.fail
	}
	return 2, nil
}

func TestOldCommentsAreRemovedEveryHourWhereASiteSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := &attic{fail: errors.New("the disk is full"), sites: []store.Site{
			{Name: "for-good"},
			{Name: "broken", Settings: store.Settings{Retention: 10}},
			{Name: "blog", Settings: store.Settings{Retention: 2}},
		}}
		c := &Comments{opts: Options{Store: a, Logger: slog.New(slog.NewTextHandler(&log, nil))}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.retain(ctx); close(ended) }()
		synctest.Wait()
		first := []string{"for-good", "broken 240h0m0s", "blog 48h0m0s"}
		if got := a.seen(); !slices.Equal(got, first) {
			t.Errorf("purged at first: %q", got)
		}
		time.Sleep(retainEvery + time.Minute) //nolint:forbidigo // the clock of synctest: it takes no time
		synctest.Wait()
		if got := a.seen(); !slices.Equal(got, slices.Concat(first, first)) {
			t.Errorf("purged within an hour: %q", got)
		}
		stop()
		<-ended
		if text := log.String(); strings.Count(text, "old comments are removed") != 2 || strings.Count(text, "the disk is full") != 2 || !strings.Contains(text, "site=blog comments=2") {
			t.Errorf("logged\n%s", text)
		}
	})
}
