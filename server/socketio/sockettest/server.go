package sockettest

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Wait is how long a test waits for what must happen.
const Wait = 10 * time.Second

// Server is a Socket.IO server on a free port.
type Server struct {
	*socketio.Server
	URL string // http://127.0.0.1:port
}

// IdleMode makes Serve start servers in idle mode. It is set before the first test.
var IdleMode bool

// Serve starts a server, which ends with the test.
func Serve(t testing.TB, o *socketio.Options) *Server {
	t.Helper()
	if IdleMode {
		var c socketio.Options
		if o != nil {
			c = *o
		}
		c.Engine.IdleMode = true
		o = &c
	}
	srv, err := socketio.New(o)
	if err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	ts := httptest.NewServer(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Wait)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		ts.Close()
	})
	return &Server{Server: srv, URL: ts.URL}
}

// Eventually waits until cond holds.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(Wait)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("did not happen: %s", what)
		case <-tick.C:
		}
	}
}

// Receive waits for a value on a channel.
func Receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(Wait):
		t.Fatalf("did not come: %s", what)
	}
	panic("unreachable")
}
