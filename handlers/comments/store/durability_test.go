package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

// childOf names the database to a process of this test binary that does nothing but write.
const childOf = "SOCKEYE_TEST_STORE_CHILD"

// writeForever adds comments, a few at a time, and prints the ID of each that is acknowledged.
func writeForever(name string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, name, nil)
	if err != nil {
		return err
	}
	failed := make(chan error)
	var mu sync.Mutex
	for w := range 4 {
		go func() {
			for {
				c, _, err := s.Add(ctx, store.Comment{Site: "blog", Page: fmt.Sprint("/", w), Author: store.Author{ID: "u_ann"}, Text: "says"})
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				_, err = os.Stdout.WriteString(c.ID + "\n")
				mu.Unlock()
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// What was acknowledged is there, however the process ends.
func TestKilled(t *testing.T) {
	for kind, database := range map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.Database} {
		t.Run(kind, func(t *testing.T) {
			name := database(t)
			s := open(t, name)
			if err := s.CreateSite(t.Context(), store.Site{Name: "blog"}); err != nil {
				t.Fatal(err)
			}
			var acknowledged []string
			for round := range 8 {
				acknowledged = append(acknowledged, killed(t, name, 1+round*7)...)
				stored := map[string]bool{}
				if err := s.EachComment(t.Context(), "blog", "", func(c store.Comment) error {
					stored[c.ID] = true
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				for _, id := range acknowledged {
					if !stored[id] {
						t.Fatalf("round %d: %s was acknowledged and is not there; %d of %d are", round, id, len(stored), len(acknowledged))
					}
				}
				counted(t, s, len(stored))
			}
		})
	}
}

// counted fails unless the pages have so many comments, and the site as many changes.
func counted(t *testing.T, s store.Store, want int) {
	t.Helper()
	counts, err := s.Counts(t.Context(), "blog", []string{"/0", "/1", "/2", "/3"})
	if err != nil {
		t.Fatal(err)
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if sum := counts["/0"] + counts["/1"] + counts["/2"] + counts["/3"]; sum != want || heads["blog"].Seq != int64(want) {
		t.Fatalf("%d are counted and the site is at %d, but %d are there", sum, heads["blog"].Seq, want)
	}
}

// killed runs a process that writes, kills it when it has acknowledged some, and returns what it had.
func killed(t *testing.T, name string, after int) (acknowledged []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childOf+"="+name)
	var said strings.Builder
	child.Stderr = &said
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n') // a line that was cut is no acknowledgement
		if err != nil {
			break
		}
		if acknowledged = append(acknowledged, strings.TrimSpace(line)); len(acknowledged) == after {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // it was killed
	if len(acknowledged) < after {
		t.Fatalf("it ended after %d acknowledgements: %s", len(acknowledged), said.String())
	}
	return acknowledged
}
