package chat_test

import (
	"context"
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// members are who clients of these tests can be, by auth.who.
var members = map[string]*auth.Principal{
	"ann":   {ID: "u-ann", Name: "Ann", Join: auth.Patterns{"team", "news"}, Publish: auth.Patterns{"team", "user:u-bea"}, Method: auth.MethodToken},
	"less":  {ID: "u-ann", Name: "Ann", Join: auth.Patterns{"news"}, Publish: auth.Patterns{"team"}, Method: auth.MethodToken},
	"bea":   {ID: "u-bea", Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodToken},
	"plain": {Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodToken},
}

// blind is an Access that lets everybody in, and nobody read from outside.
type blind struct{ auth.Rooms }

func (b blind) Allow(p *auth.Principal, do auth.Action, namespace, room string) error {
	if do == auth.ActionRead {
		return auth.Forbidden(do, room)
	}
	return b.Rooms.Allow(p, do, namespace, room)
}

// admitting is serve of a server that believes whoever a client says it is. what is
// called with each socket.
func admitting(t *testing.T, access auth.Access, what func(s *socketio.Socket)) string {
	t.Helper()
	return serveWith(t, &socketio.Options{
		Adapter: memory.New(),
		Admit: func(_ context.Context, s *socketio.Socket) error {
			var a struct{ Who string }
			if err := s.Handshake().Auth.Decode(&a); err == nil && a.Who != "" {
				s.SetIdentity(members[a.Who])
			}
			return nil
		},
		Entered: what,
	}, chat.Options{Access: access})
}

func codeIn(t *testing.T, c *rawclient.Client, event string, arg object) string {
	t.Helper()
	return answer[refused](t, c.Call(event, arg)).Error.Code
}

// TestWhoHasAnIDIsThatUser: no secret is needed, and the name is the site's.
func TestWhoHasAnIDIsThatUser(t *testing.T) {
	base := admitting(t, auth.Rooms{}, func(*socketio.Socket) {})
	ann := rawclient.Dial(t, base, "/chat", object{"who": "ann", "nick": "Zoe", "secret": "the secret of nobody"})
	if got := answer[welcome](t, ann.Next("welcome").Args); got.User != (chat.User{ID: "u-ann", Nick: "Ann"}) || !got.Named {
		t.Errorf("welcomed as %+v", got)
	}
	bea := rawclient.Dial(t, base, "/chat", object{"who": "bea", "nick": "Bea"})
	if got := answer[welcome](t, bea.Next("welcome").Args); got.User != (chat.User{ID: "u-bea", Nick: "Bea"}) || got.Named {
		t.Errorf("welcomed as %+v", got)
	}
	if got := codeIn(t, ann, "nick", object{"nick": "Eve"}); got != "forbidden" {
		t.Errorf("a name of the site was changed: %q", got)
	}
	if got := codeIn(t, bea, "nick", object{"nick": "Beatrice"}); got != "" {
		t.Errorf("a name that was chosen could not be changed: %q", got)
	}
	if rawclient.Dial(t, base, "/chat", object{"who": "plain"}).Refused() == nil {
		t.Error("who has neither an id nor a secret was let in")
	}
	plain := rawclient.Dial(t, base, "/chat", object{"who": "plain", "secret": "the secret of somebody", "nick": "Cleo"})
	if got := answer[welcome](t, plain.Next("welcome").Args).User; got.Nick != "Cleo" || got.ID == "" {
		t.Errorf("welcomed as %+v", got)
	}
}

func TestChatRoomsAreForThoseWhoMay(t *testing.T) {
	base := admitting(t, auth.Rooms{Anonymous: &auth.Rights{Join: auth.Patterns{"news"}}}, func(*socketio.Socket) {})
	ann := rawclient.Dial(t, base, "/chat", object{"who": "ann"})
	bea := rawclient.Dial(t, base, "/chat", object{"who": "bea", "nick": "Bea"})
	guest := rawclient.Dial(t, base, "/chat", as("Guest"))
	for _, c := range []struct {
		of    *rawclient.Client
		event string
		arg   object
		want  string
	}{
		{ann, "join", object{"room": "Team"}, ""}, // as the chat writes it: team
		{ann, "join", object{"room": "news"}, ""},
		{ann, "join", object{"room": "vip"}, "forbidden"},
		{ann, "message", object{"room": "team", "text": "x"}, ""},
		{ann, "message", object{"room": "news", "text": "x"}, "forbidden"},
		{ann, "typing", object{"room": "news", "on": true}, "forbidden"},
		{ann, "private", object{"to": "u-bea", "text": "x"}, ""},
		{ann, "private", object{"to": "u-ann", "text": "x"}, "forbidden"},
		{bea, "join", object{"room": "vip"}, ""},
		{bea, "private", object{"to": "u-ann", "text": "x"}, ""},
		{guest, "join", object{"room": "news"}, ""},
		{guest, "join", object{"room": "team"}, "forbidden"},
		{guest, "message", object{"room": "news", "text": "x"}, "forbidden"},
		{guest, "private", object{"to": "u-ann", "text": "x"}, "forbidden"},
	} {
		if got := codeIn(t, c.of, c.event, c.arg); got != c.want {
			t.Errorf("%s %v was answered %q, want %q", c.event, c.arg, got, c.want)
		}
	}
}

// TestWhoMayNotReadSeesNobody: who is there, and what was said.
func TestWhoMayNotReadSeesNobody(t *testing.T) {
	base := admitting(t, blind{}, func(*socketio.Socket) {})
	ann, bea := rawclient.Dial(t, base, "/chat", object{"who": "ann"}), rawclient.Dial(t, base, "/chat", object{"who": "bea"})
	ann.Call("join", object{"room": "team"})
	ann.Call("message", object{"room": "team", "text": "x"})
	if got := answer[room](t, bea.Call("join", object{"room": "team"})); len(got.Users) != 0 || len(got.Messages) != 0 {
		t.Errorf("saw %+v", got)
	}
	ann.Call("message", object{"room": "team", "text": "hello"})
	bea.Next("message")
}

// TestChatRoomsAreLeft: when the identity of a user changes to one that may not be there.
func TestChatRoomsAreLeft(t *testing.T) {
	sockets := make(chan *socketio.Socket, 2)
	base := admitting(t, auth.Rooms{}, func(s *socketio.Socket) { sockets <- s })
	ann := rawclient.Dial(t, base, "/chat", object{"who": "ann"})
	socket := <-sockets
	bea := rawclient.Dial(t, base, "/chat", object{"who": "bea"})
	for _, name := range []string{"team", "news"} {
		bea.Call("join", object{"room": name})
		ann.Call("join", object{"room": name})
	}
	socket.SetIdentity(members["less"])
	bea.Next("left")
	if got := codeIn(t, ann, "message", object{"room": "team", "text": "x"}); got != "not_in_room" {
		t.Errorf("a message to a room that was left was answered %q", got)
	}
	if got := usersOf(t, bea, "news", 2); !slices.Contains(got, "Ann") {
		t.Errorf("%v are left in news", got)
	}
}

// TestChatRoomsAreLeftOnReturn: whoever comes back with less is not where that does not
// suffice.
func TestChatRoomsAreLeftOnReturn(t *testing.T) {
	base := admitting(t, auth.Rooms{}, func(*socketio.Socket) {})
	ann, bea := rawclient.Dial(t, base, "/chat", object{"who": "ann"}), rawclient.Dial(t, base, "/chat", object{"who": "bea"})
	for _, name := range []string{"team", "news"} {
		ann.Call("join", object{"room": name})
		bea.Call("join", object{"room": name})
	}
	pid, offset := ann.Session()
	ann.Close()
	back := rawclient.Dial(t, base, "/chat", object{"who": "less", "pid": pid, "offset": offset})
	if back.ID() != ann.ID() {
		t.Fatal("the session was not recovered")
	}
	back.Call("join", object{"room": "news"}) // its first event comes after the rooms were left
	bea.Call("message", object{"room": "team", "text": "not for you"})
	bea.Call("message", object{"room": "news", "text": "for you"})
	if got := answer[chat.Message](t, back.Next("message").Args[:1]); got.Text != "for you" {
		t.Errorf("heard %+v", got)
	}
}
