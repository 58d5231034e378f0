package relay_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configured reads a configuration as the program does.
func configured(t *testing.T, text string) relay.Config {
	t.Helper()
	var file struct{ Relay relay.Config }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("configuration: %v\n%s", err, text)
	}
	return file.Relay
}

// serve starts a server with a relay and returns its address.
func serve(t *testing.T, c relay.Config) string {
	t.Helper()
	return servePrepared(t, c, func(*socketio.Server) {})
}

// servePrepared is serve of a server that an application has prepared.
func servePrepared(t *testing.T, c relay.Config, prepare func(srv *socketio.Server)) string {
	t.Helper()
	return serveOptions(t, c, nil, prepare)
}

// serveOptions is servePrepared of a server with options of its own.
func serveOptions(t *testing.T, c relay.Config, o *socketio.Options, prepare func(srv *socketio.Server)) string {
	t.Helper()
	srv, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	prepare(srv)
	if err := relay.Mount(srv, c); err != nil {
		t.Fatalf("mount: %v", err)
	}
	web := httptest.NewServer(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.Close()
	})
	return web.URL
}
