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

var nodeCount atomic.Int64

// testNode is a server on the log of a test.
type testNode struct {
	*sockettest.Server
	t   *testing.T
	hub *Hub

	mu     sync.Mutex
	events []socketio.AdapterEvent
}

func startNode(t *testing.T, r interface{ URL() string }, prefix string, change func(*Options)) *testNode {
	t.Helper()
	return startNodeAt(t, r.URL(), prefix, change)
}

func startNodeAt(t *testing.T, url, prefix string, change func(*Options)) *testNode {
	t.Helper()
	o := Options{NodeID: fmt.Sprint("node", nodeCount.Add(1)), Prefix: prefix, Hold: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	return serveOn(t, open(t, url, o))
}

// serveOn is a server on a hub, which may have read the log for a while.
func serveOn(t *testing.T, h *Hub) *testNode {
	t.Helper()
	n := &testNode{t: t, hub: h}
	n.Server = sockettest.Serve(t, &socketio.Options{
		Adapter: h.Factory(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute},
		History: limitsOf, HistoryBytes: historyBytes,
		Logger: slog.New(slog.DiscardHandler),
	})
	n.Of("/").OnAdapter(func(e socketio.AdapterEvent) {
		n.mu.Lock()
		n.events = append(n.events, e)
		n.mu.Unlock()
	})
	n.Of("/").On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	return n
}

// startUp is startNode that waits until the log is there, and startPair two of that.
func startUp(t *testing.T, r interface{ URL() string }, prefix string, change func(*Options)) *testNode {
	t.Helper()
	n := startNode(t, r, prefix, change)
	n.upAgain()
	return n
}

func startPair(t *testing.T, r interface{ URL() string }, prefix string, change func(*Options)) (a, b *testNode) {
	t.Helper()
	return startUp(t, r, prefix, change), startUp(t, r, prefix, change)
}

func (n *testNode) upAgain() {
	n.t.Helper()
	sockettest.Eventually(n.t, "the log is there", n.hub.Up)
}

// heard reports whether handlers were told.
func (n *testNode) heard(kind socketio.AdapterEventKind, up bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Kind == kind && e.Up == up {
			return true
		}
	}
	return false
}

// visitor is a client with its session.
type visitor struct {
	*sockettest.Client
	t      *testing.T
	answer sockettest.Answer
	socket *socketio.Socket
	offset string
}

func (n *testNode) visit(auth string, rooms ...string) *visitor {
	n.t.Helper()
	v := &visitor{t: n.t, Client: sockettest.Dial(n.t, n.URL)}
	v.answer = v.Connect("/", auth)
	s, ok := n.Of("/").Socket(v.answer.SID)
	if !ok {
		n.t.Fatal("no socket")
	}
	v.socket = s
	if err := s.Join(rooms...); err != nil {
		n.t.Fatal(err)
	}
	return v
}

// event expects an event and notes its offset.
func (v *visitor) event(want string) {
	v.t.Helper()
	got := v.Next().Text
	i := strings.LastIndex(got, `"`)
	if j := strings.LastIndex(got[:max(i, 0)], `,"`); j >= 0 {
		v.offset = got[j+2 : i]
		got = got[:j] + "]"
	}
	if got != want {
		v.t.Fatalf("got %s with offset %q, want %s", got, v.offset, want)
	}
}

// returns connects again with what the client has, and reports whether it was recovered.
func (v *visitor) returns(n *testNode) (w *visitor, recovered bool) {
	v.t.Helper()
	auth := fmt.Sprintf(`{"pid":%q,"offset":%q}`, v.answer.PID, v.offset)
	if v.offset == "" {
		auth = fmt.Sprintf(`{"pid":%q}`, v.answer.PID)
	}
	w = n.visit(auth)
	w.offset = v.offset
	return w, w.answer == v.answer
}

// saved reports whether the session can be had again.
func (v *visitor) saved() bool { return v.answer.PID != v.answer.SID+v.answer.SID }

func (v *visitor) cut() {
	v.t.Helper()
	v.Cut()
	sockettest.Receive(v.t, "the end of the socket", v.socket.Context().Done())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEverybodyStartsAnewWhenRedisLostTheLog(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	v, w := a.visit("", "r"), b.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	w.event(`2["n",1]`)
	c := r.Client(t)
	must(t, c.FlushAll(t.Context()).Err())
	must(t, a.To("r").Emit("n", 2)) // finds it out; goes to the new log
	v.ExpectClose()
	w.ExpectClose()
	for _, n := range []*testNode{a, b} {
		sockettest.Eventually(t, "handlers hear of the gap", func() bool { return n.heard(socketio.AdapterGap, false) })
	}
	for _, x := range []*visitor{v, w} {
		if _, recovered := x.returns(b); recovered {
			t.Error("recovered over a gap")
		}
	}
	x := a.visit("", "r")
	must(t, b.To("r").Emit("n", 3))
	x.event(`2["n",3]`)
}

func TestACutConnectionToRedisLosesNothing(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	v, w := a.visit("", "r"), b.visit("", "r")
	c := r.Client(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(40 * time.Millisecond):
				_ = c.ClientKillByFilter(context.Background(), "TYPE", "normal", "SKIPME", "yes").Err()
			}
		}
	})
	const total = 400
	for i := range total {
		must(t, a.To("r").Emit("n", i))
	}
	close(stop)
	wg.Wait()
	for i := range total {
		v.event(fmt.Sprintf(`2["n",%d]`, i))
		w.event(fmt.Sprintf(`2["n",%d]`, i))
	}
	if a.heard(socketio.AdapterGap, false) || b.heard(socketio.AdapterGap, false) {
		t.Error("a gap was seen where none was")
	}
	must(t, a.To("r").Emit("end"))
	v.event(`2["end"]`)
	w.event(`2["end"]`)
}

func TestWithoutRedisPacketsGoOutUnloggedWithinABound(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", func(o *Options) { o.UnloggedMax = 2000 })
	v, quiet := a.visit("", "r"), a.visit("", "q")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	before := v.offset
	r.Kill(t)
	must(t, a.To("r").Emit("n", 2))
	v.event(`2["n",2]`)
	if !strings.HasPrefix(v.offset, socketio.OffsetUnlogged) {
		t.Errorf("offset %q", v.offset)
	}
	sockettest.Eventually(t, "handlers hear that Redis is away", func() bool { return a.heard(socketio.AdapterState, false) })
	var err error
	for i := 0; err == nil && i < 100; i++ {
		err = a.To("r").Emit("n", strings.Repeat("x", 100))
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("past the bound: %v", err)
	}
	if n := a.visit("", "r"); n.saved() {
		t.Error("a session that cannot be saved has a private id as if it were")
	}
	r.Start(t)
	a.upAgain()
	v.ExpectClose()
	if _, recovered := v.returns(a); recovered {
		t.Error("recovered after packets that are not in the log")
	}
	v.offset = before // as if it had not seen them
	if _, recovered := v.returns(a); recovered {
		t.Error("recovered after packets that are not in the log, by an older offset")
	}
	if !quiet.Open() {
		t.Error("who got nothing was disconnected")
	}
	must(t, a.To("q").Emit("n", 3))
	quiet.event(`2["n",3]`)
}

func TestJoinAndLeaveAreSavedWhenTheyReturn(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("")
	c := r.Client(t)
	key := a.hub.session(v.answer.SID)
	for i := range 20 {
		room := fmt.Sprint("room ", i)
		must(t, v.socket.Join(room))
		if s, err := c.HGet(t.Context(), key, "r:"+room).Result(); err != nil || !strings.HasPrefix(s, "+") {
			t.Fatalf("%q, %v", s, err)
		}
	}
	for i := range 20 {
		room := fmt.Sprint("room ", i)
		v.socket.Leave(room)
		if s := c.HGet(t.Context(), key, "r:"+room).Val(); strings.HasPrefix(s, "+") {
			t.Fatalf("%s was left and is saved as %q", room, s)
		}
	}
	v.socket.SetData(map[string]int{"x": 1})
	sockettest.Eventually(t, "the data is saved", func() bool { return c.HGet(context.Background(), key, "data").Val() == `{"x":1}` })
}

func TestEndingsForGoodDeleteTheSession(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	c := r.Client(t)
	for name, end := range map[string]func(v *visitor){
		"kick":  func(v *visitor) { v.socket.End("kicked", "go away") },
		"leave": func(v *visitor) { v.Send("1") },
	} {
		v := a.visit("", "r")
		must(t, a.To("r").Emit("n", 1))
		v.event(`2["n",1]`)
		end(v)
		sockettest.Eventually(t, name+" deletes the session", func() bool {
			return c.Exists(context.Background(), a.hub.session(v.answer.SID)).Val() == 0
		})
		if _, recovered := v.returns(a); recovered {
			t.Errorf("recovered after: %s", name)
		}
	}
}

func TestEmitReturnsWhenTheClientsHaveIt(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	for i := range 50 {
		must(t, v.socket.Join("r"))
		must(t, a.To("r").Emit("n", i))
		v.socket.Leave("r")
		v.event(fmt.Sprintf(`2["n",%d]`, i))
	}
	must(t, v.socket.Emit("bye"))
	v.socket.Disconnect(false)
	v.event(`2["bye"]`)
	v.Expect("1")
}

// A client that comes back elsewhere before its old node has noticed anything.
func TestTheOldSocketEndsFirstWhereverItLives(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	must(t, b.To("r").Emit("n", 2)) // the client does not see it
	w, recovered := v.returns(b)
	if !recovered {
		t.Fatal("not recovered")
	}
	w.event(`2["n",2]`)
	v.ExpectClose()
	if a.Of("/").Len() != 0 {
		t.Error("the old socket is still there")
	}
	must(t, a.To("r").Emit("n", 3))
	w.event(`2["n",3]`)
}

func TestOneOfSeveralWhoClaimASessionGetsIt(t *testing.T) {
	r := redistest.Start(t)
	a, b, c := startNode(t, r, "p", nil), startNode(t, r, "p", nil), startNode(t, r, "p", nil)
	for _, n := range []*testNode{a, b, c} {
		n.upAgain()
	}
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	v.cut()
	nodes := []*testNode{a, b, c}
	sockets := func() (n int) {
		for _, node := range nodes {
			n += node.Of("/").Len()
		}
		return n
	}
	auth := fmt.Sprintf(`{"pid":%q,"offset":%q}`, v.answer.PID, v.offset)
	for i := range 10 {
		// The one who claims first may be ended as soon as it was told that it is
		// connected, so nobody looks for its socket.
		clients := []*sockettest.Client{sockettest.Dial(t, b.URL), sockettest.Dial(t, c.URL)}
		for _, client := range clients {
			client.Send("0" + auth)
		}
		for _, client := range clients {
			if f := client.Next(); !strings.HasPrefix(f.Text, "0{") {
				t.Fatalf("round %d: got %q in answer to CONNECT", i, f.Text)
			}
		}
		sockettest.Eventually(t, "one socket is left", func() bool {
			return sockets() <= 2 // the session's, and one that started anew
		})
		live := 0
		for _, n := range nodes {
			if _, ok := n.Of("/").Socket(v.answer.SID); ok {
				live++
			}
		}
		if live > 1 {
			t.Fatalf("round %d: the session has %d sockets", i, live)
		}
		for _, client := range clients {
			client.Cut()
		}
		sockettest.Eventually(t, "all sockets have ended", func() bool { return sockets() == 0 })
	}
}

// A node that was started later has nothing in memory.
func TestAReplayIsReadFromRedisPageByPage(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 0))
	v.event(`2["n",0]`)
	v.cut()
	const total = 3*pageCount + 7
	for i := 1; i <= total; i++ {
		must(t, a.To("r").Emit("n", i))
		must(t, a.To("other").Emit("n", i))
	}
	b := startUp(t, r, "p", nil)
	w, recovered := v.returns(b)
	if !recovered {
		t.Fatal("not recovered")
	}
	must(t, a.To("r").Emit("live"))
	for i := 1; i <= total; i++ {
		w.event(fmt.Sprintf(`2["n",%d]`, i))
	}
	w.event(`2["live"]`)
	w.Fence()
}

func TestWhoNeedsWhatIsTrimmedIsNotRecovered(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v, quiet := a.visit("", "r"), a.visit("", "q")
	must(t, a.To("r").Emit("n", 0))
	v.event(`2["n",0]`)
	v.cut()
	for i := range 20 {
		must(t, a.To("r").Emit("n", i))
	}
	quiet.cut() // has everything there was for it
	c := r.Client(t)
	must(t, c.XTrimMaxLen(t.Context(), "p", 3).Err())
	b := startUp(t, r, "p", nil)
	if _, recovered := v.returns(b); recovered {
		t.Error("recovered without what it missed")
	}
	if _, recovered := quiet.returns(b); !recovered {
		t.Error("who missed nothing was not recovered")
	}
}

func TestSessionsAreRenewedAndExpire(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	c := r.Client(t)
	key := a.hub.session(v.answer.SID)
	must(t, c.PExpire(t.Context(), key, 10*time.Second).Err())
	a.adapter().renew()
	sockettest.Eventually(t, "the session is renewed", func() bool {
		return c.PTTL(context.Background(), key).Val() > 30*time.Second
	})
	v.cut()
	sockettest.Eventually(t, "the session is nobody's", func() bool { return c.HGet(context.Background(), key, "node").Val() == "" })
	must(t, c.Del(t.Context(), key).Err())
	if _, recovered := v.returns(a); recovered {
		t.Error("recovered without a record")
	}
}

func (n *testNode) adapter() *Adapter { return n.hub.adapter("/") }

// Where the node of a session stood still, it must not write to it any more.
func TestANodeThatLostASessionDoesNotTouchIt(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	c := r.Client(t)
	key := a.hub.session(v.answer.SID)
	must(t, c.HSet(t.Context(), key, "node", "another").Err())
	a.adapter().renew()
	v.ExpectClose()
	if got := c.HGet(t.Context(), key, "node").Val(); got != "another" {
		t.Errorf("the session is of %q", got)
	}
}

func TestRetentionByBytes(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", func(o *Options) { o.MaxBytes = 200_000 })
	for i := range 1000 {
		must(t, a.To("r").Emit("n", i, strings.Repeat("x", 500)))
	}
	c := r.Client(t)
	must(t, a.hub.trimNow())
	bytes := c.MemoryUsage(t.Context(), "p").Val()
	if bytes > 220_000 || bytes < 50_000 {
		t.Errorf("%d bytes are left", bytes)
	}
	if a.hub.recent.bytes > 200_000 {
		t.Errorf("%d bytes are kept in memory", a.hub.recent.bytes)
	}
}

func TestTrimmingByOthersIsNoticed(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	c := r.Client(t)
	v := a.visit("")
	for range 30 {
		must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "p", MaxLen: 10, Values: []string{
			"uid", "node.js", "nsp", "/", "type", "3",
			"data", `{"packet":{"type":2,"data":["hi"],"nsp":"/"},"opts":{"rooms":[],"except":[],"flags":{}}}`,
		}}).Err())
		v.event(`2["hi"]`)
	}
	if reach, err := a.hub.trimmedByOthers(); err != nil || reach == "" {
		t.Errorf("%q, %v", reach, err)
	}
}

// What a client did in a room while that could not be saved must not be forgotten
// silently, also if its node dies before it hears of Redis again.
func TestAJoinThatCannotBeSavedEndsRecovery(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	must(t, a.To("r").Emit("n", 1))
	v.event(`2["n",1]`)
	r.Kill(t)
	must(t, v.socket.Join("new"))
	v.event(`2["` + socketio.EventUnsaved + `"]`)
	if !strings.HasPrefix(v.offset, socketio.OffsetUnlogged) {
		t.Errorf("offset %q", v.offset)
	}
	r.Start(t)
	b := startUp(t, r, "p", nil)
	if _, recovered := v.returns(b); recovered {
		t.Error("recovered without the room")
	}
}
