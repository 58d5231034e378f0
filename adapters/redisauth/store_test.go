package redisauth_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisauth"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// node is one of several that share a Redis.
type node struct {
	*auth.Ledger

	log   *lines
	heard chan string
}

func openNode(t *testing.T, url, prefix string) *node {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{log: &lines{}, heard: make(chan string, 100)}
	log := slog.New(slog.NewTextHandler(n.log, nil))
	n.Ledger = auth.NewLedger(redisauth.New(c, prefix, log), log)
	n.OnBlocked(func(id string, _ auth.Block) { n.heard <- id })
	if err := n.Open(t.Context()); err != nil {
		t.Logf("not read at the start: %v", err)
	}
	n.Follow(t.Context())
	t.Cleanup(func() {
		n.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func (n *node) hears(t *testing.T, id string) {
	t.Helper()
	if got := sockettest.Receive(t, "news of "+id, n.heard); got != id {
		t.Errorf("heard of %q, not %q", got, id)
	}
	if _, blocked := n.Blocked(id); !blocked {
		t.Errorf("%s is not blocked when one hears of it", id)
	}
}

// onBoth runs a test on a single server and on a Redis Cluster.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("single", func(t *testing.T) { f(t, redistest.Single(t).URL()) })
	t.Run("cluster", func(t *testing.T) { f(t, redistest.Cluster(t).URL()) })
}

func TestAllNodesHearOfBlocksAndKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		prefix := redistest.Prefix(t)
		a, b := openNode(t, url, prefix), openNode(t, url, prefix)
		other := openNode(t, url, prefix+"2")
		until := time.Now().Add(time.Hour)
		if err := a.Block(t.Context(), "eve", until, "spam"); err != nil {
			t.Fatal(err)
		}
		a.hears(t, "eve")
		b.hears(t, "eve")
		if got, _ := b.Blocked("eve"); got.Reason != "spam" || !got.Until.Equal(until) {
			t.Errorf("the other node knows %+v", got)
		}
		if _, blocked := other.Blocked("eve"); blocked {
			t.Error("another cluster hears of it")
		}
		if late := openNode(t, url, prefix); len(late.List()) != 1 {
			t.Errorf("a node that comes late knows %v", late.List())
		}
		if err := b.Unblock(t.Context(), "eve"); err != nil {
			t.Fatal(err)
		}
		sockettest.Eventually(t, "the block is gone", func() bool { return len(a.List()) == 0 })
		if err := a.Unblock(t.Context(), "eve"); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("taken back twice: %v", err)
		}

		id, text, k, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{auth.ScopePublish}, Rooms: auth.Patterns{"a:*"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.AddKey(t.Context(), id, k); err != nil {
			t.Fatal(err)
		}
		verifier := auth.KeyVerifier{Ledger: b.Ledger}
		sockettest.Eventually(t, "the key is known", func() bool { _, err := verifier.Verify(t.Context(), text); return err == nil })
		if err := a.RevokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		b.hears(t, "key:"+id)
		if err := a.RevokeKey(t.Context(), id); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("revoked twice: %v", err)
		}
	})
}

func TestNoKeyIsKeptInRedis(t *testing.T) {
	s, prefix := redistest.Single(t), redistest.Prefix(t)
	n := openNode(t, s.URL(), prefix)
	id, text, k, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{auth.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.AddKey(t.Context(), id, k); err != nil {
		t.Fatal(err)
	}
	kept := fmt.Sprint(s.Do(t, "HGETALL", "{"+prefix+"}:auth:keys"))
	if secret := text[len("sk_")+len(id)+1:]; strings.Contains(kept, secret) || !strings.Contains(kept, k.Hash) {
		t.Errorf("Redis has %s", kept)
	}
}

func TestNothingIsMissedWhileRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	a, b := openNode(t, s.URL(), "p"), openNode(t, s.URL(), "p")
	if err := a.Block(t.Context(), "eve", time.Time{}, ""); err != nil {
		t.Fatal(err)
	}
	a.hears(t, "eve")
	b.hears(t, "eve")
	s.Stop(t)
	if err := a.Block(t.Context(), "mallory", time.Time{}, ""); err == nil {
		t.Error("a block that is not kept is no error")
	}
	if _, blocked := b.Blocked("eve"); !blocked {
		t.Error("who was blocked is not any more")
	}
	s.Start(t)
	// This Redis kept nothing, and its word counts.
	sockettest.Eventually(t, "the nodes read again", func() bool { return len(a.List())+len(b.List()) == 0 })
	sockettest.Eventually(t, "Redis can be written", func() bool { return a.Block(t.Context(), "trudy", time.Time{}, "") == nil })
	a.hears(t, "trudy")
	b.hears(t, "trudy")
	if text := b.log.String(); strings.Count(text, "can be read again") > strings.Count(text, "cannot be read") {
		t.Errorf("the log says:\n%s", text)
	}
}

func TestANodeStartsBeforeRedis(t *testing.T) {
	s := redistest.Start(t)
	s.Stop(t)
	n := openNode(t, s.URL(), "p")
	s.Start(t)
	s.Do(t, "HSET", "{p}:auth:blocks", "eve", `{"since":"2030-01-01T00:00:00Z"}`) // and nobody tells of it
	s.CutClients(t, "pubsub")
	n.hears(t, "eve")
}

func TestBlocksThatAreOverGoAndWhatIsNoneIsIgnored(t *testing.T) {
	s, prefix := redistest.Single(t), redistest.Prefix(t)
	blocks, keys := "{"+prefix+"}:auth:blocks", "{"+prefix+"}:auth:keys"
	over := func(d time.Duration) string {
		return `{"since":"2020-01-01T00:00:00Z","until":"` + time.Now().Add(-d).UTC().Format(time.RFC3339Nano) + `"}`
	}
	s.Do(t, "HSET", blocks, "long over", over(time.Hour), "just over", over(time.Second), "holds", over(-time.Hour),
		"broken", "{", "a list", "[]", strings.Repeat("x", 300), over(-time.Hour))
	s.Do(t, "HSET", keys, "broken", "{", "without hash", `{"scopes":["admin"]}`)
	n := openNode(t, s.URL(), prefix)
	if list := n.List(); len(list) != 1 || list["holds"].Since.IsZero() {
		t.Errorf("blocks: %v", list)
	}
	if len(n.Keys()) != 0 || n.HasKeys() {
		t.Errorf("keys: %v", n.Keys())
	}
	if there := s.Do(t, "HEXISTS", blocks, "long over"); there != int64(0) {
		t.Errorf("a block that is long over is still kept: %v", there)
	}
	if there := s.Do(t, "HEXISTS", blocks, "just over"); there != int64(1) {
		t.Errorf("nodes whose clocks are behind may want it: %v", there)
	}
	if text := n.log.String(); strings.Count(text, "does not count") != 1 {
		t.Errorf("the log says:\n%s", text)
	}
}
