package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Import implements Owners.
func (d *database) Import(ctx context.Context, site string, comments []Comment, dry bool) (stored int, err error) {
	sorted, err := importable(site, comments)
	if err != nil {
		return 0, err
	}
	for some := range slices.Chunk(sorted, batch) {
		n := 0
		err := d.write(ctx, site, func(ctx context.Context, x *tx) error {
			n = 0
			for i := range some {
				fresh, err := x.take(ctx, some[i], dry)
				if err != nil {
					return fmt.Errorf("comment %q: %w", some[i].ID, err)
				}
				if fresh {
					n++
				}
			}
			if dry {
				return errUndo
			}
			return nil
		})
		if err != nil {
			return stored, err
		}
		stored += n
	}
	return stored, nil
}

// importable are the comments with each after what it answers, as far as that is among them.
func importable(site string, comments []Comment) ([]Comment, error) {
	index := make(map[string]int, len(comments))
	for i := range comments {
		if err := importing(&comments[i]); err != nil {
			return nil, err
		}
		if _, twice := index[comments[i].ID]; !twice {
			index[comments[i].ID] = i
		}
	}
	sorted := make([]Comment, 0, len(comments))
	seen := make([]bool, len(comments))
	for i := range comments {
		var chain []int // from an answer up
		for at, ok := i, true; ok && !seen[at]; at, ok = index[comments[at].Parent] {
			seen[at] = true
			chain = append(chain, at)
		}
		for _, at := range slices.Backward(chain) {
			c := comments[at]
			c.Site = site
			sorted = append(sorted, c)
		}
	}
	return sorted, nil
}

// importing says what is wrong with a comment from elsewhere.
func importing(c *Comment) error {
	switch {
	case !validID(c.ID):
		return fmt.Errorf("comment %q: the ID is not 20 characters of 0-9 and a-v", c.ID)
	case c.Page == "":
		return fmt.Errorf("comment %q: it has no page", c.ID)
	case c.Created.IsZero():
		return fmt.Errorf("comment %q: it has no time", c.ID)
	case c.State != Published && c.State != Pending && c.State != Rejected && c.State != Deleted:
		return fmt.Errorf("comment %q: %q is no state; published, pending, rejected and deleted are", c.ID, c.State)
	}
	return nil
}

// take stores a comment as it is, and reports whether it was not there. In a dry run, what it answers may be
// one that an earlier call would have stored.
func (x *tx) take(ctx context.Context, c Comment, dry bool) (bool, error) {
	c = cleaned(c)
	c.Root, c.Depth = c.ID, 0
	if c.Parent != "" {
		err := x.attach(ctx, &c)
		if err != nil && (!dry || !errors.Is(err, ErrNotFound)) {
			return false, err
		}
	}
	var there int
	err := x.one(ctx, "SELECT 1 FROM comments WHERE site = $1 AND id = $2", []any{c.Site, c.ID}, &there)
	if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	earlier, err := x.keyed(ctx, &c)
	if err != nil || earlier != "" {
		return false, err
	}
	if c.State == Published && c.Published.IsZero() {
		c.Published = c.Created
	}
	c.Seq, c.Tally = x.nextSeq(), 0
	return true, x.enter(ctx, &c)
}
