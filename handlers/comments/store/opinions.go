package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
)

// The kinds of opinions.
const (
	kindVote     = "vote"
	kindReaction = "reaction"
	kindFlag     = "flag"
)

// opinion is one of a user, of a kind.
type opinion struct{ author, kind, what, value string }

// opine notes an opinion, and reports whether there was none.
func (x *tx) opine(ctx context.Context, c *Comment, o opinion) (bool, error) {
	n, err := x.exec(ctx, `INSERT INTO opinions (site, comment, author, kind, what, page, value, settled, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8) ON CONFLICT DO NOTHING`,
		c.Site, c.ID, o.author, o.kind, o.what, c.Page, o.value, time.Now().UnixMilli())
	return n == 1, err
}

// withdraw takes an opinion back, and reports whether there was one.
func (x *tx) withdraw(ctx context.Context, c *Comment, o opinion) (bool, error) {
	n, err := x.exec(ctx, "DELETE FROM opinions WHERE site = $1 AND comment = $2 AND author = $3 AND kind = $4 AND what = $5",
		c.Site, c.ID, o.author, o.kind, o.what)
	return n == 1, err
}

// Vote implements Opinions.
func (d *database) Vote(ctx context.Context, site, id, user string, value int) (voted Comment, err error) {
	if value < -1 || value > 1 {
		return Comment{}, errors.New("a vote is 1, 0 or -1")
	}
	err = d.change(ctx, site, id, func(ctx context.Context, x *tx, c *Comment) error {
		defer func() { voted = *c }()
		var was string
		err := x.one(ctx, "SELECT value FROM opinions WHERE site = $1 AND comment = $2 AND author = $3 AND kind = 'vote' AND what = ''",
			[]any{site, id, user}, &was)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		before := 0
		if err == nil {
			if before, err = strconv.Atoi(was); err != nil {
				return err
			}
		}
		if before == value {
			return errUndo
		}
		o := opinion{user, kindVote, "", strconv.Itoa(value)}
		if _, err := x.withdraw(ctx, c, o); err != nil {
			return err
		}
		if value != 0 {
			if _, err := x.opine(ctx, c, o); err != nil {
				return err
			}
		}
		c.count(before, -1)
		c.count(value, 1)
		c.Tally = x.nextTally()
		return nil
	})
	return voted, err
}

// count adds votes of a value.
func (c *Comment) count(value, by int) {
	switch value {
	case 1:
		c.Up += by
	case -1:
		c.Down += by
	}
}

// React implements Opinions.
func (d *database) React(ctx context.Context, site, id, user, reaction string, on bool) (reacted Comment, err error) {
	err = d.change(ctx, site, id, func(ctx context.Context, x *tx, c *Comment) error {
		defer func() { reacted = *c }()
		o := opinion{user, kindReaction, reaction, ""}
		act, by := x.withdraw, -1
		if on {
			act, by = x.opine, 1
		}
		changed, err := act(ctx, c, o)
		if err != nil {
			return err
		}
		if !changed {
			return errUndo
		}
		c.react(reaction, by)
		c.Tally = x.nextTally()
		return nil
	})
	return reacted, err
}

func (c *Comment) react(reaction string, by int) {
	if c.Reactions == nil {
		c.Reactions = map[string]int{}
	}
	if c.Reactions[reaction] += by; c.Reactions[reaction] <= 0 {
		delete(c.Reactions, reaction)
	}
}

// Flag implements Opinions.
func (d *database) Flag(ctx context.Context, site, id, user, reason string, hold int) (flagged Comment, err error) {
	err = d.change(ctx, site, id, func(ctx context.Context, x *tx, c *Comment) error {
		defer func() { flagged = *c }()
		fresh, err := x.opine(ctx, c, opinion{user, kindFlag, "", reason})
		if err != nil {
			return err
		}
		if !fresh {
			return errUndo
		}
		c.Flags++
		c.Seq = x.nextSeq()
		if hold <= 0 || c.Flags < hold || c.State != Published {
			return nil
		}
		if !slices.Contains(c.Held, "flags") {
			c.Held = append(c.Held, "flags")
		}
		return x.setState(ctx, c, Pending, time.Now())
	})
	return flagged, err
}

// Mine implements Opinions.
func (d *database) Mine(ctx context.Context, site, page, user string) (Mine, error) {
	mine := Mine{Votes: map[string]int{}, Reactions: map[string][]string{}}
	r := d.reader
	err := r.each(ctx, "SELECT comment, kind, what, value FROM opinions WHERE site = $1 AND author = $2 AND page = $3 ORDER BY comment, what",
		[]any{site, user, page}, func(scan func(...any) error) error {
			var comment, kind, what, value string
			if err := scan(&comment, &kind, &what, &value); err != nil {
				return err
			}
			switch kind {
			case kindVote:
				n, err := strconv.Atoi(value)
				mine.Votes[comment] = n
				return err
			case kindReaction:
				mine.Reactions[comment] = append(mine.Reactions[comment], what)
			}
			return nil
		})
	if err != nil {
		return Mine{}, err
	}
	mine.Pending, err = r.comments(ctx, "WHERE c.site = $1 AND c.author = $2 AND c.page = $3 AND c.state = 'pending' ORDER BY c.id", site, user, page)
	return mine, err
}
