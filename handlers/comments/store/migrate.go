package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
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
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, d.writes, files, options...)
	if err != nil {
		return fmt.Errorf("bringing the tables up to date: %w", err)
	}
	// Two that open a new SQLite file at once may both want to make the tables. Whoever is late fails, and finds
	// them made.
	for attempt := 0; ; attempt++ {
		_, err = provider.Up(ctx)
		if err == nil {
			return nil
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
