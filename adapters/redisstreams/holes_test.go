package redisstreams

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// startReader starts a node that the returned function keeps from reading the log, or
// lets read it again.
func startReader(t *testing.T, r *redistest.Server) (n *testNode, reads func(may bool)) {
	t.Helper()
	r.Do(t, "acl", "setuser", "reader", "on", ">secret", "~*", "&*", "+@all")
	n = startNodeAt(t, "redis://reader:secret@"+r.Addr(), "p", nil)
	n.upAgain()
	return n, func(may bool) {
		t.Helper()
		rule := map[bool]string{true: "+xread", false: "-xread"}[may]
		r.Do(t, "acl", "setuser", "reader", rule)
		sockettest.Eventually(t, "the node knows whether it can read the log", func() bool { return n.hub.Up() == may })
	}
}

func TestANodeThatMayOnlyWriteTheLogIsAway(t *testing.T) {
	r := redistest.Start(t)
	n, reads := startReader(t, r)
	reads(false)
	sockettest.Eventually(t, "handlers hear that Redis is away", func() bool { return n.heard(socketio.AdapterState, false) })
	v := n.visit("", "r")
	must(t, n.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	reads(true)
}

// A replica that takes over may not have had the last entries, which some nodes have
// read and their publishers know to be there. A node that was behind sees no hole in the
// numbers, as they are given out again.
func TestNodesThatWereBehindLearnThatTheLogLostItsEnd(t *testing.T) {
	for name, notice := range map[string]func(a *testNode) error{
		"by the publisher":          func(a *testNode) error { return a.To("r").Emit("n", 4) },
		"by who had read the entry": func(*testNode) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := redistest.Start(t)
			a := startUp(t, r, "p", nil)
			b, reads := startReader(t, r)
			v, w := a.visit("", "r"), b.visit("", "r")
			must(t, a.To("r").Emit("n", 1))
			v.event(`2["n",1]`)
			w.event(`2["n",1]`)
			reads(false)
			must(t, a.To("r").Emit("n", 2))
			v.event(`2["n",2]`)
			c := r.Client(t)
			last := c.XRevRangeN(t.Context(), "p", "+", "-", 1).Val()[0]
			e, _ := readEntry(last)
			must(t, c.XDel(t.Context(), "p", last.ID).Err())
			must(t, c.HSet(t.Context(), "{p}:log", "n", e.n-1).Err())
			must(t, c.Set(t.Context(), a.hub.seqKey(), e.seq-1, time.Hour).Err())
			reads(true)
			must(t, notice(a))
			w.ExpectClose()
			if _, recovered := w.returns(b); recovered {
				t.Error("recovered over a gap")
			}
			x := b.visit("", "r")
			must(t, a.To("r").Emit("n", 5))
			x.event(`2["n",5]`)
		})
	}
}

func TestAnEntryThatIsMissingIsAGap(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	b, reads := startReader(t, r)
	v, w := a.visit("", "r"), b.visit("", "r")
	reads(false)
	must(t, a.To("r").Emit("n", 1))
	c := r.Client(t)
	must(t, c.XDel(t.Context(), "p", c.XRevRangeN(t.Context(), "p", "+", "-", 1).Val()[0].ID).Err())
	must(t, a.To("r").Emit("n", 2))
	reads(true)
	w.ExpectClose()
	sockettest.Eventually(t, "handlers hear of the gap", func() bool { return b.heard(socketio.AdapterGap, false) })
	if _, recovered := w.returns(b); recovered {
		t.Error("recovered over a gap")
	}
	v.event(`2["n",1]`)
	v.event(`2["n",2]`)
	if a.heard(socketio.AdapterGap, false) || !v.Open() {
		t.Error("a node that had read it saw a gap, too")
	}
}

func TestACallThatIsMadeAgainAppendsNothingTwice(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	again := newAppender(a.hub)
	batch := make([]*job, 3)
	for i := range batch {
		data := fmt.Sprintf(`{"packet":{"type":2,"data":["n",%d],"nsp":"/"},"opts":{"rooms":["r"],"except":[],"flags":{}}}`, i)
		batch[i] = &job{nsp: "/", kind: typeBroadcast, data: data, seq: 1000 + uint64(i)}
	}
	for _, part := range [][]*job{batch[:2], batch[:2], batch, batch[1:]} {
		if answer, err := again.call(part); err != nil || answer.other {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	for i := range batch {
		v.event(fmt.Sprintf(`2["n",%d]`, i))
	}
	v.ExpectNothing()
}

func TestWhatOthersTrimBeforeItIsReadIsAGap(t *testing.T) {
	r := redistest.Start(t)
	n, reads := startReader(t, r)
	c := r.Client(t)
	v := n.visit("")
	add := func(i int) {
		must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "p", MaxLen: 5, Values: []string{
			"uid", "node.js", "nsp", "/", "type", "3",
			"data", fmt.Sprintf(`{"packet":{"type":2,"data":["hi",%d],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}`, i),
		}}).Err())
	}
	add(0)
	v.event(`2["hi",0]`)
	reads(false)
	for i := range 20 {
		add(1 + i)
	}
	reads(true)
	v.ExpectClose()
	sockettest.Eventually(t, "handlers hear of the gap", func() bool { return n.heard(socketio.AdapterGap, false) })
	if _, recovered := v.returns(n); recovered {
		t.Error("recovered over a gap")
	}
}

// What the reader will not come to, because the log is another one, is not held for ever.
func TestEmitsThatAGapOvertookAreLetGo(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	waiting := func() int {
		a.hub.append.mu.Lock()
		defer a.hub.append.mu.Unlock()
		return len(a.hub.append.inflight)
	}
	sent := make(chan error, 3)
	emit := func(i int) { sent <- a.To("r").Emit("n", i) }
	c := r.Client(t)
	a.adapter().mu.Lock()
	go emit(1)
	sockettest.Eventually(t, "the reader delivers the first", func() bool { return c.XLen(t.Context(), "p").Val() == 2 && waiting() == 0 })
	go emit(2)
	go emit(3)
	sockettest.Eventually(t, "the others are in the log", func() bool { return c.XLen(t.Context(), "p").Val() == 4 && waiting() == 2 })
	r.FlushAll(t)
	a.adapter().mu.Unlock()
	for range 3 {
		must(t, sockettest.Receive(t, "the end of an emit", sent))
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d packets are still held", n)
	}
}

// The age of an entry is judged by the clock that gave it its id.
func TestAFastClockDropsNothingThatIsNeeded(t *testing.T) {
	c, prefix := redistest.Single(t).Client(t), redistest.Prefix(t)
	const entries = 500
	began := time.Now().Add(-time.Hour).UnixMilli() // as a node sees it whose clock is an hour ahead
	for i := range entries {
		must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: prefix, ID: fmt.Sprintf("%d-1", began+int64(i)*500), Values: []string{"uid", "node"}}).Err())
	}
	h := &Hub{o: Options{Prefix: prefix, MaxBytes: DefaultMaxBytes, Observer: cluster.NopObserver{}}, redis: c, ctx: t.Context()}
	h.moveTo(position{id: entryID{ms: uint64(began + entries*500)}, n: entries, epoch: "abcd"})
	must(t, h.trimNow())
	want := int(minRetention.Milliseconds() / 500)
	if n := int(c.XLen(t.Context(), prefix).Val()); n < want || n == entries {
		t.Errorf("%d of %d entries are left, %d are needed", n, entries, want)
	}
}
