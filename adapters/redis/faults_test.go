package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// observer counts what the metrics count.
type observer struct {
	socketio.NopObserver

	events chan socketio.AdapterEvent
}

func (o *observer) AdapterEvent(_ string, e socketio.AdapterEvent) { o.events <- e }

// node is a server with one client in the room "r".
type node struct {
	*sockettest.Server
	*sockettest.Client
	socket   *socketio.Socket
	log      *sockettest.Log
	events   chan socketio.AdapterEvent // what listeners hear
	observed chan socketio.AdapterEvent
}

func start(t *testing.T, url, prefix string) *node {
	t.Helper()
	n := &node{log: &sockettest.Log{}, events: make(chan socketio.AdapterEvent, 100), observed: make(chan socketio.AdapterEvent, 100)}
	log := slog.New(slog.NewTextHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := hub(t, url, redis.Options{Prefix: prefix, Logger: log, RequestsTimeout: time.Second})
	n.Server = sockettest.Serve(t, &socketio.Options{Adapter: h.Factory(), Logger: log, Observer: &observer{events: n.observed}})
	n.Of("/").OnAdapter(func(e socketio.AdapterEvent) { n.events <- e })
	n.Client = sockettest.Dial(t, n.URL)
	s, ok := n.Of("/").Socket(n.Connect("/", "").SID)
	if !ok {
		t.Fatal("no socket")
	}
	if err := s.Join("r"); err != nil {
		t.Fatal(err)
	}
	n.socket = s
	return n
}

// together waits until a node counts n nodes.
func (n *node) together(t *testing.T, want int) {
	t.Helper()
	sockettest.Eventually(t, fmt.Sprintf("%d nodes know each other", want), func() bool {
		got, err := n.Of("/").ServerCount(t.Context())
		return err == nil && got == want
	})
}

// state waits for the next event of the adapter but the first, which says that it is up.
func (n *node) next(t *testing.T, kind socketio.AdapterEventKind, up bool) {
	t.Helper()
	for {
		e := sockettest.Receive(t, string(kind), n.events)
		if e.Kind != kind && e.Kind == socketio.AdapterState && e.Up {
			continue
		}
		if e.Kind != kind || e.Up != up || e.Why == "" {
			t.Fatalf("got %+v, want %s up=%t", e, kind, up)
		}
		return
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACutSubscriptionIsToldAndRestored(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL(), ""), start(t, s.URL(), "")
	a.together(t, 2)
	must(t, a.To("r").Emit("before"))
	b.Expect(`2["before"]`)
	sockettest.Eventually(t, "the start is observed", func() bool { return len(b.observed) == 1 })
	if e := <-b.observed; e.Kind != socketio.AdapterState || !e.Up {
		t.Errorf("observed %+v", e)
	}
	for len(b.events) > 0 {
		<-b.events
	}

	s.CutClients(t, "pubsub")
	b.next(t, socketio.AdapterState, false)
	b.next(t, socketio.AdapterGap, false)
	b.next(t, socketio.AdapterState, true)
	for _, want := range []socketio.AdapterEventKind{socketio.AdapterState, socketio.AdapterGap, socketio.AdapterState} {
		if e := sockettest.Receive(t, "event", b.observed); e.Kind != want {
			t.Errorf("observed %+v, want %s", e, want)
		}
	}
	log := b.log.String()
	if strings.Count(log, "level=ERROR") != 2 || !strings.Contains(log, "Redis is away") || !strings.Contains(log, "was missed") {
		t.Errorf("the log says:\n%s", log)
	}
	a.together(t, 2)
	b.together(t, 2)
	must(t, a.To("r").Emit("after"))
	a.Expect(`2["before"]`)
	a.Expect(`2["after"]`)
	b.Expect(`2["after"]`)
}

func TestWithoutRedisEachNodeServesItsOwn(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL(), ""), start(t, s.URL(), "")
	a.together(t, 2)
	b.together(t, 2)
	s.Stop(t)
	sockettest.Eventually(t, "it is known", func() bool { return errors.Is(a.Of("/").Emit("x"), socketio.ErrThisNodeOnly) })
	for drained := false; !drained; {
		select {
		case <-a.Frames():
		case <-time.After(50 * time.Millisecond):
			drained = true
		}
	}
	for i := range 200 {
		if err := a.To("r").Emit("n", i); !errors.Is(err, socketio.ErrThisNodeOnly) {
			t.Fatalf("got %v", err)
		}
		a.Expect(fmt.Sprintf(`2["n",%d]`, i))
	}
	found, err := a.FetchSockets(t.Context())
	if !errors.Is(err, socketio.ErrThisNodeOnly) || len(found) != 1 {
		t.Errorf("%d sockets, %v", len(found), err)
	}
	if !errors.Is(a.SocketsJoin("x"), socketio.ErrThisNodeOnly) || !slices.Contains(a.socket.Rooms(), "x") {
		t.Error("the node's own socket did not join")
	}
	if n := strings.Count(a.log.String(), "was not published"); n > 1 {
		t.Errorf("%d lines about it", n)
	}
	b.ExpectNothing()
	c := sockettest.Dial(t, b.URL) // clients come and go
	c.Connect("/", "")

	s.Start(t)
	a.together(t, 2)
	sockettest.Eventually(t, "publishing works again", func() bool { return b.To("nobody").Emit("x") == nil })
	must(t, b.To("r").Emit("back"))
	a.Expect(`2["back"]`)
	b.Expect(`2["back"]`)
}

// TestARedisClusterThatLosesAServer kills a master that has no replica: nodes whose
// connections were there take another server.
func TestARedisClusterThatLosesAServer(t *testing.T) {
	rc := redistest.StartCluster(t)
	for _, s := range rc.Servers { // Pub/Sub needs no slots
		s.Do(t, "config", "set", "cluster-require-full-coverage", "no")
	}
	nodes := []*node{start(t, rc.URL(), ""), start(t, rc.URL(), ""), start(t, rc.URL(), "")}
	nodes[0].together(t, 3)
	rc.Servers[1].Kill(t)
	sockettest.Eventually(t, "every node reaches every other one", func() bool {
		for i, n := range nodes {
			if n.To("r").Emit("n", i) != nil {
				return false
			}
		}
		for _, n := range nodes {
			var seen [3]bool
			for deadline := time.After(300 * time.Millisecond); seen != [3]bool{true, true, true}; {
				select {
				case f := <-n.Frames():
					var from int
					if _, err := fmt.Sscanf(f.Text, `2["n",%d]`, &from); err == nil {
						seen[from] = true
					}
				case <-deadline:
					return false
				}
			}
		}
		return true
	})
}

// TestNothingComesTwiceOrOutOfOrder cuts all connections again and again while three
// nodes publish.
func TestNothingComesTwiceOrOutOfOrder(t *testing.T) {
	s := redistest.Start(t)
	nodes := []*node{start(t, s.URL(), ""), start(t, s.URL(), ""), start(t, s.URL(), "")}
	nodes[0].together(t, 3)
	const total = 300
	var wg sync.WaitGroup
	for p, n := range nodes {
		wg.Go(func() {
			for i := range total {
				if err := n.To("r").Emit("n", p, i); err != nil && !errors.Is(err, socketio.ErrThisNodeOnly) {
					t.Error(err)
				}
				<-time.After(time.Millisecond)
			}
		})
	}
	for range 4 {
		<-time.After(60 * time.Millisecond)
		s.CutClients(t, "normal")
		s.CutClients(t, "pubsub")
	}
	wg.Wait()
	for _, n := range nodes {
		n.together(t, 3)
	}
	sockettest.Eventually(t, "publishing works again", func() bool { return nodes[0].To("nobody").Emit("x") == nil })
	must(t, nodes[0].Emit("end"))
	for at, n := range nodes {
		last := [3]int{-1, -1, -1}
		count := [3]int{}
		for {
			text := n.Next().Text
			if text == `2["end"]` {
				break
			}
			var p, i int
			if _, err := fmt.Sscanf(text, `2["n",%d,%d]`, &p, &i); err != nil || i <= last[p] {
				t.Fatalf("node %d: got %s after %d", at, text, last[p])
			}
			last[p] = i
			count[p]++
		}
		for p, c := range count {
			if p == at && c != total || c == 0 {
				t.Errorf("node %d got %d of %d", at, c, p)
			}
		}
	}
}

// pretender is a node that hears questions and says nothing.
func pretender(t *testing.T, c goredis.UniversalClient, prefix, id string) *redisclient.Subscription {
	t.Helper()
	s := redisclient.Subscribe(c)
	t.Cleanup(s.Close)
	up := make(chan struct{}, 1)
	must(t, s.Add(&redisclient.Topic{
		Channels: []string{prefix + "-request#/#", prefix + "-response#/#", prefix + "-response#/#" + id + "#"},
		Receive:  func(string, []byte) {}, Up: func(bool) { up <- struct{}{} },
	}))
	sockettest.Receive(t, "the silent node's subscription", up)
	return s
}

func TestASilentNodeIsNamedAndOneThatGoesIsNotWaitedFor(t *testing.T) {
	for name, url := range map[string]string{"single": redistest.Single(t).URL(), "cluster": redistest.Cluster(t).URL()} {
		t.Run(name, func(t *testing.T) {
			prefix := redistest.Prefix(t)
			a, b := start(t, url, prefix), start(t, url, prefix)
			b.together(t, 2)
			silent := pretender(t, client(t, url), prefix, "Xd83kq")
			a.together(t, 3)

			found, err := a.FetchSockets(t.Context())
			var timeout *cluster.TimeoutError
			if !errors.As(err, &timeout) || len(found) != 2 || timeout.Answered != 1 || timeout.Asked != 2 || !slices.Equal(timeout.Missing, []string{"Xd83kq"}) {
				t.Errorf("%d sockets, %v", len(found), err)
			}

			began := time.Now()
			go func() {
				<-time.After(200 * time.Millisecond)
				silent.Close()
			}()
			ctx, cancel := context.WithTimeout(t.Context(), sockettest.Wait)
			defer cancel()
			found, err = a.To().Timeout(sockettest.Wait).FetchSockets(ctx)
			if took := time.Since(began); err != nil || len(found) != 2 || took > 3*time.Second {
				t.Errorf("%d sockets, %v, after %s", len(found), err, took)
			}
		})
	}
}

// say publishes what another program would.
func say(t *testing.T, c goredis.UniversalClient, channel, message string) {
	t.Helper()
	must(t, c.Publish(t.Context(), channel, message).Err())
}

func TestRequestsThatOnlyNodeMakes(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := start(t, url, prefix)
	a.together(t, 1)
	c := client(t, url)
	answers := make(chan string, 10)
	up := make(chan struct{}, 1)
	s := redisclient.Subscribe(c)
	defer s.Close()
	must(t, s.Add(&redisclient.Topic{
		Channels: []string{prefix + "-response#/#"},
		Receive:  func(_ string, payload []byte) { answers <- string(payload) }, Up: func(bool) { up <- struct{}{} },
	}))
	sockettest.Receive(t, "the subscription", up)
	ask := func(request string) string {
		t.Helper()
		say(t, c, prefix+"-request#/#", request)
		return sockettest.Receive(t, request, answers)
	}
	sid := a.socket.ID()
	if got, want := ask(`{"uid":"node01","requestId":"1","type":0,"rooms":["r"]}`), fmt.Sprintf(`{"requestId":"1","sockets":[%q]}`, sid); got != want {
		t.Errorf("sockets: %s", got)
	}
	if got := ask(`{"uid":"node01","requestId":"1","type":0,"rooms":["nobody"]}`); got != `{"requestId":"1","sockets":[]}` {
		t.Errorf("sockets: %s", got)
	}
	var rooms struct{ Rooms []string }
	must(t, json.Unmarshal([]byte(ask(`{"uid":"node01","requestId":"2","type":1}`)), &rooms))
	slices.Sort(rooms.Rooms)
	if want := slices.Sorted(slices.Values([]string{"r", sid})); !slices.Equal(rooms.Rooms, want) {
		t.Errorf("rooms: %q", rooms.Rooms)
	}
	// The form of adapters before version 7: one socket, and whoever has it answers.
	if got := ask(fmt.Sprintf(`{"uid":"node01","requestId":"3","type":2,"sid":%q,"room":5}`, sid)); got != `{"requestId":"3"}` || !slices.Contains(a.socket.Rooms(), "5") {
		t.Errorf("join: %s, %q", got, a.socket.Rooms())
	}
	if got := ask(fmt.Sprintf(`{"uid":"node01","requestId":"4","type":3,"sid":%q,"room":"5"}`, sid)); got != `{"requestId":"4"}` || slices.Contains(a.socket.Rooms(), "5") {
		t.Errorf("leave: %s, %q", got, a.socket.Rooms())
	}
	say(t, c, prefix+"-request#/#", `{"uid":"node01","requestId":"5","type":4,"sid":"nobody","close":true}`)
	if got := ask(fmt.Sprintf(`{"uid":"node01","requestId":"6","type":4,"sid":%q}`, sid)); got != `{"requestId":"6"}` {
		t.Errorf("disconnect: %s", got)
	}
	a.Expect("1")
}

func TestAnEmitterIsHeard(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := start(t, url, prefix)
	a.together(t, 1)
	c := client(t, url)
	heard := make(chan string, 1)
	a.Of("/").OnServerSide("tell", func(args socketio.Args, ack func(...any)) {
		s, _ := args.At(0).String()
		heard <- fmt.Sprint(s, ack == nil)
	})
	must(t, a.socket.Join("5"))
	// As @socket.io/redis-emitter 5.1 writes them: to(5), to everybody, socketsJoin, serverSideEmit.
	say(t, c, prefix+"#/#5#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa4five\x01\xa3nsp\xa1/\x83\xa5rooms\x91\x05\xa5flags\x80\xa6except\x90")
	a.Expect(`2["five",1]`)
	say(t, c, prefix+"#/#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa3all\xa3nsp\xa1/\x83\xa5rooms\x90\xa5flags\x80\xa6except\x90")
	a.Expect(`2["all"]`)
	say(t, c, prefix+"-request#/#", `{"type":2,"opts":{"rooms":[5],"except":[]},"rooms":["later"]}`)
	say(t, c, prefix+"#/#later#", "\x93\xa7emitter\x83\xa4type\x02\xa4data\x91\xa2in\xa3nsp\xa1/\x83\xa5rooms\x91\xa5later\xa5flags\x80\xa6except\x90")
	a.Expect(`2["in"]`)
	say(t, c, prefix+"-request#/#", `{"uid":"emitter","type":6,"data":["tell","news"]}`)
	if got := sockettest.Receive(t, "the event", heard); got != "newstrue" {
		t.Errorf("heard %q", got)
	}
}

// TestRoomsThatAreNotHereAreNotLookedAt has messages that nobody can read: they are
// noticed only where somebody is in the room.
func TestRoomsThatAreNotHereAreNotLookedAt(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := start(t, url, prefix)
	a.together(t, 1)
	c := client(t, url)
	say(t, c, prefix+"#/#nobody#", "garbage")
	say(t, c, prefix+"#/#r#", "garbage")
	sockettest.Eventually(t, "the message is noticed", func() bool { return strings.Contains(a.log.String(), "#/#r#") })
	say(t, c, prefix+"-request#/#", "{")
	say(t, c, prefix+"-response#/#", "\xc1")
	sockettest.Eventually(t, "the others, too", func() bool { return strings.Count(a.log.String(), "was not understood") == 3 })
	if strings.Contains(a.log.String(), "nobody") {
		t.Errorf("the log says:\n%s", a.log)
	}
}

// TestANamespaceThatComesAndGoes opens and closes a child of a pattern again and again.
func TestANamespaceThatComesAndGoes(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	var nodes []*sockettest.Server
	for range 2 {
		h := hub(t, url, redis.Options{Prefix: prefix})
		srv := sockettest.Serve(t, &socketio.Options{Adapter: h.Factory(), CleanupEmptyChildNamespaces: true})
		srv.OfPattern(regexp.MustCompile(`^/room-\d$`))
		nodes = append(nodes, srv)
	}
	for i := range 20 {
		name := fmt.Sprintf("/room-%d", i%2)
		var clients []*sockettest.Client
		for _, n := range nodes {
			c := sockettest.Dial(t, n.URL)
			c.Connect(name, "")
			clients = append(clients, c)
		}
		for _, n := range nodes {
			sockettest.Eventually(t, "both nodes have the namespace", func() bool {
				n, err := n.Of(name).ServerCount(t.Context())
				return err == nil && n == 2
			})
		}
		must(t, nodes[0].Of(name).Emit("n", i))
		for k, c := range clients {
			c.Expect(fmt.Sprintf(`2%s,["n",%d]`, name, i))
			if i%3 == k { // and sometimes nobody leaves
				c.Send("1" + name + ",")
			} else {
				c.Cut()
			}
		}
	}
}

func TestHubsThatCannotBe(t *testing.T) {
	c := client(t, "redis://127.0.0.1:1")
	for _, id := range []string{"", "short", "with#hash", "a*bcdefgh"} {
		if _, err := redis.New(c, redis.Options{NodeID: id}); err == nil {
			t.Errorf("the node id %q was taken", id)
		}
	}
	retries := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:1"})
	defer retries.Close()
	if _, err := redis.New(retries, redis.Options{NodeID: "nodenode"}); err == nil {
		t.Error("a client that sends commands twice was taken")
	}
	h := hub(t, "redis://127.0.0.1:1", redis.Options{})
	if h.Up() {
		t.Error("up without Redis")
	}
	must(t, h.Close())
}

// TestARedisThatHangsHoldsUpNobody has a server that takes messages and answers
// nothing: no emit waits for it, clients of the node get theirs at once, and when Redis
// counts as away the caller is told.
func TestARedisThatHangsHoldsUpNobody(t *testing.T) {
	s := redistest.Start(t)
	a, b := start(t, s.URL(), ""), start(t, s.URL(), "")
	a.together(t, 2)
	must(t, a.To("r").Emit("before"))
	a.Expect(`2["before"]`)
	b.Expect(`2["before"]`)
	s.Pause(t)
	emit := func(i int) error {
		t.Helper()
		began := time.Now()
		err := a.To("r").Emit("local", i)
		a.Expect(fmt.Sprintf(`2["local",%d]`, i))
		if took := time.Since(began); took > time.Second {
			t.Fatalf("took %s", took)
		}
		return err
	}
	must(t, emit(0)) // on its way
	n := 0
	sockettest.Eventually(t, "Redis counts as away", func() bool {
		n++
		return errors.Is(emit(n), socketio.ErrThisNodeOnly)
	})
	sockettest.Eventually(t, "the log says that what was on its way is lost", func() bool {
		return strings.Contains(a.log.String(), "was not published")
	})
	s.Resume(t)
	sockettest.Eventually(t, "publishing works again", func() bool { return a.To("nobody").Emit("x") == nil })
	must(t, a.Emit("after"))
	a.Expect(`2["after"]`)
	last := -1
	for { // a hung server may bring late what failed, in order and once
		text := b.Next().Text
		if text == `2["after"]` {
			break
		}
		var i int
		if _, err := fmt.Sscanf(text, `2["local",%d]`, &i); err != nil || i <= last {
			t.Fatalf("got %s after %d", text, last)
		}
		last = i
	}
}
