package server

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// ingest posts a reading with a key and returns the status and the code of the error.
func (r *running) ingest(t *testing.T, key, device string) (status int, code string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/v1/ingest/"+device, strings.NewReader(`{"metric":"m","value":1}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Error struct{ Code string } }
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return res.StatusCode, body.Error.Code
}

// TestAnAPIKeySendsReadingsOfItsDevice by HTTP and by a plain WebSocket alike, and the
// server's own measures are there for who may see them.
func TestAnAPIKeySendsReadingsOfItsDevice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "auth.json")
	r := start(t, func(c *Config) { c.AuthFile, c.PlainWebSocket = file, true })
	key := func(about auth.APIKey) string {
		id, text, k, err := auth.NewKey(about)
		if err == nil {
			err = r.identity.ledger.AddKey(t.Context(), id, k)
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	boiler := key(auth.APIKey{Scopes: []auth.Scope{auth.ScopePublish}, Rooms: auth.Patterns{"device:boiler-1"}})
	admin := key(auth.APIKey{Scopes: []auth.Scope{auth.ScopeAdmin}})
	for _, c := range []struct {
		key, device string
		status      int
		code        string
	}{
		{boiler, "boiler-1", 200, ""},
		{boiler, "boiler-2", 403, "forbidden"},
		{"", "boiler-1", 401, "unauthorized"},
		{"sk_nothing", "boiler-1", 401, "invalid_token"},
	} {
		if status, code := r.ingest(t, c.key, c.device); status != c.status || code != c.code {
			t.Errorf("%s: %d %q, want %d %q", c.device, status, code, c.status, c.code)
		}
	}
	say, next := r.plainWebSocket(t, boiler)
	say(`{"type":"event","event":"reading","data":[{"metric":"m","value":2}],"id":1}`)
	if got := next("ack"); !strings.Contains(got, `"accepted":1`) {
		t.Errorf("the device was told %s", got)
	}
	say, next = r.plainWebSocket(t, admin)
	say(`{"type":"event","event":"subscribe","data":[],"id":1}`)
	if got := next("ack"); !strings.Contains(got, `"device":"boiler-1","metric":"m","value":2`) {
		t.Errorf("the dashboard was told %s", got)
	}
	for !strings.Contains(next("event"), `"device":"sockeye","metric":"connections","value":2`) {
		continue // what the device has sent may be told again
	}
}

// plainWebSocket comes to telemetry without Socket.IO.
func (r *running) plainWebSocket(t *testing.T, key string) (say func(text string), next func(kind string) string) {
	t.Helper()
	var d ws.Dialer
	if key != "" {
		d.Header = ws.HandshakeHeaderHTTP{"Authorization": {"Bearer " + key}}
	}
	conn, _, _, err := d.Dial(t.Context(), strings.Replace(r.url, "http", "ws", 1)+"/ws?namespace=/telemetry")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	say = func(text string) {
		t.Helper()
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	next = func(kind string) string {
		t.Helper()
		for {
			text, err := wsutil.ReadServerText(conn)
			if err != nil {
				t.Fatalf("while %s was awaited: %v", kind, err)
			}
			if strings.Contains(string(text), `"type":"`+kind+`"`) {
				return string(text)
			}
		}
	}
	return say, next
}

// TestReadingsReachDashboardsOnOtherNodes over Redis, and a node that comes later knows
// what there is.
func TestReadingsReachDashboardsOnOtherNodes(t *testing.T) {
	s := redistest.Start(t)
	for _, adapter := range []string{adapterRedis, adapterStreams} {
		t.Run(adapter, func(t *testing.T) {
			on := func() *running {
				return onRedis(t, s.URL(), func(c *Config) {
					c.Adapter, c.RedisPrefix, c.PlainWebSocket, c.Anonymous = adapter, t.Name(), true, SwitchOn
				})
			}
			a, b := on(), on()
			subscribe := func(r *running) func(kind string) string {
				say, next := r.plainWebSocket(t, "")
				say(`{"type":"event","event":"subscribe","data":["boiler-*"],"id":1}`)
				return next
			}
			dashboard := subscribe(b)
			dashboard("ack")
			sockettest.Eventually(t, "both nodes know each other", func() bool {
				n, err := a.IO().Of("/telemetry").ServerCount(t.Context())
				return err == nil && n == 2
			})
			if status, code := a.ingest(t, "", "boiler-1"); status != 200 {
				t.Fatalf("%d %s", status, code)
			}
			if got := dashboard("event"); !strings.Contains(got, `"device":"boiler-1"`) {
				t.Errorf("the other node's dashboard hears %s", got)
			}
			late := on()
			sockettest.Eventually(t, "the new node knows", func() bool { return strings.Contains(subscribe(late)("ack"), `"device":"boiler-1"`) })
		})
	}
}
