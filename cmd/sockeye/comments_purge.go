package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

type commentsPurgeCommand struct {
	Site      string `arg:"" help:"Name of the site."`
	OlderThan string `required:"" placeholder:"AGE" help:"How old, such as 365d or 36h."`
	DryRun    bool   `help:"Say what would be removed, and remove nothing."`
}

// Run removes what is old.
func (c *commentsPurgeCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		age, err := ageOf(c.OlderThan)
		if err != nil {
			return fmt.Errorf("--older-than: %w", err)
		}
		before := time.Now().Add(-age)
		if c.DryRun {
			n, err := purgeable(ctx, db, c.Site, before)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.out, "dry run: would remove %s from before %s\n", count(n), when(before))
			return err
		}
		n, err := db.Purge(ctx, c.Site, before)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "removed %s from before %s\n", count(n), when(before))
		return err
	})
	if err != nil {
		return fmt.Errorf("comments purge: %w", err)
	}
	return nil
}

// ageOf reads days, or a duration as in other flags.
func ageOf(text string) (time.Duration, error) {
	const mostDays = 100 * 365
	if days, found := strings.CutSuffix(text, "d"); found {
		n, err := strconv.Atoi(days)
		if err != nil || n < 1 || n > mostDays {
			return 0, fmt.Errorf("%q is no number of days, such as 365d", text)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age <= 0 {
		return 0, fmt.Errorf("%q is no age: write 365d or 36h", text)
	}
	return age, nil
}

// errYoung ends the look at comments by their time.
var errYoung = errors.New("the rest is younger")

// purgeable counts what Purge would remove: all that is older and not deleted yet. In threads that go on a
// deleted one stays of it.
func purgeable(ctx context.Context, db store.Store, site string, before time.Time) (n int, err error) {
	err = db.EachComment(ctx, site, "", func(c store.Comment) error {
		if !c.Created.Before(before) {
			return errYoung
		}
		if c.State != store.Deleted || c.Author.ID != "" {
			n++
		}
		return nil
	})
	if errors.Is(err, errYoung) {
		err = nil
	}
	return n, err
}

type commentsRemoveCommand struct {
	Site string `arg:"" help:"Name of the site."`
	Yes  bool   `help:"Do not ask."`
}

// Run removes a site.
func (c *commentsRemoveCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, site store.Site) error {
		what := fmt.Sprintf("The site %q of %s goes with all of its comments, moderators and settings.", c.Site, strings.Join(site.Origins, ", "))
		if err := confirmed(s, os.Stdin, c.Yes, what); err != nil {
			return err
		}
		err := db.DeleteSite(ctx, c.Site)
		if errors.Is(err, store.ErrNotFound) {
			return noSite(ctx, db, c.Site)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "the site %q is removed\n", c.Site)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments remove: %w", err)
	}
	return nil
}
