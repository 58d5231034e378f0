package chat_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// openers open the adapters of a node over Redis.
var openers = map[string]func(t *testing.T, url, node, prefix string) socketio.AdapterFactory{
	"streams": func(t *testing.T, url, node, prefix string) socketio.AdapterFactory {
		t.Helper()
		c, err := redisclient.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		h, err := redisstreams.New(c, redisstreams.Options{NodeID: node, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, h.Close, c.Close)
		sockettest.Eventually(t, "Redis is there", h.Up)
		return h.Factory()
	},
	"classic": func(t *testing.T, url, node, prefix string) socketio.AdapterFactory {
		t.Helper()
		c, err := redisclient.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		h, err := redis.New(c, redis.Options{NodeID: node, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, h.Close, c.Close)
		return h.Factory()
	},
}

func closeLater(t *testing.T, all ...func() error) {
	t.Helper()
	t.Cleanup(func() {
		for _, f := range all {
			if err := f(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTheChatOverRedis(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
			o := chat.Options{LeaveGrace: time.Millisecond}
			one := serveOn(t, open(t, url, "nodeone1", prefix), o)
			two := serveOn(t, open(t, url, "nodetwo2", prefix), o)
			ann, annUser := come(t, one, "Ann", "lobby")
			bea, beaUser := come(t, two, "Bea", "lobby")
			for _, c := range []*rawclient.Client{ann, bea} {
				if got := usersOf(t, c, "lobby", 2); !slices.Equal(got, []string{"Ann", "Bea"}) {
					t.Errorf("users %q", got)
				}
			}
			sent := answer[chat.Message](t, ann.Call("message", object{"room": "lobby", "text": "hello"}))
			if got := answer[chat.Message](t, bea.Next("message").Args); got.ID != sent.ID || got.User != annUser {
				t.Errorf("Bea heard %+v", got)
			}
			tab, _ := come(t, one, "Bea", "lobby")
			bea.Call("private", object{"to": annUser.ID, "text": "psst"})
			for _, c := range []*rawclient.Client{ann, bea, tab} {
				if got := answer[chat.Private](t, c.Next("private").Args); got.From != beaUser || got.Text != "psst" {
					t.Errorf("heard %+v", got)
				}
			}
			cleo := rawclient.Dial(t, two, chat.Namespace, as("Cleo"))
			if view := answer[room](t, cleo.Call("join", object{"room": "lobby"})); len(view.Messages) != 1 || len(view.Users) != 3 {
				t.Errorf("Cleo joined %+v", view)
			}
			ann.Close()
			if left := answer[struct{ User chat.User }](t, bea.Next("left").Args); left.User != annUser {
				t.Errorf("Bea heard that %v left", left.User)
			}
		})
	}
}

// While Redis is away each node goes on by itself. Then who is connected hears that
// something was missed, and gets it.
func TestWhatWasSaidWhileRedisWasAwayIsFoundLater(t *testing.T) {
	for name, open := range openers {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, "--appendonly", "yes") // or the log is gone, and everybody starts anew
			one := serveOn(t, open(t, server.URL(), "nodeone1", "p"), chat.Options{})
			two := serveOn(t, open(t, server.URL(), "nodetwo2", "p"), chat.Options{})
			ann, annUser := come(t, one, "Ann", "lobby")
			bea, _ := come(t, two, "Bea", "lobby")
			usersOf(t, ann, "lobby", 2)
			usersOf(t, bea, "lobby", 2)
			ann.Call("message", object{"room": "lobby", "text": "hello"})
			for len(answer[room](t, bea.Call("join", object{"room": "lobby"})).Messages) == 0 {
				<-time.After(10 * time.Millisecond) // until Bea's node has heard of Ann's
			}
			server.Stop(t)
			tab, _ := come(t, one, "Ann", "lobby") // on this node all goes on
			alone := answer[chat.Message](t, ann.Call("message", object{"room": "lobby", "text": "anybody?"}))
			if got := answer[chat.Message](t, tab.Next("message").Args); alone.ID == "" || got.ID != alone.ID {
				t.Errorf("the other tab on the node heard %+v, want %q", got, alone.ID)
			}
			usersOf(t, ann, "lobby", 2) // nobody is given up
			server.Start(t)
			for found := false; !found; {
				for range 300 { // Redis is asked for with growing pauses
					if slices.Contains(bea.Heard(), "missed") {
						break
					}
					<-time.After(100 * time.Millisecond)
				}
				missed := answer[struct{ Room, After string }](t, bea.Next("missed").Args)
				view := answer[room](t, bea.Call("join", object{"room": missed.Room, "after": missed.After}))
				for _, m := range view.Messages {
					found = found || m.ID == alone.ID && m.User == annUser && m.Text == "anybody?"
				}
			}
		})
	}
}
