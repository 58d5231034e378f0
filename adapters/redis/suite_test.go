package redis_test

import (
	"crypto/rand"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func client(t *testing.T, url string) goredis.UniversalClient {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// hub is one node's, which ends with the test.
func hub(t *testing.T, url string, o redis.Options) *redis.Hub {
	t.Helper()
	if o.NodeID == "" {
		o.NodeID = rand.Text()[:8]
	}
	h, err := redis.New(client(t, url), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestSuite(t *testing.T) {
	for name, specific := range map[string]bool{"shared responses": false, "specific responses": true} {
		t.Run("single, "+name, func(t *testing.T) { suite(t, redistest.Single(t).URL(), specific) })
	}
	t.Run("cluster", func(t *testing.T) { suite(t, redistest.Cluster(t).URL(), false) })
}

func suite(t *testing.T, url string, specific bool) {
	t.Helper()
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(t *testing.T) func(int) socketio.AdapterFactory {
			t.Helper()
			prefix := redistest.Prefix(t)
			return func(int) socketio.AdapterFactory {
				return hub(t, url, redis.Options{Prefix: prefix, SpecificResponses: specific}).Factory()
			}
		},
		Nodes: true,
	})
}
