package server

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestPlainWebSocketsCountLikeEveryConnection: limits of the node, metrics and the log know
// them.
func TestPlainWebSocketsCountLikeEveryConnection(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.MaxConnections = 1 })
	c := sockettest.DialPlain(t, r.url+"/ws")
	c.ExpectPrefix(`{"type":"welcome"`)
	c.Send(`{"type":"join","room":"a","id":1}`)
	c.Expect(`{"type":"ack","data":["ok"],"id":1}`)
	if status, text := r.knock(t); status != http.StatusServiceUnavailable || !strings.Contains(text, `"rate_limited"`) {
		t.Errorf("the second connection: %d %s", status, text)
	}
	if _, text := r.fetch(t, "/metrics"); !strings.Contains(text, `sockeye_sessions{protocol="none",transport="websocket-plain"} 1`) {
		t.Error("the metrics do not know it")
	}
	c.Cut()
	sockettest.Eventually(t, "its end is in the log", func() bool {
		return strings.Contains(r.log.String(), `detail="connection lost" transport=websocket-plain`)
	})
}

// TestPlainWebSocketsCanBeOff, and nothing is there then.
func TestPlainWebSocketsCanBeOff(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.PlainWebSocket = false })
	if status, _ := r.fetch(t, "/ws"); status != http.StatusNotFound {
		t.Errorf("/ws is answered with %d", status)
	}
}

// TestPlainWebSocketsOfOtherOriginsAreRefused, as those of Socket.IO are.
func TestPlainWebSocketsOfOtherOriginsAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	status, text := r.knock(t, "Origin", "https://elsewhere.example")
	var body struct{ Error struct{ Code string } }
	if err := json.Unmarshal([]byte(text), &body); err != nil || status != http.StatusForbidden || body.Error.Code != "forbidden" {
		t.Errorf("%d %s", status, text)
	}
}

// knock sends one of a plain WebSocket that is expected to be refused.
func (r *running) knock(t *testing.T, header ...string) (status int, text string) {
	t.Helper()
	return r.fetch(t, "/ws", append(header, "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")...)
}

// fetch makes a GET.
func (r *running) fetch(t *testing.T, path string, header ...string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
