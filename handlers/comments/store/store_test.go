package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
	"github.com/sockeye-io/sockeye/handlers/comments/store/storetest"
)

func file(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "comments.db")
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: emptied(func() string { return file(t) }), New: file, Nodes: true})
}

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: func(testing.TB) string { return ":memory:" }})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: emptied(func() string { return pgtest.Database(t) }), New: pgtest.Database, Nodes: true})
}

// emptied gives out databases; one that a test is done with is emptied for the next, because making the tables
// takes the most time of all.
func emptied(fresh func() string) func(testing.TB) string {
	var free []string
	return func(t testing.TB) string {
		t.Helper()
		name := ""
		if last := len(free) - 1; last >= 0 {
			name, free = free[last], free[:last]
		} else {
			name = fresh()
		}
		t.Cleanup(func() {
			if err := empty(context.WithoutCancel(t.Context()), name); err != nil {
				t.Error(err)
			}
			free = append(free, name)
		})
		return name
	}
}

func empty(ctx context.Context, name string) error {
	s, err := store.Open(ctx, name, nil)
	if err != nil {
		return err
	}
	sites, err := s.ListSites(ctx)
	for _, site := range sites {
		err = errors.Join(err, s.DeleteSite(ctx, site.Name))
	}
	return errors.Join(err, s.Close())
}
