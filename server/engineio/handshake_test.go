package engineio

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

func TestSessionIDsAreLongAndNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := newSID()
		b, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(b)*8 < 120 {
			t.Fatalf("sid %q: %d bits, %v", id, len(b)*8, err)
		}
		if seen[id] {
			t.Fatalf("sid %q twice", id)
		}
		seen[id] = true
	}
}

func TestAPrefixBeginsEverySessionID(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{SIDPrefix: "node-A_1"}, echo)
	for _, sid := range []string{f.poll(4).SID, f.ws(4).SID} {
		if rest, ok := strings.CutPrefix(sid, "node-A_1"); !ok || len(rest) != 24 {
			t.Errorf("sid %q", sid)
		}
	}
}

func TestOpenPacketTellsTheOptions(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{PingInterval: 1234e6, PingTimeout: 567e6, MaxPayload: 89, DisableUpgrades: true}, nil)
	h := f.poll(4).handshake
	if h.PingInterval != 1234 || h.PingTimeout != 567 || h.MaxPayload != 89 || len(h.Upgrades) != 0 {
		t.Errorf("open packet %+v", h)
	}
}

func TestPollingHandshakeHeaders(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	a := f.get("EIO=4&transport=polling")
	for k, want := range map[string]string{"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store", "Set-Cookie": "", "X-Xss-Protection": "", "Access-Control-Allow-Origin": ""} {
		if got := a.header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if a.header.Get("Content-Length") == "" {
		t.Error("no Content-Length")
	}
}

func TestInternetExplorerIsToldNotToFilter(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko": "0",
		"Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.1)":             "0",
		"Mozilla/5.0 Firefox/140.0":                                     "",
	} {
		a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling", "", http.Header{"User-Agent": {ua}})
		if got := a.header.Get("X-XSS-Protection"); got != want {
			t.Errorf("%s: %q, want %q", ua, got, want)
		}
	}
}

func TestCookieCarriesTheSid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cookie *http.Cookie
		want   string
	}{
		{&http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}, "io=SID; Path=/; HttpOnly; SameSite=Lax"},
		{&http.Cookie{Name: "woot"}, "woot=SID"},
		{&http.Cookie{Name: "io", Path: "/custom", SameSite: http.SameSiteStrictMode}, "io=SID; Path=/custom; SameSite=Strict"},
	} {
		f := serve(t, &Options{Cookie: c.cookie}, nil)
		a := f.get("EIO=4&transport=polling")
		sid := parseOpen(t, a.body).SID
		if got := a.header.Get("Set-Cookie"); got != strings.Replace(c.want, "SID", sid, 1) {
			t.Errorf("cookie %q", got)
		}
		if a = f.post("EIO=4&transport=polling&sid="+sid, "4x"); a.header.Get("Set-Cookie") != "" {
			t.Errorf("a later answer sets %q", a.header.Get("Set-Cookie"))
		}
		conn := f.dial()
		conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
		if a := conn.response(); a.status != http.StatusSwitchingProtocols || !strings.HasPrefix(a.header.Get("Set-Cookie"), c.cookie.Name+"=") {
			t.Errorf("WebSocket: %d, cookie %q", a.status, a.header.Get("Set-Cookie"))
		}
		_ = conn.Close()
	}
}

func TestHeaderHooks(t *testing.T) {
	t.Parallel()
	var initial, every atomic.Int32
	f := serve(t, &Options{
		Cookie: &http.Cookie{Name: "io"},
		InitialHeaders: func(h http.Header, r *http.Request) {
			initial.Add(1)
			h.Set("Test", "123")
			h.Add("Set-Cookie", "mycookie=456")
			if r.Method != http.MethodGet {
				t.Errorf("handshake by %s", r.Method)
			}
		},
		Headers: func(h http.Header, _ *http.Request) {
			every.Add(1)
			h.Set("Every", "yes")
		},
	}, echo)
	a := f.get("EIO=4&transport=polling")
	if cookies := a.header.Values("Set-Cookie"); len(cookies) != 2 || cookies[1] != "mycookie=456" || a.header.Get("Test") != "123" || a.header.Get("Every") != "yes" {
		t.Errorf("headers %v", a.header)
	}
	sid := parseOpen(t, a.body).SID
	a = f.post("EIO=4&transport=polling&sid="+sid, "4x")
	if a.header.Get("Test") != "" || a.header.Get("Set-Cookie") != "" || a.header.Get("Every") != "yes" {
		t.Errorf("headers of a POST %v", a.header)
	}
	if a = f.get("EIO=4&transport=polling&sid=" + sid); a.header.Get("Every") != "yes" {
		t.Errorf("headers of a poll %v", a.header)
	}
	if initial.Load() != 1 || every.Load() != 3 {
		t.Errorf("%d and %d calls", initial.Load(), every.Load())
	}
	// An upgrade is no handshake: only the second hook is called.
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket&sid="+sid, wsHeaders, "")
	a = conn.response()
	if a.status != http.StatusSwitchingProtocols || a.header.Get("Test") != "" || a.header.Get("Every") != "yes" {
		t.Errorf("upgrade: %d %v", a.status, a.header)
	}
	conn2 := f.dial()
	conn2.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
	a = conn2.response()
	if a.header.Get("Test") != "123" || a.header.Get("Every") != "yes" || len(a.header.Values("Set-Cookie")) != 2 {
		t.Errorf("WebSocket handshake: %v", a.header)
	}
	if initial.Load() != 2 || every.Load() != 5 {
		t.Errorf("%d and %d calls", initial.Load(), every.Load())
	}
}

func TestSessionKeepsItsRequest(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	ask := http.Header{"X-Test": {"one", "two"}, "User-Agent": {"me"}}
	a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling&a=b&token=%C3%A9", "", ask)
	s := f.peer(parseOpen(t, a.body).SID)
	r := s.Request()
	if r.Method != http.MethodGet || r.URL.Path != "/engine.io/" || r.URL.Query().Get("token") != "é" || r.Host != strings.TrimPrefix(f.http.URL, "http://") {
		t.Errorf("request %+v", r)
	}
	if !slices.Equal(r.Header["X-Test"], ask["X-Test"]) || r.Header.Get("User-Agent") != "me" {
		t.Errorf("headers %v", r.Header)
	}
	if !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") || r.TLS || r.Received.IsZero() {
		t.Errorf("address %q, TLS %v, received %v", r.RemoteAddr, r.TLS, r.Received)
	}
	r.Header.Set("X-Test", "changed")
	if again := s.Request(); again.Header.Get("X-Test") != "one" {
		t.Error("a caller changed what is kept")
	}
	ws := f.ws(4)
	if r := ws.side(f).Request(); !strings.HasPrefix(r.RemoteAddr, "127.0.0.1:") || r.Header.Get("Upgrade") != "websocket" {
		t.Errorf("WebSocket: %+v", r)
	}
}

func TestARequestThatIsNoURLIsKept(t *testing.T) {
	s := snapshotOf(&http.Request{URL: &url.URL{Path: "*"}}, time.Now())
	if r := s.request(); r.URL.Path != "*" {
		t.Errorf("URL %+v", r.URL)
	}
}

// What many clients send alike is kept once, and what is one client's own is not mixed up.
func TestRequestsShareWhatIsTheSame(t *testing.T) {
	t.Parallel()
	of := func(query, cookie string) snapshot {
		return snapshotOf(&http.Request{
			Host: "example.net", URL: &url.URL{Path: "/engine.io/", RawQuery: query},
			Header: http.Header{"User-Agent": {"me"}, "Origin": {"https://example.net"}, "Cookie": {cookie}},
		}, time.Now())
	}
	a, b := of("EIO=4&transport=websocket", "a=1"), of("EIO=4&transport=websocket", "b=2")
	c := of("EIO=4&transport=websocket&token=secret", "c=3")
	if a.shared != b.shared || len(a.own) > 20 {
		t.Errorf("%q and %q share little", a.shared.Value(), b.shared.Value())
	}
	if strings.Contains(c.shared.Value(), "secret") || strings.Contains(a.shared.Value(), "a=1") {
		t.Error("a client's own is shared")
	}
	for i, s := range []snapshot{a, b, c} {
		r := s.request()
		if r.Host != "example.net" || r.URL.Path != "/engine.io/" || r.Header.Get("User-Agent") != "me" || len(r.Header) != 3 ||
			r.Header.Get("Cookie") != []string{"a=1", "b=2", "c=3"}[i] || r.URL.Query().Has("token") != (i == 2) {
			t.Errorf("%d: %+v", i, r)
		}
	}
}

func TestAnyPathIsServed(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	for _, path := range []string{"/engine.io", "/engine.io/", "/engine.io/foo/bar/", "/"} {
		resp, err := f.web.Get(f.http.URL + path + "?EIO=4&transport=polling")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestOpenMaySendAndMayRefuse(t *testing.T) {
	t.Parallel()
	f := start(t, nil, &opener{open: func(p *peer) {
		if err := p.Send(says("faster!"), 0); err != nil {
			t.Error(err)
		}
	}}, false)
	f.poll(4).get().want(t, http.StatusOK, "4faster!")
	f.ws(4).want("4faster!")

	srv, err := NewServer(refuser{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &fixture{opener: f.opener, t: t, srv: srv, http: f.http, web: f.web, url: f.url}
	f.http.Config.Handler = srv
	a := g.get("EIO=4&transport=polling")
	g.get("EIO=4&transport=polling&sid="+parseOpen(t, a.body).SID).refused(t, http.StatusBadRequest, 1, "Session ID unknown")
	s := g.upgrade("EIO=4&transport=websocket")
	s.closes()
	eventually(t, "no session is left", func() bool { return srv.Len() == 0 })
	if err := srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

type refuser struct{}

func (refuser) Open(*Session) Receiver { return nil }

func TestQueryStrings(t *testing.T) {
	for raw, want := range map[string]query{
		"":                                      {protocol: 3},
		"EIO=4&transport=polling&t=abc&sid=x":   {protocol: 4, transport: "polling", id: requestIDOf("abc"), sid: "x"},
		"EIO=3&EIO=4":                           {protocol: 4},
		"EIO=4&EIO=5":                           {protocol: 3},
		"transport=a&transport=b":               {protocol: 3, transport: "b"},
		"sid=a%2Bb+c":                           {protocol: 3, sid: "a+b c"},
		"sid=%zz":                               {protocol: 3, sid: "%zz"},
		"j=12&b64=1":                            {protocol: 3, j: "12", jsonp: true, b64: true},
		"j=" + url.QueryEscape("1);alert(1//2"): {protocol: 3, j: "112", jsonp: true},
		"b64=0&&=&transport":                    {protocol: 3},
	} {
		if got := parseQuery(raw); got != want {
			t.Errorf("%q: %+v, want %+v", raw, got, want)
		}
	}
}

func TestCloseErrorSaysWhatHappened(t *testing.T) {
	cause := &wire.Error{What: "empty packet"}
	e := &CloseError{Reason: ReasonParseError, Detail: DetailBadPacket, Err: cause}
	if got := e.Error(); got != "parse error (bad packet): engine.io: empty packet at byte 0" {
		t.Errorf("%q", got)
	}
	if got := (&CloseError{Reason: ReasonForcedClose}).Error(); got != "forced close" {
		t.Errorf("%q", got)
	}
	if !errors.Is(e.Unwrap(), cause) {
		t.Error("the cause is lost")
	}
}
