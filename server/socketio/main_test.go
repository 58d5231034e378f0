package socketio_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) {
	sockettest.IdleMode = os.Getenv("SOCKEYE_TEST_IDLE") != ""
	goleak.VerifyTestMain(m)
}

// serve starts a server whose "/" answers fences.
func serve(t *testing.T, o *socketio.Options) *sockettest.Server {
	t.Helper()
	srv := sockettest.Serve(t, o)
	srv.On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	return srv
}

// join connects a client to "/".
func join(t *testing.T, srv *sockettest.Server) (*sockettest.Client, sockettest.Answer) {
	t.Helper()
	c := sockettest.Dial(t, srv.URL)
	return c, c.Connect("/", "")
}

// socketOf returns the server's side of a client in "/".
func socketOf(t *testing.T, srv *sockettest.Server, a sockettest.Answer) *socketio.Socket {
	t.Helper()
	s, ok := srv.Of("/").Socket(a.SID)
	if !ok {
		t.Fatalf("no socket %s", a.SID)
	}
	return s
}
