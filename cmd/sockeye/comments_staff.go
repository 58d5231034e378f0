package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/token"
)

type commentsModeratorsCommand struct {
	Site string `arg:"" help:"Name of the site."`
}

// Run prints a table.
func (c *commentsModeratorsCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		accounts, err := db.Accounts(ctx, c.Site)
		if err != nil {
			return err
		}
		rows := []string{"NAME\tID\tCREATED"}
		for _, a := range accounts {
			rows = append(rows, fmt.Sprintf("%q\t%s\t%s", a.Name, a.ID, when(a.Created)))
		}
		return printTable(s.out, rows)
	})
	if err != nil {
		return fmt.Errorf("comments moderators: %w", err)
	}
	return nil
}

type commentsInviteCommand struct {
	Site string `arg:"" help:"Name of the site."`
	Name string `placeholder:"NAME" help:"Name of the moderator; one that there is gets a new password. Without: whoever opens the link chooses it."`

	commentsAddress `embed:""`
}

// Run prints the link on standard output, and what it is for on standard error.
func (c *commentsInviteCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		link, err := c.link(ctx, &all.Config, db, c.Site, c.Name)
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintln(s.out, link); err != nil {
			return err
		}
		note := ""
		if c.URL == "" {
			note = thisMachine + "\n"
		}
		_, err = fmt.Fprintf(s.err, "Whoever opens this link within 24 hours moderates %q. It holds once.\n%s", c.Site, note)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments invite: %w", err)
	}
	return nil
}

type commentsRemoveModeratorCommand struct {
	Site string `arg:"" help:"Name of the site."`
	Name string `arg:"" help:"Name of the moderator, as in sockeye comments moderators."`
}

// Run takes an account away.
func (c *commentsRemoveModeratorCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		err := db.RemoveAccount(ctx, c.Site, c.Name)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no moderator %q: see sockeye comments moderators %s", c.Name, c.Site)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%q moderates %q no more\n", c.Name, c.Site)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments remove-moderator: %w", err)
	}
	return nil
}

type commentsTokenCommand struct {
	Site   string        `arg:"" help:"Name of the site."`
	Sub    string        `required:"" placeholder:"ID" help:"Id of the reader on the site."`
	Name   string        `required:"" placeholder:"TEXT" help:"Name that others are shown."`
	Avatar string        `placeholder:"URL" help:"Picture that others are shown: an https URL."`
	Role   []string      `sep:"none" placeholder:"WORD" help:"Role; moderator is the one that counts."`
	TTL    time.Duration `name:"ttl" default:"1h" help:"How long it holds."`
}

// Run prints a token.
func (c *commentsTokenCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(_ context.Context, _ store.Store, site store.Site) error {
		if c.TTL <= 0 {
			return errors.New("--ttl is not above zero")
		}
		if c.Sub == "" || c.Name == "" {
			return errors.New("--sub and --name may not be empty")
		}
		key, err := token.NewSecret([]byte(site.Secret))
		if err != nil {
			return fmt.Errorf("the site's secret: %w: make another with sockeye comments site %s --rotate-secret", err, c.Site)
		}
		claims := map[string]any{auth.ClaimSubject: c.Sub, auth.ClaimName: c.Name}
		if c.Avatar != "" {
			claims["avatar"] = c.Avatar
		}
		if len(c.Role) > 0 {
			claims[auth.ClaimRoles] = c.Role
		}
		text, err := token.Mint(token.Keys{key}, "", token.Subject{Claims: claims, TTL: c.TTL}, time.Now())
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, text)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments token: %w", err)
	}
	return nil
}
