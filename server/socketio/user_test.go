package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestToUserReachesAllSocketsOfAUserAndNobodyElse(t *testing.T) {
	srv := serve(t, nil)
	one, first := join(t, srv)
	two, second := join(t, srv)
	other, third := join(t, srv)
	for sid, user := range map[string]string{first.SID: "ann", second.SID: "ann", third.SID: "bea"} {
		if err := socketOf(t, srv, sockettest.Answer{SID: sid}).SetUser(user); err != nil {
			t.Fatal(err)
		}
	}
	_ = srv.ToUser("ann").Emit("to ann")
	_ = srv.To(socketio.UserRoom("bea")).Emit("to bea") // as an emitter of Node does
	_ = srv.Of("/").ExceptUser("ann").Emit("not to ann")
	for _, c := range []*sockettest.Client{one, two} {
		c.Expect(`2["to ann"]`)
		c.Fence()
	}
	other.Expect(`2["to bea"]`)
	other.Expect(`2["not to ann"]`)
	other.Fence()
	if err := srv.ToUser("ann").DisconnectSockets(false); err != nil {
		t.Fatal(err)
	}
	one.Expect("1")
	two.Expect("1")
	other.Fence()
}

func TestTheUserOfASocket(t *testing.T) {
	srv := serve(t, nil)
	ended := make(chan string, 1)
	srv.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { ended <- s.User() })
	c, answer := join(t, srv)
	s := socketOf(t, srv, answer)
	var events []string
	srv.OnRoom(func(e socketio.RoomEvent) {
		ofUser := strings.HasPrefix(e.Room, socketio.UserRoom(""))
		if ofUser && (e.Kind == socketio.RoomJoined || e.Kind == socketio.RoomLeft) {
			events = append(events, map[socketio.RoomEventKind]string{socketio.RoomJoined: "+", socketio.RoomLeft: "-"}[e.Kind]+e.Room)
		}
	})
	if s.User() != "" {
		t.Errorf("before anybody said so the user is %q", s.User())
	}
	for _, id := range []string{"ann", "ann", "bea", "", "cleo"} {
		if err := s.SetUser(id); err != nil || s.User() != id {
			t.Errorf("set %q: %v, the user is %q", id, err, s.User())
		}
	}
	want := []string{"+sockeye:user:ann", "-sockeye:user:ann", "+sockeye:user:bea", "-sockeye:user:bea", "+sockeye:user:cleo"}
	if !slices.Equal(events, want) {
		t.Errorf("room events %q, want %q", events, want)
	}
	for _, bad := range []string{strings.Repeat("x", socketio.MaxUserID+1), "a\xff"} {
		if err := s.SetUser(bad); err == nil || s.User() != "cleo" {
			t.Errorf("set %.10q: %v, the user is %q", bad, err, s.User())
		}
	}
	// Another node says so by a room.
	_ = s.Join(socketio.UserRoom("dora"))
	if s.User() != "dora" {
		t.Errorf("after the room of dora was entered the user is %q", s.User())
	}
	_ = s.SetUser("dora")
	if rooms := s.Rooms(); len(rooms) != 2 {
		t.Errorf("rooms %q", rooms)
	}
	c.Cut()
	if got := sockettest.Receive(t, "the end", ended); got != "dora" {
		t.Errorf("at the end the user is %q", got)
	}
	if err := s.SetUser("eve"); err == nil {
		t.Error("a socket that is gone got a user")
	}
}

func TestReservedRooms(t *testing.T) {
	for room, want := range map[string]bool{"sockeye:": true, "sockeye:user:ann": true, "sockeye": false, "": false, "Sockeye:user:ann": false, "lobby": false} {
		if socketio.ReservedRoom(room) != want {
			t.Errorf("room %q: reserved %v", room, !want)
		}
	}
}

// authUser says who a client is, by its auth data.
func authUser(_ context.Context, s *socketio.Socket) error {
	var auth struct{ User *string }
	if err := s.Handshake().Auth.Decode(&auth); err != nil || auth.User == nil {
		return err
	}
	return s.SetUser(*auth.User)
}

// backAs comes back with the session of r, as another client may try to.
func backAs(t *testing.T, r *returning, auth string) sockettest.Answer {
	t.Helper()
	c := sockettest.Dial(t, r.srv.URL)
	return c.Connect("/", `{"pid":"`+r.answer.PID+`","offset":"`+r.offset+`"`+auth+`}`)
}

func TestASessionIsRecoveredByItsUserOnly(t *testing.T) {
	srv := recovering(t, nil)
	srv.Use(authUser)
	for name, tc := range map[string]struct {
		auth      string
		recovered bool
	}{
		"the same user":            {`,"user":"ann"`, true},
		"another user":             {`,"user":"bea"`, false},
		"nobody":                   {`,"user":""`, false},
		"middleware does not care": {``, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := arrive(t, srv)
			if err := socketOf(t, srv, r.answer).SetUser("ann"); err != nil {
				t.Fatal(err)
			}
			_ = srv.To(r.answer.SID).Emit("seen")
			r.event(`2["seen"]`)
			r.cut()
			got := backAs(t, r, tc.auth)
			if (got.SID == r.answer.SID) != tc.recovered || socketOf(t, srv, got).Recovered() != tc.recovered {
				t.Fatalf("was %+v, is %+v", r.answer, got)
			}
			if tc.recovered {
				if user := socketOf(t, srv, got).User(); user != "ann" {
					t.Errorf("the user is %q", user)
				}
				return
			}
			if again := backAs(t, r, `,"user":"ann"`); again.SID != r.answer.SID {
				t.Error("after a stranger tried, its owner does not get the session")
			}
		})
	}
}

// Middleware that puts a returning client into a room that its session was in used to
// make the session forget that it had been there, if that was long ago: a second cut
// lost what was sent to the room between the first and the return.
func TestARoomThatMiddlewareEntersAgainIsReplayed(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.Recovery.MaxBytes = 64 << 10 })
	srv.Use(authUser)
	r := &returning{t: t, srv: srv, Client: sockettest.Dial(t, srv.URL)}
	r.answer = r.Connect("/", `{"user":"ann"}`)
	s := socketOf(t, srv, r.answer)
	for i := range 64 { // so that when the room of the user was entered is forgotten
		_ = s.Join(fmt.Sprint("room", i))
		s.Leave(fmt.Sprint("room", i-1))
		_ = srv.Emit("fill", strings.Repeat("x", 5000))
		r.event(`2["fill","` + strings.Repeat("x", 5000) + `"]`)
	}
	r.cut()
	_ = srv.ToUser("ann").Emit("missed")
	for range 2 { // it is cut again before it has seen anything
		if got := backAs(t, r, `,"user":"ann"`); got.SID != r.answer.SID {
			t.Fatal("not recovered")
		}
		s := socketOf(t, srv, r.answer)
		s.Conn().Close()
		sockettest.Receive(t, "the end of the socket", s.Context().Done())
	}
	r.Client = sockettest.Dial(t, srv.URL)
	r.Connect("/", `{"pid":"`+r.answer.PID+`","offset":"`+r.offset+`","user":"ann"}`)
	r.event(`2["missed"]`)
}

func TestOnCloseRunsBeforeTheAdapterEnds(t *testing.T) {
	srv, err := socketio.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var closed []string
	for _, name := range []string{"/", "/other"} {
		ns := srv.Of(name)
		ns.OnClose(func() { panic("one that fails") })
		ns.OnClose(func() {
			if err := ns.Emit("still there"); err == nil {
				closed = append(closed, name)
			}
		})
		ns.OnClose(func() { closed = append(closed, "taken back") }).Off()
	}
	for range 2 {
		if err := srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(closed)
	if !slices.Equal(closed, []string{"/", "/other"}) {
		t.Errorf("closed %q", closed)
	}
}
