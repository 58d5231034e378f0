package notifications_test

import (
	"log/slog"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// across is what holds of two nodes, and a third that comes later.
func across(t *testing.T, one, two *node, third func() *node) {
	t.Helper()
	a, _ := one.tab(t)
	b, _ := two.tab(t)
	sent, err := one.Notify(notifications.Message{Title: "x", Key: "k"}, "ann", "bea")
	if err != nil {
		t.Fatal(err)
	}
	for _, tab := range []*rawclient.Client{a, b} {
		if got := first[notifications.Notification](t, tab.Next("notification").Args); got.ID != sent.ID {
			t.Errorf("heard %+v, want %+v", got, sent)
		}
		hears(t, tab, 1)
	}
	again, err := two.Notify(notifications.Message{Title: "x", Key: "k"}, "ann", "bea")
	if err != nil || !again.Repeated || again.ID != sent.ID {
		t.Errorf("the same key on another node: %+v, %v", again, err)
	}
	mustNotify(t, two, "y", "ann")
	hears(t, a, 2)
	if got := first[struct{ Unread int }](t, b.Call("read", object{"ids": []string{sent.ID}})); got.Unread != 1 {
		t.Errorf("%d unread", got.Unread)
	}
	a.Next("read")
	hears(t, a, 1)
	late := third()
	if _, v := late.tab(t); v.titles() != "x. y " || v.Unread != 1 {
		t.Errorf("on a node that comes later a tab is told %q, %d unread", v.titles(), v.Unread)
	}
	c := rawclient.Dial(t, late.url, notifications.Namespace, object{"secret": "a secret of nobody else"})
	if v := first[view](t, c.Next("notifications").Args); v.titles() != "" {
		t.Errorf("somebody else is told %q", v.titles())
	}
}

func TestNodesAgree(t *testing.T) {
	bus := clustertest.New()
	o := notifications.Options{}
	across(t, serve(t, bus.Factory("one"), o), serve(t, bus.Factory("two"), o), func() *node { return serve(t, bus.Factory("three"), o) })
}

func TestNodesAgreeOverRedis(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	open := func(name string) *node {
		c, err := redisclient.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		h, err := redisstreams.New(c, redisstreams.Options{NodeID: name, Prefix: prefix, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		sockettest.Eventually(t, "Redis is there", h.Up)
		return serve(t, h.Factory(), notifications.Options{})
	}
	one, two := open("nodeone1"), open("nodetwo2")
	across(t, one, two, func() *node { return open("nodethr3") })
	returns(t, one, two)
}

// returns is a tab that is cut off from one node and comes back to another.
func returns(t *testing.T, one, two *node) {
	t.Helper()
	cut, before := one.tab(t)
	other, _ := two.tab(t)
	mustNotify(t, two, "before", "ann")
	cut.Next("notification")
	pid, offset := cut.Session()
	cut.Close()
	missed := mustNotify(t, two, "missed", "ann")
	other.Call("read", object{"ids": []string{before.Notifications[0].ID, missed.ID}})
	mustNotify(t, two, "missed, too", "ann")
	back := rawclient.Dial(t, two.url, notifications.Namespace, object{"token": "ann's", "pid": pid, "offset": offset})
	if back.ID() != cut.ID() {
		t.Fatal("the tab was not recovered on another node")
	}
	for _, want := range []string{"missed", "missed, too"} {
		if got := first[notifications.Notification](t, back.Next("notification").Args); got.Title != want {
			t.Errorf("recovered %q, want %q", got.Title, want)
		}
	}
	back.Next("read")
	hears(t, back, before.Unread+2)
}
