package redisclient

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// open returns a client that is closed with the test.
func open(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	c, err := Open(url)
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

// onBoth runs a test on a single server and on a Redis Cluster.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("single", func(t *testing.T) { f(t, redistest.Single(t).URL()) })
	t.Run("cluster", func(t *testing.T) { f(t, redistest.Cluster(t).URL()) })
}
