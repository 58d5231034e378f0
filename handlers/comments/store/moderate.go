package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Moderate implements Moderation.
func (d *database) Moderate(ctx context.Context, site string, ids []string, action Action, decision Decision) (decided []Comment, err error) {
	err = d.write(ctx, site, func(ctx context.Context, x *tx) error {
		decided = nil
		for _, id := range ids {
			c, err := x.comment(ctx, site, id)
			if errors.Is(err, ErrNotFound) || err == nil && c.State == Deleted && action != Delete {
				continue
			}
			if err == nil {
				err = x.decide(ctx, &c, action, decision)
			}
			if err != nil {
				return err
			}
			decided = append(decided, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return decided, nil
}

// decide does one thing to one comment, and notes it. What is so already is left alone.
func (x *tx) decide(ctx context.Context, c *Comment, action Action, decision Decision) error {
	was, pinned, flags, now := c.State, c.Pinned, c.Flags, timeOf(time.Now().UnixMilli())
	becomes := c.State
	switch action {
	case Approve, Restore:
		becomes, c.Flags, c.Held = Published, 0, nil
	case Reject:
		becomes = Rejected
	case Delete:
		becomes = Deleted
	case Pin, Unpin:
		c.Pinned = action == Pin
	case Unflag:
		c.Flags = 0
	default:
		return fmt.Errorf("%q is nothing to do to a comment", action)
	}
	if becomes == was && c.Pinned == pinned && c.Flags == flags {
		return nil
	}
	c.Seq = x.nextSeq()
	if becomes == Deleted {
		empty(c)
	}
	if err := x.setState(ctx, c, becomes, now); err != nil {
		return err
	}
	if c.Flags == 0 && flags > 0 {
		_, err := x.exec(ctx, "UPDATE opinions SET settled = 1 WHERE site = $1 AND comment = $2 AND kind = 'flag'", c.Site, c.ID)
		if err != nil {
			return err
		}
	}
	if err := x.save(ctx, c); err != nil {
		return err
	}
	decision.Time, decision.Action, decision.Comment, decision.Page, decision.User = now, action, c.ID, c.Page, c.Author.ID
	return x.note(ctx, c.Site, decision)
}

// note adds to the log.
func (x *tx) note(ctx context.Context, site string, d Decision) error {
	if d.Time.IsZero() {
		d.Time = time.Now()
	}
	_, err := x.exec(ctx, `INSERT INTO decisions (site, created, by_id, by_name, action, comment, page, author, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, site, millis(d.Time), d.By, d.ByName, d.Action, d.Comment, d.Page, d.User, d.Note)
	return err
}

// Note implements Moderation.
func (d *database) Note(ctx context.Context, site string, decision Decision) error {
	return d.write(ctx, site, func(ctx context.Context, x *tx) error { return x.note(ctx, site, decision) })
}

// Waiting implements Moderation.
func (d *database) Waiting(ctx context.Context, site string) (pending, flagged int, err error) {
	err = d.reader.one(ctx, `SELECT (SELECT count(*) FROM comments WHERE site = $1 AND state = 'pending'),
		(SELECT count(*) FROM comments WHERE site = $1 AND state = 'published' AND flags > 0)`, []any{site}, &pending, &flagged)
	return pending, flagged, err
}
