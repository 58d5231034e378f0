package redis_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMessagesBetweenNodesAreCounted(t *testing.T) {
	s := redistest.Start(t)
	var tally clustertest.Tally
	a := sockettest.Serve(t, &socketio.Options{Adapter: hub(t, s.URL(), redis.Options{Observer: &tally}).Factory()})
	b := start(t, s.URL(), "")
	b.together(t, 2)
	must(t, a.To("r").Emit("from a"))
	b.Expect(`2["from a"]`)
	must(t, b.To("r").Emit("from b"))
	sockettest.Eventually(t, "messages are counted", func() bool {
		c := tally.Of(cluster.PubSub)
		return c.Published >= 1 && c.Took > 0 && c.Received >= 2 // its own come back
	})
	must(t, client(t, s.URL()).Publish(t.Context(), "socket.io-request#/#", "no request").Err())
	sockettest.Eventually(t, "what is no message is counted", func() bool { return tally.Of(cluster.PubSub).NotUnderstood == 1 })
	s.Stop(t)
	sockettest.Eventually(t, "what is not published is counted", func() bool {
		_ = a.To("r").Emit("lost") // it says so, in its time
		return tally.Of(cluster.PubSub).NotPublished > 0
	})
}
