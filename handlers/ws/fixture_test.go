package ws_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/internal/frontdesk"
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
	desk *frontdesk.Desk
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

func open(t *testing.T, p *plan) *house {
	t.Helper()
	h := &house{t: t, desk: &frontdesk.Desk{Strict: p.strict}, ends: make(chan socketio.DisconnectReason, 100)}
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
