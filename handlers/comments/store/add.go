package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Add implements Comments.
func (d *database) Add(ctx context.Context, c Comment) (added Comment, stored bool, err error) {
	if c.Created.IsZero() {
		c.Created = time.Now()
	}
	c = cleaned(c)
	if c.State == "" {
		c.State = Published
	}
	err = d.write(ctx, c.Site, func(ctx context.Context, x *tx) error {
		added, stored = c, false
		earlier, err := x.keyed(ctx, &c)
		if err != nil {
			return err
		}
		if earlier != "" {
			if added, err = x.comment(ctx, c.Site, earlier); err != nil {
				return err
			}
			return errUndo
		}
		if err := x.add(ctx, &added); err != nil {
			return err
		}
		stored = true
		return nil
	})
	if err != nil {
		return Comment{}, false, err
	}
	return added, stored, nil
}

// keyed is the ID of the comment that the author sent with the same key before, or "".
func (x *tx) keyed(ctx context.Context, c *Comment) (id string, err error) {
	if c.Key == "" {
		return "", nil
	}
	err = x.one(ctx, "SELECT id FROM comments WHERE site = $1 AND author = $2 AND keyed = $3 AND keyed <> ''",
		[]any{c.Site, c.Author.ID, c.Key}, &id)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return id, err
}

// add stores a new comment.
func (x *tx) add(ctx context.Context, c *Comment) error {
	if c.ID == "" {
		c.ID = x.d.writer.ids.next(c.Created)
	}
	c.Root, c.Depth = c.ID, 0
	if c.Parent != "" {
		if err := x.attach(ctx, c); err != nil {
			return err
		}
	}
	c.Seq, c.Published = x.nextSeq(), time.Time{}
	if c.State == Published {
		c.Published = c.Created
	}
	if err := x.enter(ctx, c); err != nil || c.State != Published {
		return err
	}
	return x.hook(ctx, c)
}

// enter puts a comment where nothing is yet, and counts it.
func (x *tx) enter(ctx context.Context, c *Comment) error {
	by, alive := 0, 0
	if c.State == Published {
		by = 1
	}
	if c.Parent == "" {
		alive = by
	}
	// The page comes first, because comments refer to it.
	if err := x.countPage(ctx, c, by); err != nil {
		return err
	}
	fresh, err := x.insert(ctx, c, alive)
	if err != nil {
		return err
	}
	if !fresh {
		return fmt.Errorf("comment %q: %w", c.ID, ErrExists)
	}
	if by == alive {
		return nil
	}
	return x.countThread(ctx, c, by)
}

// attach sets root and depth of an answer.
func (x *tx) attach(ctx context.Context, c *Comment) error {
	var page string
	err := x.one(ctx, "SELECT page, root, depth FROM comments WHERE site = $1 AND id = $2", []any{c.Site, c.Parent}, &page, &c.Root, &c.Depth)
	if err == nil && page != c.Page {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("comment %q, which is answered on page %q: %w", c.Parent, c.Page, err)
	}
	c.Depth++
	return nil
}

// Edit implements Comments.
func (d *database) Edit(ctx context.Context, site, id string, e Edit) (edited Comment, err error) {
	err = d.change(ctx, site, id, func(ctx context.Context, x *tx, c *Comment) error {
		defer func() { edited = *c }()
		if c.State == Deleted {
			if e.Delete {
				return errUndo
			}
			return ErrNotFound
		}
		c.Seq = x.nextSeq()
		if e.Delete {
			empty(c)
			return x.setState(ctx, c, Deleted, time.Now())
		}
		c.Text, c.HTML, c.Hash = storableText(e.Text), storableText(e.HTML), storableText(e.Hash)
		overtaken := e.Was != "" && e.Was != c.State
		if !overtaken {
			c.Held = e.Held
		}
		if c.Edited = timeOf(millis(e.Edited)); c.Edited.IsZero() {
			c.Edited = timeOf(time.Now().UnixMilli())
		}
		if e.State == "" || overtaken {
			return nil
		}
		return x.setState(ctx, c, e.State, c.Edited)
	})
	if err != nil {
		return Comment{}, err
	}
	return edited, nil
}

// change reads a comment, lets f change it, and saves it.
func (d *database) change(ctx context.Context, site, id string, f func(context.Context, *tx, *Comment) error) error {
	return d.write(ctx, site, func(ctx context.Context, x *tx) error {
		c, err := x.comment(ctx, site, id)
		if err != nil {
			return fmt.Errorf("comment %q: %w", id, err)
		}
		if err := f(ctx, x, &c); err != nil {
			return err
		}
		return x.save(ctx, &c)
	})
}

// Comment implements Comments.
func (d *database) Comment(ctx context.Context, site, id string) (Comment, error) {
	c, err := d.reader.comment(ctx, site, id)
	if err != nil {
		return Comment{}, fmt.Errorf("comment %q: %w", id, err)
	}
	return c, nil
}
