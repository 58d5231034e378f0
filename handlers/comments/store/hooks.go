package store

import (
	"context"
	"strconv"
	"time"
)

const dueHooks = ` FROM hooks h JOIN comments c ON c.site = h.site AND c.id = h.comment WHERE h.due <= $1 AND c.state = 'published' ORDER BY h.due, h.id LIMIT `

// Hooks implements Owners. What is published no more waits until it is again.
func (d *database) Hooks(ctx context.Context, now time.Time, lease time.Duration, limit int) (hooks []Hook, err error) {
	// A look does not keep writers waiting.
	due := false
	err = d.reader.each(ctx, "SELECT h.id"+dueHooks+"1", []any{millis(now)}, func(func(...any) error) error {
		due = true
		return nil
	})
	if err != nil || !due {
		return nil, err
	}
	err = d.write(ctx, "", func(ctx context.Context, x *tx) error {
		hooks = nil
		err := x.each(ctx, "SELECT h.id, h.site, h.comment, h.tries"+dueHooks+strconv.Itoa(limit)+x.d.dialect.skip, []any{millis(now)},
			func(scan func(...any) error) error {
				var h Hook
				err := scan(&h.ID, &h.Comment.Site, &h.Comment.ID, &h.Tries)
				hooks = append(hooks, h)
				return err
			})
		if err != nil {
			return err
		}
		for i := range hooks {
			h := &hooks[i]
			if _, err := x.exec(ctx, "UPDATE hooks SET due = $2 WHERE id = $1", h.ID, millis(now.Add(lease))); err != nil {
				return err
			}
			if h.Comment, err = x.comment(ctx, h.Comment.Site, h.Comment.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return hooks, err
}

// HookDone implements Owners.
func (d *database) HookDone(ctx context.Context, id int64) error {
	return d.write(ctx, "", func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, "DELETE FROM hooks WHERE id = $1", id)
		return err
	})
}

// HookFailed implements Owners.
func (d *database) HookFailed(ctx context.Context, id int64, again time.Time, problem string) error {
	return d.write(ctx, "", func(ctx context.Context, x *tx) error {
		_, err := x.exec(ctx, "UPDATE hooks SET tries = tries + 1, due = $2, problem = $3 WHERE id = $1", id, millis(again), problem)
		return err
	})
}
