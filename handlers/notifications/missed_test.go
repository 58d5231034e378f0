package notifications

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/visitor"
)

// A node that may have missed something asks the others, and its tabs hear the right count.
func TestWhatANodeHasMissedItAsksFor(t *testing.T) {
	bus := clustertest.New()
	open := func(name string) (*Notifications, string) {
		srv, err := socketio.New(&socketio.Options{Adapter: bus.Factory(name)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := Mount(srv, Options{})
		if err != nil {
			t.Fatal(err)
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
		return n, web.URL
	}
	one, url := open("one")
	two, _ := open("two")
	const secret = "a secret of enough length"
	user, err := visitor.ID(secret)
	if err != nil {
		t.Fatal(err)
	}
	tab := rawclient.Dial(t, url, Namespace, map[string]string{"secret": secret})
	tab.Next("notifications")
	two.boxes.add(&Notification{ID: "x", Title: "x", Time: time.Now().UnixMilli()}, user) // and nobody told the other node
	one.adapterEvent(socketio.AdapterEvent{Kind: socketio.AdapterState})                  // cut off
	one.adapterEvent(socketio.AdapterEvent{Kind: socketio.AdapterState, Up: true})
	if got := tab.Next("unread").Args; string(got[0]) != `{"count":1}` {
		t.Errorf("heard %s", got)
	}
	if got := one.boxes.titles(user); got != "x " {
		t.Errorf("kept %q", got)
	}
}
