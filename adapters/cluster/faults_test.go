package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// soon is far below the time-out of requests, and above two looks for who is there.
const soon = 2 * time.Second

// serve starts nodes on a bus, with one client in the room "r" on each.
func serve(t *testing.T, b *bus, n int, o cluster.Options) (nodes []*sockettest.Server, clients []*sockettest.Client) {
	t.Helper()
	for i := range n {
		srv := sockettest.Serve(t, &socketio.Options{Adapter: b.factory(nodeName(i), o)})
		c := sockettest.Dial(t, srv.URL)
		s, _ := srv.Of("/").Socket(c.Connect("/", "").SID)
		if err := s.Join("r"); err != nil {
			t.Fatal(err)
		}
		s.SetData(i)
		nodes, clients = append(nodes, srv), append(clients, c)
	}
	return nodes, clients
}

// adapter returns the adapter of a node's main namespace.
func adapter(srv *sockettest.Server) *cluster.Adapter {
	return srv.Of("/").Adapter().(*cluster.Adapter)
}

type outcome[T any] struct {
	value T
	err   error
	took  time.Duration
}

// start runs f on a goroutine.
func start[T any](f func() (T, error)) <-chan outcome[T] {
	out := make(chan outcome[T], 1)
	began := time.Now()
	go func() {
		v, err := f()
		out <- outcome[T]{v, err, time.Since(began)}
	}()
	return out
}

func fetch(srv *sockettest.Server) <-chan outcome[[]*socketio.RemoteSocket] {
	return start(func() ([]*socketio.RemoteSocket, error) { return srv.FetchSockets(context.Background()) })
}

func emitWithAck(b *socketio.Broadcast) <-chan outcome[[]socketio.Args] {
	return start(func() ([]socketio.Args, error) { return b.EmitWithAck(context.Background(), "q") })
}

// answer answers the next question.
func answer(t *testing.T, c *sockettest.Client, args string) {
	t.Helper()
	id, ok := strings.CutSuffix(strings.TrimPrefix(c.Next().Text, "2"), `["q"]`)
	if !ok {
		t.Fatalf("got %q, want a question", id)
	}
	c.Send("3" + id + args)
}

// swallow drops what a node says of some kinds and tells when it has.
func swallow(b *bus, from string, kinds ...cluster.Kind) <-chan *cluster.Message {
	seen := make(chan *cluster.Message, 100)
	b.intercept(func(f, _ string, m *cluster.Message) []*cluster.Message {
		if f == from && slices.Contains(kinds, m.Kind) {
			seen <- m
			return nil
		}
		return []*cluster.Message{m}
	})
	return seen
}

func TestANodeThatGoesIsNotWaitedFor(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		t.Run(fmt.Sprintf("nameless=%t", nameless), func(t *testing.T) {
			b := newBus()
			b.nameless = nameless
			nodes, _ := serve(t, b, 3, cluster.Options{})
			nodes[1].Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) { ack(1) })
			swallowed := swallow(b, nodeName(2), cluster.KindSockets)
			found := fetch(nodes[0])
			asked := start(func() ([]socketio.Args, error) {
				return nodes[0].ServerSideEmitWithAck(context.Background(), "ask")
			})
			sockettest.Receive(t, "the answer that is lost", swallowed)
			b.kill(nodeName(2))
			f := sockettest.Receive(t, "sockets", found)
			if f.err != nil || len(f.value) != 2 || f.took > soon {
				t.Errorf("%d sockets, %v, after %s", len(f.value), f.err, f.took)
			}
			a := sockettest.Receive(t, "answers", asked)
			if a.err != nil || len(a.value) != 1 || a.took > soon {
				t.Errorf("%d answers, %v, after %s", len(a.value), a.err, a.took)
			}
		})
	}
}

func TestANodeThatAnsweredAndWentIsNotTakenForOneThatDidNot(t *testing.T) {
	b := newBus()
	nodes, _ := serve(t, b, 3, cluster.Options{})
	held := make(chan *cluster.Message, 1)
	answered := make(chan struct{}, 1)
	b.intercept(func(from, _ string, m *cluster.Message) []*cluster.Message {
		if m.Kind != cluster.KindSockets {
			return []*cluster.Message{m}
		}
		if from == nodeName(2) {
			answered <- struct{}{}
			return []*cluster.Message{m}
		}
		held <- m
		return nil
	})
	found := fetch(nodes[0])
	late := sockettest.Receive(t, "the answer of the slow node", held)
	sockettest.Receive(t, "the answer of the node that goes", answered)
	b.kill(nodeName(2))
	select {
	case f := <-found:
		t.Fatalf("ended with %d sockets, %v", len(f.value), f.err)
	case <-time.After(700 * time.Millisecond): // several looks
	}
	adapter(nodes[0]).Receive(late)
	f := sockettest.Receive(t, "sockets", found)
	if f.err != nil || len(f.value) != 3 {
		t.Errorf("%d sockets, %v", len(f.value), f.err)
	}
}

func TestANewNodeIsNotTakenForOneThatWent(t *testing.T) {
	b := newBus()
	nodes, _ := serve(t, b, 2, cluster.Options{})
	swallowed := swallow(b, nodeName(1), cluster.KindSockets)
	found := fetch(nodes[0])
	sockettest.Receive(t, "the answer that is lost", swallowed)
	// Two looks see the silent node; then it goes, and another one comes.
	<-time.After(600 * time.Millisecond)
	sockettest.Serve(t, &socketio.Options{Adapter: b.factory("new", cluster.Options{})})
	b.kill(nodeName(1))
	f := sockettest.Receive(t, "sockets", found)
	if f.err != nil || len(f.value) != 1 || f.took > soon {
		t.Errorf("%d sockets, %v, after %s", len(f.value), f.err, f.took)
	}
}

func TestASilentNodeIsNamedByTheTimeout(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 3, cluster.Options{RequestsTimeout: 300 * time.Millisecond})
	for _, srv := range nodes {
		srv.Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) { ack(1) })
	}
	swallow(b, nodeName(2), cluster.KindSockets, cluster.KindServerSideAck, cluster.KindClientCount)

	check := func(what string, err error) {
		t.Helper()
		var timeout *cluster.TimeoutError
		if !errors.As(err, &timeout) || !errors.Is(err, socketio.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) ||
			timeout.Answered != 1 || timeout.Asked != 2 || !slices.Equal(timeout.Missing, []string{"node-2"}) ||
			!strings.Contains(err.Error(), "1 of 2 other nodes answered; missing: node-2") {
			t.Errorf("%s: %v", what, err)
		}
	}
	f := sockettest.Receive(t, "sockets", fetch(nodes[0]))
	if check("fetch", f.err); len(f.value) != 2 {
		t.Errorf("%d sockets", len(f.value))
	}
	answers, err := nodes[0].ServerSideEmitWithAck(t.Context(), "ask")
	if check("server side", err); len(answers) != 1 {
		t.Errorf("%d answers", len(answers))
	}
	// With no time-out of one's own the nodes have RequestsTimeout, and with one, that.
	for _, b := range []*socketio.Broadcast{nodes[0].To("r"), nodes[0].To("r").Timeout(600 * time.Millisecond)} {
		out := emitWithAck(b)
		answer(t, clients[0], `["a"]`)
		answer(t, clients[1], `["b"]`)
		clients[2].Next()
		got := sockettest.Receive(t, "answers", out)
		check("broadcast", got.err)
		var missing *socketio.AckError
		if !errors.As(got.err, &missing) || missing.Missing != -1 || len(missing.Responses) != 2 {
			t.Errorf("%v", got.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := nodes[0].FetchSockets(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestLateAnswersAreIgnored(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{RequestsTimeout: 50 * time.Millisecond})
	swallowed := swallow(b, nodeName(1), cluster.KindSockets, cluster.KindClientCount, cluster.KindClientAck)
	if f := sockettest.Receive(t, "sockets", fetch(nodes[0])); !errors.Is(f.err, socketio.ErrTimeout) {
		t.Errorf("fetch: %v", f.err)
	}
	adapter(nodes[0]).Receive(sockettest.Receive(t, "the late answer", swallowed))

	out := emitWithAck(nodes[0].To("r").Timeout(50 * time.Millisecond))
	answer(t, clients[0], `["a"]`)
	got := sockettest.Receive(t, "answers", out)
	if !errors.Is(got.err, socketio.ErrTimeout) {
		t.Errorf("acks: %v", got.err)
	}
	answer(t, clients[1], `["b"]`)
	adapter(nodes[0]).Receive(sockettest.Receive(t, "the late count", swallowed))

	b.intercept(nil)
	if f := sockettest.Receive(t, "sockets", fetch(nodes[0])); f.err != nil || len(f.value) != 2 {
		t.Errorf("afterwards: %d sockets, %v", len(f.value), f.err)
	}
}

func TestDoubleAnswersCountOnce(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 3, cluster.Options{})
	nodes[1].Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) { ack(1) })
	nodes[2].Of("/").OnServerSide("ask", func(_ socketio.Args, ack func(...any)) { ack(2) })
	b.intercept(func(_, _ string, m *cluster.Message) []*cluster.Message {
		if m.Request != "" && m.Kind >= cluster.KindClientCount {
			return []*cluster.Message{m, m, m}
		}
		return []*cluster.Message{m}
	})
	if f := sockettest.Receive(t, "sockets", fetch(nodes[0])); f.err != nil || len(f.value) != 3 {
		t.Errorf("%d sockets, %v", len(f.value), f.err)
	}
	answers, err := nodes[0].ServerSideEmitWithAck(t.Context(), "ask")
	if err != nil || len(answers) != 2 {
		t.Errorf("%d answers, %v", len(answers), err)
	}
	out := emitWithAck(nodes[0].To("r").Timeout(sockettest.Wait))
	clients[2].Next()
	answer(t, clients[1], `["b"]`)
	answer(t, clients[0], `["a"]`)
	select {
	case got := <-out:
		t.Fatalf("a repeated answer was taken for another client's: %d answers, %v", len(got.value), got.err)
	case <-time.After(100 * time.Millisecond):
	}
	clients[2].Cut()
	got := sockettest.Receive(t, "answers", out)
	var missing *socketio.AckError
	if !errors.As(got.err, &missing) || missing.Missing != 1 || len(missing.Responses) != 2 {
		t.Errorf("%d answers, %v", len(got.value), got.err)
	}
}

func TestClientsOfANodeThatGoesAreLost(t *testing.T) {
	t.Run("counted", func(t *testing.T) {
		b := newBus()
		nodes, clients := serve(t, b, 3, cluster.Options{})
		out := emitWithAck(nodes[0].To("r").Timeout(sockettest.Wait))
		answer(t, clients[0], `["a"]`)
		answer(t, clients[1], `["b"]`)
		clients[2].Next()
		checkLost(t, b, out, 1, 2)
	})
	t.Run("its count was lost with it", func(t *testing.T) {
		b := newBus()
		nodes, clients := serve(t, b, 3, cluster.Options{})
		swallow(b, nodeName(2), cluster.KindClientCount)
		out := emitWithAck(nodes[0].To("r").Timeout(sockettest.Wait))
		answer(t, clients[2], `["c"]`)
		answer(t, clients[0], `["a"]`)
		// The answer of node 2, which nobody counted, must not stand for node 1's.
		<-time.After(600 * time.Millisecond)
		b.kill(nodeName(2))
		select {
		case got := <-out:
			t.Fatalf("%d answers, %v", len(got.value), got.err)
		case <-time.After(1200 * time.Millisecond):
		}
		answer(t, clients[1], `["b"]`)
		if got := sockettest.Receive(t, "answers", out); got.err != nil || len(got.value) != 3 {
			t.Errorf("%d answers, %v", len(got.value), got.err)
		}
	})
}

func checkLost(t *testing.T, b *bus, out <-chan outcome[[]socketio.Args], lost, answered int) {
	t.Helper()
	b.kill(nodeName(2))
	got := sockettest.Receive(t, "answers", out)
	var missing *socketio.AckError
	if !errors.As(got.err, &missing) || missing.Missing != lost || len(missing.Responses) != answered ||
		!errors.Is(got.err, socketio.ErrDisconnected) || got.took > soon {
		t.Errorf("%v after %s", got.err, got.took)
	}
}

func TestANodeThatIsBackAtOnceLosesNoClients(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	out := emitWithAck(nodes[0].To("r").Timeout(sockettest.Wait))
	answer(t, clients[0], `["a"]`)
	clients[1].Next() // and answers late: see below
	b.mu.Lock()
	away := b.nodes["/"][nodeName(1)]
	delete(b.nodes["/"], nodeName(1))
	b.mu.Unlock()
	<-time.After(300 * time.Millisecond) // one look misses it
	b.mu.Lock()
	b.nodes["/"][nodeName(1)] = away
	b.mu.Unlock()
	<-time.After(600 * time.Millisecond)
	clients[1].Send(`30["b"]`)
	if got := sockettest.Receive(t, "answers", out); got.err != nil || len(got.value) != 2 {
		t.Errorf("%d answers, %v", len(got.value), got.err)
	}
}

func TestWithoutTheOthersThisNodeGoesOn(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	down := errors.New("the backend is away")
	b.setDown(down)
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, socketio.ErrThisNodeOnly) || !errors.Is(err, down) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("emit", nodes[0].To("r").Emit("hi"))
	clients[0].Expect(`2["hi"]`)
	if err := nodes[0].Local().Emit("local"); err != nil {
		t.Error(err)
	}
	clients[0].Expect(`2["local"]`)
	check("join", nodes[0].SocketsJoin("x"))
	check("leave", nodes[0].SocketsLeave("r"))
	check("to x", nodes[0].To("x").Emit("x"))
	clients[0].Expect(`2["x"]`)
	check("server side", nodes[0].ServerSideEmit("x"))
	_, err := nodes[0].ServerSideEmitWithAck(t.Context(), "x")
	check("server side with ack", err)
	found, err := nodes[0].FetchSockets(t.Context())
	if check("fetch", err); len(found) != 1 {
		t.Errorf("%d sockets", len(found))
	}
	out := emitWithAck(nodes[0].To("x").Timeout(sockettest.Wait))
	answer(t, clients[0], `["a"]`)
	got := sockettest.Receive(t, "answers", out)
	var missing *socketio.AckError
	if check("acks", got.err); !errors.As(got.err, &missing) || missing.Missing != -1 || len(missing.Responses) != 1 {
		t.Errorf("acks: %v", got.err)
	}
	check("disconnect", nodes[0].DisconnectSockets(false))
	clients[0].Expect("1")
	clients[1].ExpectNothing()
}

// TestABackendThatGoesWhileAnswersAreAwaited loses the publishing, not the count.
func TestABackendThatGoesWhileAnswersAreAwaited(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{RequestsTimeout: 400 * time.Millisecond})
	swallowed := swallow(b, nodeName(1), cluster.KindClientCount, cluster.KindSockets)
	out := emitWithAck(nodes[0].To("r"))
	answer(t, clients[0], `["a"]`)
	sockettest.Receive(t, "the count", swallowed)
	b.setDown(errors.New("away"))
	got := sockettest.Receive(t, "answers", out)
	if !errors.Is(got.err, socketio.ErrTimeout) {
		t.Errorf("acks: %v", got.err)
	}
}

func TestMalformedMessagesDoNoHarm(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{RequestsTimeout: 300 * time.Millisecond})
	a := adapter(nodes[0])
	for _, m := range []*cluster.Message{
		{},
		{Kind: 200, From: "x"},
		{Kind: cluster.KindBroadcast},
		{Kind: cluster.KindBroadcast, Request: "r", From: "x"},
		{Kind: cluster.KindJoin, Target: socketio.Target{Rooms: []string{"nobody"}}, Rooms: nil},
		{Kind: cluster.KindLeave},
		{Kind: cluster.KindDisconnect, Target: socketio.Target{Rooms: []string{"nobody"}}},
		{Kind: cluster.KindFetch, From: "nobody"},
		{Kind: cluster.KindServerSide, Event: "x", Args: []any{1, 2}},
		{Kind: cluster.KindServerSide, Event: "x", Request: "r"},
		{Kind: cluster.KindClientCount, Request: "none", Count: 3},
		{Kind: cluster.KindClientAck, Request: "none"},
		{Kind: cluster.KindClientLost},
		{Kind: cluster.KindSockets, Request: "none", Sockets: []cluster.SocketState{{}}},
		{Kind: cluster.KindServerSideAck, Request: "none"},
	} {
		a.Receive(m)
	}
	// Answers that are none, to questions that wait.
	b.intercept(func(from, _ string, m *cluster.Message) []*cluster.Message {
		c := *m
		switch m.Kind {
		case cluster.KindSockets:
			c.Sockets = append(c.Sockets, cluster.SocketState{ID: "x", Handshake: json.RawMessage(`[`), Data: json.RawMessage(`{`)})
			return []*cluster.Message{{Kind: cluster.KindClientAck, From: from, Request: m.Request}, &c}
		case cluster.KindClientCount:
			c.Count = -5
			return []*cluster.Message{{Kind: cluster.KindSockets, From: from, Request: m.Request}, &c}
		case cluster.KindClientAck:
			c.Args = []any{"not arguments"}
			return []*cluster.Message{&c}
		default:
		}
		return []*cluster.Message{m}
	})
	f := sockettest.Receive(t, "sockets", fetch(nodes[0]))
	if f.err != nil || len(f.value) != 3 || f.value[2].Handshake() == nil || f.value[2].Data() != nil {
		t.Errorf("%d sockets, %v", len(f.value), f.err)
	}
	out := emitWithAck(nodes[0].To("r"))
	answer(t, clients[0], `["a"]`)
	answer(t, clients[1], `["b"]`)
	if got := sockettest.Receive(t, "answers", out); !errors.Is(got.err, socketio.ErrTimeout) {
		t.Errorf("a negative count was taken: %d answers, %v", len(got.value), got.err)
	}
}

func TestWhatCannotBeEncodedReachesNobody(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	for what, err := range map[string]error{
		"emit":        nodes[0].Emit("x", make(chan int)),
		"server side": nodes[0].ServerSideEmit("x", make(chan int)),
	} {
		if err == nil || errors.Is(err, socketio.ErrThisNodeOnly) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := nodes[0].Timeout(sockettest.Wait).EmitWithAck(t.Context(), "x", make(chan int)); err == nil {
		t.Error("EmitWithAck took a channel")
	}
	for _, c := range clients {
		c.ExpectNothing()
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	swallowed := swallow(b, nodeName(1), cluster.KindSockets, cluster.KindClientAck)
	found := fetch(nodes[0])
	sockettest.Receive(t, "the answer that is lost", swallowed)
	out := emitWithAck(nodes[0].To("r"))
	answer(t, clients[1], `["b"]`)
	answer(t, clients[0], `["a"]`)
	sockettest.Receive(t, "the ack that is lost", swallowed)
	a := adapter(nodes[0])
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if f := sockettest.Receive(t, "sockets", found); !errors.Is(f.err, socketio.ErrServerClosed) || len(f.value) != 1 {
		t.Errorf("fetch: %d sockets, %v", len(f.value), f.err)
	}
	got := sockettest.Receive(t, "answers", out)
	if !errors.Is(got.err, socketio.ErrServerClosed) {
		t.Errorf("acks: %v", got.err)
	}
	for what, err := range map[string]error{
		"emit": nodes[0].Emit("x"), "join": nodes[0].SocketsJoin("x"), "server side": nodes[0].ServerSideEmit("x"),
	} {
		if !errors.Is(err, socketio.ErrServerClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	if _, err := a.ServerCount(t.Context()); !errors.Is(err, socketio.ErrServerClosed) {
		t.Errorf("count after Close: %v", err)
	}
	a.Receive(&cluster.Message{Kind: cluster.KindJoin})
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// TestJoinComesBeforeTheBroadcastBehindIt has a slow listener of rooms on the other
// node: the order of what the first one says holds.
func TestJoinComesBeforeTheBroadcastBehindIt(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	nodes[1].Of("/").OnRoom(func(socketio.RoomEvent) { <-time.After(5 * time.Millisecond) })
	for i := range 20 {
		room := fmt.Sprint("room", i)
		if err := errors.Join(nodes[0].SocketsJoin(room), nodes[0].To(room).Emit("n", i), nodes[0].SocketsLeave(room), nodes[0].To(room).Emit("not")); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		clients[1].Expect(fmt.Sprintf(`2["n",%d]`, i))
	}
}

func TestOneSlowListenerHoldsUpNoOther(t *testing.T) {
	b := newBus()
	nodes, _ := serve(t, b, 2, cluster.Options{})
	release := make(chan struct{})
	heard := make(chan string, 10)
	nodes[1].Of("/").OnServerSide("stuck", func(socketio.Args, func(...any)) { <-release })
	nodes[1].Of("/").OnServerSide("x", func(args socketio.Args, _ func(...any)) {
		s, _ := args.At(0).String()
		heard <- s
	})
	if err := errors.Join(nodes[0].ServerSideEmit("stuck"), nodes[0].ServerSideEmit("x", "a"), nodes[0].ServerSideEmit("x", "b")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a", "b"} {
		if got := sockettest.Receive(t, "the event behind", heard); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	if f := sockettest.Receive(t, "sockets", fetch(nodes[0])); f.err != nil || len(f.value) != 2 {
		t.Errorf("%d sockets, %v", len(f.value), f.err)
	}
	close(release)
}

func TestAnswersCarryAllArguments(t *testing.T) {
	b := newBus()
	nodes, clients := serve(t, b, 2, cluster.Options{})
	out := emitWithAck(nodes[0].To("r").Except("nobody").Timeout(sockettest.Wait))
	answer(t, clients[0], `[]`)
	answer(t, clients[1], `["b",{"c":1},null]`)
	got := sockettest.Receive(t, "answers", out)
	var texts []string
	for _, a := range got.value {
		text, err := a.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	if want := []string{`["b",{"c":1},null]`, `[]`}; got.err != nil || !slices.Equal(texts, want) {
		t.Errorf("got %q, %v", texts, got.err)
	}
}
