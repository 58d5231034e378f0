package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

// For a while balancers may notice: /readyz says no, and all goes on. When the last
// client has gone by itself, nothing is waited for.
func TestReadyzFailsBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Drain = time.Hour })
	q := r.opened(t)
	r.stop()
	r.eventually(t, "/readyz says no", func() bool {
		res, body := r.do(t, http.MethodGet, "/readyz")
		return res.StatusCode == http.StatusServiceUnavailable && body == "shutting down\n"
	})
	if res, _ := r.do(t, http.MethodGet, "/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("/healthz: %d", res.StatusCode)
	}
	second := r.opened(t)
	for i, q := range []string{q, second} {
		if status, body := r.post(t, fmt.Sprint(q, i), "1"); status != http.StatusOK || body != "ok" {
			t.Errorf("a goodbye was answered %d %q", status, body)
		}
	}
	r.eventually(t, "it has stopped", func() bool { return strings.Contains(r.log.String(), "msg=stopped clean=true") })
	if log := r.log.String(); !strings.Contains(log, `msg="draining: the clients are sent to other nodes" clients=1 over=1h`) {
		t.Errorf("the log: %s", log)
	}
}

// Then clients are sent away one after the other, and new ones are refused.
func TestADrainEndsTheSessionsEvenly(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Drain, c.Origins = time.Second, []string{"https://app.example.com"} })
	const n = 5
	ended := make(chan time.Time, n)
	for range n {
		q := r.opened(t)
		go func() {
			if res, body := r.do(t, http.MethodGet, q+"poll"); res.StatusCode != http.StatusOK || body != "1" {
				t.Errorf("a waiting poll was answered %d %q", res.StatusCode, body)
			}
			ended <- time.Now()
		}()
	}
	r.stop()
	first := <-ended
	res, body := r.do(t, http.MethodGet, handshake, "Origin", "https://app.example.com")
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "Server is shutting down") {
		t.Errorf("a handshake was answered %d %q", res.StatusCode, body)
	}
	if res.Header.Get("Retry-After") == "" || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("with the headers %v", res.Header)
	}
	last := first
	for range n - 1 {
		last = <-ended
	}
	if took := last.Sub(first); took < time.Second/3 {
		t.Errorf("all were sent away within %v", took)
	}
}

func TestAStopAtOnceDoesNotDrain(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.Drain = time.Hour })
	r.opened(t)
	r.cancel(ErrAtOnce)
	r.eventually(t, "it has stopped", func() bool { return strings.Contains(r.log.String(), "msg=stopped") })
	if log := r.log.String(); strings.Contains(log, "draining") {
		t.Errorf("the log: %s", log)
	}
}

// upgrade opens the WebSocket of a session and has the session move to it.
func (r *running) upgrade(t *testing.T, query string) net.Conn {
	t.Helper()
	d := ws.Dialer{TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, _, _, err := d.Dial(t.Context(), "ws"+strings.TrimPrefix(r.url, "http")+strings.Replace(query, "=polling", "=websocket", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	for _, text := range []string{"2probe", "5"} {
		if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := wsutil.ReadServerText(conn); err != nil || string(text) != "3probe" {
		t.Fatalf("the probe was answered %q, %v", text, err)
	}
	return conn
}

// A WebSocket may be of another node's session, and come through the one that stops.
func TestADrainEndsWebSocketsOfOtherNodesSessions(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) { c.Drain = 300 * time.Millisecond })
	q := all[0].opened(t)
	conn := all[1].upgrade(t, q)
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	all[1].eventually(t, "the WebSocket is carried", func() bool { return all[1].clients() == 1 })
	all[1].stop()
	all[0].eventually(t, "the session has ended", func() bool { return all[0].clients() == 0 })
	_, text := all[0].do(t, http.MethodGet, "/metrics")
	if want := `sockeye_sessions_closed_total{detail="drain",reason="server shutting down",transport="websocket"} 1`; !strings.Contains(text, want) {
		t.Errorf("the owner's metrics have no %s", want)
	}
}
