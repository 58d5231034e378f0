package relay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
)

// firstChat is all that the chat of Socket.IO's first tutorial needs: its client emits
// "chat message" and shows every "chat message", its own included.
const firstChat = `
relay:
  namespaces:
    /:
      chat message: {to: all}
`

// whiteboard is all that Socket.IO's whiteboard example needs: its client emits
// "drawing" with a line and draws the lines of the others.
const whiteboard = `
relay:
  namespaces:
    /:
      drawing: {to: others, volatile: true}
`

func TestTheExamplesTakeAtMostTenLines(t *testing.T) {
	for _, example := range []string{firstChat, whiteboard} {
		if lines := strings.Count(strings.TrimSpace(example), "\n") + 1; lines > 10 {
			t.Errorf("%d lines:\n%s", lines, example)
		}
	}
}

func TestFirstTutorialsChatWorks(t *testing.T) {
	base := serve(t, configured(t, firstChat))
	ann, bea := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
	ann.Emit("chat message", "hello")
	bea.Emit("chat message", "hi")
	for _, c := range []*rawclient.Client{ann, bea} {
		got := []string{text(c.Next("chat message").Args), text(c.Next("chat message").Args)}
		if strings.Join(got, " ") != `"hello" "hi"` && strings.Join(got, " ") != `"hi" "hello"` {
			t.Errorf("heard %v", got)
		}
	}
}

// until sends a volatile event again while the one who should hear it has not: it is
// dropped for who is still being written to. The last that send does is a call of that
// one: its answer comes behind an event that was not dropped.
func until(c *rawclient.Client, event string, send func()) {
	for try := 0; try < 100 && !slices.Contains(c.Heard(), event); try++ {
		send()
	}
}

func TestWhiteboardExampleWorks(t *testing.T) {
	for _, rule := range []string{whiteboard, strings.Replace(whiteboard, ", volatile: true", "", 1)} {
		base := serve(t, configured(t, rule))
		ann, bea := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
		const line = `{"x0":0.5,"y0":0.25,"x1":0.51,"y1":0.26,"color":"red"}`
		until(bea, "drawing", func() {
			ann.Emit("drawing", map[string]any{"x0": 0.5, "y0": 0.25, "x1": 0.51, "y1": 0.26, "color": "red"})
			ann.Call("echo")
			bea.Call("echo")
		})
		if got := text(bea.Next("drawing").Args); len(got) != len(line) {
			t.Errorf("heard %s", got)
		}
		ann.Call("echo")
		if heard := ann.Heard(); len(heard) != 0 {
			t.Errorf("the one who draws heard %v", heard)
		}
	}
}

// room-based: an application with its own words for rooms, a typing notice for the
// others of one's rooms, and anything else for the room.
const rooms = `
relay:
  namespaces:
    /game-*:
      enter: {do: join}
      quit: {do: leave, ack: none}
      move: {to: room-in-arg-0, as: moved}
      typing: {to: rooms, self: false, volatile: true, ack: none}
      "*": {to: rooms}
    ^/team-[0-9]+$:
      hello: {to: others, ack: none}
`

func TestRulesOfRooms(t *testing.T) {
	base := serve(t, configured(t, rooms))
	ann, bea := rawclient.Dial(t, base, "/game-1", nil), rawclient.Dial(t, base, "/game-1", nil)
	elsewhere := rawclient.Dial(t, base, "/game-2", nil)
	if got := refused(t, ann.Call("anything")); got != "no_room" {
		t.Errorf("an event to no rooms was answered %q, want no_room", got)
	}
	for _, c := range []*rawclient.Client{ann, bea, elsewhere} {
		if got := text(c.Call("enter", "table")); got != `"ok"` {
			t.Fatalf("enter answered %s", got)
		}
	}
	if got := text(ann.Call("move", "table", "e4")); got != `"ok"` {
		t.Errorf("move answered %s", got)
	}
	for _, c := range []*rawclient.Client{ann, bea} {
		if got := text(c.Next("moved").Args); got != `"e4"` {
			t.Errorf("heard moved(%s)", got)
		}
	}
	if got := text(bea.Call("nice one", 1)); got != `"ok"` {
		t.Errorf("* answered %s", got)
	}
	ann.Next("nice one")
	bea.Next("nice one")
	until(bea, "typing", func() {
		ann.Emit("typing", "x")
		ann.Call("enter", "table")
		bea.Call("enter", "table")
	})
	if got := text(bea.Next("typing").Args); got != `"x"` {
		t.Errorf("heard typing(%s)", got)
	}
	bea.Emit("quit", "table")
	ann.Call("move", "table", "e5")
	ann.Next("moved")
	elsewhere.Call("enter", "another")
	for name, c := range map[string]*rawclient.Client{"ann": ann, "elsewhere": elsewhere} {
		if heard := c.Heard(); len(heard) != 0 {
			t.Errorf("%s heard %v too", name, heard)
		}
	}
}

func TestExpressionsFitWholeNames(t *testing.T) {
	base := serve(t, configured(t, rooms))
	ann, bea := rawclient.Dial(t, base, "/team-12", nil), rawclient.Dial(t, base, "/team-12", nil)
	ann.Emit("hello", "team")
	if got := text(bea.Next("hello").Args); got != `"team"` {
		t.Errorf("heard %s", got)
	}
	for _, name := range []string{"/team-x", "/team-1/2", "/game-", "/game-1/2"} {
		if refusal := rawclient.Dial(t, base, name, nil).Refused(); refusal == nil {
			t.Errorf("%s was let in", name)
		}
	}
}

func TestARuleReplacesAnEventOfTheContract(t *testing.T) {
	base := serve(t, configured(t, `
relay:
  namespaces:
    /:
      join: {to: others}
`))
	ann, bea := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
	ann.Call("join", "me")
	if got := text(bea.Next("join").Args); got != `"me"` {
		t.Errorf("heard %s", got)
	}
	if got := text(ann.Call("echo", 1)); got != "1" {
		t.Errorf("echo of the contract answered %s", got)
	}
}

func TestTheMoreExactKeyWins(t *testing.T) {
	base := serve(t, configured(t, `
relay:
  namespaces:
    /news: {hit: {to: all, as: exact}}
    /n*: {hit: {to: all, as: short}}
    /ne*: {hit: {to: all, as: long}}
    ^/n.*$: {hit: {to: all, as: expression}}
`))
	for name, want := range map[string]string{"/news": "exact", "/new": "long", "/nu": "short", "/n": "expression"} {
		c := rawclient.Dial(t, base, name, nil)
		c.Emit("hit")
		c.Next(want)
	}
}

// "*" used to pass on the event by which the server says why it disconnects somebody. Nor
// does it pass on those about tokens.
func TestNobodySpeaksForTheServer(t *testing.T) {
	base := serve(t, configured(t, `{relay: {namespaces: {/: {"*": {to: all}}}}}`))
	c := rawclient.Dial(t, base, "/", nil)
	for _, event := range []string{"sockeye:end", "auth:expiring", "auth:refresh"} {
		if got := refused(t, c.Call(event, map[string]string{"code": "banned"})); got != "reserved_event" {
			t.Errorf("%s was answered %q, want reserved_event", event, got)
		}
		if slices.Contains(c.Heard(), event) {
			t.Errorf("%s was passed on", event)
		}
	}
}
