package origin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(host, origin string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4", nil)
	r.Host = host
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return r
}

func TestOriginsTable(t *testing.T) {
	const (
		same     = "same origin only"
		loopback = "loopback too"
	)
	lists := map[string][]string{
		same:     nil,
		loopback: nil,
		"any":    {"*"},
		"listed": {"https://app.example.com", "http://dev.example.com:8080", "https://*.example.org", "http://[2001:db8::1]:81"},
	}
	for _, tc := range []struct {
		list, host, origin string
		want               bool
	}{
		{same, "example.com", "", true},
		{same, "example.com", "https://example.com", true},
		{same, "example.com", "http://example.com", true}, // a proxy in front may have ended TLS
		{same, "EXAMPLE.com", "https://example.COM", true},
		{same, "example.com:443", "https://example.com", true},
		{same, "example.com", "https://example.com:443", true},
		{same, "example.com:3000", "http://example.com:3000", true},
		{same, "[::1]:3000", "http://[::1]:3000", true},
		{same, "example.com", "https://example.com:8443", false},
		{same, "example.com:3000", "http://example.com", false},
		{same, "example.com", "https://example.com.evil.net", false},
		{same, "example.com", "https://evil.net/example.com", false},
		{same, "example.com", "https://example.com@evil.net", false},
		{same, "localhost:3000", "http://localhost:5173", false},
		{same, "example.com", "null", false},
		{same, "example.com", "file://", false},
		{same, "example.com", "%%%", false},
		{loopback, "localhost:3000", "http://localhost:5173", true},
		{loopback, "127.0.0.1:3000", "http://localhost:3000", true},
		{loopback, "127.0.0.1:3000", "https://127.8.9.1", true},
		{loopback, "127.0.0.1:3000", "http://[::1]:99", true},
		{loopback, "127.0.0.1:3000", "http://app.localhost:99", true},
		{loopback, "127.0.0.1:3000", "http://notlocalhost", false},
		{loopback, "127.0.0.1:3000", "http://localhost.evil.net", false},
		{loopback, "127.0.0.1:3000", "http://192.168.0.1", false},
		{loopback, "127.0.0.1:3000", "null", false},
		{"any", "example.com", "https://evil.net", true},
		{"any", "example.com", "null", true},
		{"listed", "api.example.com", "https://app.example.com", true},
		{"listed", "api.example.com", "https://app.example.com:443", true},
		{"listed", "api.example.com", "http://app.example.com", false},
		{"listed", "api.example.com", "http://dev.example.com:8080", true},
		{"listed", "api.example.com", "http://dev.example.com", false},
		{"listed", "api.example.com", "https://a.example.org", true},
		{"listed", "api.example.com", "https://a.b.example.org", true},
		{"listed", "api.example.com", "https://example.org", false},
		{"listed", "api.example.com", "https://evilexample.org", false},
		{"listed", "api.example.com", "http://[2001:DB8::1]:81", true},
		{"listed", "api.example.com", "https://api.example.com", true},
		{"listed", "127.0.0.1:3000", "http://localhost:5173", false},
	} {
		p, err := Parse(lists[tc.list])
		if err != nil {
			t.Fatalf("Parse(%v): %v", lists[tc.list], err)
		}
		if tc.list == loopback {
			p.AllowLoopback()
		}
		r := request(tc.host, tc.origin)
		if got := p.Allow(r); got != tc.want {
			t.Errorf("%s: host %q, origin %q: allowed %v, want %v", tc.list, tc.host, tc.origin, got, tc.want)
		}
		err = p.CheckOrigin(r)
		if (err == nil) != tc.want {
			t.Errorf("%s: host %q, origin %q: CheckOrigin says %v, want allowed %v", tc.list, tc.host, tc.origin, err, tc.want)
		}
		if err != nil && !strings.Contains(err.Error(), "--origins") {
			t.Errorf("the refusal %q does not name the flag", err)
		}
		h := make(http.Header)
		p.SetHeaders(h, r)
		echoed := h.Get("Access-Control-Allow-Origin") == tc.origin && h.Get("Access-Control-Allow-Credentials") == "true"
		if want := tc.want && tc.origin != ""; echoed != want {
			t.Errorf("%s: origin %q: headers %v, want echoed %v", tc.list, tc.origin, h, want)
		}
		if h.Get("Vary") != "Origin" {
			t.Errorf("%s: origin %q: Vary is %q, want Origin", tc.list, tc.origin, h.Get("Vary"))
		}
	}
}

func TestParseRefusesWhatIsNoOrigin(t *testing.T) {
	for _, entry := range []string{"example.com", "https://", "https://a.b/path", "https://a.b?x", "https://u@a.b", "https://a.*.b", "://a", "null", "https://a b"} {
		if _, err := Parse([]string{entry}); err == nil {
			t.Errorf("Parse(%q) took it", entry)
		} else if !strings.Contains(err.Error(), entry) {
			t.Errorf("Parse(%q): %q does not name the entry", entry, err)
		}
	}
	if _, err := Parse([]string{"*", "https://a.b"}); err == nil {
		t.Error("* beside others was taken")
	}
}

func TestARefusalRepeatsNoLongOrigin(t *testing.T) {
	p, err := Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	err = p.CheckOrigin(request("example.com", "https://"+strings.Repeat("a", 10_000)))
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("the refusal has %d bytes", len(err.Error()))
	}
}

func TestSoleOriginIsKnownWhereThereIsOnlyOne(t *testing.T) {
	for want, list := range map[string][]string{
		"*":                       {"*"},
		"https://app.example.com": {"https://App.example.com:443"},
		"http://localhost:8080":   {"http://localhost:8080"},
	} {
		p, err := Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.SoleOrigin(); got != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
		p.AllowLoopback()
		if got := p.SoleOrigin(); got != "" && got != "*" {
			t.Errorf("%q and loopback: %q", list, got)
		}
	}
	for _, list := range [][]string{nil, {"https://a.example", "https://b.example"}, {"https://*.example.com"}, {"https://a.example", "https://*.example.com"}} {
		p, err := Parse(list)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.SoleOrigin(); got != "" {
			t.Errorf("%q: %q", list, got)
		}
	}
}
