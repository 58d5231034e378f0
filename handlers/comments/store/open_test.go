package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

func open(t testing.TB, name string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	none := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(none, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"": "no database is named",
		filepath.Join(t.TempDir(), "none", "x.db"): "x.db: no such file or directory",
		t.TempDir(): "is a directory",
		none:        "text: file is not a database",
		"postgres://ann:hush@127.0.0.1:1/comments":        "postgres://127.0.0.1:1/comments: ",
		"postgres://ann:hush@127.0.0.1:notaport/comments": "postgres://127.0.0.1:notaport/comments: ",
	} {
		s, err := store.Open(t.Context(), name, nil)
		if err == nil {
			_ = s.Close()
			t.Fatalf("%q opens", name)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The names of files are what they are, although SQLite's driver takes URLs.
func TestStrangeFileNames(t *testing.T) {
	dir := t.TempDir()
	for _, base := range []string{"a b.db", "a?b=c.db", "50%25.db", "#1.db", "ünïcode.db"} {
		open(t, filepath.Join(dir, base))
		info, err := os.Stat(filepath.Join(dir, base))
		if err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", base, info, err)
		}
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{filepath.Join(dir, "comments.db"), ":memory:"} {
		s := open(t, name)
		if err := s.CreateSite(t.Context(), store.Site{Name: "blog", Secret: "kept"}); err != nil {
			t.Fatal(err)
		}
		written := make(chan int)
		stop := make(chan struct{})
		go func() { // while it is in use
			n := 0
			for {
				select {
				case <-stop:
					written <- n
					return
				default:
				}
				if _, _, err := s.Add(t.Context(), store.Comment{Site: "blog", Page: "/", Author: store.Author{ID: "u_ann"}, Text: fmt.Sprint(n)}); err != nil {
					t.Error(err)
				}
				n++
			}
		}()
		file := filepath.Join(dir, fmt.Sprintf("copy of %s?.db", filepath.Base(name)))
		err := s.Backup(t.Context(), file)
		close(stop)
		total := <-written
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v, %v", info, err)
		}
		backup := open(t, file)
		page, err := backup.Page(t.Context(), "blog", "/")
		if err != nil {
			t.Fatal(err)
		}
		heads, err := backup.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if site, err := backup.Site(t.Context(), "blog"); err != nil || site.Secret != "kept" || page.Count > total || heads["blog"].Seq != int64(page.Count) {
			t.Fatalf("%+v of %d, at %d: %v", page, total, heads["blog"].Seq, err)
		}
		if err := s.Backup(t.Context(), file); err == nil || !strings.Contains(err.Error(), "exists") {
			t.Fatalf("over a file: %v", err)
		}
		if again, err := backup.Page(t.Context(), "blog", "/"); err != nil || again != page {
			t.Fatalf("the first backup is changed: %+v, %v", again, err)
		}
	}
}

func TestBackupOfPostgres(t *testing.T) {
	s := open(t, pgtest.Database(t))
	if err := s.Backup(t.Context(), file(t)); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Fatal(err)
	}
}
