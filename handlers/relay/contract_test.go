package relay_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// text joins JSON values as they came.
func text(args []json.RawMessage) string {
	parts := make([]string, len(args))
	for i, arg := range args {
		parts[i] = string(arg)
	}
	return strings.Join(parts, " ")
}

// refused returns the code of an ack that is an error, or "".
func refused(t *testing.T, answer []json.RawMessage) string {
	t.Helper()
	var e struct {
		Error struct{ Code, Message string }
	}
	if len(answer) != 1 || json.Unmarshal(answer[0], &e) != nil {
		return ""
	}
	if e.Error.Code != "" && e.Error.Message == "" {
		t.Errorf("the error %s has no message", e.Error.Code)
	}
	return e.Error.Code
}

func TestSayReachesEveryMemberAndNobodyElse(t *testing.T) {
	base := serve(t, relay.Config{})
	ann := rawclient.Dial(t, base, "/", nil)
	bea := rawclient.Dial(t, base, "/", nil)
	out := rawclient.Dial(t, base, "/", nil)
	for _, c := range []*rawclient.Client{ann, bea} {
		if got := text(c.Call("join", "lobby")); got != `"ok"` {
			t.Fatalf("join answered %s", got)
		}
	}
	if got := text(ann.Call("say", "lobby", "hello", map[string]any{"n": 1}, nil)); got != `"ok"` {
		t.Errorf("say answered %s", got)
	}
	for _, c := range []*rawclient.Client{ann, bea} {
		if got := text(c.Next("msg").Args); got != `"hello" {"n":1} null` {
			t.Errorf("a member heard %s", got)
		}
	}
	if got := text(bea.Call("leave", "lobby")); got != `"ok"` {
		t.Errorf("leave answered %s", got)
	}
	ann.Emit("say", "lobby", "again")
	ann.Next("msg")
	for _, c := range []*rawclient.Client{bea, out} {
		c.Call("echo") // what was sent before has arrived by now
		if heard := c.Heard(); len(heard) != 0 {
			t.Errorf("somebody outside heard %v", heard)
		}
	}
}

func TestEchoAnswersOrComesBack(t *testing.T) {
	c := rawclient.Dial(t, serve(t, relay.Config{}), "/", nil)
	if got := text(c.Call("echo", 1, "two", []int{3})); got != `1 "two" [3]` {
		t.Errorf("echo answered %s", got)
	}
	if got := text(c.Call("echo")); got != "" {
		t.Errorf("an empty echo answered %s", got)
	}
	c.Emit("echo", "back")
	if got := text(c.Next("echo").Args); got != `"back"` {
		t.Errorf("echo came back as %s", got)
	}
}

func TestNumbersOfTheSenderPassUnchanged(t *testing.T) {
	c := rawclient.Dial(t, serve(t, relay.Config{}), "/", nil)
	c.Call("join", 7)
	c.Call("say", "7", json.RawMessage(`12345678901234567890`), json.RawMessage(`1e2`))
	if got := text(c.Next("msg").Args); got != `12345678901234567890 1e2` {
		t.Errorf("heard %s: the arguments were decoded on the way", got)
	}
}

func TestRoomsAreChecked(t *testing.T) {
	base := serve(t, relay.Config{MaxRooms: 2, MaxRoomName: 5})
	c, other := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
	for _, event := range []string{"join", "leave", "say"} {
		for _, args := range [][]any{{}, {""}, {"sixsix"}, {1.5}, {nil}, {true}, {map[string]any{}}, {[]any{}}} {
			if got := refused(t, c.Call(event, args...)); got != "bad_room" {
				t.Errorf("%s(%v): %q, want bad_room", event, args, got)
			}
		}
	}
	c.Call("join", "a")
	c.Call("join", "b")
	if got := refused(t, c.Call("join", "c")); got != "too_many_rooms" {
		t.Errorf("a third room: %q, want too_many_rooms", got)
	}
	if got := text(c.Call("join", "b")); got != `"ok"` {
		t.Errorf("a room entered twice: %s, want ok", got)
	}
	c.Call("leave", "a")
	if got := text(c.Call("join", "c")); got != `"ok"` {
		t.Errorf("a room after leaving one: %s, want ok", got)
	}
	_ = other
}

func TestTheRoomOfASocketIsNotEnteredOrLeft(t *testing.T) {
	base := serve(t, relay.Config{})
	c, other := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
	for _, id := range []string{c.ID(), other.ID()} {
		for _, event := range []string{"join", "leave"} {
			if got := refused(t, c.Call(event, id)); got != "room_reserved" {
				t.Errorf("%s of a socket's room: %q, want room_reserved", event, got)
			}
		}
	}
}

// A rule that relays to the sender's rooms must not reach those that the application
// put the sender in, and those do not count.
func TestTheRoomsOfTheServerAreNotTheClients(t *testing.T) {
	base := servePrepared(t, configured(t, `
relay:
  max-rooms: 1
  namespaces:
    /: {mine: {to: rooms}}
`), func(srv *socketio.Server) {
		srv.OnConnection(func(s *socketio.Socket) { _ = s.SetUser("ann") })
	})
	c, tab := rawclient.Dial(t, base, "/", nil), rawclient.Dial(t, base, "/", nil)
	for _, room := range []string{"sockeye:user:ann", "sockeye:", "sockeye:anything"} {
		for _, event := range []string{"join", "leave", "say"} {
			if got := refused(t, c.Call(event, room)); got != "room_reserved" {
				t.Errorf("%s(%s): %q, want room_reserved", event, room, got)
			}
		}
	}
	if got := refused(t, c.Call("mine")); got != "no_room" {
		t.Errorf("to the rooms of who joined none: %q, want no_room", got)
	}
	if got := text(c.Call("join", "lobby")); got != `"ok"` {
		t.Errorf("the first room: %s", got)
	}
	c.Call("mine")
	c.Next("mine")
	tab.Call("echo")
	if heard := tab.Heard(); len(heard) != 0 {
		t.Errorf("another tab of the user heard %v", heard)
	}
}

type counter struct{ got chan string }

func (c counter) UnknownEvent(namespace string) { c.got <- namespace }
func (c counter) Forbidden(namespace string)    { c.got <- "forbidden in " + namespace }

func TestUnknownEventsAreAnsweredAndCounted(t *testing.T) {
	seen := counter{make(chan string, 10)}
	c := rawclient.Dial(t, serve(t, relay.Config{Observer: seen}), "/", nil)
	if got := refused(t, c.Call("dance", 1)); got != "unknown_event" {
		t.Errorf("an unknown event was answered %q, want unknown_event", got)
	}
	c.Emit("dance")
	c.Call("echo")
	for range 2 {
		if got := <-seen.got; got != "/" {
			t.Errorf("counted for %q, want /", got)
		}
	}
	if heard := c.Heard(); !slices.Equal(heard, []string{}) {
		t.Errorf("heard %v", heard)
	}
}

func TestWithoutContractItsEventsAreUnknown(t *testing.T) {
	c := rawclient.Dial(t, serve(t, configured(t, `
relay:
  contract: false
  namespaces:
    /: {ping me: {to: all}}
`)), "/", nil)
	if got := refused(t, c.Call("join", "a")); got != "unknown_event" {
		t.Errorf("join was answered %q, want unknown_event", got)
	}
}
