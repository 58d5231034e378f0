package relay_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// people are who clients of these tests can be, by auth.who.
var people = map[string]*auth.Principal{
	"ann":  {ID: "ann", Join: auth.Patterns{"news:*", "user:{id}"}, Publish: auth.Patterns{"news:talk"}, Method: auth.MethodToken},
	"root": {ID: "root", Join: auth.Everything(), Publish: auth.Everything(), Roles: []string{"moderator"}, Method: auth.MethodToken},
}

// admitting is serve of a server that believes whoever a client says it is. The event
// "become" makes it somebody else.
func admitting(t *testing.T, c relay.Config, o *socketio.Options, spaces ...string) string {
	t.Helper()
	if o == nil {
		o = &socketio.Options{}
	}
	o.Admit = func(_ context.Context, s *socketio.Socket) error {
		var a struct{ Who string }
		if err := s.Handshake().Auth.Decode(&a); err == nil && a.Who != "" {
			s.SetIdentity(people[a.Who])
		}
		return nil
	}
	return serveOptions(t, c, o, func(srv *socketio.Server) {
		for _, name := range append(spaces, "/") {
			srv.Of(name).On("become", func(_ context.Context, e *socketio.Event) {
				var who string
				_ = e.Bind(&who)
				e.Socket().SetIdentity(people[who])
				_ = e.Ack("ok")
			})
		}
	})
}

func as(who string) map[string]string { return map[string]string{"who": who} }

func TestRoomsAreForThoseWhoMay(t *testing.T) {
	seen := counter{make(chan string, 10)}
	config := configured(t, `
relay:
  namespaces:
    /:
      shout: {to: all}
      around: {to: others}
      mine: {to: rooms}
`)
	config.Access, config.Observer = auth.Rooms{Anonymous: &auth.Rights{Join: auth.Patterns{"news:*"}}}, seen
	base := admitting(t, config, nil)
	ann, root, nobody := rawclient.Dial(t, base, "/", as("ann")), rawclient.Dial(t, base, "/", as("root")), rawclient.Dial(t, base, "/", nil)

	forbidden := 0
	for _, c := range []struct {
		of   *rawclient.Client
		call []any
		want string // code, or "" for ok
	}{
		{ann, []any{"join", "news:talk"}, ""},
		{ann, []any{"join", "news:sport"}, ""},
		{ann, []any{"join", "user:ann"}, ""},
		{ann, []any{"join", "user:root"}, "forbidden"},
		{ann, []any{"say", "news:talk", 1}, ""},
		{ann, []any{"say", "news:sport", 1}, "forbidden"},
		{ann, []any{"shout", 1}, "forbidden"},
		{ann, []any{"around", 1}, "forbidden"},
		{root, []any{"join", "news:talk"}, ""},
		{root, []any{"join", "news:sport"}, ""},
		{root, []any{"shout", 1}, ""},
		{nobody, []any{"join", "news:sport"}, ""},
		{nobody, []any{"join", "user:"}, "forbidden"},
		{nobody, []any{"say", "news:sport", 1}, "forbidden"},
		{nobody, []any{"mine", 1}, "forbidden"},
		{nobody, []any{"leave", "elsewhere"}, ""},
	} {
		name, _ := c.call[0].(string)
		if got := refused(t, c.of.Call(name, c.call[1:]...)); got != c.want {
			t.Errorf("%v was answered %q, want %q", c.call, got, c.want)
		}
		if c.want != "" {
			forbidden++
		}
	}
	for range forbidden {
		if got := <-seen.got; got != "forbidden in /" {
			t.Errorf("counted %s", got)
		}
	}
	ann.Call("mine", 2) // to news:talk only
	root.Next("mine")
	nobody.Call("echo")
	if slices.Contains(nobody.Heard(), "mine") {
		t.Error("an event reached a room that its sender may not publish to")
	}
	ann.Emit("say", "news:sport", 3) // nobody is told, but it is counted
	if got := <-seen.got; got != "forbidden in /" {
		t.Errorf("counted %s", got)
	}
}

func TestTheErrorNamesWhatIsMissing(t *testing.T) {
	base := admitting(t, relay.Config{Access: auth.Rooms{}}, nil)
	c := rawclient.Dial(t, base, "/", as("ann"))
	if got := text(c.Call("join", "vip")); !strings.Contains(got, `you have no right to join the room \"vip\"`) {
		t.Errorf("answered %s", got)
	}
}

func TestEventsForRoles(t *testing.T) {
	base := admitting(t, configured(t, `
relay:
  namespaces:
    /:
      announce: {to: all, roles: [editor, moderator]}
      enter: {do: join, rooms: ["game-*", "own:{id}"]}
      move: {to: room-in-arg-0, rooms: ["game-*"]}
`), nil)
	ann, root, nobody := rawclient.Dial(t, base, "/", as("ann")), rawclient.Dial(t, base, "/", as("root")), rawclient.Dial(t, base, "/", nil)
	for _, c := range []struct {
		of   *rawclient.Client
		call []any
		want string
	}{
		{ann, []any{"announce", 1}, "forbidden"},
		{nobody, []any{"announce", 1}, "forbidden"},
		{root, []any{"announce", 1}, ""},
		{ann, []any{"enter", "game-1"}, ""},
		{ann, []any{"enter", "own:ann"}, ""},
		{ann, []any{"enter", "own:root"}, "forbidden"},
		{nobody, []any{"enter", "own:"}, "forbidden"},
		{nobody, []any{"enter", "game-1"}, ""},
		{nobody, []any{"move", "game-1", 1}, ""},
		{nobody, []any{"move", "own:ann", 1}, "forbidden"},
	} {
		name, _ := c.call[0].(string)
		answer := c.of.Call(name, c.call[1:]...)
		if got := refused(t, answer); got != c.want {
			t.Errorf("%v was answered %s, want %q", c.call, text(answer), c.want)
		}
	}
	if got := text(ann.Call("announce", 1)); !strings.Contains(got, "this event needs one of the roles editor, moderator") {
		t.Errorf("answered %s", got)
	}
}

func TestNamespacesForRoles(t *testing.T) {
	base := admitting(t, configured(t, `
relay:
  roles: {"/mod-*": [moderator], /admin: [moderator]}
  namespaces:
    /admin: {}
    /mod-*: {hit: {to: all}}
`), nil, "/admin")
	for _, name := range []string{"/admin", "/mod-1"} {
		for _, who := range []string{"ann", ""} {
			got, _ := json.Marshal(rawclient.Dial(t, base, name, as(who)).Refused())
			if !strings.Contains(string(got), `"code":"forbidden"`) || !strings.Contains(string(got), "this namespace needs the role moderator") {
				t.Errorf("%q in %s was refused with %s", who, name, got)
			}
		}
	}
	root := rawclient.Dial(t, base, "/admin", as("root"))
	root.Call("become", "root")
	root.Emit("become", "ann") // and is no moderator any more
	if got := text(root.Next(socketio.EndEvent).Args); !strings.Contains(got, `"code":"forbidden"`) {
		t.Errorf("ended with %s", got)
	}
}

// TestRoomsAreLeft: those that the client chose and may not be in any more, and no others.
func TestRoomsAreLeft(t *testing.T) {
	var socket *socketio.Socket
	people["less"] = &auth.Principal{ID: "ann", Join: auth.Patterns{"news:*"}, Method: auth.MethodToken}
	base := admitting(t, relay.Config{Access: auth.Rooms{}}, &socketio.Options{
		Entered: func(s *socketio.Socket) { socket = s },
	})
	c := rawclient.Dial(t, base, "/", as("ann"))
	c.Call("join", "news:a")
	c.Call("join", "user:ann")
	_ = socket.Join("vip", socketio.UserRoom("ann"))
	c.Call("become", "less")
	c.Call("echo")
	got := socket.Rooms()[1:]
	slices.Sort(got)
	if want := []string{"news:a", socketio.UserRoom("ann"), "vip"}; !slices.Equal(got, want) {
		t.Errorf("in the rooms %v, want %v", got, want)
	}
}

// TestRoomsAreLeftOnReturn: whoever comes back with less is not where that does not
// suffice.
func TestRoomsAreLeftOnReturn(t *testing.T) {
	base := admitting(t, relay.Config{Access: auth.Rooms{}}, &socketio.Options{
		Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: 1 << 40},
	})
	people["no-longer"] = &auth.Principal{ID: "ann", Join: auth.Patterns{"news:*"}, Method: auth.MethodToken}
	c := rawclient.Dial(t, base, "/", as("ann"))
	c.Call("join", "news:a")
	c.Call("join", "user:ann")
	root := rawclient.Dial(t, base, "/", as("root"))
	pid, offset := c.Session()
	c.Close()
	root.Call("say", "news:a", "missed")
	back := rawclient.Dial(t, base, "/", map[string]string{"who": "no-longer", "pid": pid, "offset": offset})
	if back.ID() != c.ID() {
		t.Fatal("the session was not recovered")
	}
	if got := text(back.Next("msg").Args[:1]); got != `"missed"` {
		t.Errorf("heard %s", got)
	}
	back.Call("echo") // its first event comes after the rooms were left
	root.Call("say", "user:ann", "not for you")
	root.Call("say", "news:a", "go on")
	if got := text(back.Next("msg").Args[:1]); got != `"go on"` {
		t.Errorf("heard %s", got)
	}
}

// TestARecoveredSessionNeedsTheRole: also where recovery goes past the middleware.
func TestARecoveredSessionNeedsTheRole(t *testing.T) {
	base := admitting(t, configured(t, `{relay: {roles: {/admin: [moderator]}, namespaces: {/admin: {hit: {to: all}}}}}`), &socketio.Options{
		Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: 1 << 40, SkipMiddleware: true},
	})
	root := rawclient.Dial(t, base, "/admin", as("root"))
	root.Call("hit", 1)
	root.Next("hit")
	pid, offset := root.Session()
	root.Close()
	back := rawclient.Dial(t, base, "/admin", map[string]string{"who": "ann", "pid": pid, "offset": offset})
	if got := text(back.Next(socketio.EndEvent).Args[:1]); !strings.Contains(got, `"code":"forbidden"`) {
		t.Errorf("ended with %s", got)
	}
}
