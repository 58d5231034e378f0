package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/public"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// running is an App on a free port.
type running struct {
	*App

	url    string
	log    *sockettest.Log
	client *http.Client
	stop   func()
	cancel context.CancelCauseFunc
}

func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	cfg := defaultConfig()
	if change != nil {
		change(cfg)
	}
	log := &sockettest.Log{}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		t.Fatal(err)
	}
	app, err := New(cfg, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})), "v-test")
	if err != nil {
		t.Fatal(err)
	}
	tcp, ok := app.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("the address is %v", app.Addr())
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	r := &running{
		App: app, log: log, stop: func() { cancel(nil) }, cancel: cancel, url: app.scheme() + "://127.0.0.1:" + strconv.Itoa(tcp.Port),
		client: &http.Client{
			Timeout:       patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DisableCompression: true, ForceAttemptHTTP2: true,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // what is shown is a test's own matter
			},
		},
	}
	t.Cleanup(func() {
		cancel(ErrAtOnce)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("Run did not return:\n%s", log)
		}
		r.client.CloseIdleConnections()
	})
	return r
}

// do sends a request; header is a list of names and values.
func (r *running) do(t *testing.T, method, url string, header ...string) (res *http.Response, body string) {
	t.Helper()
	if strings.HasPrefix(url, "/") {
		url = r.url + url
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err = r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		return res, ""
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

const handshake = "/socket.io/?EIO=4&transport=polling"

var webSocket = []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}

// refused checks for the error of Engine.IO that names the flag. Like Node's,
// its status is 403 for polling and 400 for WebSocket.
func refused(t *testing.T, what string, res *http.Response, body, flag string) {
	t.Helper()
	status := http.StatusForbidden
	if what == "websocket" {
		status = http.StatusBadRequest
	}
	var e struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil || res.StatusCode != status || e.Code != 4 || !strings.Contains(e.Message, flag) {
		t.Errorf("%s: status %d, body %q; want %d, code 4 and a message that names %s", what, res.StatusCode, body, status, flag)
	}
}

func TestAnonymousClientsAreRefusedWhereTheyMayNotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		listen    string
		anonymous Switch
		admitted  bool
	}{
		"loopback":      {"127.0.0.1:0", SwitchAuto, true},
		"loopback, off": {"127.0.0.1:0", SwitchOff, false},
		"open":          {"0.0.0.0:0", SwitchAuto, false},
		"open, on":      {"0.0.0.0:0", SwitchOn, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(c *Config) { c.Listen, c.Anonymous = tc.listen, tc.anonymous })
			res, body := r.do(t, http.MethodGet, handshake)
			if tc.admitted {
				if res.StatusCode != http.StatusOK || !strings.HasPrefix(body, "0{") {
					t.Errorf("status %d, body %q", res.StatusCode, body)
				}
				return
			}
			refused(t, "polling", res, body, "--anonymous")
			res, body = r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=websocket", webSocket...)
			refused(t, "websocket", res, body, "--anonymous")
			sockettest.Eventually(t, "two warnings in the log, about --anonymous", func() bool {
				log := r.log.String()
				return len(regexp.MustCompile(`level=WARN .*--anonymous`).FindAllString(log, -1)) >= 2
			})
			for _, path := range []string{"/", "/healthz", "/readyz"} {
				if res, _ := r.do(t, http.MethodGet, path); res.StatusCode != http.StatusOK {
					t.Errorf("%s: status %d", path, res.StatusCode)
				}
			}
		})
	}
}

func TestOriginsRuleForPollingAndWebSocketAlike(t *testing.T) {
	for name, tc := range map[string]struct {
		listen  string
		origins []string
		origin  string
		allowed bool
	}{
		"no origin":                     {"127.0.0.1:0", nil, "", true},
		"loopback page on loopback":     {"127.0.0.1:0", nil, "http://localhost:5173", true},
		"foreign page on loopback":      {"127.0.0.1:0", nil, "https://evil.example", false},
		"loopback page on open address": {"0.0.0.0:0", nil, "http://localhost:5173", false},
		"same origin on open address":   {"0.0.0.0:0", nil, "same", true},
		"listed":                        {"127.0.0.1:0", []string{"https://app.example"}, "https://app.example", true},
		"a list ends the loopback rule": {"127.0.0.1:0", []string{"https://app.example"}, "http://localhost:5173", false},
		"any":                           {"0.0.0.0:0", []string{"*"}, "https://evil.example", true},
		"null is no origin of a page":   {"127.0.0.1:0", nil, "null", false},
		"null passes where anyone does": {"127.0.0.1:0", []string{"*"}, "null", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(c *Config) { c.Listen, c.Origins, c.Anonymous = tc.listen, tc.origins, SwitchOn })
			origin := tc.origin
			if origin == "same" {
				origin = r.url
			}
			with := func(header ...string) []string {
				if origin == "" {
					return header
				}
				return append(header, "Origin", origin)
			}
			polling, body := r.do(t, http.MethodGet, handshake, with()...)
			ws, wsBody := r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=websocket", with(webSocket...)...)
			if !tc.allowed {
				refused(t, "polling", polling, body, "--origins")
				refused(t, "websocket", ws, wsBody, "--origins")
				return
			}
			if polling.StatusCode != http.StatusOK || ws.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("polling: status %d, %q; WebSocket: status %d, %q", polling.StatusCode, body, ws.StatusCode, wsBody)
			}
			if origin == "" {
				return
			}
			preflight, _ := r.do(t, http.MethodOptions, handshake, with("Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")...)
			if preflight.StatusCode/100 != 2 {
				t.Errorf("preflight: status %d", preflight.StatusCode)
			}
			file, _ := r.do(t, http.MethodGet, "/socket.io/socket.io.esm.min.js", with()...)
			for what, res := range map[string]*http.Response{"polling": polling, "preflight": preflight, "client file": file} {
				if got := res.Header.Get("Access-Control-Allow-Origin"); got != origin {
					t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", what, got, origin)
				}
				if got := res.Header.Get("Access-Control-Allow-Credentials"); got != "true" {
					t.Errorf("%s: Access-Control-Allow-Credentials %q", what, got)
				}
			}
		})
	}
}

func TestThePathWorksWithAndWithoutTheSlash(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/socket.io/", "/socket.io", "rt/v1"} {
		r := start(t, func(c *Config) { c.Path = path })
		base := r.cfg.BasePath()
		for _, p := range []string{base, strings.TrimSuffix(base, "/")} {
			if res, body := r.do(t, http.MethodGet, p+"?EIO=4&transport=polling"); res.StatusCode != http.StatusOK {
				t.Errorf("--path %s: GET %s: status %d, %q", path, p, res.StatusCode, body)
			}
			if res, body := r.do(t, "PURGE", p+"?EIO=4&transport=polling"); res.StatusCode == http.StatusOK {
				t.Errorf("--path %s: PURGE %s: status %d, %q", path, p, res.StatusCode, body)
			}
		}
		if res, _ := r.do(t, http.MethodGet, base+"x?EIO=4&transport=polling"); res.StatusCode != http.StatusNotFound {
			t.Errorf("--path %s: a path below: status %d", path, res.StatusCode)
		}
		res, body := r.do(t, http.MethodGet, "/")
		if res.StatusCode != http.StatusOK || !strings.Contains(body, base) {
			t.Errorf("--path %s: the page does not know %s", path, base)
		}
	}
}

func TestTheClientIsServedOrItsAbsenceExplained(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	_, complete := public.Client()
	for _, name := range public.ClientNames() {
		res, body := r.do(t, http.MethodGet, "/socket.io/"+name)
		if complete && (res.StatusCode != http.StatusOK || len(body) < 1000 || res.Header.Get("Etag") == "") {
			t.Errorf("%s: status %d, %d bytes", name, res.StatusCode, len(body))
		}
		if !complete && (res.StatusCode != http.StatusNotFound || !strings.Contains(body, "npm")) {
			t.Errorf("%s: status %d, %q", name, res.StatusCode, body)
		}
		if got := strings.Join(res.Header.Values("Vary"), ","); complete && got != "Origin,Accept-Encoding" {
			t.Errorf("%s: Vary %q", name, got)
		}
	}
}

func TestReadyzSaysNoWhileDraining(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	if res, body := r.do(t, http.MethodGet, "/readyz"); res.StatusCode != http.StatusOK || body != "ready\n" {
		t.Errorf("status %d, %q", res.StatusCode, body)
	}
	r.draining.Store(true)
	if res, _ := r.do(t, http.MethodGet, "/readyz"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz: status %d", res.StatusCode)
	}
	if res, _ := r.do(t, http.MethodHead, "/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("healthz: status %d", res.StatusCode)
	}
}

// proxiedStatus asks as a proxy does that names a client by the PROXY protocol.
func proxiedStatus(t *testing.T, r *running, path string) int {
	t.Helper()
	c, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = fmt.Fprintf(c, "PROXY TCP4 203.0.113.9 127.0.0.1 5000 80\r\nGET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestMetricsStayOffOpenAddresses(t *testing.T) {
	t.Parallel()
	loopback := start(t, nil)
	if res, body := loopback.do(t, http.MethodGet, "/metrics"); res.StatusCode != http.StatusOK || !strings.Contains(body, `sockeye_build_info{version="v-test"} 1`) {
		t.Errorf("loopback: status %d", res.StatusCode)
	}
	if res, _ := loopback.do(t, http.MethodGet, "/metrics", "X-Forwarded-For", "203.0.113.9"); res.StatusCode != http.StatusNotFound {
		t.Errorf("through a proxy on this machine: status %d", res.StatusCode)
	}
	behind := start(t, func(c *Config) { c.ProxyProtocol, c.TrustedProxies = protocolOptional, []string{"loopback"} })
	if got := proxiedStatus(t, behind, "/metrics"); got != http.StatusNotFound {
		t.Errorf("through a proxy that speaks the PROXY protocol: status %d", got)
	}
	open := start(t, func(c *Config) { c.Listen = "0.0.0.0:0" })
	if res, _ := open.do(t, http.MethodGet, "/metrics"); res.StatusCode != http.StatusNotFound {
		t.Errorf("open address: status %d", res.StatusCode)
	}
	apart := start(t, func(c *Config) { c.MetricsListen = "127.0.0.1:0" })
	if res, _ := apart.do(t, http.MethodGet, "/metrics"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the main address beside --metrics-listen: status %d", res.StatusCode)
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if res, _ := apart.do(t, http.MethodGet, "http://"+apart.MetricsAddr().String()+path); res.StatusCode != http.StatusOK {
			t.Errorf("--metrics-listen: %s: status %d", path, res.StatusCode)
		}
	}
	if res, _ := apart.do(t, http.MethodGet, "http://"+apart.MetricsAddr().String()+handshake); res.StatusCode != http.StatusNotFound {
		t.Errorf("--metrics-listen serves clients: status %d", res.StatusCode)
	}
}

func TestSessionsAreCounted(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	r.do(t, http.MethodGet, handshake)
	if _, body := r.do(t, http.MethodGet, "/metrics"); !strings.Contains(body, `sockeye_sessions{protocol="4",transport="polling"} 1`) {
		t.Errorf("no session is counted:\n%s", body)
	}
}

func TestAnAppThatIsNotRunGivesItsAddressBack(t *testing.T) {
	cfg := defaultConfig()
	cfg.MetricsListen = "127.0.0.1:0"
	app, err := New(cfg, slog.New(slog.DiscardHandler), "")
	if err != nil {
		t.Fatal(err)
	}
	addr := app.Addr().String()
	if err := app.Close(); err != nil {
		t.Error(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	l.Close()
}

func TestEveryPageIsOnTheListOfTakenPaths(t *testing.T) {
	site, err := public.NewSite(public.SiteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range site.Routes() {
		first, _, _ := strings.Cut(strings.Trim(route, "/"), "/")
		c := defaultConfig()
		c.Path = "/" + first
		if err := c.Validate(); err == nil {
			t.Errorf("--path /%s is taken by a page and was not refused", first)
		}
	}
}
