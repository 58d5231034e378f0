package comments

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/auth/token"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type object = map[string]any

// The sites of the tests.
const (
	blogSecret = "the secret of the blog, which has 32 bytes or more"
	shopSecret = "the secret of the shop, which has 32 bytes or more"
	blogOrigin = "https://blog.example.com"
)

// node is a server with comments.
type node struct {
	*Comments
	url string
}

// opened is a store in memory with the sites blog and shop.
func opened(t testing.TB) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), ":memory:", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	settings := store.Settings{Guests: true, EditWindow: 300, Reactions: []string{"👍", "🎉"}, Viewers: true, Typing: true}
	for _, site := range []store.Site{
		{Name: "blog", Origins: []string{blogOrigin}, Secret: blogSecret, Settings: settings},
		{Name: "shop", Origins: []string{"https://shop.example.com"}, Secret: shopSecret, Settings: settings},
	} {
		if err := s.CreateSite(t.Context(), site); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func serve(t testing.TB, adapter socketio.AdapterFactory, o Options, change ...func(*Comments)) *node {
	t.Helper()
	return serveOn(t, &socketio.Options{Adapter: adapter}, o, change...)
}

func serveOn(t testing.TB, on *socketio.Options, o Options, change ...func(*Comments)) *node {
	t.Helper()
	srv, err := socketio.New(on)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(c)
	}
	if err := c.Mount(srv); err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.Any("/socket.io/*any", gin.WrapH(srv))
	c.Routes(router)
	web := httptest.NewServer(router)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.Close()
	})
	return &node{c, web.URL}
}

// alone is a node with a store of its own.
func alone(t *testing.T) *node {
	t.Helper()
	return serve(t, memory.New(), Options{Store: opened(t)})
}

// tokenOf is a token that a site signed.
func tokenOf(t *testing.T, secret, sub string, ttl time.Duration, more object) string {
	t.Helper()
	key, err := token.NewSecret([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	claims := object{"sub": sub, "name": "Name of " + sub}
	for name, value := range more {
		claims[name] = value
	}
	text, err := token.Mint(token.Keys{key}, "", token.Subject{Claims: claims, TTL: ttl}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// client is a browser.
type client struct {
	*rawclient.Client
	t *testing.T
}

func (n *node) dial(t *testing.T, auth object, header ...string) *client {
	t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &client{rawclient.DialWith(t, n.url, Namespace, auth, "", h), t}
}

func (n *node) reader(t *testing.T) *client { t.Helper(); return n.dial(t, object{"site": "blog"}) }

func (n *node) user(t *testing.T, sub string) *client {
	t.Helper()
	return n.dial(t, object{"site": "blog", "token": tokenOf(t, blogSecret, sub, time.Hour, nil)})
}

func (n *node) moderator(t *testing.T) *client {
	t.Helper()
	return n.dial(t, object{"site": "blog", "token": tokenOf(t, blogSecret, "mod", time.Hour, object{"roles": []string{"moderator"}})})
}

// ask sends an event and returns the answer.
func (c *client) ask(event string, arg any) object {
	c.t.Helper()
	args := c.Call(event, arg)
	if len(args) != 1 {
		c.t.Fatalf("%s is answered with %d arguments", event, len(args))
	}
	return objectOf(c.t, args[0])
}

// must is ask for what has to be done.
func (c *client) must(event string, arg any) object {
	c.t.Helper()
	answer := c.ask(event, arg)
	if answer["error"] != nil {
		c.t.Fatalf("%s %v: %v", event, arg, answer["error"])
	}
	return answer
}

// code is that of the error that an event is answered with; "" is none.
func (c *client) code(event string, arg any) string {
	c.t.Helper()
	return codeOf(c.ask(event, arg))
}

func codeOf(answer object) string {
	e, _ := answer["error"].(object)
	code, _ := e["code"].(string)
	return code
}

var keys atomic.Int64

// say posts a comment and returns it.
func (c *client) say(page, text string, more ...object) object {
	c.t.Helper()
	return c.must("post", saying(page, text, more...))["comment"].(object)
}

func saying(page, text string, more ...object) object {
	arg := object{"page": page, "text": text, "key": "key" + strconv.FormatInt(keys.Add(1), 10)}
	for _, one := range more {
		for name, value := range one {
			arg[name] = value
		}
	}
	return arg
}

// hears waits for an event and returns its argument.
func (c *client) hears(event string) object {
	c.t.Helper()
	return objectOf(c.t, c.Next(event).Args[0])
}

// hearsComment waits until the client is told a comment in a state.
func (c *client) hearsComment(id, state string) object {
	c.t.Helper()
	for {
		for _, one := range objectsOf(c.hears("comments")["comments"]) {
			if one["id"] == id && one["state"] == state {
				return one
			}
		}
	}
}

func objectOf(t *testing.T, text json.RawMessage) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// objectsOf are the objects of a list.
func objectsOf(v any) (all []object) {
	items, _ := v.([]any)
	for _, item := range items {
		if o, ok := item.(object); ok {
			all = append(all, o)
		}
	}
	return all
}
