package comments

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// keeper is a client that keeps what it is told, as a page does.
type keeper struct {
	*client
	page   string
	cursor cursor
	seqs   map[string]float64 // of comments by id
}

func keeping(c *client, page string) *keeper {
	return &keeper{client: c, page: page, seqs: map[string]float64{}}
}

// join goes on from what is known.
func (k *keeper) join() object {
	k.t.Helper()
	answer := k.must("join", object{"page": k.page, "cursor": k.cursor.String()})
	at, ok := parseCursor(answer["cursor"].(string))
	if !ok || at.seq < k.cursor.seq {
		k.t.Fatalf("the cursor is %v after %v", answer["cursor"], k.cursor)
	}
	k.take(answer["comments"])
	k.cursor = at
	return answer
}

// take keeps comments, which have to be in the order of the store.
func (k *keeper) take(comments any) {
	k.t.Helper()
	last := 0.0
	for _, c := range objectsOf(comments) {
		seq := c["seq"].(float64)
		if seq <= last {
			k.t.Errorf("%v is told after %v", seq, last)
		}
		last = seq
		k.seqs[c["id"].(string)] = max(seq, k.seqs[c["id"].(string)])
	}
}

// follow takes what comes until so many comments are known.
func (k *keeper) follow(n int) {
	k.t.Helper()
	for len(k.seqs) < n {
		told := k.hears("comments")
		k.take(told["comments"])
		k.cursor.seq = max(k.cursor.seq, int64(told["seq"].(float64))) // the answer to join may be further
	}
}

// TestNothingFallsBetween: who is cut off again and again, while others write all the time,
// goes on from its cursor and has everything in the end.
func TestNothingFallsBetween(t *testing.T) {
	t.Parallel()
	const comments = 120
	n := alone(t)
	ids := make(chan string, comments)
	ann := n.user(t, "ann")
	go func() {
		defer close(ids)
		for i := range comments {
			added, _, err := n.store.Add(t.Context(), store.Comment{
				Site: "blog", Page: "/a", Text: "x", HTML: "<p>" + strconv.Itoa(i) + "</p>", Author: store.Author{ID: "u_ann"},
			})
			if err != nil {
				t.Error(err)
				return
			}
			n.known("blog").advanced(added.Seq, 0)
			ids <- added.ID
		}
	}()
	k := keeping(n.reader(t), "/a")
	k.join()
	for _, upTo := range []int{10, 40, 41, 90} {
		k.follow(upTo)
		k.Close()
		k.client = n.reader(t)
		k.join()
	}
	k.follow(comments)
	got := slices.Sorted(maps.Keys(k.seqs))
	var want []string
	for id := range ids {
		want = append(want, id)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("has %d comments of %d", len(got), len(want))
	}
	ann.Close()
}

// TestANodeThatDiesLosesNothing: what is stored and never told by who stored it is told all
// the same, because the store is asked.
func TestANodeThatDiesLosesNothing(t *testing.T) {
	t.Parallel()
	s := opened(t)
	n := serve(t, memory.New(), Options{Store: s}, func(c *Comments) { c.pollEvery = 20 * time.Millisecond })
	k := keeping(n.reader(t), "/a")
	k.join()
	added, _, err := s.Add(t.Context(), store.Comment{Site: "blog", Page: "/a", Text: "x", HTML: "<p>x</p>", Author: store.Author{ID: "u_x"}})
	if err != nil {
		t.Fatal(err)
	}
	k.hearsComment(added.ID, "published")
	if _, err = s.Vote(t.Context(), "blog", added.ID, "u_y", 1); err != nil {
		t.Fatal(err)
	}
	if got := objectsOf(k.hears("tally")["counts"]); len(got) != 1 || got[0]["up"] != 1.0 || got[0]["id"] != added.ID {
		t.Errorf("told %v", got)
	}
	stored, err := s.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	stored.Settings.Guests = false
	if err = s.UpdateSite(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	if got := k.hears("settings")["site"].(object); got["guests"] != false || got["name"] != "blog" {
		t.Errorf("the settings are %v", got)
	}
	if err = s.DeleteSite(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if got := k.hears("sockeye:end"); got["code"] != "unknown_site" {
		t.Errorf("the end is %v", got)
	}
}

// pair is two nodes on one store, of which neither asks the store by itself.
func pair(t *testing.T) (one, two *node) {
	t.Helper()
	s, bus := opened(t), clustertest.New()
	never := func(c *Comments) { c.pollEvery = time.Hour }
	return serve(t, bus.Factory("one"), Options{Store: s}, never), serve(t, bus.Factory("two"), Options{Store: s}, never)
}

// TestNodesTellEachOther: what is said on one node is heard on the other, as is who is there
// and who types.
func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	one, two := pair(t)
	ann, ben, mod := one.user(t, "ann"), two.user(t, "ben"), two.moderator(t)
	ann.must("join", object{"page": "/a"})
	ben.must("join", object{"page": "/a"})
	for {
		if got := ann.hears("viewers"); got["page"] == "/a" && got["count"] == 2.0 {
			break
		}
	}
	mod.must("watch", object{})
	said := ann.say("/a", "hello")
	id := said["id"].(string)
	ben.hearsComment(id, "published")
	if got := mod.hears("queue"); objectsOf(got["comments"])[0]["text"] != "hello" {
		t.Errorf("the queue is %v", got)
	}
	ben.must("vote", object{"id": id, "value": 1})
	if got := objectsOf(ann.hears("tally")["counts"]); got[0]["up"] != 1.0 {
		t.Errorf("counted %v", got)
	}
	mod.must("join", object{"page": "/a"})
	seesTyping(t, ann, mod)
	mod.must("settings", object{"settings": object{"votes": "off"}})
	if got := ann.hears("settings")["site"].(object); got["votes"] != "off" {
		t.Errorf("the settings are %v", got)
	}
	other := one.moderator(t)
	other.must("watch", object{})
	mod.must("ban", object{"user": publicID("u_", "blog", "ann")})
	for {
		if got := other.hears("decision")["decision"].(object); got["action"] == "ban" && got["byName"] == "Name of mod" {
			break
		}
	}
	if got := ann.code("post", saying("/a", "no more")); got != "banned" {
		t.Errorf("who was banned on the other node is told %q", got)
	}
	ben.must("leave", object{"page": "/a"})
	for {
		if got := ann.hears("viewers"); got["count"] == 2.0 { // Ann and the moderator
			break
		}
	}
}

// seesTyping waits until one is told that the other types, and that it types no more. What is told
// of it may be dropped, so it is said again.
func seesTyping(t *testing.T, one, other *client) {
	t.Helper()
	types, stops := false, false
	hear := func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range 400 {
			if slices.Contains(one.Heard(), "typing") {
				got := one.hears("typing")
				names := got["names"].([]any)
				types = types || got["count"] == 1.0 && len(names) == 1 && names[0] == "Name of mod"
				stops = stops || types && got["count"] == 0.0
				return
			}
			<-tick.C
		}
	}
	for range 20 {
		other.Emit("typing", object{"page": "/a"})
		hear()
		other.say("/a", "typed "+time.Now().String())
		hear()
		if types && stops {
			return
		}
	}
	t.Errorf("is told that the other types: %v, and stops: %v", types, stops)
}

// TestVotesAreToldTogether: a hundred votes are few tallies, of which the last is right.
func TestVotesAreToldTogether(t *testing.T) {
	t.Parallel()
	const votes = 100
	n := alone(t)
	k := keeping(n.reader(t), "/a")
	k.join()
	said := n.user(t, "ann").say("/a", "vote for me")
	id := said["id"].(string)
	site := n.known("blog")
	began := time.Now()
	for i := range votes {
		c, err := n.store.Vote(t.Context(), "blog", id, "u_"+strconv.Itoa(i), 1)
		if err != nil {
			t.Fatal(err)
		}
		site.advanced(0, c.Tally)
	}
	tallies, up := 0, 0.0
	for up < votes {
		tallies++
		told := objectsOf(k.hears("tally")["counts"])
		if len(told) != 1 {
			t.Fatalf("one comment is counted as %v", told)
		}
		if told[0]["up"].(float64) < up {
			t.Errorf("%v after %v", told[0]["up"], up)
		}
		up = told[0]["up"].(float64)
	}
	if up != votes || tallies > 2+int(time.Since(began)/tallyEvery) {
		t.Errorf("%v votes are told in %d tallies", up, tallies)
	}
}

// TestWhatIsTooOldIsASnapshot: who comes with a cursor that is below the floor, or that no
// store has given, is told to get a snapshot; so is who is there when much is removed.
func TestWhatIsTooOldIsASnapshot(t *testing.T) {
	t.Parallel()
	s := opened(t)
	n := serve(t, memory.New(), Options{Store: s}, func(c *Comments) { c.pollEvery = 20 * time.Millisecond })
	ann := n.user(t, "ann")
	for _, text := range []string{"soon", "for", "gotten"} {
		ann.say("/a", text)
	}
	k := keeping(n.reader(t), "/a")
	if got := k.join(); got["reset"] != nil || len(k.seqs) != 3 {
		t.Errorf("a page from the beginning is told %v", got)
	}
	removed, err := s.Purge(t.Context(), "blog", time.Now().Add(time.Hour))
	if err != nil || removed != 3 {
		t.Fatalf("removed %d, %v", removed, err)
	}
	if got := k.hears("reset"); got["page"] != "/a" {
		t.Errorf("reset %v", got)
	}
	for _, text := range []string{"0.0", "1000000.0", "0.1000000"} {
		if got := k.must("join", object{"page": "/a", "cursor": text}); got["reset"] != true || len(got["comments"].([]any)) != 0 {
			t.Errorf("cursor %s: %v", text, got)
		}
	}
	for _, text := range []string{"x", "1", "-1.0", "01.0", "1.+2", "1.0.0"} {
		if got := k.code("join", object{"page": "/a", "cursor": text}); got != "bad_request" {
			t.Errorf("cursor %q: %q", text, got)
		}
	}
}

// TestWhatWasPurgedBeforeAFeedBeganIsASnapshot: the first who comes back after old comments were removed elsewhere is
// told so at once. The feed knew it and the site did not, so nobody was told at all.
func TestWhatWasPurgedBeforeAFeedBeganIsASnapshot(t *testing.T) {
	t.Parallel()
	s := opened(t)
	n := serve(t, memory.New(), Options{Store: s}, func(c *Comments) { c.pollEvery = time.Hour })
	add := func(page string) store.Comment {
		t.Helper()
		c, _, err := s.Add(t.Context(), store.Comment{Site: "blog", Page: page, Text: "x", HTML: "<p>x</p>", Author: store.Author{ID: "u_x", Name: "X"}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	known := cursor{seq: add("/a").Seq}
	if _, err := s.Purge(t.Context(), "blog", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	add("/b")
	if got := n.reader(t).must("join", object{"page": "/a", "cursor": known.String()}); got["reset"] != true {
		t.Errorf("told %v", got)
	}
}

// TestASiteThatWasMadeAnewIsAnother: of the same name and the same version, within one look at the store. What the
// secret of the one before had signed held on, and nothing was told until the new one was as far as the old one.
func TestASiteThatWasMadeAnewIsAnother(t *testing.T) {
	t.Parallel()
	s := opened(t)
	n := serve(t, memory.New(), Options{Store: s}, func(c *Comments) { c.pollEvery = time.Hour })
	ann := n.user(t, "ann")
	for _, text := range []string{"one", "two", "three"} {
		ann.say("/a", text)
	}
	was := n.known("blog")
	settings := was.about.Load().Settings
	if err := s.DeleteSite(t.Context(), "blog"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSite(t.Context(), store.Site{Name: "blog", Secret: shopSecret, Settings: settings, Created: time.Now().Add(time.Second)}); err != nil {
		t.Fatal(err)
	}
	if err := n.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := n.known("blog")
	if now == was || now.about.Load().Secret != shopSecret || headOf(now).Seq != 0 {
		t.Fatalf("the new site is the old one, at %+v", headOf(now))
	}
	was.reached(store.Head{Seq: 9, Created: now.about.Load().Created})
	now.reached(store.Head{Seq: 9, Created: was.about.Load().Created})
	if headOf(was).Seq == 9 || headOf(now).Seq != 0 {
		t.Errorf("what was said of one holds for the other: %+v, %+v", headOf(was), headOf(now))
	}
	ben := n.dial(t, object{"site": "blog", "token": tokenOf(t, shopSecret, "ben", time.Hour, nil)})
	k := keeping(n.reader(t), "/a")
	k.join()
	k.hearsComment(ben.say("/a", "first")["id"].(string), "published")
}

// TestWhoMissedALotGetsASnapshot: more than a client would want one by one.
func TestWhoMissedALotGetsASnapshot(t *testing.T) {
	t.Parallel()
	n := alone(t)
	many := make([]store.Comment, maxMissed+1)
	for i := range many {
		many[i] = store.Comment{ID: store.NewID(time.Now()), Page: "/a", Text: "x", HTML: "<p>x</p>", State: store.Published, Author: store.Author{ID: "u_x", Name: "X"}, Created: time.Now()}
	}
	if _, err := n.store.Import(t.Context(), "blog", many, false); err != nil {
		t.Fatal(err)
	}
	if got := n.reader(t).must("join", object{"page": "/a", "cursor": "0.0"}); got["reset"] != true {
		t.Errorf("told %d comments", len(got["comments"].([]any)))
	}
}

// TestCountsOfPagesAreLive: a list of pages hears how many comments each has.
func TestCountsOfPagesAreLive(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann := n.user(t, "ann")
	ann.say("/a", "one")
	r := n.reader(t)
	got := r.must("watch-counts", object{"pages": []string{"/a", "/b"}})["counts"].(object)
	if got["/a"] != 1.0 || got["/b"] != 0.0 {
		t.Errorf("the counts are %v", got)
	}
	ann.say("/b", "two")
	ann.say("/c", "not watched")
	until := func(page string, count float64) {
		t.Helper()
		for got := any(nil); got != count; {
			counts := r.hears("counts")["counts"].(object)
			if counts["/c"] != nil && page != "/c" {
				t.Errorf("told %v, which is not watched", counts)
			}
			got = counts[page]
		}
	}
	until("/b", 1)
	r.must("watch-counts", object{"pages": []string{"/c"}})
	ann.say("/c", "more")
	until("/c", 2)
	r.Close()
	sockettest.Eventually(t, "nobody watches", func() bool {
		s := n.known("blog")
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.watched) == 0
	})
}
