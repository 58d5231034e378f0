package redisstreams

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// A namespace may be asked for again while the one of this name that ran empty closes.
func TestANamespaceThatIsBackBeforeItsClosingIsOnAllNodes(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	h := open(t, url, Options{NodeID: prefix + "node", Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
	sockettest.Eventually(t, "the log is there", h.Up)
	srv := sockettest.Serve(t, &socketio.Options{Adapter: h.Factory(), CleanupEmptyChildNamespaces: true})
	srv.OfPattern(regexp.MustCompile(`^/room-\d$`))
	closing, goOn := make(chan struct{}, 1), make(chan struct{})
	srv.OnNewNamespace(func(n *socketio.Namespace) {
		n.OnClose(func() {
			select {
			case closing <- struct{}{}:
				<-goOn
			default:
			}
		})
	})
	first := sockettest.Dial(t, srv.URL)
	first.Connect("/room-1", "")
	first.Cut()
	sockettest.Receive(t, "the end of the namespace", closing)
	sockettest.Dial(t, srv.URL).Connect("/room-1", "")
	if a := h.adapter("/room-1"); a == nil || a.Namespace() != srv.Of("/room-1") {
		t.Error("the namespace is of this node alone")
	}
	close(goOn)
	if n, err := srv.Of("/room-1").ServerCount(t.Context()); n != 1 || err != nil {
		t.Errorf("%d nodes, %v", n, err)
	}
}

func TestClosingWhileRedisHangsTakesMoments(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	r.Pause(t)
	const many = 10 * saveBatch
	told := make(chan error, many)
	for i := range many {
		a.hub.saver.add(command{
			script: saveScript, key: a.hub.session(fmt.Sprint(i)), args: []any{"node", 0, 0},
			done: func(cmd *redis.Cmd) { told <- cmd.Err() },
		})
	}
	began := time.Now()
	must(t, a.hub.Close())
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("took %s", took)
	}
	r.Resume(t)
	gone := 0
	for range many {
		if errors.Is(sockettest.Receive(t, "an answer", told), errGone) {
			gone++
		}
	}
	if gone == 0 {
		t.Error("everything was tried")
	}
}
