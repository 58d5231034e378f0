package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// cluster is the addresses of nodes that share a chat.
type cluster struct {
	bus   *clustertest.Bus
	nodes []string
}

func serveCluster(t *testing.T, nodes int, o chat.Options) *cluster {
	t.Helper()
	c := &cluster{bus: clustertest.New()}
	for range nodes {
		c.add(t, o)
	}
	return c
}

// add starts a node.
func (c *cluster) add(t *testing.T, o chat.Options) string {
	t.Helper()
	base := serveOn(t, c.bus.Factory(fmt.Sprint("node", len(c.nodes))), o)
	c.nodes = append(c.nodes, base)
	return base
}

// usersOf waits until a node lists so many users in a room, and returns their nicknames.
func usersOf(t *testing.T, c *rawclient.Client, name string, want int) []string {
	t.Helper()
	var nicks []string
	for range 500 {
		nicks = nil
		for _, u := range answer[room](t, c.Call("join", object{"room": name})).Users {
			nicks = append(nicks, u.Nick)
		}
		if len(nicks) == want {
			slices.Sort(nicks)
			return nicks
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("%q are in %s, want %d", nicks, name, want)
	return nil
}

func TestPeopleOnThreeNodesAreInOneRoom(t *testing.T) {
	nodes := serveCluster(t, 3, chat.Options{LeaveGrace: time.Millisecond}).nodes
	ann, annUser := come(t, nodes[0], "Ann", "lobby")
	bea, beaUser := come(t, nodes[1], "Bea", "lobby")
	cleo, _ := come(t, nodes[2], "Cleo", "lobby")
	for _, c := range []*rawclient.Client{ann, bea, cleo} {
		if got := usersOf(t, c, "lobby", 3); !slices.Equal(got, []string{"Ann", "Bea", "Cleo"}) {
			t.Errorf("users %q", got)
		}
	}
	sent := answer[chat.Message](t, ann.Call("message", object{"room": "lobby", "text": "hello", "key": "k"}))
	for name, c := range map[string]*rawclient.Client{"Ann": ann, "Bea": bea, "Cleo": cleo} {
		got := answer[chat.Message](t, c.Next("message").Args)
		if want := (chat.Message{ID: sent.ID, Room: "lobby", User: annUser, Text: "hello", Time: sent.Time, Key: "k"}); got != want {
			t.Errorf("%s heard %+v, want %+v", name, got, want)
		}
	}
	// A second tab on another node makes no notice, nor does it when it goes.
	tab, again := come(t, nodes[2], "Ann", "lobby")
	if again != annUser {
		t.Errorf("two tabs are %v and %v", annUser, again)
	}
	tab.Close()
	bea.Call("nick", object{"nick": "Beatrix"})
	renamed := answer[struct {
		User chat.User
		Was  string
	}](t, cleo.Next("renamed").Args)
	if renamed.Was != "Bea" || renamed.User != (chat.User{ID: beaUser.ID, Nick: "Beatrix"}) {
		t.Errorf("Cleo heard renamed %+v", renamed)
	}
	bea.Call("leave", object{"room": "lobby"})
	if left := answer[struct{ User chat.User }](t, ann.Next("left").Args); left.User.Nick != "Beatrix" {
		t.Errorf("Ann heard that %v left", left.User)
	}
	joined := 0
	for _, event := range ann.Heard() {
		switch event {
		case "joined":
			joined++
		case "left", "message":
			t.Errorf("Ann heard %s once more", event)
		}
	}
	if joined != 3 {
		t.Errorf("Ann heard of %d who joined, want herself and two", joined)
	}
}

func TestAPrivateMessageReachesAllTabsOnAllNodes(t *testing.T) {
	nodes := serveCluster(t, 3, chat.Options{}).nodes
	ann, annUser := come(t, nodes[0], "Ann", "lobby")
	ann2, _ := come(t, nodes[1], "Ann", "lobby")
	bea, beaUser := come(t, nodes[1], "Bea", "lobby")
	bea2, _ := come(t, nodes[2], "Bea", "lobby")
	cleo, _ := come(t, nodes[2], "Cleo", "lobby")
	usersOf(t, ann, "lobby", 3)
	request := object{"to": beaUser.ID, "text": "psst", "key": "once"}
	sent := answer[chat.Private](t, ann.Call("private", request))
	for name, c := range map[string]*rawclient.Client{"Ann": ann, "Ann elsewhere": ann2, "Bea": bea, "Bea elsewhere": bea2} {
		if got := answer[chat.Private](t, c.Next("private").Args); got.From != annUser || got.To != beaUser || got.Text != "psst" {
			t.Errorf("%s heard %+v", name, got)
		}
	}
	// Other nodes learn of the key in the order of what a node tells them, but beside what
	// their clients hear: what Ann says next is known there when the key is.
	ann.Call("message", object{"room": "lobby", "text": "next"})
	for known := 0; known != 1; <-time.After(time.Millisecond) {
		known = len(answer[room](t, ann2.Call("join", object{"room": "lobby"})).Messages)
	}
	// The key is known on the other nodes: Ann repeats the message from another tab.
	if again := answer[chat.Private](t, ann2.Call("private", request)); again.ID != sent.ID {
		t.Errorf("the repeat was answered %q, want %q", again.ID, sent.ID)
	}
	ann.Call("typing", object{"room": "lobby", "on": true})
	cleo.Call("message", object{"room": "lobby", "text": "later"})
	for _, c := range []*rawclient.Client{cleo, bea, ann2} {
		c.Next("message")
		c.Next("message")
		for _, event := range c.Heard() {
			if event == "private" || c == ann2 && event == "typing" {
				t.Errorf("somebody heard %s", event)
			}
		}
	}
}

// Two users take one nickname on two nodes at the same moment. One keeps it, and all
// nodes find the same.
func TestADisputedNicknameIsOnesInTheEnd(t *testing.T) {
	nodes := serveCluster(t, 3, chat.Options{}).nodes
	watcher, _ := come(t, nodes[2], "Watcher", "lobby")
	const tabs = 6
	clients := make([]*rawclient.Client, tabs)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := rawclient.Dial(t, nodes[i%2], chat.Namespace, object{"secret": fmt.Sprint("the secret of number ", i), "nick": "Ann"})
			c.Next("welcome")
			c.Call("join", object{"room": "lobby"})
			clients[i] = c
		})
	}
	wg.Wait()
	want := []string{"Ann", "Ann 2", "Ann 3", "Ann 4", "Ann 5", "Ann 6", "Watcher"}
	var got []string
	for range 500 {
		all := make(map[string]bool)
		for _, c := range append(clients[:2:2], watcher) {
			got = usersOf(t, c, "lobby", tabs+1)
			all[strings.Join(got, ",")] = true
		}
		if len(all) == 1 && len(slices.Compact(slices.Clone(got))) == tabs+1 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if len(slices.Compact(slices.Clone(got))) != len(want) || !slices.Contains(got, "Ann") {
		t.Errorf("users %q, want each with a nickname of its own, and one who is Ann", got)
	}
	// And a taken one is refused on every node.
	for _, base := range nodes {
		dora, _ := come(t, base, fmt.Sprint("Dora ", base[len(base)-5:]), "lobby")
		if code := answer[refused](t, dora.Call("nick", object{"nick": "aNN"})).Error.Code; code != "nick_taken" {
			t.Errorf("the nickname of another was given: %q", code)
		}
	}
}

// idTime is how long the milliseconds at the beginning of an id are. What two nodes say in
// one of them has no order but that of the ids: a client may answer before its node's
// hall has heard what it answers.
const idTime = 11

func TestANodeThatStartsAsksForTheHistory(t *testing.T) {
	c := serveCluster(t, 2, chat.Options{})
	ann, _ := come(t, c.nodes[0], "Ann", "lobby")
	bea, _ := come(t, c.nodes[1], "Bea", "lobby")
	var ids []string
	for i := range 60 {
		from := []*rawclient.Client{ann, bea}[i%2]
		text := fmt.Sprint(i, strings.Repeat("x", 1900)) // more than one part of an answer
		ids = append(ids, answer[chat.Message](t, from.Call("message", object{"room": "lobby", "text": text, "key": fmt.Sprint(i)})).ID)
		from.Next("message")
		[]*rawclient.Client{bea, ann}[i%2].Next("message")
	}
	if !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(a[:idTime], b[:idTime]) }) {
		t.Errorf("the ids of what was said in turn on two nodes do not ascend: %q", ids)
	}
	inOrder := slices.Sorted(slices.Values(ids))
	late := c.add(t, chat.Options{})
	cleo := rawclient.Dial(t, late, chat.Namespace, as("Cleo"))
	view := answer[room](t, cleo.Call("join", object{"room": "lobby"}))
	if len(view.Messages) != 50 || view.Messages[0].ID != inOrder[10] || view.Messages[49].ID != inOrder[59] {
		t.Fatalf("%d messages", len(view.Messages))
	}
	// What was said on another node shortly before may be given again.
	view = answer[room](t, cleo.Call("join", object{"room": "lobby", "after": inOrder[57]}))
	if n := len(view.Messages); n < 2 || view.Messages[n-1].ID != inOrder[59] || view.Gap {
		t.Errorf("after message 57: %d messages, gap %v", n, view.Gap)
	}
	view = answer[room](t, cleo.Call("join", object{"room": "lobby", "after": ids[3]}))
	if !view.Gap {
		t.Error("messages are missing, and it is not said")
	}
	// Ann repeats her message on another node: the first one may have come through.
	repeat := rawclient.Dial(t, late, chat.Namespace, as("Ann"))
	repeat.Call("join", object{"room": "lobby"})
	if again := answer[chat.Message](t, repeat.Call("message", object{"room": "lobby", "text": "again", "key": "58"})); again.ID != ids[58] {
		t.Errorf("the repeat was answered %q, want %q", again.ID, ids[58])
	}
}

// A room with more users than are listed gives their number only.
func TestALargeRoomTellsItsNumber(t *testing.T) {
	nodes := serveCluster(t, 2, chat.Options{MaxListed: 2, LeaveGrace: time.Millisecond}).nodes
	ann, _ := come(t, nodes[0], "Ann", "lobby")
	bea, _ := come(t, nodes[1], "Bea", "lobby")
	usersOf(t, ann, "lobby", 2)
	cleo, _ := come(t, nodes[1], "Cleo", "lobby")
	type people struct {
		Room  string
		Count int
		Users []chat.User
	}
	for {
		if got := answer[people](t, ann.Next("people").Args); got.Count == 3 && len(got.Users) == 0 && got.Room == "lobby" {
			break
		}
	}
	view := answer[struct {
		Users []chat.User
		Count int
	}](t, ann.Call("join", object{"room": "lobby"}))
	if view.Count != 3 || len(view.Users) != 0 || view.Users == nil {
		t.Errorf("joined a room of %d with %v listed", view.Count, view.Users)
	}
	cleo.Close()
	bea.Close()
	for {
		if got := answer[people](t, ann.Next("people").Args); got.Count == 1 && len(got.Users) == 1 {
			break
		}
	}
}

// On one node what clients hear of each other is kept for those who come back.
func TestNoticesAreRecoveredOnOneNode(t *testing.T) {
	base := serveOn(t, memory.New(), chat.Options{LeaveGrace: time.Hour})
	ann, _ := come(t, base, "Ann", "lobby")
	bea, _ := come(t, base, "Bea", "lobby")
	bea.Call("message", object{"room": "lobby", "text": "before"})
	ann.Next("message")
	pid, offset := ann.Session()
	ann.Close()
	bea.Call("leave", object{"room": "lobby"})
	auth := as("Ann")
	auth["pid"], auth["offset"] = pid, offset
	back := rawclient.Dial(t, base, chat.Namespace, auth)
	if back.ID() != ann.ID() {
		t.Fatal("not recovered")
	}
	back.Next("left")
}

func TestMountRefusesWhatCannotBe(t *testing.T) {
	srv, err := socketio.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(context.Background()) })
	if err := chat.Mount(srv, chat.Options{MaxListed: -1}); err == nil || !strings.Contains(err.Error(), "chat.max-listed") {
		t.Errorf("mounted with %v", err)
	}
}

// A node that dies without a word takes its users with it, and nobody else's.
func TestADeadNodesUsersLeaveWithin15Seconds(t *testing.T) {
	t.Parallel()
	c := serveCluster(t, 3, chat.Options{LeaveGrace: time.Millisecond})
	ann, _ := come(t, c.nodes[0], "Ann", "lobby")
	come(t, c.nodes[0], "Bea", "lobby")
	bea, _ := come(t, c.nodes[1], "Bea", "lobby") // has a tab elsewhere, too
	cleo, _ := come(t, c.nodes[2], "Cleo", "lobby")
	usersOf(t, cleo, "lobby", 3)
	ann.Call("nick", object{"nick": "Anna"})
	cleo.Next("renamed")
	c.bus.Kill("node0")
	start := time.Now()
	for len(answer[room](t, cleo.Call("join", object{"room": "lobby"})).Users) != 2 {
		if time.Since(start) > 15*time.Second {
			t.Fatal("the dead node's user is still here")
		}
		<-time.After(100 * time.Millisecond)
	}
	if left := answer[struct{ User chat.User }](t, cleo.Next("left").Args); left.User.Nick != "Anna" {
		t.Errorf("Cleo heard that %v left", left.User)
	}
	for _, c := range []*rawclient.Client{bea, cleo} {
		if got := usersOf(t, c, "lobby", 2); !slices.Equal(got, []string{"Bea", "Cleo"}) {
			t.Errorf("users %q", got)
		}
	}
	// The nickname is free, and Ann comes back to another node.
	if back, user := come(t, c.nodes[1], "Anna", "lobby"); user.Nick != "Anna" {
		t.Errorf("came back as %v", user)
	} else {
		usersOf(t, back, "lobby", 3)
	}
}
