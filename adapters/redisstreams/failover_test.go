package redisstreams

import (
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestNothingIsLostWhenSentinelPutsAReplicaInTheMastersPlace(t *testing.T) {
	r := redistest.StartSentinel(t)
	soon := func(o *Options) { o.Hold = 50 * time.Millisecond } // or it may be over before a node says so
	a, b := startPair(t, r, "p", soon)
	v, w := a.visit("", "r"), b.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	w.event(`2["n",1]`)
	r.FailOver(t)
	for _, n := range []*testNode{a, b} {
		sockettest.Eventually(t, "the node has noticed", func() bool { return n.heard(socketio.AdapterState, false) })
		n.upAgain()
	}
	must(t, b.To("r").Emit("n", 2))
	v.event(`2["n",2]`) // the log went on, and so did they
	w.event(`2["n",2]`)
	v.cut()
	must(t, a.To("r").Emit("n", 3))
	x, recovered := v.returns(b)
	if !recovered {
		t.Error("not recovered")
	}
	x.event(`2["n",3]`)
}

// The user of docs/cluster.md, who may do nothing beyond the prefix.
type modest struct{ *redistest.Server }

func (m modest) URL() string {
	return strings.Replace(m.Server.URL(), "redis://", "redis://sockeye:secret@", 1)
}

func TestAUserWhoMayDoNothingElseIsEnough(t *testing.T) {
	r := redistest.Start(t)
	r.Do(t, "acl", "setuser", "sockeye", "on", ">secret", "~socket.io*", "~{socket.io}*", "&socket.io*", "+@all", "-@admin", "-@dangerous")
	a, b := startPair(t, modest{r}, "socket.io", nil)
	v, w := a.visit("", "r"), b.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	w.event(`2["n",1]`)
	if found, err := a.FetchSockets(t.Context()); err != nil || len(found) != 2 {
		t.Errorf("%d sockets, %v", len(found), err)
	}
	v.cut()
	must(t, a.To("r").Emit("n", 2))
	x, recovered := v.returns(b)
	if !recovered {
		t.Error("not recovered")
	}
	x.event(`2["n",2]`)
	must(t, a.hub.trimNow())
	if _, err := a.hub.trimmedByOthers(); err != nil {
		t.Error(err)
	}
	if log := r.Do(t, "acl", "log"); len(log.([]any)) != 0 {
		t.Errorf("Redis refused %v", log)
	}
}
