package server

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRequestsAreCountedByRouteAndStatus(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.opened(t)
	r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=polling&sid=unknown")
	r.do(t, http.MethodGet, "/no/such/path")
	res, _ := r.do(t, http.MethodGet, strings.Replace(handshake, "polling", "websocket", 1), webSocket...)
	res.Body.Close()
	text := ""
	r.eventually(t, "the WebSocket is counted", func() bool { // its answer is sent before
		_, text = r.do(t, http.MethodGet, "/metrics")
		return strings.Contains(text, `sockeye_http_request_seconds_count{route="/socket.io/"} 3`)
	})
	for _, line := range []string{
		`sockeye_http_requests_total{route="/socket.io/",status="1xx"} 1`,
		`sockeye_http_requests_total{route="/socket.io/",status="2xx"} 1`,
		`sockeye_http_requests_total{route="/socket.io/",status="4xx"} 1`,
		`sockeye_http_requests_total{route="/socket.io/",status="5xx"} 0`,
		`sockeye_http_requests_total{route="none",status="4xx"} 1`,
		`sockeye_requests_refused_total{code="1",reason="unknown sid"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics have no %s", line)
		}
	}
	if strings.Contains(text, "no/such") {
		t.Error("a client's path is a label")
	}
}

// The first GET of a connection is answered by net/http, and those that follow past it.
func TestEveryPollIsCountedAndLogged(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.LogLevel, c.PollHold = "debug", OrDuration{Duration: 20 * time.Millisecond} })
	_, open := r.do(t, http.MethodGet, handshake)
	sid, _, _ := strings.Cut(strings.TrimPrefix(open, `0{"sid":"`), `"`)
	for range 4 {
		if res, body := r.do(t, http.MethodGet, handshake+"&sid="+sid); res.StatusCode != http.StatusOK || body != "6" {
			t.Fatalf("%d %q", res.StatusCode, body)
		}
	}
	r.eventually(t, "all are counted", func() bool { // the last one may be counted after it has come
		_, text := r.do(t, http.MethodGet, "/metrics")
		return strings.Contains(text, `sockeye_http_requests_total{route="/socket.io/",status="2xx"} 5`)
	})
	if n := strings.Count(r.log.String(), "msg=request method=GET path=/socket.io/ status=200"); n != 5 {
		t.Errorf("%d are in the log:\n%s", n, r.log)
	}
}

func TestProfilesAreServedOnTheMetricsAddressAlone(t *testing.T) {
	t.Parallel()
	const heap = "/debug/pprof/heap"
	on := start(t, func(c *Config) { c.MetricsListen, c.PProf = "127.0.0.1:0", true })
	metrics := "http://" + on.MetricsAddr().String()
	for _, path := range []string{heap, "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/trace?seconds=0.1"} {
		if res, body := on.do(t, http.MethodGet, metrics+path); res.StatusCode != http.StatusOK || body == "" {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
	if res, _ := on.do(t, http.MethodGet, metrics+"/debug/pprof/cmdline"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the command line, which may hold secrets: status %d", res.StatusCode)
	}
	if res, _ := on.do(t, http.MethodGet, heap); res.StatusCode != http.StatusNotFound {
		t.Errorf("on the main address: status %d", res.StatusCode)
	}
	off := start(t, func(c *Config) { c.MetricsListen = "127.0.0.1:0" })
	if res, _ := off.do(t, http.MethodGet, "http://"+off.MetricsAddr().String()+heap); res.StatusCode != http.StatusNotFound {
		t.Errorf("off: status %d", res.StatusCode)
	}
	c := defaultConfig()
	c.PProf = true
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "--pprof: it needs --metrics-listen") {
		t.Errorf("without --metrics-listen: %v", err)
	}
}
