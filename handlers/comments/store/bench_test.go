package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

// databases runs a benchmark on both.
func databases(b *testing.B, run func(*testing.B, store.Store)) {
	b.Helper()
	for kind, database := range map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.Database} {
		b.Run(kind, func(b *testing.B) {
			s := open(b, database(b))
			if err := s.CreateSite(b.Context(), store.Site{Name: "blog"}); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			run(b, s)
		})
	}
}

// say adds the nth comment of a page; every third answers the one before.
func say(b *testing.B, s store.Store, page string, n int, parent string) string {
	b.Helper()
	if n%3 == 0 {
		parent = ""
	}
	c, _, err := s.Add(b.Context(), store.Comment{
		Site: "blog", Page: page, Parent: parent, Author: store.Author{ID: "u_ann", Name: "Ann"},
		Key: fmt.Sprint(page, n), Text: "A comment of a usual length, as people write them.", HTML: "<p>A comment of a usual length, as people write them.</p>",
	})
	if err != nil {
		b.Error(err)
	}
	return c.ID
}

func BenchmarkAdd(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			databases(b, func(b *testing.B, s store.Store) {
				b.Helper()
				var wg sync.WaitGroup
				var n atomic.Int64
				for w := range writers {
					wg.Go(func() {
						parent := ""
						for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
							parent = say(b, s, fmt.Sprint("/", w), int(i), parent)
						}
					})
				}
				wg.Wait()
			})
		})
	}
}

func BenchmarkThreads(b *testing.B) {
	databases(b, func(b *testing.B, s store.Store) {
		b.Helper()
		parent := ""
		for i := range 1000 {
			parent = say(b, s, "/", i, parent)
		}
		for b.Loop() {
			all, _, err := s.Threads(b.Context(), store.ThreadQuery{Site: "blog", Page: "/", Limit: 1000})
			if err != nil || len(all) != 1000 {
				b.Fatal(len(all), err)
			}
		}
	})
}

func BenchmarkChanges(b *testing.B) {
	databases(b, func(b *testing.B, s store.Store) {
		b.Helper()
		parent := ""
		for i := range 1000 {
			parent = say(b, s, "/", i, parent)
		}
		for b.Loop() {
			some, _, _, err := s.Changes(b.Context(), "blog", "", 980, 100)
			if err != nil || len(some) != 20 {
				b.Fatal(len(some), err)
			}
		}
	})
}
