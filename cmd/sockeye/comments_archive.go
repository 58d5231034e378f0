package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

type commentsBackupCommand struct {
	File string `arg:"" help:"The new file."`
}

// Run copies the database.
func (c *commentsBackupCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.inDatabase(s, kctx, file, false, func(ctx context.Context, db store.Store) error {
		if _, err := os.Lstat(c.File); err == nil {
			return fmt.Errorf("%s is there already: name a new file", c.File)
		}
		if err := db.Backup(ctx, c.File); err != nil {
			return err
		}
		about, err := os.Stat(c.File)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.out, "%s has %s: sockeye serve --comments-db %s serves it\n", c.File, bytesText(about.Size()), c.File)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments backup: %w", err)
	}
	return nil
}

type commentsExportCommand struct {
	Site string `arg:"" help:"Name of the site."`
	File string `arg:"" help:"The new file, or - for standard output."`
}

// Run writes a site to a file.
func (c *commentsExportCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, _ store.Site) error {
		out, err := newFile(c.File, s.out)
		if err != nil {
			return err
		}
		p := newProgress(s.err, "export", -1)
		n, err := archive.Write(ctx, out, db, c.Site, func(n int) { p.set(int64(n), n) })
		p.end()
		if err = out.close(err); err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.err, "exported %s of %q\n", count(n), c.Site)
		return err
	})
	if err != nil {
		return fmt.Errorf("comments export: %w", err)
	}
	return nil
}

type commentsImportCommand struct {
	Site   string `arg:"" help:"Name of the site, which has to be there."`
	File   string `arg:"" help:"The file, or - for standard input."`
	Format string `default:"sockeye-comments" placeholder:"FORMAT" help:"What the file is. Only Sockeye's own format is known so far."`
	DryRun bool   `help:"Read and check the whole file, say what would be stored, and store nothing."`
}

// Run reads a file into a site.
func (c *commentsImportCommand) Run(s streams, kctx *kong.Context, file *fileResolver, all *commentsCommand) error {
	err := all.onSite(s, kctx, file, c.Site, func(ctx context.Context, db store.Store, site store.Site) error {
		in, size, err := oldFile(c.File)
		if err != nil {
			return err
		}
		defer in.Close()
		p := newProgress(s.err, "import", size)
		counted := &countedReader{r: in}
		from, err := archive.Open(c.Format, counted)
		if err != nil {
			return fmt.Errorf("--format: %w", err)
		}
		sum, err := archive.Import(ctx, db, &site, from, archive.Options{
			Dry:      c.DryRun,
			Progress: func(r archive.Result) { p.set(counted.n, r.Read) },
		})
		p.end()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", c.File, err, c.cameTo(sum))
		}
		_, err = fmt.Fprintln(s.out, c.said(sum))
		return err
	})
	if err != nil {
		return fmt.Errorf("comments import: %w", err)
	}
	return nil
}

// said is what was done.
func (c *commentsImportCommand) said(sum archive.Result) string {
	verb := "imported"
	if c.DryRun {
		verb = "dry run: would import"
	}
	return fmt.Sprintf("%s %s into %q; %d of %d in the file were there already", verb, count(sum.Stored), c.Site, sum.Read-sum.Stored, sum.Read)
}

// cameTo is what was done before something was wrong.
func (c *commentsImportCommand) cameTo(sum archive.Result) string {
	if c.DryRun {
		return fmt.Sprintf("%s before it would be stored, and %d were there already. Nothing was stored.", count(sum.Stored), sum.Read-sum.Stored)
	}
	return fmt.Sprintf("%s before it are stored, and %d were there already. Put it right and import the file again: what is there stays as it is.",
		count(sum.Stored), sum.Read-sum.Stored)
}

func count(n int) string {
	if n == 1 {
		return "1 comment"
	}
	return fmt.Sprintf("%d comments", n)
}

// destination is a new file, which is taken away again where writing it fails, or standard output.
type destination struct {
	io.Writer
	file *os.File
}

// newFile makes a file that only its owner may read.
func newFile(name string, stdout io.Writer) (*destination, error) {
	if name == "-" {
		return &destination{Writer: stdout}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the user's own choice
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s is there already: name a new file", name)
	}
	if err != nil {
		return nil, err
	}
	return &destination{Writer: f, file: f}, nil
}

// close ends the file; err is what writing it came to.
func (o *destination) close(err error) error {
	if o.file == nil {
		return err
	}
	if err == nil {
		err = o.file.Sync()
	}
	err = errors.Join(err, o.file.Close())
	if err != nil {
		err = errors.Join(err, os.Remove(o.file.Name()))
	}
	return err
}

// oldFile opens a file, or standard input, whose size is -1.
func oldFile(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), -1, nil
	}
	f, err := os.Open(name) // #nosec G304 -- the user's own choice
	if err != nil {
		return nil, 0, err
	}
	about, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, about.Size(), nil
}

// countedReader counts what is read.
type countedReader struct {
	r io.Reader
	n int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
