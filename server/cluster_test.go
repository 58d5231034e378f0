package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// onRedis starts an App that speaks classic Pub/Sub.
func onRedis(t *testing.T, url string, change func(*Config)) *running {
	t.Helper()
	return start(t, func(c *Config) {
		c.RedisURL, c.Adapter = url, adapterRedis
		if change != nil {
			change(c)
		}
	})
}

// member connects a client to the relay and joins a room.
func member(t *testing.T, r *running, room string) *sockettest.Client {
	t.Helper()
	c := sockettest.Dial(t, r.url)
	c.Connect("/", "")
	c.Send(`20["join","` + room + `"]`)
	c.Expect(`30["ok"]`)
	return c
}

func TestTwoProgramsOverRedisAreOne(t *testing.T) {
	s := redistest.Start(t)
	a, b := onRedis(t, s.URL(), nil), onRedis(t, s.URL(), nil)
	if a.cluster.node == b.cluster.node || len(a.cluster.node) != 8 {
		t.Errorf("the nodes are called %q and %q", a.cluster.node, b.cluster.node)
	}
	sockettest.Eventually(t, "both can be reached", func() bool {
		n, err := a.IO().Of("/").ServerCount(t.Context())
		return err == nil && n == 2
	})
	ann, bea := member(t, a, "r"), member(t, b, "r")
	ann.Send(`21["say","r","hello",{"_placeholder":false}]`)
	ann.Expect(`2["msg","hello",{"_placeholder":false}]`)
	ann.Expect(`31["ok"]`)
	bea.Expect(`2["msg","hello",{"_placeholder":false}]`)
}

func TestTheProgramStartsAndServesWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	s.Stop(t)
	ready := onRedis(t, s.URL(), nil)
	strict := onRedis(t, s.URL(), func(c *Config) { c.ReadyNeedsRedis = true })
	c := member(t, strict, "r")
	c.Send(`21["say","r","alone"]`)
	c.Expect(`2["msg","alone"]`)
	c.Expect(`31["ok"]`)
	if res, _ := ready.do(t, http.MethodGet, "/readyz"); res.StatusCode != http.StatusOK {
		t.Errorf("/readyz answers %d although Redis does not matter", res.StatusCode)
	}
	if res, body := strict.do(t, http.MethodGet, "/readyz"); res.StatusCode != http.StatusServiceUnavailable || body != "redis is away\n" {
		t.Errorf("/readyz answers %d %q", res.StatusCode, body)
	}
	if res, _ := strict.do(t, http.MethodGet, "/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("/healthz answers %d", res.StatusCode)
	}
	sockettest.Eventually(t, "the log says so", func() bool {
		return strings.Count(strict.log.String(), "Redis is away: packets reach the clients of this node only") == 1
	})

	s.Start(t)
	sockettest.Eventually(t, "Redis is used once it is there", func() bool {
		res, _ := strict.do(t, http.MethodGet, "/readyz")
		n, err := ready.IO().Of("/").ServerCount(t.Context())
		return res.StatusCode == http.StatusOK && err == nil && n == 2
	})
	other := member(t, ready, "r")
	sockettest.Eventually(t, "messages are published again", func() bool { return strict.IO().To("nobody").Emit("x") == nil })
	c.Send(`22["say","r","together"]`)
	other.Expect(`2["msg","together"]`)
}

// A client must not wait for Redis to go away to enter the room of a socket elsewhere.
func TestTheRoomOfASocketElsewhereIsNobodyElses(t *testing.T) {
	s := redistest.Start(t)
	a, b := onRedis(t, s.URL(), nil), onRedis(t, s.URL(), nil)
	counted := func() (int, error) { return a.IO().Of("/").ServerCount(t.Context()) }
	sockettest.Eventually(t, "both can be reached", func() bool { n, err := counted(); return n == 2 && err == nil })
	owner, other := sockettest.Dial(t, b.url), sockettest.Dial(t, a.url)
	id := owner.Connect("/", "").SID
	other.Connect("/", "")
	refused := `["join","` + id + `"]`
	const answer = `[{"error":{"code":"room_reserved","message":"this room belongs to one connection"}}]`
	other.Send("20" + refused)
	other.Expect("30" + answer)
	s.Stop(t)
	sockettest.Eventually(t, "Redis is away", func() bool { _, err := counted(); return err != nil })
	other.Send("21" + refused)
	other.Expect("31" + answer)
	other.Send(`22["join","lobby"]`)
	other.Expect(`32["ok"]`)
}

// The adapter that --redis-url alone chooses, through a loss of Redis.
func TestTheDefaultAdapterTellsHowRedisFares(t *testing.T) {
	s := redistest.Start(t)
	start := func(more func(*Config)) *running {
		return onRedis(t, s.URL(), func(c *Config) {
			c.Adapter, c.ReadyNeedsRedis = adapterAuto, true
			if more != nil {
				more(c)
			}
		})
	}
	a, b := start(nil), start(nil)
	if name := a.cfg.AdapterName(); name != adapterStreams {
		t.Errorf("the adapter is %s", name)
	}
	tells := func(r *running, ready int, up string) func() bool {
		return func() bool {
			res, _ := r.do(t, http.MethodGet, "/readyz")
			_, metrics := r.do(t, http.MethodGet, "/metrics")
			return res.StatusCode == ready && strings.Contains(metrics, `sockeye_adapter_up{namespace="/"} `+up)
		}
	}
	sockettest.Eventually(t, "the metrics say that Redis is there", tells(a, http.StatusOK, "1"))
	ann, bea := member(t, a, "r"), member(t, b, "r")
	ann.Send(`21["say","r","together"]`)
	ann.Expect(`2["msg","together"]`)
	ann.Expect(`31["ok"]`)
	bea.Expect(`2["msg","together"]`)

	s.Kill(t)
	sockettest.Eventually(t, "the metrics say that Redis is away", tells(a, http.StatusServiceUnavailable, "0"))
	ann.Send(`22["say","r","alone"]`)
	ann.Expect(`2["msg","alone"]`)
	ann.Expect(`32["ok"]`)
	s.Start(t) // empty
	sockettest.Eventually(t, "the metrics say that Redis is back", tells(a, http.StatusOK, "1"))
	for _, r := range []*running{a, b} {
		sockettest.Eventually(t, "the gap is counted", func() bool {
			_, metrics := r.do(t, http.MethodGet, "/metrics")
			return strings.Contains(metrics, `sockeye_adapter_gaps_total{namespace="/"} 1`)
		})
	}
	for _, said := range []string{"Redis is away", "may have been missed", "Redis is there"} {
		if !strings.Contains(a.log.String(), said) {
			t.Errorf("the log does not say that %s:\n%s", said, a.log)
		}
	}
	ann.ExpectClose()
	bea.ExpectClose()
}

func TestRecoveryWithClassicPubSubIsAWarning(t *testing.T) {
	s := redistest.Start(t)
	r := onRedis(t, s.URL(), func(c *Config) { c.Recovery.Duration = time.Minute })
	c := sockettest.Dial(t, r.url)
	if a := c.Connect("/", ""); a.PID != "" {
		t.Errorf("a session that cannot be recovered has pid %q", a.PID)
	}
	log := r.log.String()
	if !strings.Contains(log, "level=WARN") || !strings.Contains(log, "no recovery") || !strings.Contains(log, "redis-streams") {
		t.Errorf("the log says:\n%s", log)
	}
}
