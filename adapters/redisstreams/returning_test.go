package redisstreams

import (
	"context"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// What test/chaos found: ways for a client to come back to less than it should get, or to
// a session that is not its own any more.

// It used to be told at once that it was not recovered.
func TestWhoComesToANodeThatIsStillJoiningTheLogIsRecovered(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startNode(t, r, "p", nil)
	a.upAgain()
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	v.cut()
	r.Kill(t)
	b := startNode(t, r, "p", func(o *Options) { o.Hold = 30 * time.Second })
	back := make(chan bool, 1)
	go func() {
		_, recovered := v.returns(b)
		back <- recovered
	}()
	r.Start(t)
	if !<-back {
		t.Error("not recovered")
	}
}

// The record names this node, without a socket, when the answer to an earlier claim came
// too late for whoever made it. The claim that takes it over used to beat itself.
func TestASessionThatThisNodeAlreadyHasCanBeTakenOver(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, r, "p", nil)
	a.upAgain()
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	v.cut()
	c, key := r.Client(t), a.hub.session(v.answer.SID)
	sockettest.Eventually(t, "the session is nobody's", func() bool { return c.HGet(context.Background(), key, "node").Val() == "" })
	must(t, c.HSet(t.Context(), key, "node", a.hub.o.NodeID).Err())
	if _, recovered := v.returns(a); !recovered {
		t.Error("not recovered")
	}
}

// The next packet used to give the client an offset again, and with it a session whose
// rooms were those of long ago.
func TestAClientWhoseSessionIsLostGetsNoOffsetAgain(t *testing.T) {
	for name, emit := range map[string]func(a *testNode, s *socketio.Socket) error{
		"a broadcast":          func(a *testNode, _ *socketio.Socket) error { return a.To("r").Emit("n", 2) },
		"a local broadcast":    func(a *testNode, _ *socketio.Socket) error { return a.To("r").Local().Emit("n", 2) },
		"a volatile broadcast": func(a *testNode, _ *socketio.Socket) error { return a.To("r").Volatile().Emit("n", 2) },
		"an event for it": func(_ *testNode, s *socketio.Socket) error {
			_ = s.Emit("n", 2) // fails, or goes nowhere
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := redistest.Start(t)
			a := startNode(t, r, "p", nil)
			a.upAgain()
			v := a.visit("", "r")
			must(t, a.To("r").Emit("n", 1))
			v.event(`2["n",1]`)
			a.adapter().LoseSession(v.answer.PID)
			v.event(`2["` + socketio.EventUnsaved + `"]`)
			if v.offset != socketio.OffsetUnlogged {
				t.Errorf("the offset is %q", v.offset)
			}
			must(t, emit(a, v.socket))
			v.ExpectClose()
			v.ExpectNothing()
			if _, recovered := v.returns(a); recovered {
				t.Error("recovered")
			}
		})
	}
}
