package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// batch is how many comments are stored in one transaction.
const batch = 500

// Target is what Import needs of a store.
type Target interface {
	Import(ctx context.Context, site string, comments []store.Comment, dry bool) (stored int, err error)
}

// Result is how far an import came.
type Result struct {
	Read   int // comments that were read and are well
	Stored int // of them, those that are stored now, or with Dry would be; the others were there
}

// Options of an import.
type Options struct {
	Dry      bool         // store nothing
	Progress func(Result) // is told after each transaction; nil tells nobody
}

// Import stores what a Reader reads in a site. Comments that are there already, by their ID, are left alone, so
// that a file can be imported again. Where a file is damaged, what came before is stored, and the Result
// says how much that is.
func Import(ctx context.Context, to Target, site *store.Site, from Reader, o Options) (Result, error) {
	var sum Result
	waiting := make([]store.Comment, 0, batch)
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		n, err := to.Import(ctx, site.Name, waiting, o.Dry)
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("one answers a comment that is neither on the site nor before it in the file: %w", err)
		}
		if err != nil {
			return fmt.Errorf("storing comments %d to %d: %w", sum.Read+1, sum.Read+len(waiting), err)
		}
		sum.Read, sum.Stored = sum.Read+len(waiting), sum.Stored+n
		waiting = waiting[:0]
		if o.Progress != nil {
			o.Progress(sum)
		}
		return nil
	}
	for {
		c, err := from.Next()
		if errors.Is(err, io.EOF) {
			err = flush()
			return sum, err
		}
		if err != nil {
			err = errors.Join(err, flush())
			return sum, err
		}
		if waiting = append(waiting, rendered(site, c)); len(waiting) < batch {
			continue
		}
		if err := flush(); err != nil {
			return sum, err
		}
	}
}

// rendered adds what is made of a text.
func rendered(site *store.Site, c store.Comment) store.Comment {
	c.Site = site.Name
	c.HTML, c.Hash = "", ""
	if c.Text != "" {
		d := markup.Render(c.Text, markup.Options{Images: site.Settings.Images})
		c.HTML, c.Hash = d.HTML, guard.Hash(d.Plain)
	}
	return c
}
