package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the tables up to date. Others may do the same at the same time.
func (d *database) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations/"+d.dialect.name)
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithSlog(d.logger), goose.WithDisableGlobalRegistry(true)}
	kind := goose.DialectSQLite3
	if d.dialect.name == postgresDialect.name {
		kind = goose.DialectPostgres
		options = append(options, goose.WithSessionLocker(nodes{}))
	}
	provider, err := goose.NewProvider(kind, d.writes, files, options...)
	if err != nil {
		return fmt.Errorf("bringing the tables up to date: %w", err)
	}
	// Two that open a new SQLite file at once may both want to make the tables. Whoever is late fails, and finds
	// them made.
	for attempt := 0; ; attempt++ {
		err := up(ctx, provider)
		if err == nil || errors.Is(err, errTooNew) {
			return err
		}
		if attempt == 20 || d.dialect.name != sqliteDialect.name {
			return fmt.Errorf("bringing the tables up to date: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errTooNew = errors.New("a later version of this program has made the tables; use that one")

func up(ctx context.Context, provider *goose.Provider) error {
	known := provider.ListSources()
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	if last := known[len(known)-1].Version; version > last {
		return fmt.Errorf("they are of version %d, and %d is known here: %w", version, last, errTooNew)
	}
	_, err = provider.Up(ctx)
	return err
}

// nodes keeps other nodes waiting while one migrates a database of PostgreSQL.
type nodes struct{}

// lockID is "sockeye" in ASCII.
const lockID = 0x736f636b657965

// SessionLock waits for its turn.
func (nodes) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(lockID))
	return err
}

// SessionUnlock lets the next one go on.
func (nodes) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(lockID))
	return err
}
