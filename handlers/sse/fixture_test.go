package sse_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/handlers/internal/frontdesk"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/sse"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode)
	goleak.VerifyTestMain(redistest.Main(m))
}

// house is a server with the relay's contract, where everybody may be who shows nothing,
// unless it is strict.
type house struct {
	*socketio.Server

	t    *testing.T
	URL  string
	web  *http.Client
	desk *frontdesk.Desk
	ends chan socketio.DisconnectReason // of every socket of "/"
}

// plan is what a test wants otherwise than usual.
type plan struct {
	strict   bool // who shows nothing is refused
	secure   bool // HTTP/2
	relay    relay.Config
	limits   limit.Options
	engine   engineio.Options
	adapter  socketio.AdapterFactory
	history  *socketio.HistoryLimits // of rooms that do not begin with "x"; nil is none
	maxRooms int
}

func open(t *testing.T, p *plan) *house {
	t.Helper()
	h := &house{t: t, desk: &frontdesk.Desk{Strict: p.strict, Query: auth.TicketQuery}, ends: make(chan socketio.DisconnectReason, 100)}
	keeper, err := doors.New(doors.Options{Authenticator: h.desk, Blocks: h.desk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keeper.Close)
	o := &socketio.Options{Engine: p.engine, Admit: keeper.Admit, Entered: keeper.Entered, Adapter: p.adapter}
	policy, err := origin.Parse([]string{"https://app.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	o.Engine.Origins = policy
	if !p.limits.Off() {
		door := limit.New(&p.limits)
		o.Engine.Enter = func(r *http.Request) (engineio.Pass, error) {
			pass, err := door.Enter(r.Context(), r.RemoteAddr)
			var over *limit.Exceeded
			if errors.As(err, &over) {
				return nil, &engineio.Refusal{Status: http.StatusTooManyRequests, Message: over.Error(), RetryAfter: over.RetryAfter}
			}
			return pass, err
		}
	}
	if p.history != nil {
		o.Recovery.MaxDisconnection = time.Minute
		if o.Adapter == nil {
			o.Adapter = memory.New()
		}
		o.History = func(_, room string) (socketio.HistoryLimits, bool) { return *p.history, room[0] != 'x' }
		o.HistoryBytes = 1 << 30
	}
	if h.Server, err = socketio.New(o); err != nil {
		t.Fatal(err)
	}
	if p.strict {
		p.relay.Access = auth.Rooms{}
	}
	if err := relay.Mount(h.Server, p.relay); err != nil {
		t.Fatal(err)
	}
	h.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { h.ends <- r })
	router := gin.New()
	router.Any("/socket.io/", gin.WrapH(h.Server))
	sse.Mount(h.Server, router, sse.Options{MayEnter: p.relay.MayEnter, MaxRooms: p.maxRooms})
	web := httptest.NewUnstartedServer(router)
	if p.secure {
		web.EnableHTTP2 = true
		web.StartTLS()
		h.web = web.Client()
	} else {
		web.Start()
	}
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

// events opens a stream; query is what comes after "?".
func (h *house) events(query string, header ...string) *sockettest.Stream {
	h.t.Helper()
	return sockettest.OpenStream(h.t, h.web, h.URL+sse.Path+"?"+query, header...)
}

// ready opens a stream, and has it catch up with nothing.
func (h *house) ready(query string, header ...string) *sockettest.Stream {
	h.t.Helper()
	s := h.events(query, header...)
	if e := s.Next(); e.Name != sse.ReadyEvent {
		h.t.Fatalf("the stream of %s begins with %+v", query, e)
	}
	return s
}

// say says something in a room.
func (h *house) say(room string, args ...any) {
	h.t.Helper()
	if err := h.Of("/").To(room).Emit("msg", args...); err != nil {
		h.t.Fatal(err)
	}
}
