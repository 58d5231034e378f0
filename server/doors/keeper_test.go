package doors_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	if _, err := doors.New(doors.Options{}); err == nil {
		t.Error("no authenticator, and no error")
	}
	if _, err := doors.New(doors.Options{Authenticator: &desk{}, Leeway: -1}); err == nil {
		t.Error("a negative duration, and no error")
	}
}

// TestWhoConnects: the principal is the socket's identity and user, and who shows nothing
// that holds is told why.
func TestWhoConnects(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, nil)
	h.desk.give("a", "alice", 0)
	entered := make(chan *socketio.Socket, 1)
	h.Of("/").OnConnection(func(s *socketio.Socket) { entered <- s })

	c := sockettest.Dial(t, h.URL)
	refused(t, c, "/", "", "unauthorized")
	refused(t, c, "/", token("stale"), "invalid_token")
	refused(t, c, "/", `{"token":7}`, "invalid_token")
	c.Connect("/", token("a"))
	s := sockettest.Receive(t, "the socket", entered)
	if got := auth.Of(s).ID; got != "alice" || s.User() != "alice" {
		t.Errorf("the principal is %q, the user %q", got, s.User())
	}
	h.desk.mu.Lock()
	asked := h.desk.asked[len(h.desk.asked)-1]
	h.desk.mu.Unlock()
	if asked.Token != "a" || asked.Namespace != "/" || asked.Address != "127.0.0.1" || asked.Header == nil || asked.Query.Get("EIO") != "4" {
		t.Errorf("the authenticator was shown %+v", asked)
	}
}

// TestWhoCannotBeAsked: an error that is not for the client is not told it.
func TestWhoCannotBeAsked(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, nil)
	h.desk.err = errors.New("the secret of 10.0.0.1 is out of order")
	c := sockettest.Dial(t, h.URL)
	refused(t, c, "/", token("a"), "auth_unavailable")
	h.desk.err = nil
	h.desk.give("long", strings.Repeat("x", 257), 0)
	refused(t, c, "/", token("long"), "invalid_token")
}

// slowDesk answers when nobody waits any more.
type slowDesk struct{}

func (slowDesk) Authenticate(ctx context.Context, _ *auth.Credentials) (*auth.Principal, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAuthenticatorHasATimeout(t *testing.T) {
	t.Parallel()
	keeper, err := doors.New(doors.Options{Authenticator: slowDesk{}, Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer keeper.Close()
	srv := sockettest.Serve(t, &socketio.Options{Admit: keeper.Admit, Entered: keeper.Entered})
	refused(t, sockettest.Dial(t, srv.URL), "/", token("a"), "auth_unavailable")
}

// TestRefreshGoesOn: a client that is told in time and shows a new token goes on, in every
// namespace that it joined with the old one and in no other.
func TestRefreshGoesOn(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{Expiring: time.Hour}, nil)
	h.Of("/second")
	h.Of("/other")
	h.desk.give("a", "alice", 2*time.Second) // told after one
	h.desk.give("other", "alice", 0)
	h.desk.give("a2", "alice", time.Hour)
	h.desk.give("a3", "alice", 0)
	h.desk.give("b", "bob", time.Hour)
	c := sockettest.Dial(t, h.URL)
	c.Connect("/", token("a"))
	c.Connect("/second", token("a"))
	c.Connect("/other", token("other"))

	told := map[string]bool{}
	for range 2 {
		f := c.Next().Text
		if !strings.Contains(f, `"auth:expiring",{"expires":`) || !strings.Contains(f, `"in":`) {
			t.Fatalf("got %s, want auth:expiring", f)
		}
		told[f[:3]] = true
	}
	if !told[`2["`] || !told[`2/s`] {
		t.Errorf("told in %v, want / and /second", told)
	}
	for _, wrong := range []struct{ args, code string }{
		{``, "unauthorized"},
		{`,""`, "unauthorized"},
		{`,7`, "unauthorized"},
		{`,"nonsense"`, "invalid_token"},
		{`,"b"`, "other_user"},
	} {
		c.Send(`25["auth:refresh"` + wrong.args + `]`)
		if got := c.Next().Text; !strings.HasPrefix(got, `35[{"error":{"code":"`+wrong.code+`"`) {
			t.Errorf("a refresh with %q was answered with %s, want %s", wrong.args, got, wrong.code)
		}
	}
	c.Send(`2/second,6["auth:refresh","a2"]`)
	if got := c.Next().Text; !strings.HasPrefix(got, `3/second,6[{"ok":true,"expires":1`) {
		t.Fatalf("the refresh was answered with %s", got)
	}
	for ns, never := range map[string]bool{"/": false, "/second": false, "/other": true} {
		p := auth.Of(h.Of(ns).Sockets()[0])
		if p.ID != "alice" || p.Expires.IsZero() != never || !never && time.Until(p.Expires) < time.Minute {
			t.Errorf("in %s the principal is %+v", ns, p)
		}
	}
	c.Send(`27["auth:refresh","a3"]`)
	c.Expect(`37[{"ok":true}]`)
	c.Fence()
}

// patientDesk takes as long for one token as it is told.
type patientDesk struct {
	*desk
	token       string
	asked, held chan struct{}
}

func (d patientDesk) Authenticate(ctx context.Context, c *auth.Credentials) (*auth.Principal, error) {
	if c.Token == d.token {
		close(d.asked)
		select {
		case <-d.held:
		case <-ctx.Done():
		}
	}
	return d.desk.Authenticate(ctx, c)
}

// TestRefreshesThatOvertake: a refresh that was answered with ok had no effect, if another
// namespace of the connection was quicker with another token.
func TestRefreshesThatOvertake(t *testing.T) {
	t.Parallel()
	desk := patientDesk{&desk{}, "late", make(chan struct{}), make(chan struct{})}
	keeper, err := doors.New(doors.Options{Authenticator: desk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keeper.Close)
	srv := sockettest.Serve(t, &socketio.Options{Admit: keeper.Admit, Entered: keeper.Entered})
	srv.Of("/")
	srv.Of("/second")
	desk.give("a", "alice", time.Hour)
	desk.give("late", "alice", 3*time.Hour)
	desk.give("quick", "alice", 2*time.Hour)
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/", token("a"))
	c.Connect("/second", token("a"))
	c.Send(`21["auth:refresh","late"]`)
	<-desk.asked
	c.Send(`2/second,2["auth:refresh","quick"]`)
	if got := c.Next().Text; !strings.HasPrefix(got, `3/second,2[{"ok":true`) {
		t.Fatalf("the quick one was answered with %s", got)
	}
	close(desk.held)
	if got := c.Next().Text; !strings.HasPrefix(got, `31[{"ok":true`) {
		t.Fatalf("the late one was answered with %s", got)
	}
	for ns, least := range map[string]time.Duration{"/": 2*time.Hour + time.Minute, "/second": time.Hour + time.Minute} {
		if left := time.Until(auth.Of(srv.Of(ns).Sockets()[0]).Expires); left < least {
			t.Errorf("in %s the principal ends in %v", ns, left)
		}
	}
}

// TestExpiryEnds: the token's end is told, and is the end of the sockets that it let in.
func TestExpiryEnds(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{Leeway: time.Millisecond}, nil)
	h.Of("/second")
	h.desk.give("a", "alice", 500*time.Millisecond)
	h.desk.give("always", "alice", 0)
	gone := make(chan socketio.DisconnectReason, 1)
	h.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { gone <- r })
	c := sockettest.Dial(t, h.URL)
	c.Connect("/second", token("always"))
	c.Connect("/", token("a"))
	if name, arg := next(t, c, "/"); name != doors.ExpiringEvent || arg["in"].(float64) > 500 {
		t.Fatalf("got %s %v", name, arg)
	}
	ended(t, c, "/", "token_expired")
	r := sockettest.Receive(t, "the end", gone)
	if r.Reason != socketio.ReasonServerDisconnect || r.Detail != "token_expired" {
		t.Errorf("the socket ended with %+v", r)
	}
	refused(t, c, "/", token("a"), "token_expired")
	c.Send(`2/second,1["auth:refresh","always"]`)
	c.Expect(`3/second,1[{"ok":true}]`)
}

// TestTimersEndWithTheirSockets is for goleak too, which finds nothing.
func TestTimersEndWithTheirSockets(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, nil)
	h.desk.give("a", "alice", time.Hour)
	h.Of("/refusing").Use(func(context.Context, *socketio.Socket) error { return errors.New("not you") })
	c := sockettest.Dial(t, h.URL)
	c.Connect("/", token("a"))
	c.Send("0/refusing," + token("a"))
	c.Expect(`4/refusing,{"message":"not you"}`)
	if got := h.keeper.Terms(); got != 1 {
		t.Errorf("%d sockets have a timer, want 1", got)
	}
	c.Cut()
	sockettest.Eventually(t, "the timer is gone", func() bool { return h.keeper.Terms() == 0 })
}

// TestBlockedGoes: in every namespace, with a reason, and stays away.
func TestBlockedGoes(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, nil)
	h.Of("/second")
	h.Of("/third")
	h.desk.give("a", "alice", 0)
	h.desk.give("b", "bob", 0)
	alice, bob := sockettest.Dial(t, h.URL), sockettest.Dial(t, h.URL)
	alice.Connect("/", token("a"))
	bob.Connect("/", token("b"))
	h.bans.add("alice", "spam", true)
	if name, arg := next(t, alice, "/"); name != socketio.EndEvent || arg["code"] != "blocked" || arg["message"] != "you are blocked: spam" {
		t.Errorf("got %s %v", name, arg)
	}
	alice.Expect("1")
	refused(t, alice, "/third", token("a"), "blocked") // over the connection that is there
	bob.Fence()
}

// TestBlockedWhileConnecting: who was blocked after Admit and before anybody could find
// the socket goes, too.
func TestBlockedWhileConnecting(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, nil)
	h.desk.give("a", "alice", 0)
	h.Of("/").Use(func(context.Context, *socketio.Socket) error {
		h.bans.add("alice", "", true)
		return nil
	})
	c := sockettest.Dial(t, h.URL)
	c.Connect("/", token("a"))
	ended(t, c, "/", "blocked")
}

// TestBlockedIsNotRecovered: nor is a session that was kept, where the token has expired
// meanwhile, or is another user's.
func TestBlockedIsNotRecovered(t *testing.T) {
	t.Parallel()
	h := open(t, doors.Options{}, &socketio.Options{
		Adapter:  memory.New(),
		Recovery: socketio.Recovery{MaxDisconnection: time.Minute, SkipMiddleware: true},
	})
	h.desk.give("a", "alice", 0)
	h.desk.give("a2", "alice", 0)
	h.desk.give("b", "bob", 0)
	c := sockettest.Dial(t, h.URL)
	mine := c.Connect("/", token("a"))
	_ = h.Emit("news", 1)
	offset := offsetOf(t, c.Next().Text)
	c.Cut()
	sockettest.Eventually(t, "the loss is noticed", func() bool { return h.Of("/").Len() == 0 })
	back := func(name string) string {
		return `{"token":"` + name + `","pid":"` + mine.PID + `","offset":"` + offset + `"}`
	}
	other := sockettest.Dial(t, h.URL)
	if got := other.Connect("/", back("b")); got.SID == mine.SID {
		t.Fatal("bob was given alice's session")
	}
	h.desk.give("a", "alice", -time.Second)
	again := sockettest.Dial(t, h.URL)
	refused(t, again, "/", back("a"), "token_expired")
	h.bans.add("alice", "", true)
	refused(t, again, "/", back("a2"), "blocked")
	h.bans.mu.Lock()
	clear(h.bans.ids)
	h.bans.mu.Unlock()
	if got := again.Connect("/", back("a2")); got.SID != mine.SID {
		t.Error("the session was not kept for its owner")
	}
	// Ended for a block, it is gone for good.
	h.bans.add("alice", "", true)
	ended(t, again, "/", "blocked")
	h.bans.mu.Lock()
	clear(h.bans.ids)
	h.bans.mu.Unlock()
	if got := again.Connect("/", back("a2")); got.SID == mine.SID {
		t.Error("a session that a block has ended was recovered")
	}
}

func offsetOf(t *testing.T, event string) string {
	t.Helper()
	i := strings.LastIndex(strings.TrimSuffix(event, `"]`), `"`)
	if i < 0 || !strings.HasSuffix(event, `"]`) {
		t.Fatalf("%s has no offset", event)
	}
	return strings.TrimSuffix(event, `"]`)[i+1:]
}
