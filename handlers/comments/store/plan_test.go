package store

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// spy notes what is asked.
type spy struct {
	*sql.DB
	asked []struct {
		query string
		args  []any
	}
}

func (s *spy) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s.asked = append(s.asked, struct {
		query string
		args  []any
	}{query, args})
	return s.DB.QueryContext(ctx, query, args...)
}

// plan is how SQLite goes about a query.
func (s *spy) plan(t *testing.T, query string, args []any) string {
	t.Helper()
	var lines []string
	err := runner{on: s.DB}.each(t.Context(), "EXPLAIN QUERY PLAN "+query, args, func(scan func(...any) error) error {
		var id, parent, unused int
		var detail string
		err := scan(&id, &parent, &unused, &detail)
		lines = append(lines, detail)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "; ")
}

// What is asked often is answered by an index, in the order of the index: nothing is read whole or sorted.
func TestQueriesUseIndexes(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "comments.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.(*database)
	ctx := t.Context()
	if err := s.CreateSite(ctx, Site{Name: "blog"}); err != nil {
		t.Fatal(err)
	}
	c, _, err := s.Add(ctx, Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "x", Hash: "h"})
	if err != nil {
		t.Fatal(err)
	}
	watch := &spy{DB: d.reads}
	d.reader = runner{on: watch}
	for name, ask := range map[string]func() error{
		"Site":   func() error { _, err := s.Site(ctx, "blog"); return err },
		"Page":   func() error { _, err := s.Page(ctx, "blog", "/"); return err },
		"Counts": func() error { _, err := s.Counts(ctx, "blog", []string{"/", "/2"}); return err },
		"Threads": func() error {
			for _, sort := range []Sort{Newest, Oldest, Top} {
				for _, after := range []string{"", place{id: c.ID}.String()} {
					if _, _, err := s.Threads(ctx, ThreadQuery{Site: "blog", Page: "/", Sort: sort, After: after, Limit: 10, With: c.ID}); err != nil {
						return err
					}
				}
			}
			return nil
		},
		"Changes":       func() error { _, _, _, err := s.Changes(ctx, "blog", "", 0, 10); return err },
		"ChangesOfPage": func() error { _, _, _, err := s.Changes(ctx, "blog", "/", 0, 10); return err },
		"Tallies":       func() error { _, _, err := s.Tallies(ctx, "blog", "", 0, 10); return err },
		"TalliesOfPage": func() error { _, _, err := s.Tallies(ctx, "blog", "/", 0, 10); return err },
		"Recent":        func() error { _, err := s.Recent(ctx, "blog", "", 10); return err },
		"RecentOfPage":  func() error { _, err := s.Recent(ctx, "blog", "/", 10); return err },
		"Mine":          func() error { _, err := s.Mine(ctx, "blog", "/", "u_ann"); return err },
		"SameText":      func() error { _, err := s.SameText(ctx, "blog", "u_ann", "h", time.Time{}); return err },
		"Banned":        func() error { _, _ = s.Banned(ctx, "blog", "u_ann"); return nil },
		"Waiting":       func() error { _, _, err := s.Waiting(ctx, "blog"); return err },
		"Queue":         func() error { _, _, err := s.Search(ctx, Search{Site: "blog", State: Pending, Limit: 10}); return err },
		"Flagged":       func() error { _, _, err := s.Search(ctx, Search{Site: "blog", Flagged: true, Limit: 10}); return err },
		"Decisions":     func() error { _, err := s.Decisions(ctx, "blog", 9, 10); return err },
		"Export":        func() error { return s.EachComment(ctx, "blog", "", func(Comment) error { return nil }) },
		"Session":       func() error { _, _ = s.Session(ctx, "h", time.Now()); return nil },
		"Hooks":         func() error { _, err := s.Hooks(ctx, time.Now(), time.Minute, 10); return err },
	} {
		watch.asked = nil
		if err := ask(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(watch.asked) == 0 {
			t.Fatalf("%s asks nothing", name)
		}
		for _, asked := range watch.asked {
			plan := watch.plan(t, asked.query, asked.args)
			if bad := slow.FindString(plan); bad != "" {
				t.Errorf("%s: %s\n%s", name, asked.query, plan)
			}
		}
	}
}

// slow is a table that is read whole, or a sort.
var slow = regexp.MustCompile(`SCAN (\w+)(;|$)|TEMP B-TREE`)

// The databases differ in the kinds of some columns, and in nothing else.
func TestTablesAreTheSame(t *testing.T) {
	names, err := os.ReadDir("migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadDir("migrations/postgres"); err != nil || len(other) != len(names) {
		t.Fatalf("%d files, and %d", len(names), len(other))
	}
	for _, name := range names {
		var texts [2]string
		for i, dialect := range []string{"sqlite", "postgres"} {
			b, err := os.ReadFile(filepath.Join("migrations", dialect, name.Name()))
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = strings.NewReplacer(` COLLATE "C"`, "", "INTEGER PRIMARY KEY AUTOINCREMENT", "NUMBER",
				"BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "NUMBER").Replace(string(b))
			texts[i] = regexp.MustCompile(`[ \t]+`).ReplaceAllString(texts[i], " ")
		}
		if texts[0] != texts[1] {
			t.Errorf("%s: the tables differ in more than their kinds", name.Name())
		}
	}
}
