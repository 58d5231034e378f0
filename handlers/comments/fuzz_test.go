package comments

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// FuzzEvents sends every event with any argument, as a moderator and as a user: each is answered,
// and none with the server's own failure.
func FuzzEvents(f *testing.F) {
	events := []string{
		"join", "leave", "watch-counts", "sign-in", "post", "edit", "delete", "source", "vote", "react", "flag", "preview",
		"watch", "queue", "moderate", "ban", "unban", "bans", "lock", "log", "person", "site", "settings",
	}
	for i := range events {
		f.Add(uint8(i), `{}`)
	}
	for i, seed := range map[uint8]string{
		0: `{"page":"/a","cursor":"0.0","stamp":"x"}`, 2: `{"pages":["/a","/b"]}`, 3: `{"guest":{"secret":"a secret of nobody else"}}`,
		4: `{"page":"/a","text":"*x* <b>","key":"k","parent":"","title":"T","url":"https://blog.example.com/a#b","website":"","stamp":""}`,
		5: `{"id":"00000000000000000000","text":"\u0000"}`, 8: `{"id":"0","value":-1}`, 9: `{"id":"0","reaction":"👍","on":true}`,
		10: `{"id":"0","reason":"\ud800"}`, 13: `{"state":"all","page":"","user":"%","text":"_%","before":"x","limit":-1}`,
		14: `{"ids":["0","0"],"action":"approve","note":"n"}`, 15: `{"user":"u_0123456789abcdef","seconds":9223372036854775807,"reject":true}`,
		18: `{"page":"/b","locked":true}`, 19: `{"before":-1,"limit":1e3}`, 22: `{"settings":{"maxDepth":2,"HoldWords":null,"reactions":["👍"]}}`,
	} {
		f.Add(i, seed)
	}
	n := fuzzed(f)
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		if args, err := socketio.ParseArgs([]byte("[" + text + "]")); err != nil || args.Len() != 1 || !utf8.ValidString(text) || len(text) > 20_000 {
			return // it ends the connection, or would be several arguments
		}
		for _, roles := range [][]string{{}, {"moderator"}} {
			c := rawclient.Dial(t, n.url, Namespace, object{
				"site": "blog", "token": tokenOf(t, blogSecret, "ann", time.Hour, object{"roles": roles}),
			})
			event := events[int(which)%len(events)]
			answer := c.Call(event, json.RawMessage(text))
			var told object
			if len(answer) != 1 || json.Unmarshal(answer[0], &told) != nil {
				t.Fatalf("%s %s is answered with %s", event, text, answer)
			}
			if code := codeOf(told); code == "failed" || told["error"] != nil && code == "" {
				t.Errorf("%s %s: %v", event, text, told)
			}
			c.Close()
		}
	})
}

// fuzzed is a server with one comment.
func fuzzed(t testing.TB) *node {
	t.Helper()
	n := serve(t, memory.New(), Options{Store: opened(t)})
	_, _, err := n.store.Add(t.Context(), store.Comment{
		ID: "00000000000000000000", Site: "blog", Page: "/a", Text: "x", HTML: "<p>x</p>", Author: store.Author{ID: publicID("u_", "blog", "ann"), Name: "Ann"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzHear takes messages of other nodes: whatever comes, what is kept is bounded, and what is
// said afterwards is told.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{
		`{"v":1,"n":"B","site":"blog","s":7,"t":9,"d":true}`, `{"v":1,"n":"B","site":"blog","w":{"/a":3,"":-1},"a":true}`,
		`{"v":1,"n":"B","site":"blog","ty":[{"p":"/a","u":"u_x","n":"X"},{"p":"/a","u":"u_x"}]}`, `{"v":2}`, `7`, `null`,
		`{"v":1,"n":"B","site":"nowhere","sv":9}`, `{"v":1,"n":"B","site":"blog","sv":9}`,
	} {
		f.Add(seed)
	}
	n := fuzzed(f)
	reader := rawclient.Dial(f, n.url, Namespace, object{"site": "blog"})
	reader.Call("join", object{"page": "/a"})
	f.Fuzz(func(t *testing.T, text string) {
		args, err := socketio.ParseArgs([]byte("[" + text + "]"))
		if err != nil {
			return
		}
		n.hear(args)
		n.hear(args)
		s := n.known("blog")
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.others) > maxNodes || len(s.typists) > maxTyping {
			t.Errorf("%d other nodes, %d pages with typists", len(s.others), len(s.typists))
		}
	})
}
