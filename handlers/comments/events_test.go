package comments

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

const eventsPath = "/comments/v1/blog/events"

// noticed has the node look at the store, as it does by the clock.
func (n *node) noticed(t *testing.T) {
	t.Helper()
	if err := n.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// follow opens a stream and reads until it has caught up. It returns what came before.
func (n *node) followStream(t *testing.T, path string, header ...string) (*sockettest.Stream, []sockettest.StreamEvent) {
	t.Helper()
	s := sockettest.OpenStream(t, nil, n.url+path, header...)
	if s.Resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, s.Resp.Status)
	}
	var before []sockettest.StreamEvent
	for {
		e := s.Next()
		if e.Name == readyEvent {
			return s, before
		}
		before = append(before, e)
	}
}

func dataOf(t *testing.T, e sockettest.StreamEvent) object {
	t.Helper()
	return objectOf(t, json.RawMessage(e.Data))
}

// until reads until an event of a name comes.
func until(s *sockettest.Stream, name string) sockettest.StreamEvent {
	for {
		if e := s.Next(); e.Name == name {
			return e
		}
	}
}

func TestAStreamTellsWhatHappensOnAPage(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	old := add(t, n.store, store.Comment{Text: "old"})
	s := sockettest.OpenStream(t, nil, n.url+eventsPath+"?page=/a", "Origin", blogOrigin)
	h := s.Resp.Header
	if h.Get("Content-Type") != "text/event-stream" || h.Get("X-Accel-Buffering") != "no" || h.Get("Access-Control-Allow-Origin") != blogOrigin ||
		h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v", h)
	}
	first, _ := s.Read()
	if ms, err := strconv.Atoi(first.Retry); err != nil || ms < 1000 || ms >= 5000 {
		t.Errorf("a stream begins with %+v", first)
	}
	if e := s.Next(); e.Name != "page" || e.ID != "" || dataOf(t, e)["page"].(object)["count"] != 1.0 {
		t.Errorf("then comes %+v", e)
	}
	if e := s.Next(); e.Name != readyEvent || e.ID != dataOf(t, e)["cursor"] {
		t.Errorf("then comes %+v", e)
	}
	add(t, n.store, store.Comment{Text: "elsewhere", Page: "/b"})
	add(t, n.store, store.Comment{Text: "waits", State: store.Pending})
	said := add(t, n.store, store.Comment{Text: "new"})
	n.noticed(t)
	e := until(s, "comments")
	news := dataOf(t, e)
	if all := objectsOf(news["comments"]); len(all) != 1 || all[0]["id"] != said.ID || news["page"] != "/a" || all[0]["html"] != said.HTML {
		t.Errorf("%+v", e)
	}
	at, ok := parseCursor(e.ID)
	if !ok || at.seq < said.Seq {
		t.Errorf("the id is %q after %d", e.ID, said.Seq)
	}
	if e := until(s, "page"); dataOf(t, e)["page"].(object)["count"] != 2.0 || e.ID == "" {
		t.Errorf("%+v", e)
	}
	if _, err := n.store.Vote(t.Context(), "blog", old.ID, "u_x", 1); err != nil {
		t.Fatal(err)
	}
	n.noticed(t)
	e = until(s, "tally")
	if counts := objectsOf(dataOf(t, e)["counts"]); len(counts) != 1 || counts[0]["id"] != old.ID || counts[0]["up"] != 1.0 {
		t.Errorf("%+v", e)
	}
	if at, ok := parseCursor(e.ID); !ok || at.tally != 1 || at.seq < said.Seq {
		t.Errorf("the id is %q", e.ID)
	}
}

func TestAStreamGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	gone := add(t, n.store, store.Comment{Text: "goes"})
	s, _ := n.followStream(t, eventsPath+"?page=/a")
	last := s.Last
	s.Cut()
	missed := add(t, n.store, store.Comment{Text: "missed"})
	add(t, n.store, store.Comment{Text: "elsewhere", Page: "/b"})
	if _, err := n.store.Edit(t.Context(), "blog", gone.ID, store.Edit{Delete: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.store.Vote(t.Context(), "blog", missed.ID, "u_x", -1); err != nil {
		t.Fatal(err)
	}
	n.noticed(t)
	for _, how := range [][]string{
		{eventsPath + "?page=/a", "Last-Event-ID", last},
		{eventsPath + "?page=/a&lastEventId=" + last},
		{eventsPath + "?page=/a&cursor=" + last},
		{eventsPath + "?page=/a&cursor=0.0", "Last-Event-ID", last}, // what EventSource says is newer
	} {
		s, before := n.followStream(t, how[0], how[1:]...)
		states, names := map[any]any{}, ""
		for _, e := range before {
			names += e.Name + " "
			for _, one := range objectsOf(dataOf(t, e)["comments"]) {
				states[one["id"]] = one["state"]
			}
		}
		if names != "comments tally page " || len(states) != 2 || states[missed.ID] != "published" || states[gone.ID] != "deleted" {
			t.Errorf("%q: %s, %v", how, names, states)
		}
		if at, _ := parseCursor(s.Last); at.seq < missed.Seq || at.tally != 1 {
			t.Errorf("%q: it goes on from %s", how, s.Last)
		}
	}
	if _, before := n.followStream(t, eventsPath+"?page=/a", "Last-Event-ID", "900.900"); before[0].Name != "reset" || dataOf(t, before[0])["page"] != "/a" {
		t.Errorf("who was further than there is is told %+v", before)
	}
}

// TestWhoFollowsASiteMissesNothing: wherever a stream is cut off, and although it is told of
// several pages at once, what comes after the last id is all that is left.
func TestWhoFollowsASiteMissesNothing(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	add(t, n.store, store.Comment{Text: "before"})
	for _, cut := range []int{1, 2, 4, 7} {
		s, before := n.followStream(t, eventsPath)
		if len(before) != 0 {
			t.Fatalf("who begins is told %+v", before)
		}
		want, seen := map[string]bool{}, map[string]bool{}
		for i := range 6 {
			want[add(t, n.store, store.Comment{Text: "x", Page: fmt.Sprint("/", i%3)}).ID] = true
		}
		locked := cut%2 == 0
		if _, err := n.store.LockPage(t.Context(), "blog", "/1", locked, store.Decision{}); err != nil {
			t.Fatal(err)
		}
		n.noticed(t)
		isLocked := any(nil)
		note := func(e sockettest.StreamEvent) {
			for _, one := range objectsOf(dataOf(t, e)["comments"]) {
				seen[one["id"].(string)] = true
			}
			if page, _ := dataOf(t, e)["page"].(object); page != nil && page["key"] == "/1" {
				isLocked = page["locked"]
			}
		}
		for range cut {
			note(s.Next())
		}
		s.Cut()
		s, before = n.followStream(t, eventsPath, "Last-Event-ID", s.Last)
		s.Cut()
		for _, e := range before {
			note(e)
		}
		for id := range want {
			if !seen[id] {
				t.Errorf("cut after %d: %s was missed", cut, id)
			}
		}
		if isLocked != locked {
			t.Errorf("cut after %d: locked is %v, want %v", cut, isLocked, locked)
		}
	}
}

func TestWhatIsWrongWithARequestForAStreamIsSaid(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/comments/v1/none/events":          {404, "unknown_site"},
		"/comments/v1/B..G/events":          {404, "unknown_site"},
		eventsPath + "?page=":               {400, "bad_request"},
		eventsPath + "?page=/a&cursor=x":    {400, "bad_request"},
		eventsPath + "?page=/a&cursor=01.0": {400, "bad_request"},
	} {
		n.get(t, path).wants(t, want.status, want.code)
	}
	if a := n.do(t, http.MethodPost, eventsPath, "{}"); a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, OPTIONS" {
		t.Errorf("%s, %v", a.Status, a.Header)
	}
	if a := n.do(t, http.MethodOptions, eventsPath, "", "Origin", blogOrigin); a.StatusCode != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != blogOrigin {
		t.Errorf("%s, %v", a.Status, a.Header)
	}
}
