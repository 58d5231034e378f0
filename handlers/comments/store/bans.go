package store

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Ban implements Moderation.
func (d *database) Ban(ctx context.Context, site string, b Ban, rejectAll bool, decision Decision) (rejected []Comment, err error) {
	if b.Created.IsZero() {
		b.Created = time.Now()
	}
	err = d.write(ctx, site, func(ctx context.Context, x *tx) error {
		rejected = nil
		_, err := x.exec(ctx, `INSERT INTO bans (site, author, name, by_name, reason, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (site, author) DO UPDATE SET name = excluded.name, by_name = excluded.by_name, reason = excluded.reason,
			created = excluded.created, expires = excluded.expires`, site, b.User, b.Name, b.By, b.Reason, millis(b.Created), millis(b.Expires))
		if err != nil {
			return err
		}
		ban := decision
		ban.Action, ban.User = BanUser, b.User
		if ban.Note == "" {
			ban.Note = b.Reason
		}
		if err := x.note(ctx, site, ban); err != nil || !rejectAll {
			return err
		}
		rejected, err = x.comments(ctx, "WHERE c.site = $1 AND c.author = $2 AND c.state IN ('published', 'pending') ORDER BY c.id", site, b.User)
		if err != nil {
			return err
		}
		for i := range rejected {
			if err := x.decide(ctx, &rejected[i], Reject, decision); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rejected, nil
}

// Unban implements Moderation.
func (d *database) Unban(ctx context.Context, site, user string, decision Decision) error {
	return d.write(ctx, site, func(ctx context.Context, x *tx) error {
		n, err := x.exec(ctx, "DELETE FROM bans WHERE site = $1 AND author = $2", site, user)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("a ban of %q: %w", user, ErrNotFound)
		}
		decision.Action, decision.User = UnbanUser, user
		return x.note(ctx, site, decision)
	})
}

// bans reads those that hold now.
func (r runner) bans(ctx context.Context, where string, args ...any) (bans []Ban, err error) {
	err = r.each(ctx, "SELECT author, name, by_name, reason, created, expires FROM bans WHERE site = $1 AND (expires = 0 OR expires > $2)"+where,
		args, func(scan func(...any) error) error {
			var b Ban
			var created, expires int64
			err := scan(&b.User, &b.Name, &b.By, &b.Reason, &created, &expires)
			b.Created, b.Expires = timeOf(created), timeOf(expires)
			bans = append(bans, b)
			return err
		})
	return bans, err
}

// Banned implements Moderation.
func (d *database) Banned(ctx context.Context, site, user string) (Ban, error) {
	bans, err := d.reader.bans(ctx, " AND author = $3", site, time.Now().UnixMilli(), user)
	if err == nil && len(bans) == 0 {
		err = fmt.Errorf("a ban of %q: %w", user, ErrNotFound)
	}
	if err != nil {
		return Ban{}, err
	}
	return bans[0], nil
}

// Bans implements Moderation, the last one first.
func (d *database) Bans(ctx context.Context, site string) ([]Ban, error) {
	return d.reader.bans(ctx, " ORDER BY created DESC, author", site, time.Now().UnixMilli())
}

// Decisions implements Moderation.
func (d *database) Decisions(ctx context.Context, site string, before int64, limit int) (decisions []Decision, err error) {
	query, args := "SELECT id, created, by_id, by_name, action, comment, page, author, note FROM decisions WHERE site = $1", []any{site}
	if before > 0 {
		query += " AND id < $2"
		args = append(args, before)
	}
	err = d.reader.each(ctx, query+" ORDER BY id DESC LIMIT "+strconv.Itoa(limit), args, func(scan func(...any) error) error {
		var d Decision
		var created int64
		err := scan(&d.ID, &created, &d.By, &d.ByName, &d.Action, &d.Comment, &d.Page, &d.User, &d.Note)
		d.Time = timeOf(created)
		decisions = append(decisions, d)
		return err
	})
	return decisions, err
}
