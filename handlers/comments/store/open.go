package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Open opens a database and brings its tables up to date. name is the name of a SQLite file, which is
// made if it is not there, ":memory:", or postgres://user:password@host/database.
func Open(ctx context.Context, name string, logger *slog.Logger) (Store, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	var d *database
	var err error
	switch {
	case name == "":
		return nil, errors.New("opening the comments: no database is named; give the name of a file, or postgres://user:password@host/database")
	case strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://"):
		d, err = openPostgres(name)
	default:
		d, err = openSQLite(ctx, name)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the comments in %s: %w", nameOf(name), err)
	}
	d.logger, d.reader = logger, runner{pool: true, on: d.reads}
	if err := d.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the comments in %s: %w", nameOf(name), err), d.closeConnections())
	}
	d.writer = startWriter(ctx, d)
	return d, nil
}

// nameOf is a name without the password that may be in it.
func nameOf(name string) string {
	scheme, rest, isURL := strings.Cut(name, "://")
	if !isURL {
		return name
	}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	host, _, _ := strings.Cut(rest, "?")
	return scheme + "://" + host
}

var _ Store = (*database)(nil)

// database is a Store. Everything but writing uses connections of reads; what writes is handed
// to the writer, which alone uses writes.
type database struct {
	dialect dialect
	reads   *sql.DB
	writes  *sql.DB // the same as reads in memory
	file    string  // of SQLite, or ""
	logger  *slog.Logger
	reader  runner // of reads
	writer  *writer
}

// Close waits for the writes that were begun; later ones fail.
func (d *database) Close() error {
	d.writer.close()
	return d.closeConnections()
}

func (d *database) closeConnections() error {
	err := d.writes.Close()
	if d.reads != d.writes {
		err = errors.Join(err, d.reads.Close())
	}
	return err
}
