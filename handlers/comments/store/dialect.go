package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// dialect is in what the databases differ; everything else is SQL that both speak. Placeholders
// are $1, $2 with both.
type dialect struct {
	name string
	// lock ends a SELECT whose rows nobody else may change until the end of the transaction. A writer of
	// SQLite is alone anyway.
	lock string
	// skip is the same for rows of h, without waiting for those that others have locked.
	skip string
}

var (
	sqliteDialect   = dialect{name: "sqlite"}
	postgresDialect = dialect{name: "postgres", lock: " FOR NO KEY UPDATE", skip: " FOR UPDATE OF h SKIP LOCKED"}
)

// Connections to a database, of one process. Readers of SQLite do not wait for the writer; more of them
// than there are processors help where the file is not in memory.
const readers = 8

const memory = ":memory:"

func openSQLite(ctx context.Context, name string) (*database, error) {
	if name == memory {
		db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)&_txlock=immediate")
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1) // each connection would be a database of its own
		return &database{dialect: sqliteDialect, reads: db, writes: db}, nil
	}
	// Secrets of sites are in it.
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	writes, err := sql.Open("sqlite", sourceOf(name, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	writes.SetMaxOpenConns(1)
	if err := writes.PingContext(ctx); err != nil {
		return nil, errors.Join(err, writes.Close())
	}
	reads, err := sql.Open("sqlite", sourceOf(name, "_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, writes.Close())
	}
	reads.SetMaxOpenConns(readers)
	reads.SetMaxIdleConns(readers)
	return &database{dialect: sqliteDialect, reads: reads, writes: writes, file: name}, nil
}

// sourceOf names a file to the driver. Others that have it open are waited for, up to ten seconds; what was
// committed is on the disk.
func sourceOf(name, more string) string {
	path := (&url.URL{Path: name}).EscapedPath()
	return "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + more
}

func openPostgres(name string) (*database, error) {
	reads, err := sql.Open("pgx", name)
	if err != nil {
		return nil, err
	}
	writes, err := sql.Open("pgx", name)
	if err != nil {
		return nil, errors.Join(err, reads.Close())
	}
	writes.SetMaxOpenConns(1)
	reads.SetMaxOpenConns(readers)
	reads.SetMaxIdleConns(readers)
	return &database{dialect: postgresDialect, reads: reads, writes: writes}, nil
}

// deadlocked reports that PostgreSQL ended a transaction because it and another waited for each other.
func deadlocked(err error) bool {
	var problem *pgconn.PgError
	return errors.As(err, &problem) && (problem.Code == "40P01" || problem.Code == "40001")
}

// lost reports that a connection had ended, as all do when PostgreSQL is restarted.
func lost(err error) bool {
	var problem *pgconn.PgError
	if errors.As(err, &problem) {
		return strings.HasPrefix(problem.Code, "57P")
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// runner runs SQL on a connection pool, or in a transaction.
type runner struct {
	// pool says that what is read may be read again, on another connection.
	pool bool
	on   interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}
}

// exec returns how many rows there were.
func (r runner) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := r.on.ExecContext(ctx, query, storable(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls f for every row.
func (r runner) each(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) error {
	args = storable(args)
	for attempt := 0; ; attempt++ {
		rows, err := r.rows(ctx, query, args, f)
		// All connections of the pool may have ended.
		if !r.pool || rows > 0 || attempt > readers || !lost(err) {
			return err
		}
	}
}

func (r runner) rows(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) (n int, err error) {
	rows, err := r.on.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for ; rows.Next(); n++ {
		if err := f(rows.Scan); err != nil {
			return n + 1, err
		}
	}
	return n, rows.Err()
}

// one reads the columns of one row; ErrNotFound where there is none.
func (r runner) one(ctx context.Context, query string, args []any, into ...any) error {
	found := false
	err := r.each(ctx, query, args, func(scan func(...any) error) error {
		found = true
		return scan(into...)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}

// storable makes of arguments what both databases take: PostgreSQL knows no zero byte in a text, and
// whole numbers are booleans here.
func storable(args []any) []any {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			if s := storableText(v); s != v {
				args[i] = s
			}
		case bool:
			args[i] = 0
			if v {
				args[i] = 1
			}
		case State:
			args[i] = string(v)
		case Action:
			args[i] = string(v)
		}
	}
	return args
}

func storableText(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// list is a condition that a column has one of some values, which it appends to args.
func list[T any](column string, values []T, args *[]any) string {
	if len(values) == 0 {
		return "1 = 0"
	}
	var b strings.Builder
	b.WriteString(column + " IN (")
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		*args = append(*args, v)
		fmt.Fprintf(&b, "$%d", len(*args))
	}
	b.WriteString(")")
	return b.String()
}
