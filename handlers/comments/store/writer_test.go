package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

// both runs a test on both databases, with a site.
func both(t *testing.T, run func(t *testing.T, name string, d *database)) {
	t.Helper()
	for kind, name := range map[string]func(testing.TB) string{
		"SQLite":   func(t testing.TB) string { t.Helper(); return filepath.Join(t.TempDir(), "comments.db") },
		"Postgres": pgtest.Database,
	} {
		t.Run(kind, func(t *testing.T) {
			name := name(t)
			s, err := Open(t.Context(), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			if err := s.CreateSite(t.Context(), Site{Name: "blog"}); err != nil {
				t.Fatal(err)
			}
			run(t, name, s.(*database))
		})
	}
}

// heldUp has the writer wait inside a write, until the function that is returned is called, so that other writes
// come into one transaction.
func heldUp(t *testing.T, d *database) (release func() error) {
	t.Helper()
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- d.write(context.WithoutCancel(t.Context()), "", func(context.Context, *tx) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	return func() error {
		close(leave)
		return <-done
	}
}

// Writes that share a transaction do not share their fate: one that fails in the middle leaves nothing behind, its number
// of change is given to the next, and the others are stored.
func TestOneOfAGroupFails(t *testing.T) {
	both(t, func(t *testing.T, _ string, d *database) {
		t.Helper()
		release := heldUp(t, d)
		failure := errors.New("failure")
		const n = 20
		results := make(chan error, n)
		for i := range n {
			go func() {
				err := d.write(t.Context(), "blog", func(ctx context.Context, x *tx) error {
					c := Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: fmt.Sprint(i), State: Published}
					if err := x.add(ctx, &c); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return failure
					case 2: // PostgreSQL ends a transaction at an error of its own
						_, err := x.exec(ctx, "INSERT INTO nothing VALUES (1)")
						return err
					case 3:
						return errUndo
					}
					return nil
				})
				if bad := i%4 == 1 || i%4 == 2; (err != nil) != bad || i%4 == 1 && !errors.Is(err, failure) {
					t.Errorf("write %d: %v", i, err)
				}
				results <- err
			}()
		}
		waitFor(t, func() bool { return len(d.writer.jobs) == n })
		if err := release(); err != nil {
			t.Fatal(err)
		}
		for range n {
			<-results
		}
		comments, pages, _, err := d.Changes(t.Context(), "blog", "", 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range comments {
			if c.Seq != int64(i+1) {
				t.Errorf("comment %d has number %d", i, c.Seq)
			}
		}
		heads, err := d.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(comments) != n/4 || pages[0].Count != n/4 || heads["blog"].Seq != n/4 {
			t.Fatalf("%d comments, a page of %d, a site at %d; want %d", len(comments), pages[0].Count, heads["blog"].Seq, n/4)
		}
	})
}

// Who gives up before the writer comes to it has stored nothing.
func TestGivenUpInTime(t *testing.T) {
	both(t, func(t *testing.T, _ string, d *database) {
		t.Helper()
		release := heldUp(t, d)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			_, _, err := d.Add(ctx, Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "x"})
			result <- err
		}()
		waitFor(t, func() bool { return len(d.writer.jobs) == 1 })
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Add(t.Context(), Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "y"}); err != nil {
			t.Fatal(err)
		}
		if page, err := d.Page(t.Context(), "blog", "/"); err != nil || page.Count != 1 {
			t.Fatalf("%+v, %v", page, err)
		}
	})
}

// What comes for a site after it was deleted, in one transaction, does not find it.
func TestDeletedInAGroup(t *testing.T) {
	both(t, func(t *testing.T, _ string, d *database) {
		t.Helper()
		release := heldUp(t, d)
		deleted, added := make(chan error), make(chan error)
		go func() { deleted <- d.DeleteSite(t.Context(), "blog") }()
		waitFor(t, func() bool { return len(d.writer.jobs) == 1 })
		go func() {
			_, _, err := d.Add(t.Context(), Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "x"})
			added <- err
		}()
		waitFor(t, func() bool { return len(d.writer.jobs) == 2 })
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if err := <-deleted; err != nil {
			t.Fatal(err)
		}
		if err := <-added; !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	})
}

// What SQLite was told about files: what is committed is on the disk.
func TestPragmas(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "comments.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.(*database)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		for kind, r := range map[string]runner{"writer": {on: d.writes}, "readers": d.reader} {
			var got string
			if err := r.one(t.Context(), "PRAGMA "+pragma, nil, &got); err != nil || got != want {
				t.Errorf("%s of %s is %q, want %q; %v", pragma, kind, got, want, err)
			}
		}
	}
	if _, err := d.reader.exec(t.Context(), "DELETE FROM sites"); err == nil {
		t.Error("a reader writes")
	}
}

// Close waits for the write that runs, and refuses those that wait.
func TestCloseWhileWriting(t *testing.T) {
	both(t, func(t *testing.T, name string, d *database) {
		t.Helper()
		s, err := Open(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		second := s.(*database)
		release := heldUp(t, second)
		result := make(chan error)
		go func() {
			_, _, err := second.Add(t.Context(), Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "x"})
			result <- err
		}()
		waitFor(t, func() bool { return len(second.writer.jobs) == 1 })
		closed := make(chan error)
		go func() { closed <- second.Close() }()
		waitFor(t, func() bool {
			select {
			case <-second.writer.stop:
				return true
			default:
				return false
			}
		})
		select {
		case <-closed:
			t.Fatal("closed in the middle of a write")
		default:
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		// The select of the writer may take either first; what it says is true.
		err = <-result
		page, problem := d.Page(t.Context(), "blog", "/")
		if problem != nil || (page.Count == 1) != (err == nil) || err != nil && !errors.Is(err, errClosed) {
			t.Fatalf("%v, %+v, %v", err, page, problem)
		}
	})
}

func TestTablesOfALaterVersion(t *testing.T) {
	both(t, func(t *testing.T, name string, d *database) {
		t.Helper()
		err := d.write(t.Context(), "", func(ctx context.Context, x *tx) error {
			_, err := x.exec(ctx, "UPDATE goose_db_version SET version_id = 9999 WHERE version_id > 0")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), name, nil)
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, errTooNew) {
			t.Fatal(err)
		}
	})
}

// A node that finds another one making the tables waits for it.
func TestNodeWaitsForTables(t *testing.T) {
	name := pgtest.Database(t)
	s, err := Open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.(*database)
	conn, err := d.reads.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := (nodes{}).SessionLock(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		second, err := Open(t.Context(), name, nil)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	waitFor(t, func() bool {
		var waiting int
		err := d.reader.one(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", nil, &waiting)
		return err == nil && waiting == 1
	})
	if err := (nodes{}).SessionUnlock(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

// Connections that PostgreSQL ended are replaced, and nobody notices.
func TestConnectionsEnd(t *testing.T) {
	name := pgtest.Database(t)
	s, err := Open(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.(*database)
	if err := s.CreateSite(t.Context(), Site{Name: "blog"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		reads := make(chan error)
		for range readers { // all connections are in use
			go func() { _, err := s.Heads(t.Context()); reads <- err }()
		}
		for range readers {
			if err := <-reads; err != nil {
				t.Fatal(err)
			}
		}
		// The connection that ends the others goes last.
		err := d.reader.each(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
			nil, func(func(...any) error) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Add(t.Context(), Comment{Site: "blog", Page: "/", Author: Author{ID: "u_ann"}, Text: "x"}); err != nil {
			t.Fatal(err)
		}
		for range 2 * readers {
			if _, err := s.Heads(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// waitFor waits until something is so.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("it did not become so")
		}
	}
}
