package ws_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/ws"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(m)
}

// house is a server with the relay, where everybody may be who shows nothing, unless it
// is strict.
type house struct {
	*socketio.Server

	t    *testing.T
	URL  string
	desk *desk
	ends chan socketio.DisconnectReason // of every socket of "/"
}

// plan is what a test wants otherwise than usual.
type plan struct {
	strict bool // who shows nothing is refused
	limits limit.Options
	engine engineio.Options
	access auth.Access
	ws     ws.Config
}

// desk is an Authenticator that knows some tokens, and Blocks of one node.
type desk struct {
	auth.Blocks

	strict bool

	mu     sync.Mutex
	tokens map[string]*auth.Principal
	hear   func(id string, b auth.Block)
}

func (d *desk) Authenticate(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	token := c.Shown("session", "")
	p := d.tokens[token]
	switch {
	case p != nil:
		one := *p
		return &one, nil
	case token != "":
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "this token does not hold"}
	case d.strict:
		return nil, &auth.Error{Code: auth.CodeUnauthorized, Message: "show a token"}
	}
	return &auth.Principal{Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodAnonymous}, nil
}

func (d *desk) Blocked(string) (auth.Block, bool) { return auth.Block{}, false }

func (d *desk) OnBlocked(f func(id string, b auth.Block)) func() {
	d.hear = f
	return func() {}
}

func (d *desk) give(token, id string, holds time.Duration) {
	p := &auth.Principal{ID: id, Join: auth.Patterns{"public:*"}, Publish: auth.Patterns{"public:talk"}, Method: auth.MethodToken}
	if holds != 0 {
		p.Expires = time.Now().Add(holds)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens[token] = p
}

func open(t *testing.T, p *plan) *house {
	t.Helper()
	h := &house{t: t, desk: &desk{strict: p.strict, tokens: map[string]*auth.Principal{}}, ends: make(chan socketio.DisconnectReason, 100)}
	keeper, err := doors.New(doors.Options{Authenticator: h.desk, Blocks: h.desk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keeper.Close)
	o := &socketio.Options{Engine: p.engine, Admit: keeper.Admit, Entered: keeper.Entered}
	if !p.limits.Off() {
		door := limit.New(&p.limits)
		o.Engine.Enter = func(r *http.Request) (engineio.Pass, error) { return door.Enter(r.Context(), r.RemoteAddr) }
	}
	if h.Server, err = socketio.New(o); err != nil {
		t.Fatal(err)
	}
	if err := relay.Mount(h.Server, relay.Config{Access: p.access}); err != nil {
		t.Fatal(err)
	}
	h.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { h.ends <- r })
	router := gin.New()
	router.Any("/socket.io/", gin.WrapH(h.Server))
	ws.Mount(h.Server, router, p.ws)
	web := httptest.NewServer(router)
	h.URL = web.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sockettest.Wait)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		web.Close()
	})
	return h
}

// ws opens a plain WebSocket; it is welcomed.
func (h *house) ws() *sockettest.Plain {
	h.t.Helper()
	p := sockettest.DialPlain(h.t, h.URL+"/ws")
	p.ExpectPrefix(`{"type":"welcome","id":"`)
	return p
}

// io opens a connection of Socket.IO.
func (h *house) io() *rawclient.Client {
	h.t.Helper()
	return rawclient.Dial(h.t, h.URL, "/", nil)
}
