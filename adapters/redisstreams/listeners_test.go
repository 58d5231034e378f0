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

// stateObserver hears in what state adapters are.
type stateObserver struct {
	socketio.NopObserver

	states chan socketio.AdapterEvent
}

func (o stateObserver) AdapterEvent(_ string, e socketio.AdapterEvent) { o.states <- e }

// A namespace that was opened when the log was there already was in no metric: whether it
// was depended on who was first.
func TestTheStateOfANamespaceThatIsOpenedLaterIsKnown(t *testing.T) {
	h := open(t, redistest.Single(t).URL(), Options{NodeID: "late", Prefix: redistest.Prefix(t)})
	sockettest.Eventually(t, "the log is there", h.Up)
	o := stateObserver{states: make(chan socketio.AdapterEvent, 10)}
	sockettest.Serve(t, &socketio.Options{Adapter: h.Factory(), Observer: o})
	if e := sockettest.Receive(t, "the state", o.states); e.Kind != socketio.AdapterState || !e.Up {
		t.Errorf("heard %+v", e)
	}
}
