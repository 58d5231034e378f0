package rooms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// code is what a client would be told of an error; "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	var refused *rooms.Error
	var barred *auth.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused) && refused.Message != "" && strings.HasPrefix(err.Error(), refused.Code):
		return refused.Code
	case errors.As(err, &barred) && barred.Message != "":
		return string(barred.Code)
	}
	t.Errorf("an error without code or message: %v", err)
	return err.Error()
}

// connect returns the socket of a client of a server.
func connect(t *testing.T, srv *sockettest.Server) *socketio.Socket {
	t.Helper()
	a := sockettest.Dial(t, srv.URL).Connect("/", "")
	s, ok := srv.Of("/").Socket(a.SID)
	if !ok {
		t.Fatal("no socket")
	}
	return s
}

func TestNamesOfRooms(t *testing.T) {
	for name, want := range map[string]string{
		"": "bad_room", "lobby": "", "räume": "", "\xff": "bad_room", strings.Repeat("x", 256): "", strings.Repeat("x", 257): "bad_room",
		"sockeye:": "room_reserved", "sockeye:user:ann": "room_reserved", "sockeye": "",
	} {
		if got := code(t, rooms.Rules{}.Check(name)); got != want {
			t.Errorf("%.20q: %s, want %s", name, got, want)
		}
	}
	if got := code(t, rooms.Rules{MaxName: 3}.Check("four")); got != "bad_room" {
		t.Errorf("a longer name than configured: %q", got)
	}
}

func TestRoomsThatArgumentsName(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{})
	args := make(chan socketio.Args, 1)
	srv.Of("/").On("x", func(_ context.Context, e *socketio.Event) { args <- e.Args() })
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/", "")
	for arg, want := range map[string]string{
		`"lobby"`: "lobby", `7`: "7", `-7`: "-7", `9007199254740993`: "9007199254740993",
		`""`: "bad_room", `null`: "bad_room", `1.5`: "bad_room", `true`: "bad_room", `{}`: "bad_room", `["a"]`: "bad_room", `"sockeye:x"`: "room_reserved",
	} {
		c.Send(`2["x",` + arg + `]`)
		room, err := rooms.Rules{}.Named(sockettest.Receive(t, "the event", args), 0)
		if got := code(t, err); got != want && (got != "" || room != want) {
			t.Errorf("%s: room %q, error %q, want %q", arg, room, got, want)
		}
	}
	c.Send(`2["x"]`)
	if _, err := (rooms.Rules{}).Named(sockettest.Receive(t, "the event", args), 0); code(t, err) != "bad_room" {
		t.Errorf("no argument: %v", err)
	}
}

func TestEnteringAndLeaving(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{})
	s, other := connect(t, srv), connect(t, srv)
	r := rooms.Rules{Max: 2}
	if err := s.SetUser("ann"); err != nil { // whose room does not count
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func(s *socketio.Socket, room string) error
		room string
		want string
	}{
		{r.Join, "a", ""},
		{r.Join, "b", ""},
		{r.Join, "a", ""}, // in it already
		{r.Join, "c", "too_many_rooms"},
		{r.Leave, "b", ""},
		{r.Join, "c", ""},
		{r.Join, other.ID(), "room_reserved"},
		{r.Leave, s.ID(), "room_reserved"},
		{r.Join, "sockeye:user:bob", "room_reserved"},
		{r.MayPublish, other.ID(), ""}, // a message to one client
		{r.MayPublish, "", "bad_room"},
	} {
		if got := code(t, step.do(s, step.room)); got != step.want {
			t.Errorf("%s: %q, want %q; in %q", step.room, got, step.want, s.Rooms())
		}
	}
	if got := rooms.Of(s); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("in %q", got)
	}
	if _, err := r.ToPublish(other); code(t, err) != "no_room" {
		t.Errorf("to no room: %v", err)
	}
}

// rights are who may do what, for these tests.
type rights map[auth.Action]auth.Patterns

func (r rights) Allow(_ *auth.Principal, do auth.Action, _, room string) error {
	if r[do].Match(room) {
		return nil
	}
	return auth.Forbidden(do, room)
}

func TestWhoMayDoWhat(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{})
	s := connect(t, srv)
	r := rooms.Rules{
		Access: rights{auth.ActionJoin: {"news:*", "own"}, auth.ActionPublish: {"news:talk"}},
		Only:   auth.Patterns{"news:*"},
	}
	for _, step := range []struct {
		do         func(s *socketio.Socket, room string) error
		room, want string
	}{
		{r.Join, "news:1", ""},
		{r.Join, "news:talk", ""},
		{r.Join, "own", "forbidden"}, // not by this event
		{rooms.Rules{Access: r.Access}.Join, "own", ""},
		{r.Join, "other", "forbidden"},
		{r.MayPublish, "news:1", "forbidden"},
		{r.MayPublish, "news:talk", ""},
	} {
		if got := code(t, step.do(s, step.room)); got != step.want {
			t.Errorf("%s: %q, want %q", step.room, got, step.want)
		}
	}
	if got, err := r.ToPublish(s); err != nil || !slices.Equal(got, []string{"news:talk"}) {
		t.Errorf("publishes to %q, %v", got, err)
	}
	if r.Open() || !(rooms.Rules{}).Open() {
		t.Error("what is open")
	}
}

func TestWhoMayNotStayLeaves(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{})
	ann := &auth.Principal{ID: "ann", Join: auth.Patterns{"news:*"}, Method: auth.MethodToken}
	srv.Of("/").Use(func(_ context.Context, s *socketio.Socket) error {
		s.SetIdentity(ann)
		return nil
	})
	r := rooms.Rules{Access: auth.Rooms{}}
	r.Watch(srv.Of("/"))
	s := connect(t, srv)
	if err := errors.Join(r.Join(s, "news:1"), r.Join(s, "news:2"), s.Join("put in")); err != nil {
		t.Fatal(err)
	}
	sockettest.Eventually(t, "the socket is live", s.Connected)
	s.SetIdentity(&auth.Principal{ID: "ann", Join: auth.Patterns{"news:1"}, Method: auth.MethodToken})
	sockettest.Eventually(t, "it has left what it may not be in any more", func() bool {
		return slices.Equal(rooms.Of(s), []string{"news:1", "put in"})
	})
}

func TestWhoMayEnterIsToldWhatWasSaid(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{
		Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute},
		History: func(string, string) (socketio.HistoryLimits, bool) { return socketio.HistoryLimits{}, true },
	})
	s := connect(t, srv)
	r := rooms.Rules{Access: rights{auth.ActionJoin: {"news:*"}}}
	for i := range 3 {
		if err := srv.To("news:1", "secret").Emit("n", i); err != nil {
			t.Fatal(err)
		}
	}
	h, err := r.JoinSince(s, "news:1", "", 2)
	if err != nil || fmt.Sprint(len(h.Messages), h.More) != "2 true" {
		t.Errorf("%+v, %v", h, err)
	}
	if h, err = r.JoinSince(s, "secret", "", 2); h != nil || code(t, err) != "forbidden" {
		t.Errorf("the room of others: %+v, %v", h, err)
	}
	if got := rooms.Of(s); !slices.Equal(got, []string{"news:1"}) {
		t.Errorf("in %q", got)
	}
}

func TestEventsOfTheServersOwn(t *testing.T) {
	for event, own := range map[string]bool{"msg": false, "sockeye:end": true, auth.EventPrefix + "x": true, "sockeyes": false} {
		if got := rooms.OwnEvent(event); got != own {
			t.Errorf("%q: %v", event, got)
		}
	}
}
