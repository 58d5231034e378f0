package redisstreams

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestEntriesAndMessagesAreCounted(t *testing.T) {
	s := redistest.Start(t)
	var tally clustertest.Tally
	a := startUp(t, s, "", func(o *Options) { o.Observer = &tally })
	b := startUp(t, s, "", nil)
	v := b.visit("", "r")
	before := tally.Of(cluster.Log)
	if err := a.To("r").Emit("from a"); err != nil {
		t.Fatal(err)
	}
	v.Next()
	sockettest.Eventually(t, "an entry is counted", func() bool {
		c := tally.Of(cluster.Log)
		return c.Published > before.Published && c.Took > before.Took && c.Received > before.Received
	})
	sockettest.Eventually(t, "questions are counted", func() bool {
		_, _ = b.Of("/").FetchSockets(t.Context()) // the nodes may not know each other yet
		c := tally.Of(cluster.PubSub)
		return c.Published > 0 && c.Received > 0
	})
	err := a.hub.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: a.hub.stream(), Values: map[string]any{"uid": "x", "nsp": "/", "type": "3", "data": "none"}}).Err()
	if err != nil {
		t.Fatal(err)
	}
	sockettest.Eventually(t, "what is no entry is counted", func() bool { return tally.Of(cluster.Log).NotUnderstood > 0 })
	s.Stop(t)
	sockettest.Eventually(t, "what is not appended is counted", func() bool {
		_ = a.To("r").Emit("lost") // it says so, in its time
		return tally.Of(cluster.Log).NotPublished > 0
	})
}
