package comments

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// retainEvery is how often what is older than a site keeps is looked for. Settings count in days.
const retainEvery = time.Hour

// retain removes, until ctx ends, what is older than Settings.Retention of each site. Each node does it: of
// two, the second finds nothing.
func (c *Comments) retain(ctx context.Context) {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		c.purge(ctx, time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// purge removes what is too old at a time. A site that cannot be purged is tried again the next time.
func (c *Comments) purge(ctx context.Context, now time.Time) {
	sites, err := c.opts.Store.ListSites(ctx)
	if err != nil {
		c.warnOfPurge(ctx, "", err)
		return
	}
	for _, s := range sites {
		n, err := c.opts.Store.Purge(ctx, s.Name, retainedFrom(&s, now)) // addresses are forgotten in any case
		switch {
		case err != nil:
			c.warnOfPurge(ctx, s.Name, err)
		case n > 0 && c.opts.Logger != nil:
			c.opts.Logger.Info("old comments are removed", "site", s.Name, "comments", n, "older_than_days", s.Settings.Retention)
		}
	}
}

// retainedFrom is since when comments of a site are kept; zero is for good.
func retainedFrom(s *store.Site, now time.Time) time.Time {
	if s.Settings.Retention == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -s.Settings.Retention)
}

// warnOfPurge tells the operator, unless the server only ends.
func (c *Comments) warnOfPurge(ctx context.Context, site string, err error) {
	if ctx.Err() == nil && c.opts.Logger != nil {
		c.opts.Logger.Warn("old comments could not be removed", "site", site, "error", err, "remedy", "it is tried again within an hour; sockeye comments purge does it now")
	}
}
