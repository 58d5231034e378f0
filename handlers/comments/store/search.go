package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Search implements Comments.
func (d *database) Search(ctx context.Context, q Search) (comments []Comment, next string, err error) {
	where := "WHERE c.site = $1"
	args := []any{q.Site}
	and := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" AND "+condition, len(args))
	}
	if q.Page != "" {
		and("c.page = $%d", q.Page)
	}
	if q.User != "" {
		and("c.author = $%d", q.User)
	}
	switch {
	case q.Flagged:
		where += " AND c.state = 'published' AND c.flags > 0"
		if q.State != "" && q.State != Published {
			return nil, "", nil // only what the public sees is flagged
		}
	case q.State == Published || q.State == Pending:
		where += " AND c.state = '" + string(q.State) + "'" // as the indexes have it
	case q.State != "":
		and("c.state = $%d", q.State)
	}
	if q.Text != "" {
		and(`c.search LIKE $%d ESCAPE '!'`, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(q.Text))+"%")
	}
	if q.Before != "" {
		and("c.id < $%d", q.Before)
	}
	limit := max(q.Limit, 1)
	comments, err = d.reader.comments(ctx, where+" ORDER BY c.id DESC LIMIT "+strconv.Itoa(limit+1), args...)
	if err != nil || len(comments) <= limit {
		return comments, "", err
	}
	return comments[:limit], comments[limit-1].ID, nil
}

// SameText implements Comments.
func (d *database) SameText(ctx context.Context, site, user, hash string, after time.Time) (bool, error) {
	if hash == "" {
		return false, nil
	}
	var one int
	err := d.reader.one(ctx, "SELECT 1 FROM comments WHERE site = $1 AND author = $2 AND hash = $3 AND hash <> '' AND created > $4 LIMIT 1",
		[]any{site, user, hash, millis(after)}, &one)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Person implements Moderation. It is ErrNotFound where the user has said nothing.
func (d *database) Person(ctx context.Context, site, user string) (Person, error) {
	r := d.reader
	last, err := r.comments(ctx, "WHERE c.site = $1 AND c.author = $2 ORDER BY c.id DESC LIMIT 1", site, user)
	if err == nil && (len(last) == 0 || user == "") {
		err = fmt.Errorf("user %q: %w", user, ErrNotFound)
	}
	if err != nil {
		return Person{}, err
	}
	p := Person{Author: last[0].Author}
	var first int64
	err = r.one(ctx, `SELECT count(*), coalesce(sum(CASE WHEN state = 'published' THEN 1 ELSE 0 END), 0),
		coalesce(sum(CASE WHEN state = 'rejected' THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN flags > 0 THEN 1 ELSE 0 END), 0),
		coalesce(min(created), 0) FROM comments WHERE site = $1 AND author = $2`, []any{site, user},
		&p.Comments, &p.Published, &p.Rejected, &p.Flagged, &first)
	p.First = timeOf(first)
	return p, err
}

// UserOf implements Owners.
func (d *database) UserOf(ctx context.Context, site, subject string) (user string, err error) {
	err = d.reader.one(ctx, "SELECT author FROM comments WHERE site = $1 AND subject = $2 AND subject <> '' LIMIT 1", []any{site, subject}, &user)
	if err != nil {
		return "", fmt.Errorf("a comment of user %q of site %q: %w", subject, site, err)
	}
	return user, nil
}

// OpinionsOf implements Owners.
func (d *database) OpinionsOf(ctx context.Context, site, user string) (opinions []Opinion, err error) {
	err = d.reader.each(ctx, "SELECT comment, kind, what, value, created FROM opinions WHERE site = $1 AND author = $2 ORDER BY created, comment, kind, what",
		[]any{site, user}, func(scan func(...any) error) error {
			var o Opinion
			var what string
			var created int64
			err := scan(&o.Comment, &o.Kind, &what, &o.Value, &created)
			if o.Kind == kindReaction {
				o.Value = what
			}
			o.Time = timeOf(created)
			opinions = append(opinions, o)
			return err
		})
	return opinions, err
}

// EachComment implements Owners. Nothing is open while f runs, so f may call the store.
func (d *database) EachComment(ctx context.Context, site, user string, f func(Comment) error) error {
	var created int64
	id := ""
	for {
		where, args := "WHERE c.site = $1 AND c.created >= $2 AND (c.created > $2 OR c.id > $3)", []any{site, created, id}
		if user != "" {
			where += " AND c.author = $4"
			args = append(args, user)
		}
		some, err := d.reader.comments(ctx, where+" ORDER BY c.created, c.id LIMIT "+strconv.Itoa(batch), args...)
		if err != nil {
			return err
		}
		for _, c := range some {
			if err := f(c); err != nil {
				return err
			}
		}
		if len(some) < batch {
			return nil
		}
		created, id = millis(some[batch-1].Created), some[batch-1].ID
	}
}
