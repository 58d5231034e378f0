package engineio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// refusals collects what ConnectionError hears.
type refusals struct {
	mu  sync.Mutex
	all []*ConnectionError
}

func (r *refusals) hear(e *ConnectionError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

// last returns the newest and forgets all.
func (r *refusals) last(t *testing.T) *ConnectionError {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) != 1 {
		t.Fatalf("%d refusals heard, want 1", len(r.all))
	}
	e := r.all[0]
	r.all = nil
	return e
}

const wsHeaders = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: DXR4dX615eRds8nRmlhqtw==\r\n"

// Every refused request gets the same body, whether it asked for an upgrade or
// not, and ConnectionError hears the same.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	var heard refusals
	f := serve(t, &Options{ConnectionError: heard.hear, Transports: []string{TransportPolling, TransportWebSocket}}, nil)
	c, s := f.poll(4), f.ws(4)
	for name, q := range map[string]struct {
		method, query, headers string
		code                   int
		message                string
		context                string // a key of the context
	}{
		"no transport":              {"GET", "EIO=4", "", 0, "Transport unknown", "transport"},
		"transport of a prototype":  {"GET", "EIO=4&transport=__proto__", "", 0, "Transport unknown", "transport"},
		"transport constructor":     {"GET", "EIO=4&transport=constructor", "", 0, "Transport unknown", "transport"},
		"prototype, upgrade":        {"GET", "EIO=4&transport=__proto__", wsHeaders, 0, "Transport unknown", "transport"},
		"unknown sid":               {"GET", "EIO=4&transport=polling&sid=test", "", 1, "Session ID unknown", "sid"},
		"unknown sid, POST":         {"POST", "EIO=4&transport=polling&sid=test", "", 1, "Session ID unknown", "sid"},
		"unknown sid, upgrade":      {"GET", "EIO=4&transport=websocket&sid=test", wsHeaders, 1, "Session ID unknown", "sid"},
		"handshake by OPTIONS":      {"OPTIONS", "EIO=4&transport=polling", "", 2, "Bad handshake method", "method"},
		"handshake by POST":         {"POST", "EIO=4&transport=polling", "", 2, "Bad handshake method", "method"},
		"websocket, no upgrade":     {"GET", "EIO=4&transport=websocket", "", 3, "Bad request: a WebSocket handshake without an Upgrade header, which a proxy may have removed", "name"},
		"polling, upgrade":          {"GET", "EIO=4&transport=polling", wsHeaders, 3, "Bad request", "name"},
		"polling with sid, upgrade": {"GET", c.query, wsHeaders, 3, "Bad request", "name"},
		"other protocol":            {"GET", "EIO=3&transport=polling&sid=" + c.SID, "", 3, "Bad request", "previousProtocol"},
		"other protocol, upgrade":   {"GET", "EIO=3&transport=websocket&sid=" + c.SID, wsHeaders, 3, "Bad request", "previousProtocol"},
		"websocket GET, poll sid":   {"GET", "EIO=4&transport=websocket&sid=" + c.SID, "", 3, "Bad request", "previousTransport"},
		"poll of a websocket sid":   {"GET", "EIO=4&transport=polling&sid=" + s.SID, "", 3, "Bad request", "previousTransport"},
		"plain GET, websocket sid":  {"GET", "EIO=4&transport=websocket&sid=" + s.SID, "", 3, "Bad request", "previousTransport"},
		"plain POST, websocket sid": {"POST", "EIO=4&transport=websocket&sid=" + s.SID, "", 3, "Bad request", "previousTransport"},
		"PUT with sid":              {"PUT", c.query, "", 3, "Bad request", "name"},
		"protocol 3":                {"GET", "EIO=3&transport=polling", "", 5, "Unsupported protocol version", "protocol"},
		"protocol 3, upgrade":       {"GET", "EIO=3&transport=websocket", wsHeaders, 5, "Unsupported protocol version", "protocol"},
		"upgrade without a key":     {"GET", "EIO=4&transport=websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", 3, "Bad request", "name"},
		"upgrade with a short key":  {"GET", "EIO=4&transport=websocket", strings.Replace(wsHeaders, "DXR4", "", 1), 3, "Bad request", "name"},
		"upgrade of version 8":      {"GET", "EIO=4&transport=websocket", strings.Replace(wsHeaders, "13", "8", 1), 3, "Bad request", "name"},
		"upgrade without version":   {"GET", "EIO=4&transport=websocket", strings.Replace(wsHeaders, "Sec-WebSocket-Version: 13\r\n", "", 1), 3, "Bad request", "name"},
		"upgrade, keep-alive":       {"GET", "EIO=4&transport=websocket", strings.Replace(wsHeaders, "Connection: Upgrade", "Connection: keep-alive", 1), 3, "Bad request", "name"},
		"sid upgrade without key":   {"GET", "EIO=4&transport=websocket&sid=" + c.SID, "Connection: Upgrade\r\nUpgrade: websocket\r\n", 3, "Bad request", "name"},
	} {
		conn := f.dial()
		conn.request(q.method, q.query, q.headers+"Content-Length: 0\r\n", "")
		a := conn.response()
		t.Log(name)
		a.refused(t, http.StatusBadRequest, q.code, q.message)
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Length") == "" {
			t.Errorf("%s: headers %v", name, a.header)
		}
		e := heard.last(t)
		if e.Code != q.code || e.Message != q.message || e.Request == nil {
			t.Errorf("%s: heard %d %q", name, e.Code, e.Message)
		}
		if _, ok := e.Context[q.context]; !ok {
			t.Errorf("%s: context %v without %q", name, e.Context, q.context)
		}
		_ = conn.Close()
	}
	// The sessions that were named in passing live on.
	c.post("4x").want(t, http.StatusOK, "ok")
	s.send("4x")
	await(t, "x", c.side().in)
	await(t, "x", s.side(f).in)
}

func TestAllowRequestRefuses(t *testing.T) {
	t.Parallel()
	var heard refusals
	f := serve(t, &Options{ConnectionError: heard.hear, AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Get("token") != "good" {
			return errors.New("Thou shall not pass")
		}
		return nil
	}}, echo)
	f.get("EIO=4&transport=polling").refused(t, http.StatusForbidden, 4, "Thou shall not pass")
	if e := heard.last(t); e.Code != 4 || e.Message != "Thou shall not pass" || e.Context["message"] != "Thou shall not pass" {
		t.Errorf("heard %+v", e)
	}
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
	conn.response().refused(t, http.StatusBadRequest, 4, "Thou shall not pass")
	heard.last(t)
	// It goes before the protocol check, as in Node's server.
	f.get("EIO=3&transport=polling").refused(t, http.StatusForbidden, 4, "Thou shall not pass")
	// Only handshakes are asked about.
	a := f.get("EIO=4&transport=polling&token=good")
	sid := parseOpen(t, a.body).SID
	f.post("EIO=4&transport=polling&sid="+sid, "4x").want(t, http.StatusOK, "ok")
	f.get("EIO=4&transport=polling&sid="+sid).want(t, http.StatusOK, "4x")
}

func TestARefusalChoosesItsStatus(t *testing.T) {
	t.Parallel()
	var heard refusals
	f := serve(t, &Options{ConnectionError: heard.hear, AllowRequest: func(*http.Request) error {
		return fmt.Errorf("wrapped: %w", &Refusal{Status: http.StatusTooManyRequests, Message: "slowly", RetryAfter: 1200 * time.Millisecond, Name: "RATE"})
	}}, nil)
	a := f.get("EIO=4&transport=polling")
	a.refused(t, http.StatusTooManyRequests, 3, "slowly")
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After: %q", got)
	}
	if e := heard.last(t); e.Context["name"] != "RATE" {
		t.Errorf("heard %+v", e)
	}
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
	conn.response().refused(t, http.StatusTooManyRequests, 3, "slowly")
}

func TestATransportThatIsSwitchedOffIsUnknown(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Transports: []string{TransportPolling}}, nil)
	if c := f.poll(4); len(c.Upgrades) != 0 {
		t.Errorf("offers %q", c.Upgrades)
	}
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
	conn.response().refused(t, http.StatusBadRequest, 0, "Transport unknown")

	f = serve(t, &Options{Transports: []string{TransportWebSocket}}, nil)
	f.get("EIO=4&transport=polling").refused(t, http.StatusBadRequest, 0, "Transport unknown")
	f.ws(4)
}

// Who stands before a server and knows that a session is elsewhere, and cannot be
// reached, refuses it in the server's way.
func TestASessionThatCannotBeReachedIsRefusedLikeAnUnknownOne(t *testing.T) {
	t.Parallel()
	var heard refusals
	srv, err := NewServer(&opener{}, &Options{ConnectionError: heard.hear, Origins: onlyOrigin("http://good.example")})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		upgrade bool
		origin  string
		status  int
		body    string
	}{
		"polling": {false, "http://good.example", 503, `{"code":1,"message":"away"}`},
		"upgrade": {true, "http://good.example", 400, `{"code":1,"message":"away"}`},
		"origin":  {false, "http://bad.example", 403, `{"code":4,"message":"origin not allowed: see --origins"}`},
	} {
		r := httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=4&transport=polling&sid=x", nil)
		r.Header.Set("Origin", c.origin)
		if c.upgrade {
			r.Header.Set("Upgrade", "websocket")
		}
		w := httptest.NewRecorder()
		srv.Unavailable(w, r, "away")
		if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("Access-Control-Allow-Origin") != c.origin {
			t.Errorf("%s: %d %q %v", name, w.Code, w.Body, w.Header())
		}
		heard.last(t)
	}
}

func TestUnusableOptions(t *testing.T) {
	for name, o := range map[string]*Options{
		"transport":    {Transports: []string{"webtransport"}},
		"duration":     {PingInterval: -1},
		"payload":      {MaxPayload: -1},
		"outbox":       {OutboxLimit: 10, OutboxMax: 5},
		"outbox limit": {OutboxLimit: -1},
		"sid prefix":   {SIDPrefix: "a&b"},
		"long prefix":  {SIDPrefix: strings.Repeat("a", 65)},
	} {
		if _, err := NewServer(&opener{}, o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A client may send bytes right behind its handshake, before the answer. Whatever
// they are, they are frames.
func TestBytesBehindTheHandshake(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, string(whole(1, "4early"))+string(whole(1, "4bird")))
	b := make([]byte, 4096)
	var got string
	for !strings.HasSuffix(got, "\x81\x064early\x81\x054bird") {
		n, err := conn.r.Read(b)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got += string(b[:n])
	}
	garbage := f.dial()
	garbage.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "test")
	all, err := io.ReadAll(garbage.r)
	if err != nil || !strings.Contains(string(all), "\x03\xeabad frame: engineio: engine.io: reserved bit set in frame header at byte 0") {
		t.Errorf("no close frame 1002 in %q, %v", all, err)
	}
}
