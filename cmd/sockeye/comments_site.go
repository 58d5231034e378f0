package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

type commentsSitesCommand struct{}

// Run prints a table.
func (c *commentsSitesCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.inDatabase(s, kctx, file, false, func(ctx context.Context, db store.Store) error {
		sites, err := db.ListSites(ctx)
		if err != nil {
			return err
		}
		rows := []string{"SITE\tORIGINS\tGUESTS\tMODERATION\tPENDING\tFLAGGED\tCREATED"}
		for _, site := range sites {
			pending, flagged, err := db.Waiting(ctx, site.Name)
			if err != nil {
				return err
			}
			rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t%s", site.Name, strings.Join(site.Origins, ","), onOff(site.Settings.Guests),
				moderation(&site), pending, flagged, when(site.Created)))
		}
		return printTable(s.out, rows)
	})
	if err != nil {
		return fmt.Errorf("comments sites: %w", err)
	}
	return nil
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func moderation(s *store.Site) store.Moderating {
	if s.Settings.Moderation == "" {
		return store.PostModeration
	}
	return s.Settings.Moderation
}

type commentsSiteCommand struct {
	Name         string   `arg:"" help:"Name of the site."`
	Set          []string `sep:"none" placeholder:"KEY=VALUE" help:"Change a setting, such as guests=on, maxDepth=3 or reactions=👍,🎉; can be repeated. A list may be JSON, too."`
	AddOrigin    []string `sep:"," placeholder:"ORIGIN" help:"Pages of this origin may use the site; can be repeated."`
	RemoveOrigin []string `sep:"," placeholder:"ORIGIN" help:"Pages of this origin may use it no more; can be repeated."`
	RotateSecret bool     `help:"Make a new secret for tokens and print it; tokens of the old one end to hold."`
}

// Run changes what is to be changed, and prints the site as it is then.
func (c *commentsSiteCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Name, func(ctx context.Context, db store.Store, site store.Site) error {
		changed, err := c.change(&site)
		if err != nil {
			return err
		}
		if changed != "" {
			if err := db.UpdateSite(ctx, site); err != nil {
				return err
			}
			if err := db.Note(ctx, site.Name, byCommand(store.SetSettings, changed)); err != nil {
				return err
			}
			if site, err = db.Site(ctx, c.Name); err != nil {
				return err
			}
		}
		if c.RotateSecret {
			if _, err := fmt.Fprintln(s.err, "This is the new secret. Tokens that were signed with the old one hold no more:"); err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.out, site.Secret)
			return err
		}
		return printSite(s.out, &site)
	})
	if err != nil {
		return fmt.Errorf("comments site: %w", err)
	}
	return nil
}

// change changes site and says what, for the log.
func (c *commentsSiteCommand) change(site *store.Site) (string, error) {
	var changed []string
	for _, assignment := range c.Set {
		key, err := setSetting(&site.Settings, assignment)
		if err != nil {
			return "", fmt.Errorf("--set %s: %w", assignment, err)
		}
		changed = append(changed, key)
	}
	if err := guard.Validate(site.Settings); err != nil {
		return "", fmt.Errorf("--set: %w", err)
	}
	if len(c.AddOrigin)+len(c.RemoveOrigin) > 0 {
		origins, err := c.origins(site.Origins)
		if err != nil {
			return "", err
		}
		site.Origins, changed = origins, append(changed, "origins")
	}
	if c.RotateSecret {
		site.Secret, changed = newSiteSecret(), append(changed, "secret")
	}
	return strings.Join(changed, ", "), nil
}

// origins are those of the site when some came and some went.
func (c *commentsSiteCommand) origins(now []string) ([]string, error) {
	now = slices.Clone(now)
	if len(c.AddOrigin) > 0 {
		more, err := siteOrigins(c.AddOrigin)
		if err != nil {
			return nil, fmt.Errorf("--add-origin: %w", err)
		}
		for _, o := range more {
			if !slices.Contains(now, o) {
				now = append(now, o)
			}
		}
	}
	for _, o := range c.RemoveOrigin {
		i := slices.Index(now, strings.ToLower(strings.TrimRight(o, "/")))
		if i < 0 {
			return nil, fmt.Errorf("--remove-origin: %q is none of the site's: they are %s", o, strings.Join(now, ", "))
		}
		now = slices.Delete(now, i, i+1)
	}
	if len(now) == 0 {
		return nil, errors.New("--remove-origin: none would be left, and nobody could use the site: add another one, or take the site away with sockeye comments remove")
	}
	return now, nil
}

// printSite prints a site without its secret.
func printSite(w io.Writer, site *store.Site) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Name     string         `json:"name"`
		Origins  []string       `json:"origins"`
		Created  string         `json:"created"`
		Version  int64          `json:"version"`
		Settings store.Settings `json:"settings"`
	}{site.Name, site.Origins, site.Created.UTC().Format(time.RFC3339), site.Version, site.Settings})
}
