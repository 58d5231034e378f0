package redisstreams

import (
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// A listener of the application that hangs used to hold up everything that was not the
// log: a session that another node had taken went on.
func TestAListenerThatHangsHoldsUpNoSession(t *testing.T) {
	r, prefix := redistest.Single(t), redistest.Prefix(t)
	a, b := startPair(t, r, prefix, nil)
	hang := make(chan struct{})
	defer close(hang)
	stuck := make(chan struct{}, 100)
	a.Of("/").OnRoom(func(e socketio.RoomEvent) {
		if e.Room == "far" {
			stuck <- struct{}{}
			<-hang
		}
	})
	v, w := a.visit("", "r"), a.visit("", "r")
	must(t, b.To("r").SocketsJoin("far"))
	sockettest.Receive(t, "a listener that hangs", stuck)
	must(t, r.Client(t).HSet(t.Context(), a.hub.session(v.answer.SID), fieldNode, "another").Err())
	v.socket.SetData("x") // the node finds that the session is another's
	v.ExpectClose()
	must(t, b.To("r").Emit("n", 1))
	w.event(`2["n",1]`)
}
