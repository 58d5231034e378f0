package presence_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/presence"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// node is a server with presence, whose clients say in their auth data who they are, and
// enter and leave rooms by events.
type node struct {
	*sockettest.Server
	*presence.Presence
}

func serve(t *testing.T, o *socketio.Options, p presence.Options) *node {
	t.Helper()
	n := &node{Server: sockettest.Serve(t, o)}
	ns := n.Of("/")
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct {
			User string
			Room string
		}
		if err := s.Handshake().Auth.Decode(&auth); err != nil {
			return err
		}
		if auth.Room != "" {
			if err := s.Join(auth.Room); err != nil {
				return err
			}
		}
		return s.SetUser(auth.User)
	})
	n.Presence = presence.New(ns, p)
	ns.On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	for event, f := range map[string]func(s *socketio.Socket, name string) error{
		"join":  func(s *socketio.Socket, name string) error { return s.Join(name) },
		"leave": func(s *socketio.Socket, name string) error { s.Leave(name); return nil },
		"user":  func(s *socketio.Socket, name string) error { return s.SetUser(name) },
	} {
		ns.On(event, func(_ context.Context, e *socketio.Event) {
			var name string
			if err := e.Bind(&name); err != nil {
				t.Error(err)
			}
			if err := f(e.Socket(), name); err != nil {
				t.Error(err)
			}
		})
	}
	return n
}

func (n *node) sees(t *testing.T, room, want string) {
	t.Helper()
	var got string
	sockettest.Eventually(t, "the node sees "+want, func() bool {
		view := n.Room(room)
		var all []string
		for _, u := range view.Users {
			all = append(all, fmt.Sprint(u.ID, ":", len(u.Sockets), string(u.Meta)))
		}
		got = fmt.Sprintf("%d/%d %s", view.UserCount, view.SocketCount, strings.Join(all, " "))
		if got != want && strings.Count(got, ":") > 0 {
			t.Logf("now %s", got)
		}
		return strings.TrimSpace(got) == want
	})
}

func lobby(room string) bool { return !strings.HasPrefix(room, "private") }

func TestRoomsAreTrackedByThemselves(t *testing.T) {
	n := serve(t, nil, presence.Options{Rooms: lobby, Meta: func(s *socketio.Socket) any { return "I am " + s.User() }})
	ann := sockettest.Dial(t, n.URL)
	answer := ann.Connect("/", `{"user":"ann","room":"lobby"}`)
	n.sees(t, "lobby", `1/1 ann:1"I am ann"`)
	tab := sockettest.Dial(t, n.URL)
	tab.Connect("/", `{"user":"ann"}`)
	tab.Send(`2["join","lobby"]`)
	tab.Send(`2["join","private"]`)
	guest := sockettest.Dial(t, n.URL)
	guest.Connect("/", `{"room":"lobby"}`)
	n.sees(t, "lobby", `1/3 ann:2"I am ann"`)
	guest.Send(`2["user","bea"]`)
	n.sees(t, "lobby", `2/3 ann:2"I am ann" bea:1"I am bea"`)
	tab.Send(`2["leave","lobby"]`)
	n.sees(t, "lobby", `2/2 ann:1"I am ann" bea:1"I am bea"`)
	if rooms := n.Rooms(); !slices.Equal(rooms, []string{"lobby"}) {
		t.Errorf("rooms %q: those of sockets, users and the filter are not tracked", rooms)
	}
	u, ok := n.User("ann")
	if !ok || !slices.Equal(u.Sockets, []string{answer.SID}) || !slices.Equal(u.Rooms, []string{"lobby"}) {
		t.Errorf("ann is %+v", u)
	}
	guest.Cut()
	ann.Cut()
	n.sees(t, "lobby", `0/0`)
}

func TestPresenceAndUsersOfACluster(t *testing.T) {
	bus := clustertest.New()
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, serve(t, &socketio.Options{Adapter: bus.Factory(fmt.Sprint("node", i))}, presence.Options{Rooms: lobby}))
	}
	events := make(chan string, 100)
	nodes[2].OnChange(func(e presence.Event) { events <- fmt.Sprint(e.Kind, " ", e.Room, " ", e.User) })
	ann := sockettest.Dial(t, nodes[0].URL)
	ann.Connect("/", `{"user":"ann","room":"lobby"}`)
	tab := sockettest.Dial(t, nodes[1].URL)
	tab.Connect("/", `{"user":"ann","room":"lobby"}`)
	bea := sockettest.Dial(t, nodes[1].URL)
	bea.Connect("/", `{"user":"bea","room":"lobby"}`)
	for _, n := range nodes {
		n.sees(t, "lobby", "2/3 ann:2 bea:1")
	}
	if err := nodes[2].SetMeta("ann", 1); err == nil {
		t.Error("a node without ann wrote her meta")
	}
	if err := nodes[0].SetMeta("ann", map[string]string{"nick": "Ann"}); err != nil {
		t.Error(err)
	}
	for _, n := range nodes {
		n.sees(t, "lobby", `2/3 ann:2{"nick":"Ann"} bea:1`)
	}
	// All sockets of a user, on all nodes, from any of them.
	if err := nodes[2].ToUser("ann").Emit("hello"); err != nil {
		t.Fatal(err)
	}
	ann.Expect(`2["hello"]`)
	tab.Expect(`2["hello"]`)
	bea.Fence()
	if err := nodes[2].ToUser("ann").DisconnectSockets(true); err != nil {
		t.Fatal(err)
	}
	ann.Expect("1")
	tab.Expect("1")
	for _, n := range nodes {
		n.sees(t, "lobby", "1/1 bea:1")
	}
	var got []string
	updates := 0
	for !slices.Contains(got, "leave lobby ann") {
		switch e := sockettest.Receive(t, "an event", events); e {
		case "count lobby ":
		case "update lobby ann":
			updates++
		default:
			got = append(got, e)
		}
	}
	slices.Sort(got)
	if want := []string{"join lobby ann", "join lobby bea", "leave lobby ann"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	// What ann is called goes with the node that said it, until the other one that has her
	// says so, too, which is with its next batch: if her socket there ends before, that is
	// an update more.
	if updates < 1 || updates > 2 {
		t.Errorf("heard of %d updates, want one, or two", updates)
	}
}

// The id of a socket stays with it through recovery, also when the new connection is
// there before the old one has ended.
func TestARecoveredSocketIsTrackedOn(t *testing.T) {
	o := &socketio.Options{Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}}
	n := serve(t, o, presence.Options{Rooms: lobby, Grace: time.Minute})
	events := make(chan presence.Event, 100)
	n.OnChange(func(e presence.Event) { events <- e })
	c := sockettest.Dial(t, n.URL)
	answer := c.Connect("/", `{"user":"ann","room":"lobby"}`)
	if e := sockettest.Receive(t, "a join", events); e.Kind != presence.Join {
		t.Errorf("heard %+v", e)
	}
	for range 5 {
		c = sockettest.Dial(t, n.URL) // the old one is cut by the server
		if again := c.Connect("/", `{"user":"ann","pid":"`+answer.PID+`"}`); again != answer {
			t.Fatalf("not recovered: %+v", again)
		}
		n.sees(t, "lobby", "1/1 ann:1")
	}
	for len(events) > 0 {
		if e := <-events; e.Kind != presence.Count {
			t.Errorf("heard %+v", e)
		}
	}
}

// Presence ends with its namespace.
func TestPresenceEndsWithItsNamespace(t *testing.T) {
	bus := clustertest.New()
	o := func(name string) *socketio.Options { return &socketio.Options{Adapter: bus.Factory(name)} }
	stays := serve(t, o("stays"), presence.Options{Rooms: lobby})
	goes, err := socketio.New(o("goes"))
	if err != nil {
		t.Fatal(err)
	}
	p := presence.New(goes.Of("/"), presence.Options{})
	sockettest.Eventually(t, "the nodes know each other", func() bool { return len(stays.Nodes()) == 1 && len(p.Nodes()) == 1 })
	if err := goes.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	sockettest.Eventually(t, "the goodbye", func() bool { return len(stays.Nodes()) == 0 })
	p.Close()
}

// A client that disconnects, or is disconnected, has not lost its connection.
func TestWhoDisconnectsOrIsDisconnectedLeavesWithoutGrace(t *testing.T) {
	n := serve(t, &socketio.Options{Adapter: memory.New()}, presence.Options{Rooms: func(room string) bool { return room == "lobby" }, Grace: time.Hour})
	come := func(user string) *sockettest.Client {
		t.Helper()
		c := sockettest.Dial(t, n.URL)
		c.Connect("/", fmt.Sprintf(`{"user":%q,"room":"lobby"}`, user))
		return c
	}
	come("ann").Send("1")
	come("bea")
	come("cleo").Cut()
	n.sees(t, "lobby", "2/1 bea:1 cleo:0")
	if err := n.In(socketio.UserRoom("bea")).DisconnectSockets(true); err != nil {
		t.Error(err)
	}
	n.sees(t, "lobby", "1/0 cleo:0")
}
