package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/certs/certstest"
	"github.com/sockeye-io/sockeye/server/history"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// stream asks for an event stream.
func (r *running) stream(t *testing.T, query string, header ...string) *sockettest.Stream {
	t.Helper()
	return sockettest.OpenStream(t, &http.Client{Transport: r.client.Transport}, r.url+"/events?"+query, header...)
}

// ticket gets one for the owner of a token.
func (r *running) ticket(t *testing.T, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/v1/tickets", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Ticket string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Ticket == "" {
		t.Fatalf("no ticket: %s, %v", res.Status, err)
	}
	return answer.Ticket
}

// TestEventStreamsAreServed, by HTTP/2 too, are counted, and may be off.
func TestEventStreamsAreServed(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "localhost").Write(t, t.TempDir())
	for _, change := range []func(*Config){nil, func(c *Config) { c.use(files) }} {
		r := start(t, change)
		s := r.stream(t, "room=a")
		s.Expect("sockeye:ready", `{"rooms":["a"],"offset":""}`)
		if err := r.IO().Of("/").To("a").Emit("msg", 1); err != nil {
			t.Fatal(err)
		}
		s.Expect("msg", "1")
		if _, metrics := r.do(t, http.MethodGet, "/metrics"); !strings.Contains(metrics, `sockeye_sessions{protocol="none",transport="event-stream"} 1`) {
			t.Error("the stream is not counted")
		}
		for _, of := range reservedNamespaces {
			if refused := r.stream(t, "room=a&namespace="+of); refused.Resp.StatusCode != http.StatusForbidden {
				t.Errorf("a room of %s: %s", of, refused.Resp.Status)
			}
		}
	}
	if res, _ := start(t, func(c *Config) { c.Events = false }).do(t, http.MethodGet, "/events?room=a"); res.StatusCode != http.StatusNotFound {
		t.Errorf("switched off: %s", res.Status)
	}
	if refused := start(t, func(c *Config) { c.Relay = "off" }).stream(t, "room=a"); refused.Resp.StatusCode != http.StatusForbidden {
		t.Errorf("a room without the relay: %s", refused.Resp.Status)
	}
}

// TestATicketOpensAStreamOnEveryNode, no other token in the address does, and what a node
// that stops was telling its reader goes on at another.
func TestATicketOpensAStreamOnEveryNode(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	node := func() *running {
		return onRedis(t, s.URL(), func(c *Config) {
			c.Adapter, c.AuthSecret, c.Recovery.Duration, c.Drain = adapterAuto, testSecret, time.Minute, 100*time.Millisecond
			c.History = history.Config{Namespaces: map[string]history.Rooms{"/": {"news": {}}}}
		})
	}
	a, b := node(), node()
	token := strings.Trim(strings.TrimPrefix(tokenOf(t, "ann", time.Hour, nil), `"token":`), `"`)
	ticket := a.ticket(t, token)
	for query, want := range map[string]int{"": 401, "&ticket=" + token: 401, "&ticket=" + ticket: 200} {
		one := b.stream(t, "room=news"+query)
		if one.Resp.StatusCode != want {
			t.Errorf("%.20s: %s, want %d", query, one.Resp.Status, want)
		}
		one.Cut()
	}
	reader := a.stream(t, "room=news&ticket="+ticket)
	if e := reader.Next(); e.Name != "sockeye:ready" {
		t.Fatalf("got %+v", e)
	}
	if err := b.IO().Of("/").To("news").Emit("msg", "one"); err != nil {
		t.Fatal(err)
	}
	reader.Expect("msg", `"one"`)
	a.stop()
	reader.ExpectEnd()
	if err := b.IO().Of("/").To("news").Emit("msg", "two"); err != nil {
		t.Fatal(err)
	}
	again := b.stream(t, "room=news&ticket="+ticket, "Last-Event-ID", reader.Last)
	again.Expect("msg", `"two"`)
	if e := again.Next(); e.Name != "sockeye:ready" {
		t.Errorf("got %+v", e)
	}
}
