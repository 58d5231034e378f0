package store_test

import (
	"path/filepath"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
	"github.com/sockeye-io/sockeye/handlers/comments/store/storetest"
)

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "comments.db") }

func TestSQLite(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: file, Nodes: true})
}

func TestMemory(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: func(testing.TB) string { return ":memory:" }})
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, storetest.Suite{Database: pgtest.Database, Nodes: true})
}
