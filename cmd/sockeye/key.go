package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/auth"
)

type keyCommand struct {
	Create keyCreateCommand `cmd:"" help:"Make an API key and print it, once: only its hash is kept."`
	List   keyListCommand   `cmd:"" help:"List the API keys, without their secrets."`
	Revoke keyRevokeCommand `cmd:"" help:"Revoke an API key; who uses it is disconnected."`
}

// withLedger runs a command on the API keys and blocks of the configuration.
func (o *options) withLedger(s streams, ctx *kong.Context, file *fileResolver, do func(ctx context.Context, l *auth.Ledger) error) error {
	if err := o.complete(ctx, file); err != nil {
		return err
	}
	return server.WithLedger(s.ctx, &o.Config, newLogger(s.err, &o.Config), do)
}

type keyCreateCommand struct {
	Name  string        `placeholder:"TEXT" help:"What it is for."`
	Scope []string      `required:"" sep:"," placeholder:"SCOPE" help:"What it may do: read, publish or admin; can be repeated."`
	Room  []string      `sep:"none" default:"*" placeholder:"PATTERN" help:"Rooms that it may read or publish to, such as 'news:*'; can be repeated."`
	For   time.Duration `placeholder:"DURATION" help:"How long it holds, such as 2160h. Without: for ever."`

	options `embed:""`
}

// Run prints the key on standard output, and what it is for on standard error.
func (c *keyCreateCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	about := auth.APIKey{Name: c.Name, Rooms: c.Room}
	for _, scope := range c.Scope {
		about.Scopes = append(about.Scopes, auth.Scope(scope))
	}
	if c.For < 0 {
		return errors.New("key create: --for is below zero")
	}
	if c.For > 0 {
		about.Expires = time.Now().Add(c.For).UTC().Truncate(time.Second)
	}
	id, text, k, err := auth.NewKey(about)
	if err != nil {
		return fmt.Errorf("key create: %w", err)
	}
	err = c.withLedger(s, ctx, file, func(ctx context.Context, l *auth.Ledger) error { return l.AddKey(ctx, id, k) })
	if err != nil {
		return fmt.Errorf("key create: %w", err)
	}
	if _, err = fmt.Fprintln(s.out, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.err, "This is API key %s. It is not kept and cannot be shown again.\n", id)
	return err
}

type keyListCommand struct {
	options `embed:""`
}

// Run prints a table.
func (c *keyListCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	err := c.withLedger(s, ctx, file, func(_ context.Context, l *auth.Ledger) error {
		rows := []string{"ID\tNAME\tSCOPES\tROOMS\tCREATED\tEXPIRES"}
		keys := l.Keys()
		for _, id := range slices.Sorted(maps.Keys(keys)) {
			k := keys[id]
			scopes := make([]string, len(k.Scopes))
			for i, scope := range k.Scopes {
				scopes[i] = string(scope)
			}
			rows = append(rows, fmt.Sprintf("%s\t%q\t%s\t%q\t%s\t%s", id, k.Name,
				strings.Join(scopes, ","), strings.Join(k.Rooms, ","), when(k.Created), when(k.Expires)))
		}
		return printTable(s.out, rows)
	})
	if err != nil {
		return fmt.Errorf("key list: %w", err)
	}
	return nil
}

// printTable writes rows, whose cells are separated by tabs, in columns.
func printTable(out io.Writer, rows []string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, strings.Join(rows, "\n")); err != nil {
		return err
	}
	return w.Flush()
}

// when writes a time for a table.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}

type keyRevokeCommand struct {
	ID string `arg:"" help:"Id of the key, as in sockeye key list; or the key."`

	options `embed:""`
}

// Run forgets the key.
func (c *keyRevokeCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	id := strings.TrimPrefix(c.ID, auth.KeyIDPrefix)
	if whole := auth.KeyID(c.ID); whole != "" {
		id = whole
	}
	err := c.withLedger(s, ctx, file, func(ctx context.Context, l *auth.Ledger) error { return l.RevokeKey(ctx, id) })
	if errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("key revoke: there is no API key %q: see sockeye key list", id)
	}
	if err != nil {
		return fmt.Errorf("key revoke: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s is revoked\n", id)
	return err
}
