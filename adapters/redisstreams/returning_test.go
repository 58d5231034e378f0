package redisstreams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// What test/chaos found: ways for a client to come back to less than it should get, or to
// a session that is not its own any more.

// It used to be told at once that it was not recovered.
func TestWhoComesToANodeThatIsStillJoiningTheLogIsRecovered(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", nil)
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

// A node reads the log before its namespaces are there. What it read meanwhile used to be missing in what
// it gave to who came back.
func TestWhatWasReadBeforeTheNamespaceWasThereIsNotLost(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	v.cut()
	h := open(t, r.URL(), Options{NodeID: "late", Prefix: "p", Logger: slog.New(slog.DiscardHandler)})
	sockettest.Eventually(t, "the log is there", h.Up)
	must(t, a.To("r").Emit("n", 2))
	sockettest.Eventually(t, "it is read", func() bool { return h.at.Load().id == a.hub.at.Load().id })
	b := serveOn(t, h)
	must(t, a.To("r").Emit("n", 3))
	sockettest.Eventually(t, "the next is read, too", func() bool { return h.at.Load().id == a.hub.at.Load().id })
	w, recovered := v.returns(b)
	if !recovered {
		t.Fatal("not recovered")
	}
	must(t, b.To("r").Emit("n", 4))
	for n := 2; n <= 4; n++ {
		w.event(fmt.Sprintf(`2["n",%d]`, n))
	}
}

// The record names this node, without a socket, when the answer to an earlier claim came
// too late for whoever made it. The claim that takes it over used to beat itself.
func TestASessionThatThisNodeAlreadyHasCanBeTakenOver(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
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
			a := startUp(t, r, "p", nil)
			v := a.visit("", "r")
			must(t, a.To("r").Emit("n", 1))
			v.event(`2["n",1]`)
			a.adapter().LoseSession(v.answer.PID)
			v.event(`2["` + socketio.EventUnsaved + `"]`)
			if !strings.HasPrefix(v.offset, socketio.OffsetUnlogged) {
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

// meddler stands between a node and Redis.
type meddler struct {
	once  sync.Once
	let   chan struct{} // closed when what is read from the log goes on; nil holds nothing up
	read  chan struct{} // something is held up; capacity 1
	fails atomic.Bool   // what is saved of sessions is refused
	saves chan struct{} // closed when it goes on; nil holds nothing up
	deaf  atomic.Bool   // what is appended to the log gets there, but the answer does not come
}

var (
	errRefused = proto("ERR refused")
	errUnheard = errors.New("no answer")
)

// proto is an error that Redis answers.
type proto string

func (p proto) Error() string { return string(p) }
func (p proto) RedisError()   {}

func (m *meddler) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *meddler) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if m.saves != nil {
			select {
			case m.read <- struct{}{}:
			default:
			}
			<-m.saves
		}
		if !m.fails.Load() {
			return next(ctx, cmds)
		}
		for _, cmd := range cmds {
			cmd.SetErr(errRefused)
		}
		return errRefused
	}
}

func (m *meddler) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		switch {
		case cmd.Name() == "xread" && m.let != nil && err == nil:
			select {
			case m.read <- struct{}{}:
			default:
			}
			<-m.let
		case cmd.Name() == "evalsha" && m.deaf.Load() && err == nil:
			cmd.SetErr(errUnheard)
			return errUnheard
		}
		return err
	}
}

func (n *testNode) meddle(m *meddler) *meddler {
	n.hub.redis.AddHook(m)
	n.t.Cleanup(m.goOn)
	return m
}

// passRead ends a read of the log that began before the meddler was there.
func (n *testNode) passRead(m *meddler) {
	n.t.Helper()
	over := make(chan error, 1)
	go func() { over <- n.To("nobody").Emit("n") }()
	sockettest.Eventually(n.t, "a read is over, or held up", func() bool { return len(over) > 0 || len(m.read) > 0 })
}

// goOn lets go of what is held up.
func (m *meddler) goOn() {
	m.once.Do(func() {
		for _, held := range []chan struct{}{m.let, m.saves} {
			if held != nil {
				close(held)
			}
		}
	})
}

// behind makes two nodes, of which the second has read the entries n 1 and n 2 of room r
// and delivers them only when let is closed. v has seen them on the first.
func behind(t *testing.T, v func(a *testNode) *visitor) (w *visitor, b *testNode, slow *meddler) {
	t.Helper()
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	w = v(a)
	slow = b.meddle(&meddler{read: make(chan struct{}, 1), let: make(chan struct{})})
	b.passRead(slow)
	must(t, a.To("r").Emit("n", 1))
	must(t, a.To("r").Emit("n", 2))
	w.event(`2["n",1]`)
	w.event(`2["n",2]`)
	sockettest.Receive(t, "a read that is held up", slow.read)
	return w, b, slow
}

// waitsOr waits until a client is back, or waits for the node to catch up.
func (n *testNode) waitsOr(back chan *visitor) {
	n.t.Helper()
	sockettest.Eventually(n.t, "the client is there, or waits", func() bool {
		n.hub.mu.Lock()
		defer n.hub.mu.Unlock()
		return len(back) > 0 || n.hub.moved != nil
	})
}

// startsAnewBehind has the client come back to a node that is held up, which goes on when
// the client waits for it.
func (v *visitor) startsAnewBehind(n *testNode, slow *meddler) *visitor {
	v.t.Helper()
	back := make(chan *visitor, 1)
	go func() {
		w, recovered := v.returns(n)
		if recovered {
			v.t.Error("recovered")
		}
		must(v.t, w.socket.Join("r"))
		back <- w
	}()
	n.waitsOr(back)
	slow.goOn()
	return <-back
}

// It used to get what it had seen on another node once more.
func TestWhoStartsAnewOnANodeThatIsBehindGetsNothingTwice(t *testing.T) {
	v, b, slow := behind(t, func(a *testNode) *visitor { return a.visit("", "r") })
	v.cut()
	v.offset = "of a log that was lost" // so that it starts anew
	w := v.startsAnewBehind(b, slow)
	must(t, b.To("r").Emit("n", 3))
	w.event(`2["n",3]`)
}

// So that it does not wait for longer than clients do.
func TestWhoStartsAnewOnANodeThatStaysBehindIsSentAway(t *testing.T) {
	v, b, slow := behind(t, func(a *testNode) *visitor { return a.visit("", "r") })
	v.cut()
	v.offset = "of a log that was lost"
	w, recovered := v.returns(b)
	if recovered || w.saved() {
		t.Errorf("recovered %v, session %+v", recovered, w.answer)
	}
	must(t, w.socket.Join("r"))
	slow.goOn()
	w.ExpectClose()
	w.ExpectNothing()
}

// It used to have nothing to hand in, and to be taken for somebody new.
func TestWhoHadNoSessionGetsNothingTwiceEither(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	m := a.meddle(&meddler{read: make(chan struct{}, 1), let: make(chan struct{})})
	slow := b.meddle(&meddler{read: make(chan struct{}, 1), let: make(chan struct{})})
	m.fails.Store(true)
	v := a.visit("", "r")
	a.passRead(m)
	b.passRead(slow)
	m.deaf.Store(true) // so that what is in the log goes out as if it were not
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	sockettest.Receive(t, "a read that is held up", slow.read)
	v.cut()
	w := v.startsAnewBehind(b, slow)
	must(t, b.To("r").Emit("n", 2))
	w.event(`2["n",2]`)
}

// It used to get what comes from the log, and again on another node, for which it had
// nothing to show; and it stayed without a session for as long as it was connected.
func TestWhoHasNoSessionEndsBeforeItGetsWhatIsKept(t *testing.T) {
	for name, emit := range map[string]func(a *testNode, s *socketio.Socket) error{
		"a broadcast":     func(a *testNode, _ *socketio.Socket) error { return a.To("r").Emit("n", 2) },
		"an event for it": func(_ *testNode, s *socketio.Socket) error { _ = s.Emit("n", 2); return nil }, // it is gone then
	} {
		t.Run(name, func(t *testing.T) {
			a := startUp(t, redistest.Start(t), "p", nil)
			m := a.meddle(&meddler{})
			m.fails.Store(true)
			v := a.visit("", "r")
			m.fails.Store(false)
			must(t, a.To("r").Local().Emit("n", 1))
			v.event(`2["n",1]`)
			must(t, emit(a, v.socket))
			v.ExpectClose()
			v.ExpectNothing()
			w, recovered := v.returns(a)
			if recovered || !w.saved() {
				t.Errorf("recovered %v, session %+v", recovered, w.answer)
			}
		})
	}
}

// It used to stay without one for as long as it was connected.
func TestWhoCameWhileTheLogWasAwayGetsASessionWhenItIsBack(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", nil)
	r.Kill(t)
	sockettest.Eventually(t, "the node knows", func() bool { return !a.hub.Up() })
	v := a.visit("", "r")
	if v.saved() {
		t.Error("it has a session that was not saved")
	}
	r.Start(t)
	v.ExpectClose()
	a.upAgain()
	if w := a.visit("", "r"); !w.saved() {
		t.Error("no session")
	}
}

// The official client keeps its offset from session to session: what it got unlogged in
// an earlier one used to end the next, too.
func TestAnOffsetOfAnEarlierSessionSaysNothingOfThisOne(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	r.Kill(t)
	sockettest.Eventually(t, "the node knows", func() bool { return !a.hub.Up() })
	must(t, a.To("r").Emit("n", 2))
	v.event(`2["n",2]`)
	unlogged := v.offset
	r.Start(t)
	v.ExpectClose()
	a.upAgain()
	w, recovered := v.returns(a)
	if recovered {
		t.Error("recovered, though it got what was not kept")
	}
	must(t, w.socket.Join("r"))
	if w.offset != unlogged {
		t.Fatalf("the offset is %q", w.offset)
	}
	w.cut()
	must(t, a.To("r").Emit("n", 3))
	x, recovered := w.returns(a)
	if !recovered {
		t.Error("not recovered")
	}
	x.event(`2["n",3]`)
}

func TestAnOffsetOfANodeThatNeverCameToTheLogSaysNothingEither(t *testing.T) {
	r := redistest.Start(t)
	r.Kill(t)
	a := startNode(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	if v.offset == "" || v.saved() {
		t.Errorf("offset %q, %+v", v.offset, v.answer)
	}
	r.Start(t)
	v.ExpectClose()
	a.upAgain()
	w, recovered := v.returns(a)
	if recovered || !w.saved() {
		t.Errorf("recovered %v, session %+v", recovered, w.answer)
	}
	w.cut()
	if _, recovered := w.returns(a); !recovered {
		t.Error("not recovered")
	}
}

// Its record used to say for a while that it was in the room, while it got nothing from
// there any more: whoever was cut off just then missed that without being told.
func TestWhoLeavesARoomIsInItUntilThatIsSaved(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	slow := a.meddle(&meddler{read: make(chan struct{}, 1), saves: make(chan struct{})})
	left := make(chan struct{})
	go func() {
		v.socket.Leave("r")
		close(left)
	}()
	sockettest.Receive(t, "a leave that is being saved", slow.read)
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	slow.goOn()
	sockettest.Receive(t, "the end of the leave", left)
	must(t, a.To("r").Emit("n", 2))
	must(t, a.To(v.answer.SID).Emit("n", 3))
	v.event(`2["n",3]`)
	field := func() string {
		return r.Client(t).HGet(context.Background(), a.hub.session(v.answer.SID), "r:r").Val()
	}
	if s := field(); !strings.HasPrefix(s, "-") {
		t.Errorf("saved as %q", s)
	}
	at := a.hub.at.Load().offset()
	must(t, v.socket.Join("r"))
	if s := field(); !strings.HasPrefix(s, "+") || !strings.Contains(s, " +"+at) {
		t.Errorf("saved as %q", s)
	}
}

// A client that was cut off while it was being recovered tried again, and the end of the
// first try used to say that the session was nobody's, which the second had by then: what
// was to be saved of it was refused, and it was lost.
func TestASessionThatIsLetGoStaysWithWhoClaimedItAgain(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	v.cut()
	first, err := a.adapter().Restore(t.Context(), v.answer.PID, v.offset)
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	again := command{script: claimScript, key: a.adapter().key(v.answer.PID), args: []any{a.hub.o.NodeID, v.answer.PID, "/", ms(time.Minute)}}
	for _, release := range []func(){
		func() { a.adapter().Release(first) },
		func() {
			a.adapter().Persist(func() (*socketio.Session, bool) { return first, true }) // it was live
		},
	} {
		if _, err := a.hub.saver.do(t.Context(), again); err != nil { // its answer is on its way
			t.Fatal(err)
		}
		release()
		cmd, err := a.hub.saver.do(t.Context(), command{script: saveScript, key: again.key, args: []any{a.hub.o.NodeID, 0, 0}})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := cmd.Int(); n != answerSaved || err != nil {
			t.Errorf("saving answers %d, %v", n, err)
		}
	}
}

// A node that had been cut off from Redis used to claim, when it was back, the sessions of
// clients that had long gone elsewhere, which were disconnected there.
func TestAClaimThatNobodyWaitsForIsNotMade(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	v := a.visit("", "r")
	slow := b.meddle(&meddler{read: make(chan struct{}, 1), saves: make(chan struct{})})
	b.hub.saver.add(command{script: saveScript, key: "p:session:none", args: []any{"none", 0, 0}})
	sockettest.Receive(t, "a save that is held up", slow.read)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if st, err := b.adapter().Restore(ctx, v.answer.PID, ""); st != nil || err == nil {
		t.Errorf("%+v, %v", st, err)
	}
	slow.goOn()
	b.visit("") // its session is saved after that
	if n := r.Client(t).HGet(t.Context(), a.hub.session(v.answer.SID), "node").Val(); n != a.hub.o.NodeID {
		t.Errorf("the session is of %q", n)
	}
}

// What Redis did not confirm goes out unlogged, and may be in the log all the same.
func TestWhatWentOutUnloggedDoesNotComeAgainFromTheLog(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	m := a.meddle(&meddler{read: make(chan struct{}, 1), let: make(chan struct{})})
	a.passRead(m)
	m.deaf.Store(true)
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	sockettest.Receive(t, "a read that is held up", m.read)
	m.deaf.Store(false)
	m.goOn()
	v.ExpectClose()
	v.ExpectNothing()
	a.upAgain()
	w, recovered := v.returns(a)
	if recovered {
		t.Error("recovered, though it got what was not kept")
	}
	must(t, w.socket.Join("r"))
	must(t, a.To("r").Emit("n", 2))
	w.event(`2["n",2]`)
}
