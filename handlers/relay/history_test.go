package relay_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// withHistory keeps the history of the rooms whose names begin with "h:".
func withHistory() *socketio.Options {
	return &socketio.Options{
		Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute},
		History: func(_, room string) (socketio.HistoryLimits, bool) {
			return socketio.HistoryLimits{}, strings.HasPrefix(room, "h:")
		},
	}
}

type answered struct {
	Messages []struct {
		Offset, Room, Event string
		Data                []json.RawMessage
		Time                int64
	}
	Offset         string
	Complete, More bool
}

// asked returns the answer to a join, and what was said: the arguments of each message.
func asked(t *testing.T, answer []json.RawMessage) (a answered, said string) {
	t.Helper()
	if len(answer) != 1 {
		t.Fatalf("answered %s", text(answer))
	}
	if err := json.Unmarshal(answer[0], &a); err != nil {
		t.Fatalf("answered %s: %v", text(answer), err)
	}
	if !strings.HasPrefix(string(answer[0]), `{"messages":[`) {
		t.Fatalf("answered %s", text(answer))
	}
	var all []string
	for _, m := range a.Messages {
		all = append(all, text(m.Data))
	}
	return a, strings.Join(all, "; ")
}

func TestJoinTellsWhatWasSaidBefore(t *testing.T) {
	base := serveOptions(t, relay.Config{}, withHistory(), func(*socketio.Server) {})
	ann := rawclient.Dial(t, base, "/", nil)
	start, said := asked(t, ann.Call("join", "h:1", map[string]any{"since": ""}))
	if said != "" || !start.Complete || start.More || start.Offset == "" {
		t.Errorf("an empty room: %+v", start)
	}
	for i := range 3 {
		ann.Call("say", "h:1", "hello", i)
	}
	for name, c := range map[string]struct {
		options        any
		said           string
		complete, more bool
	}{
		"since":           {map[string]any{"since": start.Offset}, `"hello" 0; "hello" 1; "hello" 2`, true, false},
		"since and limit": {map[string]any{"since": start.Offset, "limit": 2}, `"hello" 0; "hello" 1`, true, true},
		"the newest":      {map[string]any{"history": true, "limit": 1}, `"hello" 2`, false, true},
		"null":            {map[string]any{"since": nil}, `"hello" 0; "hello" 1; "hello" 2`, true, false},
		"unknown":         {map[string]any{"since": "of another server"}, `"hello" 0; "hello" 1; "hello" 2`, false, false},
	} {
		bea := rawclient.Dial(t, base, "/", nil)
		got, said := asked(t, bea.Call("join", "h:1", c.options))
		if said != c.said || got.Complete != c.complete || got.More != c.more {
			t.Errorf("%s: %+v, said %s", name, got, said)
		}
		if m := got.Messages[0]; m.Event != "msg" || m.Room != "h:1" || m.Offset == "" || time.Since(time.UnixMilli(m.Time)) > time.Hour {
			t.Errorf("%s: %+v", name, m)
		}
		ann.Call("say", "quiet", "nothing")
		if heard := bea.Heard(); len(heard) != 0 {
			t.Errorf("%s: heard %v", name, heard)
		}
	}
}

func TestJoinIsAnsweredOkWhereNobodyAsksForHistory(t *testing.T) {
	base := serveOptions(t, relay.Config{}, withHistory(), func(*socketio.Server) {})
	c := rawclient.Dial(t, base, "/", nil)
	for _, options := range []any{"name", 7, []int{1}, map[string]any{}, map[string]any{"name": "ann"}, map[string]any{"history": false}, map[string]any{"history": "yes"}, nil} {
		if got := text(c.Call("join", "h:1", options)); got != `"ok"` {
			t.Errorf("with %v: %s", options, got)
		}
	}
	if got := text(c.Call("join", "h:1")); got != `"ok"` {
		t.Errorf("without options: %s", got)
	}
	c.Emit("join", "h:2", map[string]any{"since": ""}) // nobody waits for an answer
	c.Call("say", "h:2", "there")
	if got := text(c.Next("msg").Args[:1]); got != `"there"` {
		t.Errorf("who asked for no answer heard %s", got)
	}
}

func TestJoinRefusesWhatIsNoQuestion(t *testing.T) {
	base := serveOptions(t, relay.Config{}, withHistory(), func(*socketio.Server) {})
	c := rawclient.Dial(t, base, "/", nil)
	for want, args := range map[string][]any{
		"bad_history":   {"h:1", map[string]any{"since": 7}},
		"bad_room":      {"", map[string]any{"since": ""}},
		"room_reserved": {"sockeye:user:ann", map[string]any{"since": ""}},
	} {
		if got := refused(t, c.Call("join", args...)); got != want {
			t.Errorf("%v: %s, want %s", args, got, want)
		}
	}
	for _, options := range []map[string]any{{"since": strings.Repeat("x", 65)}, {"since": "", "limit": 1001}, {"since": "", "limit": -1}, {"since": "", "limit": 0}, {"since": "", "limit": nil}, {"since": "", "limit": "many"}} {
		if got := refused(t, c.Call("join", "h:1", options)); got != "bad_history" {
			t.Errorf("%v: %s", options, got)
		}
	}
	if got, said := asked(t, c.Call("join", "plain", map[string]any{"since": ""})); said != "" || got.Complete {
		t.Errorf("a room without history: %+v", got)
	}
}

// The rules of a configuration do likewise.
func TestARuleThatJoinsTellsToo(t *testing.T) {
	base := serveOptions(t, configured(t, `
relay:
  namespaces:
    /game:
      enter: {do: join}
      enter quietly: {do: join, ack: none}
      move: {to: room-in-arg-0}
`), withHistory(), func(*socketio.Server) {})
	c := rawclient.Dial(t, base, "/game", nil)
	c.Call("move", "h:1", "e4")
	if got, said := asked(t, c.Call("enter", "h:1", map[string]any{"history": true})); said != `"e4"` || got.Messages[0].Event != "move" {
		t.Errorf("%+v", got)
	}
}

// Binary arguments of messages are attachments of the answer.
func TestHistoryHasBinary(t *testing.T) {
	base := serveOptions(t, relay.Config{}, withHistory(), func(*socketio.Server) {})
	c := sockettest.Dial(t, base)
	c.Connect("/", "")
	c.Send(`51-2["say","h:1",{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte{7, 8})
	c.Expect(`32["ok"]`)
	c.Send(`21["join","h:1",{"history":true}]`)
	got := c.Next().Text
	if !strings.HasPrefix(got, `61-1[{"messages":[{"offset":"`) || !strings.Contains(got, `"data":[{"_placeholder":true,"num":0}]`) {
		t.Fatalf("got %s", got)
	}
	c.ExpectBinary("\x07\x08")
}
