package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server"
)

// commentsCommand has the options of all of its commands.
type commentsCommand struct {
	Init            commentsInitCommand            `cmd:"" help:"Make a site, and the database if there is none; prints what to do next."`
	Sites           commentsSitesCommand           `cmd:"" help:"List the sites."`
	Site            commentsSiteCommand            `cmd:"" help:"Print a site as JSON, or change it."`
	Moderators      commentsModeratorsCommand      `cmd:"" help:"List who moderates a site."`
	Invite          commentsInviteCommand          `cmd:"" help:"Make a one-time link for a moderator, new or with a forgotten password."`
	RemoveModerator commentsRemoveModeratorCommand `cmd:"" help:"Take a moderator's account away; who is signed in is signed out."`
	Token           commentsTokenCommand           `cmd:"" help:"Make a token of a reader for development, signed with the site's secret."`
	Backup          commentsBackupCommand          `cmd:"" help:"Copy the SQLite database to a file while the server runs."`
	Export          commentsExportCommand          `cmd:"" help:"Write a site with its comments to a file as JSON."`
	Import          commentsImportCommand          `cmd:"" help:"Read comments from a file into a site."`
	ExportUser      commentsExportUserCommand      `cmd:"" help:"Write all that is known of one user as JSON."`
	EraseUser       commentsEraseUserCommand       `cmd:"" help:"Take away all that is known of one user."`
	Purge           commentsPurgeCommand           `cmd:"" help:"Remove old comments."`
	Remove          commentsRemoveCommand          `cmd:"" help:"Remove a site with all of its comments."`

	options `embed:""`
}

// inDatabase runs a command on the comments of the configuration, until a signal comes. Only a
// command that makes a database may find none.
func (c *commentsCommand) inDatabase(s streams, kctx *kong.Context, file *fileResolver, makes bool, do func(ctx context.Context, db store.Store) error) (err error) {
	if err = c.complete(kctx, file); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(s.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	name := c.Config.CommentsDB
	switch {
	case name == ":memory:":
		return errors.New("--comments-db: what is in memory is gone when the command ends: name a file")
	case !makes && !isURL(name):
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("--comments-db: there is no file %s: make it with sockeye comments init, or say where it is", name)
		}
	}
	db, err := server.OpenComments(ctx, &c.Config, newLogger(s.err, &c.Config))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err = do(ctx, db); err != nil && ctx.Err() != nil && s.ctx.Err() == nil {
		return fmt.Errorf("stopped by a signal: %w", err)
	}
	return err
}

// isURL reports whether a database is a server's and no file.
func isURL(name string) bool { return strings.Contains(name, "://") }

// onSite runs a command on one site.
func (c *commentsCommand) onSite(s streams, kctx *kong.Context, file *fileResolver, name string, do func(ctx context.Context, db store.Store, site store.Site) error) error {
	return c.inDatabase(s, kctx, file, false, func(ctx context.Context, db store.Store) error {
		site, err := db.Site(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			return noSite(ctx, db, name)
		}
		if err != nil {
			return err
		}
		return do(ctx, db, site)
	})
}

// noSite says that a site is not there, and which are.
func noSite(ctx context.Context, db store.Store, name string) error {
	sites, err := db.ListSites(ctx)
	if err != nil {
		return err
	}
	if len(sites) == 0 {
		return fmt.Errorf("there is no site %q, and no other: make it with sockeye comments init --site NAME --origin https://…", name)
	}
	names := make([]string, len(sites))
	for i, s := range sites {
		names[i] = s.Name
	}
	return fmt.Errorf("there is no site %q: there is %s", name, strings.Join(names, ", "))
}

// byCommand is who decides when a command does, in the log of moderators.
func byCommand(action store.Action, note string) store.Decision {
	return store.Decision{ByName: "sockeye comments", Action: action, Note: note}
}

// confirmed asks before something is done that cannot be undone, unless yes was said already. The answer is
// one line of in.
func confirmed(s streams, in io.Reader, yes bool, what string) error {
	if yes {
		return nil
	}
	if _, err := fmt.Fprintf(s.err, "%s This cannot be undone. Type yes to go on: ", what); err != nil {
		return err
	}
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(strings.ToLower(answer)) != "yes" {
		return errors.New("nothing was changed: the answer was not yes (--yes says it beforehand)")
	}
	return nil
}
