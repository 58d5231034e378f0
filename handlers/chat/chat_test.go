package chat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// serve starts a server with a chat and returns its address.
func serve(t *testing.T, o chat.Options) string {
	t.Helper()
	return serveOn(t, memory.New(), o)
}

// serveOn is serve with an adapter.
func serveOn(t *testing.T, adapter socketio.AdapterFactory, o chat.Options) string {
	t.Helper()
	return serveWith(t, &socketio.Options{Adapter: adapter}, o)
}

// serveWith is serve with options of the server.
func serveWith(t *testing.T, so *socketio.Options, o chat.Options) string {
	t.Helper()
	srv, err := socketio.New(so)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Mount(srv, o); err != nil {
		t.Fatalf("mount: %v", err)
	}
	web := httptest.NewServer(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.Close()
	})
	return web.URL
}

type object = map[string]any

// as is the auth payload of a user.
func as(nick string) object { return object{"secret": "the secret of " + nick, "nick": nick} }

// answer decodes the one object of an ack or event.
func answer[T any](t *testing.T, args []json.RawMessage) T {
	t.Helper()
	var v T
	if len(args) != 1 {
		t.Fatalf("%d arguments, want one: %s", len(args), args)
	}
	if err := json.Unmarshal(args[0], &v); err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return v
}

type refused struct {
	Error struct{ Code, Message string }
}

type welcome struct {
	User   chat.User
	Limits struct{ Text, Nick, Room, Rooms, History int }
	Named  bool
}

type room struct {
	Room     string
	Users    []chat.User
	Messages []chat.Message
	Gap      bool
}

// come connects a user and joins a room.
func come(t *testing.T, base, nick, name string) (*rawclient.Client, chat.User) {
	t.Helper()
	c := rawclient.Dial(t, base, chat.Namespace, as(nick))
	user := answer[welcome](t, c.Next("welcome").Args).User
	if user.Nick != nick || user.ID == "" || strings.Contains(user.ID, nick) {
		t.Errorf("%s was welcomed as %v", nick, user)
	}
	if got := answer[room](t, c.Call("join", object{"room": name})); got.Room != name {
		t.Errorf("%s joined %q, want %q", nick, got.Room, name)
	}
	return c, user
}

func TestPeopleInARoomHearEachOther(t *testing.T) {
	base := serve(t, chat.Options{})
	ann, annUser := come(t, base, "Ann", "lobby")
	bea, beaUser := come(t, base, "Bea", "lobby")
	joined := answer[struct{ User chat.User }](t, ann.Next("joined").Args)
	for joined.User == annUser {
		joined = answer[struct{ User chat.User }](t, ann.Next("joined").Args)
	}
	if joined.User != beaUser {
		t.Errorf("Ann heard that %v joined, want Bea", joined.User)
	}
	sent := answer[chat.Message](t, ann.Call("message", object{"room": "lobby", "text": " hello ", "key": "k"}))
	for name, c := range map[string]*rawclient.Client{"Ann": ann, "Bea": bea} {
		got := answer[chat.Message](t, c.Next("message").Args)
		want := chat.Message{ID: sent.ID, Room: "lobby", User: annUser, Text: "hello", Time: sent.Time, Key: "k"}
		if got != want {
			t.Errorf("%s heard %+v, want %+v", name, got, want)
		}
	}
	// Typing is volatile: while the message before it is still being written, it may
	// be dropped. Bea's answer comes behind a typing that was not.
	for try := 0; try < 100 && !slices.Contains(bea.Heard(), "typing"); try++ {
		ann.Call("typing", object{"room": "lobby", "on": true})
		bea.Call("join", object{"room": "lobby"})
	}
	typing := answer[struct {
		Room string
		User chat.User
		On   bool
	}](t, bea.Next("typing").Args)
	if typing.Room != "lobby" || typing.User != annUser || !typing.On {
		t.Errorf("Bea heard typing %+v", typing)
	}
	bea.Call("nick", object{"nick": "Beatrix"})
	renamed := answer[struct {
		User chat.User
		Was  string
	}](t, ann.Next("renamed").Args)
	if renamed.Was != "Bea" || renamed.User.Nick != "Beatrix" || renamed.User.ID != beaUser.ID {
		t.Errorf("Ann heard renamed %+v", renamed)
	}
	bea.Call("leave", object{"room": "lobby"})
	if left := answer[struct{ User chat.User }](t, ann.Next("left").Args); left.User.Nick != "Beatrix" {
		t.Errorf("Ann heard that %v left", left.User)
	}
	for _, event := range ann.Heard() {
		if event == "typing" || event == "message" {
			t.Errorf("Ann heard %s of her own or twice", event)
		}
	}
}

func TestAPrivateMessageReachesAllTabsOfTheTwoOnly(t *testing.T) {
	base := serve(t, chat.Options{})
	ann, annUser := come(t, base, "Ann", "lobby")
	ann2, _ := come(t, base, "Ann", "lobby")
	bea, beaUser := come(t, base, "Bea", "lobby")
	cleo, _ := come(t, base, "Cleo", "lobby")
	answer[chat.Message](t, ann.Call("private", object{"to": beaUser.ID, "text": "psst"}))
	for name, c := range map[string]*rawclient.Client{"Ann": ann, "Ann's other tab": ann2, "Bea": bea} {
		if got := answer[chat.Private](t, c.Next("private").Args); got.From != annUser || got.To != beaUser || got.Text != "psst" {
			t.Errorf("%s heard %+v", name, got)
		}
	}
	cleo.Call("message", object{"room": "lobby", "text": "later"})
	cleo.Next("message")
	for _, event := range cleo.Heard() {
		if event == "private" {
			t.Error("Cleo heard it")
		}
	}
}

func TestWhoIsHereIsCountedByUser(t *testing.T) {
	base := serve(t, chat.Options{LeaveGrace: time.Millisecond})
	watcher, _ := come(t, base, "Watcher", "lobby")
	watcher.Next("joined")
	first, ann := come(t, base, "Ann", "lobby")
	second, again := come(t, base, "Ann", "lobby")
	if ann != again {
		t.Errorf("two tabs are %v and %v", ann, again)
	}
	view := answer[room](t, watcher.Call("join", object{"room": "lobby"}))
	if len(view.Users) != 2 {
		t.Errorf("users %v, want the watcher and Ann", view.Users)
	}
	watcher.Next("joined")
	first.Close()
	second.Call("message", object{"room": "lobby", "text": "still here"})
	watcher.Next("message")
	if heard := watcher.Heard(); len(heard) != 0 {
		t.Errorf("a closed tab was heard as %v", heard)
	}
	second.Close()
	watcher.Next("left")
}

func TestWhoJoinsGetsTheLastFiftyMessages(t *testing.T) {
	base := serve(t, chat.Options{})
	ann, _ := come(t, base, "Ann", "lobby")
	var ids []string
	for i := range 60 {
		ids = append(ids, answer[chat.Message](t, ann.Call("message", object{"room": "lobby", "text": fmt.Sprint(i)})).ID)
	}
	bea := rawclient.Dial(t, base, chat.Namespace, as("Bea"))
	view := answer[room](t, bea.Call("join", object{"room": "Lobby"}))
	if view.Room != "lobby" || len(view.Messages) != 50 || view.Gap {
		t.Fatalf("joined %q with %d messages, gap %v; want lobby, 50, false", view.Room, len(view.Messages), view.Gap)
	}
	for i, m := range view.Messages {
		if m.ID != ids[10+i] || m.Text != fmt.Sprint(10+i) {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
	view = answer[room](t, bea.Call("join", object{"room": "lobby", "after": ids[57]}))
	if len(view.Messages) != 2 || view.Messages[0].ID != ids[58] {
		t.Errorf("after message 57: %+v, want 58 and 59", view.Messages)
	}
}

func TestALostConnectionIsRecovered(t *testing.T) {
	base := serve(t, chat.Options{LeaveGrace: time.Hour})
	ann, _ := come(t, base, "Ann", "lobby")
	bea, _ := come(t, base, "Bea", "lobby")
	bea.Call("message", object{"room": "lobby", "text": "before"})
	ann.Next("message")
	pid, offset := ann.Session()
	if pid == "" || offset == "" {
		t.Fatalf("no recovery in the chat: pid %q, offset %q", pid, offset)
	}
	ann.Close()
	bea.Call("message", object{"room": "lobby", "text": "while away"})

	auth := as("Ann")
	auth["pid"], auth["offset"] = pid, offset
	back := rawclient.Dial(t, base, chat.Namespace, auth)
	if back.ID() != ann.ID() {
		t.Fatalf("the id is %q, was %q", back.ID(), ann.ID())
	}
	if got := answer[chat.Message](t, back.Next("message").Args); got.Text != "while away" {
		t.Errorf("recovered %q", got.Text)
	}
	bea.Call("message", object{"room": "lobby", "text": "after"})
	if got := answer[chat.Message](t, back.Next("message").Args); got.Text != "after" {
		t.Errorf("heard %q", got.Text)
	}
	if got := answer[chat.Message](t, back.Call("message", object{"room": "lobby", "text": "I am back"})); got.ID == "" {
		t.Error("the recovered connection is not in its room")
	}
	for _, event := range bea.Heard() {
		if event == "left" {
			t.Error("Bea was told that Ann left")
		}
	}
}

func TestAnotherUsersSessionGivesNoPrivateMessages(t *testing.T) {
	base := serve(t, chat.Options{LeaveGrace: time.Hour})
	ann, annUser := come(t, base, "Ann", "lobby")
	bea, _ := come(t, base, "Bea", "lobby")
	bea.Call("message", object{"room": "lobby", "text": "x"})
	ann.Next("message")
	pid, offset := ann.Session()
	ann.Close()
	thief := as("Thief")
	thief["pid"], thief["offset"] = pid, offset
	back := rawclient.Dial(t, base, chat.Namespace, thief)
	if back.ID() == ann.ID() {
		t.Error("a session was given to another secret")
	}
	back.Call("join", object{"room": "lobby"})
	bea.Call("private", object{"to": annUser.ID, "text": "for Ann only"})
	bea.Call("message", object{"room": "lobby", "text": "end"})
	back.Next("message")
	for _, event := range back.Heard() {
		if event == "private" {
			t.Error("a session of another secret heard a private message")
		}
	}
}

func TestRefusals(t *testing.T) {
	base := serve(t, chat.Options{})
	for _, auth := range []any{nil, object{}, object{"secret": "short"}, object{"secret": 5}, object{"secret": strings.Repeat("x", 200)}} {
		refusal := rawclient.Dial(t, base, chat.Namespace, auth).Refused()
		if refusal == nil || refusal.Message == "" || string(refusal.Data) != `{"code":"bad_secret"}` {
			t.Errorf("auth %v: %+v, want bad_secret", auth, refusal)
		}
	}
	ann, annUser := come(t, base, "Ann", "lobby")
	come(t, base, "Bea", "lobby")
	for _, c := range []struct {
		event string
		args  []any
		want  string
	}{
		{"join", nil, "bad_request"},
		{"join", []any{"lobby"}, "bad_request"},
		{"join", []any{object{"room": 5}}, "bad_request"},
		{"join", []any{object{}}, "bad_room"},
		{"nick", []any{object{"nick": "bea"}}, "nick_taken"},
		{"nick", []any{object{"nick": ""}}, "bad_nick"},
		{"message", []any{object{"room": "lobby", "text": ""}}, "empty"},
		{"message", []any{object{"room": "den", "text": "x"}}, "not_in_room"},
		{"message", []any{object{"room": "lobby", "text": strings.Repeat("é", 2001)}}, "too_long"},
		{"private", []any{object{"to": annUser.ID + "x", "text": "x"}}, "not_here"},
		{"typing", []any{object{"room": "den", "on": true}}, "not_in_room"},
		{"dance", []any{object{}}, "unknown_event"},
	} {
		got := answer[refused](t, ann.Call(c.event, c.args...)).Error
		if got.Code != c.want || got.Message == "" {
			t.Errorf("%s(%.60v): %+v, want %s", c.event, fmt.Sprint(c.args...), got, c.want)
		}
	}
}

// An adapter that keeps no packets leaves the history of rooms to those who come back.
func TestTheChatWorksWithoutRecovery(t *testing.T) {
	base := serveOn(t, nil, chat.Options{LeaveGrace: time.Hour})
	ann, _ := come(t, base, "Ann", "lobby")
	bea, _ := come(t, base, "Bea", "lobby")
	first := answer[chat.Message](t, bea.Call("message", object{"room": "lobby", "text": "before"}))
	ann.Close()
	bea.Call("message", object{"room": "lobby", "text": "while away"})
	back := rawclient.Dial(t, base, chat.Namespace, as("Ann"))
	if pid, _ := back.Session(); pid != "" {
		t.Errorf("a session %q", pid)
	}
	view := answer[room](t, back.Call("join", object{"room": "lobby", "after": first.ID}))
	if len(view.Messages) != 1 || view.Messages[0].Text != "while away" || len(view.Users) != 2 {
		t.Errorf("came back to %+v", view)
	}
}
