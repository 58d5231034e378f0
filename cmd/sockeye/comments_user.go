package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// commentsUser says who is meant.
type commentsUser struct {
	Site string `arg:"" help:"Name of the site."`
	User string `arg:"" optional:"" help:"Public id of the user: u_… or g_…, as moderators see it."`
	Sub  string `placeholder:"ID" help:"Instead: the user's id on the site itself, as in sub of its tokens."`
}

// id finds the public id.
func (u *commentsUser) id(ctx context.Context, db store.Store) (string, error) {
	if (u.User == "") == (u.Sub == "") {
		return "", errors.New("say who: the public id (u_… or g_…), or --sub with the id on the site itself")
	}
	if u.User != "" {
		return u.User, nil
	}
	id, err := db.UserOf(ctx, u.Site, u.Sub)
	if errors.Is(err, store.ErrNotFound) {
		return comments.UserID(u.Site, u.Sub), nil // who wrote nothing may have voted
	}
	return id, err
}

// unknown makes an error of the store say who is not there.
func (u *commentsUser) unknown(err error, id string) error {
	switch {
	case !errors.Is(err, store.ErrNotFound):
		return err
	case u.Sub != "":
		return fmt.Errorf("nothing is known of a user with --sub %q on %q", u.Sub, u.Site)
	default:
		return fmt.Errorf("nothing is known of a user %q on %q", id, u.Site)
	}
}

type commentsExportUserCommand struct {
	commentsUser `embed:""`
}

// Run prints what is known.
func (c *commentsExportUserCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		id, err := c.id(ctx, db)
		if err != nil {
			return err
		}
		_, err = archive.WriteUser(ctx, s.out, db, c.Site, id)
		return c.unknown(err, id)
	})
	if err != nil {
		return fmt.Errorf("comments export-user: %w", err)
	}
	return nil
}

type commentsEraseUserCommand struct {
	commentsUser `embed:""`
	Yes          bool `help:"Do not ask."`
}

// Run takes away what is known.
func (c *commentsEraseUserCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		id, err := c.id(ctx, db)
		if err != nil {
			return err
		}
		p, err := c.person(ctx, db, id)
		if err != nil {
			return c.unknown(err, id)
		}
		what := fmt.Sprintf("All that is known of %q (%s) on %q goes: %s, votes, reactions, flags and the name.", p.Name, id, c.Site, count(p.Comments))
		if err := confirmed(s, os.Stdin, c.Yes, what); err != nil {
			return err
		}
		n, err := db.Erase(ctx, c.Site, id, byCommand(store.EraseUser, ""))
		if err != nil {
			return c.unknown(err, id)
		}
		_, err = fmt.Fprintf(s.out, "%s is erased, with %s. Where others answered, a deleted comment stays in the thread.\n", id, count(n))
		return err
	})
	if err != nil {
		return fmt.Errorf("comments erase-user: %w", err)
	}
	return nil
}

// person is who is to be erased; who wrote nothing has no name.
func (c *commentsEraseUserCommand) person(ctx context.Context, db store.Store, id string) (store.Person, error) {
	p, err := db.Person(ctx, c.Site, id)
	if !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	list, problem := db.OpinionsOf(ctx, c.Site, id)
	if problem != nil {
		return p, problem
	}
	if len(list) > 0 {
		return store.Person{}, nil
	}
	return p, err
}
