package redisstreams

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func open(t *testing.T, url string, o Options) *Hub {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func suite(t *testing.T, url string) {
	t.Helper()
	adaptertest.Run(t, adaptertest.Suite{
		Nodes: true, Recovery: true, History: true,
		Cluster: func(t *testing.T) func(int) socketio.AdapterFactory {
			t.Helper()
			prefix := redistest.Prefix(t)
			return func(node int) socketio.AdapterFactory {
				h := open(t, url, Options{NodeID: fmt.Sprint(prefix, "node", node), Prefix: prefix})
				sockettest.Eventually(t, "the log is there", h.Up)
				return h.Factory()
			}
		},
	})
}

func TestSuiteOnASingleRedis(t *testing.T) {
	t.Parallel()
	suite(t, redistest.Single(t).URL())
}

func TestSuiteOnARedisCluster(t *testing.T) {
	t.Parallel()
	suite(t, redistest.Cluster(t).URL())
}
