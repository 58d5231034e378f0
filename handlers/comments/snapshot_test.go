package comments

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const snapshotPath = "/comments/v1/blog/snapshot?page=/a"

func TestASnapshotShowsAPageInOrder(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	one := add(t, n.store, store.Comment{Text: "one"})
	add(t, n.store, store.Comment{Text: "two"})
	add(t, n.store, store.Comment{Text: "answer", Parent: one.ID})
	add(t, n.store, store.Comment{Text: "waits", State: store.Pending})
	add(t, n.store, store.Comment{Text: "elsewhere", Page: "/b"})
	if _, err := n.store.Vote(t.Context(), "blog", one.ID, "u_x", 1); err != nil {
		t.Fatal(err)
	}
	for sort, want := range map[string][]string{
		"":             {"<p>two</p>", "<p>one</p>", "<p>answer</p>"},
		"&sort=newest": {"<p>two</p>", "<p>one</p>", "<p>answer</p>"},
		"&sort=oldest": {"<p>one</p>", "<p>answer</p>", "<p>two</p>"},
		"&sort=top":    {"<p>one</p>", "<p>answer</p>", "<p>two</p>"},
	} {
		got := n.get(t, snapshotPath+sort).json(t, http.StatusOK)
		if all := texts(objectsOf(got["comments"])); !reflect.DeepEqual(all, want) {
			t.Errorf("%s: %q, want %q", sort, all, want)
		}
		head, err := n.store.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := (cursor{head["blog"].Seq, head["blog"].Tally}).String(); got["cursor"] != want {
			t.Errorf("%s: cursor %v, want %s", sort, got["cursor"], want)
		}
		if page := got["page"].(object); page["count"] != 3.0 || page["key"] != "/a" || page["locked"] != false {
			t.Errorf("%s: page %v", sort, page)
		}
		if site := got["site"].(object); site["name"] != "blog" || site["guests"] != true || site["maxDepth"] != 4.0 || site["hookURL"] != nil {
			t.Errorf("%s: site %v", sort, site)
		}
	}
	if got := n.get(t, "/comments/v1/blog/snapshot?page=/none").json(t, http.StatusOK); got["comments"] == nil || len(objectsOf(got["comments"])) != 0 {
		t.Errorf("a page without comments: %v", got)
	}
}

func TestASnapshotGoesOnAndHasWhatALinkIsFor(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	var ids []string
	for i := range snapshotThreads + 3 {
		ids = append(ids, add(t, n.store, store.Comment{Text: fmt.Sprint("number ", i)}).ID)
	}
	first := n.get(t, snapshotPath).json(t, http.StatusOK)
	next, _ := first["next"].(string)
	if len(objectsOf(first["comments"])) != snapshotThreads || next == "" {
		t.Fatalf("%d comments, next %q", len(objectsOf(first["comments"])), next)
	}
	second := n.get(t, snapshotPath+"&after="+url.QueryEscape(next)).json(t, http.StatusOK)
	if got := texts(objectsOf(second["comments"])); !reflect.DeepEqual(got, []string{"<p>number 2</p>", "<p>number 1</p>", "<p>number 0</p>"}) || second["next"] != nil {
		t.Errorf("then came %q, next %v", got, second["next"])
	}
	with := n.get(t, snapshotPath+"&with="+ids[0]).json(t, http.StatusOK)
	if all := objectsOf(with["comments"]); len(all) != snapshotThreads+1 || all[len(all)-1]["id"] != ids[0] {
		t.Errorf("with a link there are %d", len(all))
	}
}

func TestWhatIsWrongWithARequestForASnapshotIsSaid(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/comments/v1/none/snapshot?page=/a":                                  {404, "unknown_site"},
		"/comments/v1/BLOG/snapshot?page=/a":                                  {404, "unknown_site"},
		"/comments/v1/blog/snapshot":                                          {400, "bad_request"},
		"/comments/v1/blog/snapshot?page=":                                    {400, "bad_request"},
		"/comments/v1/blog/snapshot?page=" + strings.Repeat("x", 513):         {400, "bad_request"},
		"/comments/v1/blog/snapshot?page=%ff":                                 {400, "bad_request"},
		snapshotPath + "&sort=best":                                           {400, "bad_request"},
		snapshotPath + "&with=1":                                              {400, "bad_request"},
		snapshotPath + "&with=zzzzzzzzzzzzzzzzzzzz":                           {400, "bad_request"},
		snapshotPath + "&after=nonsense":                                      {400, "bad_request"},
		snapshotPath + "&after=" + url.QueryEscape(strings.Repeat("1.", 200)): {400, "bad_request"},
	} {
		n.get(t, path).wants(t, want.status, want.code)
	}
	a := n.do(t, http.MethodDelete, snapshotPath, "")
	a.wants(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if a.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow: %s", a.Header.Get("Allow"))
	}
}

func TestWhoHasASnapshotIsToldSo(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for range 20 {
		add(t, n.store, store.Comment{Text: "long enough to be compressed"})
	}
	plain := n.get(t, snapshotPath, "Accept-Encoding", "identity")
	zipped := n.get(t, snapshotPath, "Accept-Encoding", "br, gzip")
	if zipped.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(unzipped(t, zipped.text), plain.text) {
		t.Errorf("compressed it is something else: %v", zipped.Header)
	}
	if len(zipped.text) > len(plain.text)/2 {
		t.Errorf("compressed %d of %d bytes", len(zipped.text), len(plain.text))
	}
	tags := []string{plain.Header.Get("ETag"), zipped.Header.Get("ETag")}
	if tags[0] == tags[1] || !strings.HasPrefix(tags[0], `"`) {
		t.Errorf("tags %q", tags)
	}
	for _, a := range []*answer{plain, zipped} {
		if a.Header.Get("Cache-Control") != "no-cache" || strings.Join(a.Header.Values("Vary"), ", ") != "Origin, Accept-Encoding" {
			t.Errorf("%v", a.Header)
		}
	}
	for i, accept := range []string{"identity", "gzip"} {
		if a := n.get(t, snapshotPath, "Accept-Encoding", accept, "If-None-Match", tags[i]); a.StatusCode != http.StatusNotModified || len(a.text) > 0 || a.Header.Get("ETag") != tags[i] {
			t.Errorf("%s: %s, %d bytes, %v", accept, a.Status, len(a.text), a.Header)
		}
		if a := n.get(t, snapshotPath, "Accept-Encoding", accept, "If-None-Match", tags[1-i]); a.StatusCode != http.StatusOK {
			t.Errorf("%s with the tag of the other coding: %s", accept, a.Status)
		}
	}
	if a := n.do(t, http.MethodHead, snapshotPath, ""); a.StatusCode != http.StatusOK || len(a.text) != 0 || a.Header.Get("ETag") != tags[0] {
		t.Errorf("HEAD: %s, %v", a.Status, a.Header)
	}
	add(t, n.store, store.Comment{Text: "new"})
	eventually(t, "who asks with an old tag gets what is new", func() bool {
		return n.get(t, snapshotPath, "If-None-Match", tags[0]).StatusCode == http.StatusOK
	})
}

// TestAQuietPageIsNotMadeAnew: what happens on other pages does not count.
func TestAQuietPageIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	one := add(t, n.store, store.Comment{Text: "one"})
	first := n.get(t, snapshotPath)
	stale := func() { // as if readyAge was over
		n.shelf.mu.Lock()
		defer n.shelf.mu.Unlock()
		for _, at := range n.shelf.entries {
			at.Value.(*kept).asOf = time.Time{}
		}
		n.heads.mu.Lock()
		defer n.heads.mu.Unlock()
		n.heads.asOf = time.Time{}
	}
	elsewhere := add(t, n.store, store.Comment{Text: "elsewhere", Page: "/b"})
	if _, err := n.store.Vote(t.Context(), "blog", elsewhere.ID, "u_x", 1); err != nil {
		t.Fatal(err)
	}
	stale()
	if a := n.get(t, snapshotPath, "If-None-Match", first.Header.Get("ETag")); a.StatusCode != http.StatusNotModified {
		t.Errorf("%s though nothing changed here", a.Status)
	}
	if n.shelf.builds != 1 {
		t.Errorf("made %d times", n.shelf.builds)
	}
	for what, do := range map[string]func() error{
		"a vote": func() error { _, err := n.store.Vote(t.Context(), "blog", one.ID, "u_x", 1); return err },
		"an edit": func() error {
			_, err := n.store.Edit(t.Context(), "blog", one.ID, store.Edit{Text: "1", HTML: "<p>1</p>", State: store.Published, Edited: time.Now()})
			return err
		},
		"a lock": func() error {
			_, err := n.store.LockPage(t.Context(), "blog", "/a", true, store.Decision{})
			return err
		},
		"a setting": func() error {
			s, err := n.store.Site(t.Context(), "blog")
			if err != nil {
				return err
			}
			s.Settings.MaxLength++
			return n.store.UpdateSite(t.Context(), s)
		},
	} {
		before := n.get(t, snapshotPath).Header.Get("ETag")
		if err := do(); err != nil {
			t.Fatal(err)
		}
		stale()
		if a := n.get(t, snapshotPath); a.Header.Get("ETag") == before {
			t.Errorf("after %s it is the same", what)
		}
	}
}

// slowStore counts how often threads are read, and has it take until it is let go.
type slowStore struct {
	store.Store

	let   chan struct{}
	mu    sync.Mutex
	reads int
}

func (s *slowStore) Threads(ctx context.Context, q store.ThreadQuery) ([]store.Comment, string, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	<-s.let
	return s.Store.Threads(ctx, q)
}

func TestAPageIsMadeOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	slow := &slowStore{Store: opened(t), let: make(chan struct{})}
	n := serveWeb(t, Options{Store: slow})
	add(t, slow, store.Comment{Text: "one"})
	const readers = 20
	answers := make(chan *answer, readers)
	for range readers {
		go func() { answers <- n.get(t, snapshotPath) }()
	}
	eventually(t, "somebody waits", func() bool { slow.mu.Lock(); defer slow.mu.Unlock(); return slow.reads > 0 })
	close(slow.let)
	for range readers {
		if a := <-answers; a.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", a.Status, a.text)
		}
	}
	if slow.reads > 2 { // who came later than all others may have found it too old
		t.Errorf("read %d times", slow.reads)
	}
}

func TestTheLeastUsedAnswerLeaves(t *testing.T) {
	t.Parallel()
	l := newShelf()
	page := func(i int) readyKey { return readyKey{page: fmt.Sprint(i)} }
	for i := range readyEntries {
		l.put(&kept{key: page(i), answer: &ready{}}, true)
	}
	first := page(0)
	l.look(&first)
	l.put(&kept{key: page(readyEntries), answer: &ready{}}, true)
	second := page(1)
	if l.look(&first) == nil || l.look(&second) != nil || len(l.entries) != readyEntries || l.order.Len() != readyEntries {
		t.Errorf("%d entries; the wrong one left", len(l.entries))
	}
	large := readyKey{page: "large"}
	l.put(&kept{key: large, answer: &ready{body: make([]byte, readyBytes-3*readyExtra)}}, true)
	if l.bytes > readyBytes || l.look(&large) == nil || len(l.entries) > 3 {
		t.Errorf("%d bytes in %d entries", l.bytes, len(l.entries))
	}
	l.put(&kept{key: large, answer: &ready{body: []byte("small")}}, true)
	if want := len(l.entries) * readyExtra; l.bytes < want || l.bytes > want+1000 {
		t.Errorf("%d bytes in %d entries", l.bytes, len(l.entries))
	}
}

func TestAPageThatGetsTooOldSaysSo(t *testing.T) {
	t.Parallel()
	e := &kept{answer: &ready{until: time.Now().Add(-time.Second)}, asOf: time.Now()}
	if e.fresh(time.Now()) {
		t.Error("it is kept although it is over")
	}
	s := opened(t)
	site, err := s.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	site.Settings.ReadOnlyAfter = 1
	if err := s.UpdateSite(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	n := serveWeb(t, Options{Store: s})
	c := add(t, s, store.Comment{Text: "one"})
	n.get(t, snapshotPath)
	for _, at := range n.shelf.entries {
		if until := at.Value.(*kept).answer.until; until.Sub(c.Created).Round(time.Minute) != 24*time.Hour {
			t.Errorf("it holds until %v", until)
		}
	}
}

// TestNothingFallsBetweenSnapshotAndChanges: whatever is written while a snapshot is taken, what
// it shows and what changed after its cursor are the page as it is in the end.
func TestNothingFallsBetweenSnapshotAndChanges(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	const writers, writes = 2, 25
	var busy sync.WaitGroup
	for w := range writers {
		busy.Go(func() { scribble(t, n.store, rand.New(rand.NewPCG(1, uint64(w))), w, writes) })
	}
	done := make(chan struct{})
	go func() { busy.Wait(); close(done) }()
	var snapshots []object
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		for _, sort := range []string{"newest", "oldest", "top"} {
			// Each is of its own, so that the cache is in the way as little as possible.
			n.shelf = newShelf()
			snapshots = append(snapshots, n.get(t, snapshotPath+"&sort="+sort).json(t, http.StatusOK))
		}
	}
	all, next, err := n.store.Threads(t.Context(), store.ThreadQuery{Site: "blog", Page: "/a", Sort: store.Newest, Limit: writers * writes})
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	want := map[string]string{}
	for i := range all {
		if all[i].State == store.Published {
			want[all[i].ID] = picture(all[i].HTML, all[i].Up, all[i].Down)
		}
	}
	for _, one := range snapshots {
		if one["next"] != nil {
			t.Fatal("more threads than one answer has")
		}
		if got := completed(t, n.store, one); !reflect.DeepEqual(got, want) {
			t.Fatalf("a snapshot at %v of %d comments leads to %d of %d", one["cursor"], len(objectsOf(one["comments"])), len(got), len(want))
		}
	}
}

func picture(html string, up, down int) string { return fmt.Sprintf("%s +%d -%d", html, up, down) }

// completed is a snapshot with all that changed after its cursor.
func completed(t *testing.T, s store.Store, snapshot object) map[string]string {
	t.Helper()
	at, ok := parseCursor(snapshot["cursor"].(string))
	if !ok {
		t.Fatalf("cursor %v", snapshot["cursor"])
	}
	state := map[string]commentForm{}
	for _, one := range objectsOf(snapshot["comments"]) {
		if one["state"] == "published" {
			state[one["id"].(string)] = commentForm{HTML: one["html"].(string), Up: int(one["up"].(float64)), Down: int(one["down"].(float64))}
		}
	}
	comments, _, more, err := s.Changes(t.Context(), "blog", "/a", at.seq, 10_000)
	if err != nil || more {
		t.Fatal(more, err)
	}
	for i := range comments {
		if c := &comments[i]; c.State == store.Published {
			state[c.ID] = wholeForm(c)
		} else {
			delete(state, c.ID)
		}
	}
	tallies, more, err := s.Tallies(t.Context(), "blog", "/a", at.tally, 10_000)
	if err != nil || more {
		t.Fatal(more, err)
	}
	for i := range tallies {
		if one, there := state[tallies[i].ID]; there {
			one.Up, one.Down = tallies[i].Up, tallies[i].Down
			state[tallies[i].ID] = one
		}
	}
	got := map[string]string{}
	for id, one := range state {
		got[id] = picture(one.HTML, one.Up, one.Down)
	}
	return got
}

// scribble writes what comes to its mind.
func scribble(t *testing.T, s store.Store, random *rand.Rand, writer, writes int) {
	t.Helper()
	var mine []string
	user := fmt.Sprint("u_", writer)
	for i := range writes {
		var err error
		id := ""
		if len(mine) > 0 {
			id = mine[random.IntN(len(mine))]
		}
		switch what := random.IntN(10); {
		case id == "" || what < 2 && len(mine) < snapshotThreads/4:
			mine = append(mine, add(t, s, store.Comment{Text: fmt.Sprint(writer, " says ", i), Author: store.Author{ID: user, Name: "Ann"}}).ID)
		case what < 3:
			mine = append(mine, add(t, s, store.Comment{Text: fmt.Sprint(writer, " answers ", i), Parent: id, Author: store.Author{ID: user, Name: "Ann"}}).ID)
		case what < 5:
			_, err = s.Edit(t.Context(), "blog", id, store.Edit{Text: "e", HTML: fmt.Sprint("<p>edit ", i, "</p>"), State: store.Published, Edited: time.Now()})
		case what < 6:
			_, err = s.Moderate(t.Context(), "blog", []string{id}, []store.Action{store.Reject, store.Restore, store.Pin}[random.IntN(3)], store.Decision{})
		default:
			_, err = s.Vote(t.Context(), "blog", id, user, random.IntN(3)-1)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkSnapshot answers as many requests as it can while comments come in, through the
// router.
func BenchmarkSnapshot(b *testing.B) {
	s, err := store.Open(b.Context(), ":memory:", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.CreateSite(b.Context(), store.Site{Name: "blog", Origins: []string{blogOrigin}, Secret: blogSecret}); err != nil {
		b.Fatal(err)
	}
	c, err := New(Options{Store: s})
	if err != nil {
		b.Fatal(err)
	}
	defer c.end()
	for i := range 100 {
		add(b, s, store.Comment{Text: fmt.Sprint("comment ", i, strings.Repeat(" and more of it", 20))})
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	c.Routes(router)
	over := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			case <-tick.C:
				add(b, s, store.Comment{Text: fmt.Sprint("new ", i)})
			}
		}
	})
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequest(http.MethodGet, snapshotPath, http.NoBody)
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("Origin", blogOrigin)
		for pb.Next() {
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				b.Errorf("status %d", w.Code)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
	close(over)
	writing.Wait()
}
