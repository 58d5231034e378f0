package guard

import (
	"context"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/adapters/redislimit"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
)

// patient waits for Redis for as long as it takes: what is counted is tested here, and not how fast a busy
// machine is.
type patient struct{ limit.Shared }

func (p patient) Take(ctx context.Context, key string, r limit.Rate) (time.Duration, error) {
	return p.Shared.Take(context.WithoutCancel(ctx), key, r)
}

func TestNodesCountTogetherInRedis(t *testing.T) {
	t.Parallel()
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	node := func() *desk {
		c, err := redisclient.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &desk{Guard: New(Options{Shared: patient{redislimit.New(c, prefix)}})}
	}
	one, two := node(), node()
	site := blog(store.Settings{})
	taken := 0
	for range 5 {
		for _, n := range []*desk{one, two} {
			if n.Take(t.Context(), site, "post", "u_ann", "192.0.2.1") == 0 {
				taken++
			}
		}
	}
	if taken < 5 || taken > 6 { // another one comes after ten seconds
		t.Errorf("two nodes let a user do it %d times", taken)
	}
}
