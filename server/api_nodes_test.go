package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// Whichever node a backend asks, it reaches the clients of all, its tickets hold on all,
// and what it sends twice is emitted once.
func TestTheAPISpansNodes(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) { c.AuthSecret = testSecret })
	a, b := all[0], all[1]
	admin := mint(t, time.Hour, map[string]any{"sub": "backend", "scope": "sockeye:admin"})
	_, body := a.ask(t, "POST /tickets", admin, `{"user":{"id":"alice"}}`)
	var got struct{ Ticket string }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Ticket == "" {
		t.Fatalf("%v: %s", err, body)
	}
	alice := sockettest.Dial(t, b.url)
	alice.Connect("/", withToken(got.Ticket))
	alice.Send(`20["join","news"]`)
	alice.Expect(`30["ok"]`)

	a.eventually(t, "the other node's client is seen", func() bool {
		_, body := a.ask(t, "GET /presence?room=news", admin, "")
		return strings.Contains(body, `"users":[{"id":"alice","sockets":1}]`)
	})
	for r, want := range map[*running]string{a: `"accepted":2`, b: `"accepted":2`} {
		if res, body := r.ask(t, "POST /emit", admin, `[{"event":"one","users":["alice"],"key":"k1"},{"event":"two","rooms":["news"],"key":"k2"}]`); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	}
	alice.Expect(`2["one"]`)
	alice.Expect(`2["two"]`)
	answer := make(chan string, 1)
	go func() {
		_, body := a.ask(t, "POST /emit-with-ack", admin, `{"event":"there?","rooms":["news"],"timeout":30000}`)
		answer <- body
	}()
	f := alice.Next().Text // after what was emitted twice, had it been
	if !strings.Contains(f, "there?") {
		t.Fatalf("got %s", f)
	}
	alice.Send("3" + f[1:strings.IndexByte(f, '[')] + `["yes"]`)
	if body := sockettest.Receive(t, "the answer", answer); body != `{"answers":[["yes"]],"missing":0}`+"\n" {
		t.Error(body)
	}
	if _, body := a.ask(t, "POST /join", admin, `{"users":["alice"],"into":["den"]}`); !strings.Contains(body, `"ok":true`) {
		t.Error(body)
	}
	a.eventually(t, "the other node's client is in the room", func() bool {
		_, body := b.ask(t, "GET /rooms", admin, "")
		return strings.Contains(body, `"room":"den"`)
	})
	if _, body := a.ask(t, "POST /block", admin, `{"id":"alice","reason":"spam"}`); !strings.Contains(body, `"reason":"spam"`) {
		t.Error(body)
	}
	if got := alice.Next().Text; !strings.Contains(got, `"code":"blocked"`) {
		t.Errorf("heard %s", got)
	}
	alice.Expect("1")
	refusedWith(t, sockettest.Dial(t, a.url), withToken(got.Ticket), "blocked")
}
