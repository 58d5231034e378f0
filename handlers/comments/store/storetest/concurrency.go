package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func testCanceled(b *bench) {
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	if _, _, err := b.Add(ctx, store.Comment{Site: site, Page: page, Author: by("Ann"), Text: "x", Key: "k"}); err != nil {
		b.is(err, context.Canceled)
	}
	b.add("", func(c *store.Comment) { c.Key = "another" }) // it goes on
}

func testClosed(b *bench) {
	s, err := store.Open(b.ctx(), b.suite.Database(b), nil)
	b.must(err)
	b.must(s.CreateSite(b.ctx(), store.Site{Name: site}))
	b.must(s.Close())
	if err := s.CreateSite(b.ctx(), store.Site{Name: other}); err == nil {
		b.Fatal("a closed store stores")
	}
	if _, err := s.ListSites(b.ctx()); err == nil {
		b.Fatal("a closed store reads")
	}
	b.must(s.Close())
}

// write adds so many comments from each of some goroutines, and returns their numbers.
func (b *bench) write(stores []store.Store, writers, each int) []int64 {
	var mu sync.Mutex
	var seqs []int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				c, stored, err := stores[w%len(stores)].Add(b.ctx(), store.Comment{
					Site: site, Page: fmt.Sprint("/", w%7), Author: by(fmt.Sprint("Writer", w)), Key: fmt.Sprint(i), Text: fmt.Sprint(w, "/", i),
				})
				if err != nil || !stored {
					b.Errorf("writer %d: stored %v, %v", w, stored, err)
					return
				}
				mu.Lock()
				seqs = append(seqs, c.Seq)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(seqs)
	return seqs
}

// dense fails unless numbers are 1, 2, 3 and so on.
func (b *bench) dense(seqs []int64, n int) {
	b.Helper()
	if len(seqs) != n {
		b.Fatalf("%d numbers, want %d", len(seqs), n)
	}
	for i, seq := range seqs {
		if seq != int64(i+1) {
			b.Fatalf("number %d is %d", i+1, seq)
		}
	}
}

func testManyWriters(b *bench) {
	b.dense(b.write([]store.Store{b.Store}, 50, 4), 200)
	total := 0
	for i := range 7 {
		total += b.count(fmt.Sprint("/", i))
	}
	b.equal(total, 200)
}

func testSameKeyAtOnce(b *bench) {
	stores := []store.Store{b.Store}
	if b.suite.Nodes {
		stores = append(stores, b.open())
	}
	var mu sync.Mutex
	got, fresh := map[string]bool{}, 0
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c, stored, err := stores[i%len(stores)].Add(b.ctx(), store.Comment{Site: site, Page: page, Author: by("Ann"), Key: "k", Text: "x"})
			if err != nil {
				b.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[c.ID] = true
			if stored {
				fresh++
			}
		})
	}
	wg.Wait()
	b.equal([]int{len(got), fresh, b.count(page)}, []int{1, 1, 1})
}

// tail follows a site until it has read up to a number, and returns the numbers that it was told.
func (b *bench) tail(s store.Store, upTo int64) (told []int64) {
	ctx, cancel := context.WithTimeout(b.ctx(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond) // so that writers get their share of a busy machine
	defer tick.Stop()
	for cursor := int64(0); cursor < upTo; <-tick.C {
		comments, _, _, err := s.Changes(ctx, site, "", cursor, 10)
		if err != nil {
			b.Errorf("tailing, at %d: %v", cursor, err)
			return told
		}
		for _, c := range comments {
			told = append(told, c.Seq)
			cursor = c.Seq
		}
	}
	return told
}

// Whoever reads while others write is told every number in order: none is committed before a lower one.
func testTailInOrder(b *bench) {
	told := make(chan []int64)
	go func() { told <- b.tail(b.Store, 200) }()
	b.write([]store.Store{b.Store}, 10, 20)
	b.dense(<-told, 200)
}

func testNodesTail(b *bench) {
	nodes := []store.Store{b.Store, b.open()}
	told := make(chan []int64)
	for _, s := range nodes {
		go func() { told <- b.tail(s, 100) }()
	}
	b.dense(b.write(nodes, 10, 10), 100)
	for range nodes {
		b.dense(<-told, 100)
	}
}

func testNodesTogether(b *bench) {
	second := b.open()
	c := b.add("")
	got, err := second.Comment(b.ctx(), site, c.ID)
	b.must(err)
	b.equal(got, c)
	voted, err := second.Vote(b.ctx(), site, c.ID, "u_1", 1)
	b.must(err)
	b.equal(b.again(c.ID), voted)
	_, err = second.Edit(b.ctx(), site, c.ID, store.Edit{Text: "changed elsewhere"})
	b.must(err)
	b.equal(b.again(c.ID).Text, "changed elsewhere")

	// Each writes to both sites at once, in either order.
	var wg sync.WaitGroup
	for i, s := range []store.Store{b.Store, second} {
		for j := range 20 {
			wg.Go(func() {
				name := []string{site, other}[(i+j)%2]
				if _, _, err := s.Add(b.ctx(), store.Comment{Site: name, Page: page, Author: by("Ann"), Text: "x"}); err != nil {
					b.Error(err)
				}
			})
		}
	}
	wg.Wait()
	heads, err := second.Heads(b.ctx())
	b.must(err)
	b.equal(heads[site].Seq+heads[other].Seq, 42)
}

// Nodes that start at once on an empty database make its tables once.
func testNodesOpenAtOnce(b *bench) {
	name := b.suite.New(b)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := store.Open(b.ctx(), name, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := s.ListSites(b.ctx()); err != nil {
				b.Error(err)
			}
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

func testReopened(b *bench) {
	c := b.add("")
	b.must(b.Close())
	b.Store = b.open()
	b.equal(b.again(c.ID), c)
	if next := b.add(""); next.Seq != c.Seq+1 {
		b.Fatalf("number %d after %d", next.Seq, c.Seq)
	}
}
