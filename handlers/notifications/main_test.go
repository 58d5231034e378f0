package notifications_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

type object = map[string]any

// node is a server with notifications.
type node struct {
	*notifications.Notifications
	url string
}

// desk knows the tokens of the tests: "ann's" is Ann's.
type desk struct{}

func (desk) Authenticate(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	switch shown := c.Shown("", ""); shown {
	case "":
		return auth.Anonymous(), nil
	case "ann's":
		return &auth.Principal{ID: "ann", Method: auth.MethodToken, Join: auth.Everything()}, nil
	case "key":
		return &auth.Principal{
			ID: "key:1", Method: auth.MethodKey, Scopes: []auth.Scope{auth.ScopePublish},
			Publish: auth.Patterns{"user:ann", "user:bea"},
		}, nil
	default:
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "this token does not hold"}
	}
}

func serve(t *testing.T, adapter socketio.AdapterFactory, o notifications.Options) *node {
	t.Helper()
	keeper, err := doors.New(doors.Options{Authenticator: desk{}})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := socketio.New(&socketio.Options{Adapter: adapter, Admit: keeper.Admit, Entered: keeper.Entered})
	if err != nil {
		t.Fatal(err)
	}
	n, err := notifications.Mount(srv, o)
	if err != nil {
		t.Fatalf("mount: %v", err)
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Any("/socket.io/*any", gin.WrapH(srv))
	web := httptest.NewServer(router)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		keeper.Close()
		web.Close()
	})
	return &node{n, web.URL}
}

func alone(t *testing.T, o notifications.Options) *node {
	t.Helper()
	return serve(t, memory.New(), o)
}

// view is what a tab is told first.
type view struct {
	User          string
	Notifications []notifications.Notification
	Unread        int
	Visitor       bool
}

// titles lists what there is; what is read ends in a dot.
func (v view) titles() (list string) {
	for _, n := range v.Notifications {
		list += n.Title
		if n.Read {
			list += "."
		}
		list += " "
	}
	return list
}

// tab connects a tab of Ann's and returns what it is told first.
func (n *node) tab(t *testing.T) (*rawclient.Client, view) {
	t.Helper()
	c := rawclient.Dial(t, n.url, notifications.Namespace, object{"token": "ann's"})
	return c, first[view](t, c.Next("notifications").Args)
}

// first decodes the one object of an ack or event, which recovery may follow.
func first[T any](t *testing.T, args []json.RawMessage) T {
	t.Helper()
	var v T
	if len(args) == 0 {
		t.Fatal("no argument")
	}
	if err := json.Unmarshal(args[0], &v); err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return v
}

// hears waits until a tab is told a count.
func hears(t *testing.T, c *rawclient.Client, want int) {
	t.Helper()
	for {
		if got := first[struct{ Count int }](t, c.Next("unread").Args); got.Count == want {
			return
		}
	}
}

// errorOf is the code of an ack that is an error.
func errorOf(t *testing.T, args []json.RawMessage) string {
	t.Helper()
	return first[struct{ Error struct{ Code string } }](t, args).Error.Code
}

func mustNotify(t *testing.T, n *node, title string, users ...string) notifications.Sent {
	t.Helper()
	sent, err := n.Notify(notifications.Message{Title: title}, users...)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}
