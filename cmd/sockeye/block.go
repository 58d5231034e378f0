package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server/auth"
)

type blockCommand struct {
	User   string        `arg:"" help:"Id of the user: sub of its tokens, or key:<id> for an API key."`
	For    time.Duration `placeholder:"DURATION" help:"How long, such as 1h. Without: until it is taken back."`
	Reason string        `placeholder:"TEXT" help:"What the user is told."`

	options `embed:""`
}

// Run blocks a user on all nodes.
func (c *blockCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	if c.For < 0 {
		return errors.New("block: --for is below zero")
	}
	var until time.Time
	if c.For > 0 {
		until = time.Now().Add(c.For)
	}
	err := c.withLedger(s, ctx, file, func(ctx context.Context, l *auth.Ledger) error {
		return l.Block(ctx, c.User, until, c.Reason)
	})
	if err != nil {
		return fmt.Errorf("block: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%q is blocked until %s\n", c.User, untilText(until))
	return err
}

func untilText(t time.Time) string {
	if t.IsZero() {
		return "it is unblocked"
	}
	return when(t)
}

type unblockCommand struct {
	User string `arg:"" help:"Id of the user, as in sockeye blocks."`

	options `embed:""`
}

// Run takes a block back.
func (c *unblockCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	err := c.withLedger(s, ctx, file, func(ctx context.Context, l *auth.Ledger) error { return l.Unblock(ctx, c.User) })
	if errors.Is(err, auth.ErrNotFound) {
		return fmt.Errorf("unblock: %q is not blocked: see sockeye blocks", c.User)
	}
	if err != nil {
		return fmt.Errorf("unblock: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%q is not blocked any more\n", c.User)
	return err
}

type blocksCommand struct {
	options `embed:""`
}

// Run prints a table.
func (c *blocksCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	err := c.withLedger(s, ctx, file, func(_ context.Context, l *auth.Ledger) error {
		rows := []string{"USER\tSINCE\tUNTIL\tREASON"}
		blocks := l.List()
		for _, id := range slices.Sorted(maps.Keys(blocks)) {
			b := blocks[id]
			rows = append(rows, fmt.Sprintf("%q\t%s\t%s\t%q", id, when(b.Since), untilText(b.Until), b.Reason))
		}
		return printTable(s.out, rows)
	})
	if err != nil {
		return fmt.Errorf("blocks: %w", err)
	}
	return nil
}
