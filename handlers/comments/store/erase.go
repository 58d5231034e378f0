package store

import (
	"context"
	"strconv"
	"time"
)

// batch is how many comments are read, or changed in one transaction, where there may be very many. Other
// writes come in between.
const batch = 500

// Erase implements Owners. Where it fails it may be begun again.
func (d *database) Erase(ctx context.Context, site, user string, decision Decision) (comments int, err error) {
	if user == "" {
		return 0, ErrNotFound
	}
	repeat := func(part func(context.Context, *tx, string, string) (int, error)) (all int, err error) {
		for n := batch; n == batch && err == nil; all += n {
			err = d.write(ctx, site, func(ctx context.Context, x *tx) error {
				n, err = part(ctx, x, site, user)
				return err
			})
		}
		return all, err
	}
	if comments, err = repeat(eraseComments); err != nil {
		return comments, err
	}
	if _, err = repeat(eraseOpinions); err != nil {
		return comments, err
	}
	return comments, d.write(ctx, site, func(ctx context.Context, x *tx) error {
		if _, err := x.exec(ctx, "UPDATE bans SET name = '' WHERE site = $1 AND author = $2", site, user); err != nil {
			return err
		}
		if _, err := x.exec(ctx, "UPDATE decisions SET by_name = '' WHERE site = $1 AND by_id = $2", site, user); err != nil {
			return err
		}
		decision.Action, decision.User = EraseUser, user
		return x.note(ctx, site, decision)
	})
}

// eraseComments empties some comments of a user; who follows the site hears that they are deleted.
func eraseComments(ctx context.Context, x *tx, site, user string) (int, error) {
	some, err := x.comments(ctx, "WHERE c.site = $1 AND c.author = $2 ORDER BY c.id LIMIT "+strconv.Itoa(batch), site, user)
	if err != nil {
		return 0, err
	}
	for i := range some {
		if err := x.wipe(ctx, &some[i]); err != nil {
			return 0, err
		}
	}
	return len(some), nil
}

// wipe leaves of a comment only that it was there.
func (x *tx) wipe(ctx context.Context, c *Comment) error {
	c.Seq = x.nextSeq()
	if err := x.setState(ctx, c, Deleted, time.Time{}); err != nil {
		return err
	}
	empty(c)
	c.Author, c.Key = Author{}, ""
	return x.save(ctx, c)
}

// eraseOpinions takes back some votes, reactions and flags of a user.
func eraseOpinions(ctx context.Context, x *tx, site, user string) (int, error) {
	type row struct {
		opinion
		comment string
		settled bool
	}
	var rows []row
	err := x.each(ctx, "SELECT comment, kind, what, value, settled FROM opinions WHERE site = $1 AND author = $2 ORDER BY comment LIMIT "+strconv.Itoa(batch),
		[]any{site, user}, func(scan func(...any) error) error {
			r := row{opinion: opinion{author: user}}
			err := scan(&r.comment, &r.kind, &r.what, &r.value, &r.settled)
			rows = append(rows, r)
			return err
		})
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		c, err := x.comment(ctx, site, r.comment)
		if err != nil {
			return 0, err
		}
		if _, err := x.withdraw(ctx, &c, r.opinion); err != nil {
			return 0, err
		}
		switch {
		case r.kind == kindFlag && r.settled:
			continue
		case r.kind == kindFlag:
			c.Flags, c.Seq = c.Flags-1, x.nextSeq()
		case r.kind == kindReaction:
			c.react(r.what, -1)
			c.Tally = x.nextTally()
		default:
			value, err := strconv.Atoi(r.value)
			if err != nil {
				return 0, err
			}
			c.count(value, -1)
			c.Tally = x.nextTally()
		}
		if err := x.save(ctx, &c); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}
