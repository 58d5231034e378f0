package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Backup implements Store. The copy is of one moment, and writers do not wait for it.
func (d *database) Backup(ctx context.Context, file string) error {
	if d.dialect.name != sqliteDialect.name {
		return errors.New("a backup of PostgreSQL is made with pg_dump")
	}
	// SQLite writes to an empty file as to one that is not there. Secrets of sites are in it.
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator names it
	if err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	err = d.copyTo(ctx, file)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("backing up to %s: %w", file, err), os.Remove(file))
	}
	return nil
}

func (d *database) copyTo(ctx context.Context, file string) (err error) {
	db := d.writes
	if d.file != "" {
		if db, err = sql.Open("sqlite", sourceOf(d.file, "")); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", file)
	return err
}
