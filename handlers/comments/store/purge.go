package store

import (
	"context"
	"strconv"
	"time"
)

// addresses are kept so long.
const addresses = 30 * 24 * time.Hour

// Purge implements Owners. Where it fails it may be begun again.
func (d *database) Purge(ctx context.Context, site string, before time.Time) (removed int, err error) {
	err = d.write(ctx, site, func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, "UPDATE comments SET addr = '' WHERE site = $1 AND addr <> '' AND created < $2", site, time.Now().Add(-addresses).UnixMilli())
		return err
	})
	if err != nil || before.IsZero() {
		return 0, err
	}
	for _, part := range []func(context.Context, *tx, string, int64) (done, removed int, err error){purgeThreads, purgeOld} {
		for done := 1; done > 0; {
			n := 0
			err := d.write(ctx, site, func(ctx context.Context, x *tx) error {
				done, n, err = part(ctx, x, site, millis(before))
				return err
			})
			if err != nil {
				return removed, err
			}
			removed += n
		}
	}
	return removed, nil
}

// purgeThreads removes some threads that have nothing younger.
func purgeThreads(ctx context.Context, x *tx, site string, before int64) (done, removed int, err error) {
	var roots []string
	err = x.each(ctx, `SELECT DISTINCT c.root FROM comments c WHERE c.site = $1 AND c.created < $2 AND NOT EXISTS (
		SELECT 1 FROM comments y WHERE y.site = c.site AND y.root = c.root AND y.created >= $2) LIMIT 100`,
		[]any{site, before}, func(scan func(...any) error) error {
			var root string
			err := scan(&root)
			roots = append(roots, root)
			return err
		})
	if err != nil || len(roots) == 0 {
		return 0, 0, err
	}
	args := []any{site}
	in := list("root", roots, &args)
	published := map[string]int{}
	err = x.each(ctx, "SELECT page, state, author FROM comments WHERE site = $1 AND "+in, args, func(scan func(...any) error) error {
		var page, author string
		var state State
		err := scan(&page, &state, &author)
		if state == Published {
			published[page]++
		}
		if state != Deleted || author != "" {
			removed++
		}
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	for page, n := range published {
		if _, err := x.exec(ctx, "UPDATE pages SET count = count - $3, seq = $4 WHERE site = $1 AND key = $2", site, page, n, x.nextSeq()); err != nil {
			return 0, 0, err
		}
	}
	if _, err := x.exec(ctx, "DELETE FROM comments WHERE site = $1 AND "+in, args...); err != nil {
		return 0, 0, err
	}
	x.head.floor = x.nextSeq()
	return len(roots), removed, nil
}

// purgeOld empties some comments that have younger ones in their thread, and takes away what others thought of them.
func purgeOld(ctx context.Context, x *tx, site string, before int64) (done, removed int, err error) {
	some, err := x.comments(ctx, "WHERE c.site = $1 AND c.created < $2 AND NOT (c.state = 'deleted' AND c.author = '') ORDER BY c.created LIMIT "+strconv.Itoa(batch),
		site, before)
	if err != nil {
		return 0, 0, err
	}
	for i := range some {
		c := &some[i]
		if _, err := x.exec(ctx, "DELETE FROM opinions WHERE site = $1 AND comment = $2", site, c.ID); err != nil {
			return 0, 0, err
		}
		c.Up, c.Down, c.Reactions, c.Flags, c.Tally = 0, 0, nil, 0, x.nextTally()
		if err := x.wipe(ctx, c); err != nil {
			return 0, 0, err
		}
	}
	return len(some), len(some), nil
}
