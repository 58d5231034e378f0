package engineio

import (
	"errors"
	"net/http"
	"testing"
)

// onlyOrigin lets one origin in.
type onlyOrigin string

func (o onlyOrigin) CheckOrigin(r *http.Request) error {
	if r.Header.Get("Origin") != string(o) {
		return errors.New("origin not allowed: see --origins")
	}
	return nil
}

func TestAllowedOriginsAreEchoedOnEveryAnswer(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Origins: onlyOrigin("http://good.example")}, echo)
	good := http.Header{"Origin": {"http://good.example"}}
	check := func(a answer, status int) {
		t.Helper()
		if a.err != nil || a.status != status {
			t.Fatalf("%d %q %v, want %d", a.status, a.body, a.err, status)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "http://good.example" || a.header.Get("Access-Control-Allow-Credentials") != "true" || a.header.Get("Vary") != "Origin" {
			t.Errorf("headers %v", a.header)
		}
	}
	a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling", "", good)
	check(a, http.StatusOK)
	q := "EIO=4&transport=polling&sid=" + parseOpen(t, a.body).SID
	check(f.do(t.Context(), http.MethodPost, q, "4x", good), http.StatusOK)
	check(f.do(t.Context(), http.MethodGet, q, "", good), http.StatusOK)
	// Errors too: without the headers a page could not read them.
	check(f.do(t.Context(), http.MethodGet, "EIO=4&transport=websocket", "", good), http.StatusBadRequest)
	check(f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling&sid=none", "", good), http.StatusBadRequest)
	check(f.do(t.Context(), http.MethodPost, q, "nonsense", good), http.StatusBadRequest)
	// Requests without an Origin pass.
	if a := f.get("EIO=4&transport=polling"); a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without Origin: %d %v", a.status, a.header)
	}
}

// soleOrigins is onlyOrigin that says so.
type soleOrigins struct{ onlyOrigin }

func (o soleOrigins) SoleOrigin() string { return string(o.onlyOrigin) }

// A proxy may remove the Origin header. Where only one origin can be meant, its pages
// can read the answers all the same.
func TestAnswersCanBeReadWhereAProxyRemovesTheOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string][3]string{
		"https://app.example": {"https://app.example", "true", "Origin"},
		"*":                   {"*", "", ""},
		"":                    {"", "", ""},
	} {
		f := serve(t, &Options{Origins: soleOrigins{onlyOrigin(origin)}}, nil)
		for _, a := range []answer{f.get("EIO=4&transport=polling"), f.get("EIO=4&transport=polling&sid=none")} {
			if got := [3]string{a.header.Get("Access-Control-Allow-Origin"), a.header.Get("Access-Control-Allow-Credentials"), a.header.Get("Vary")}; got != want {
				t.Errorf("%q: %q, want %q", origin, got, want)
			}
		}
	}
}

func TestOtherOriginsAreToldWhy(t *testing.T) {
	t.Parallel()
	var heard refusals
	f := serve(t, &Options{Origins: onlyOrigin("http://good.example"), ConnectionError: heard.hear}, echo)
	c := f.poll(4)
	bad := http.Header{"Origin": {"http://bad.example"}}
	for _, q := range []string{"EIO=4&transport=polling", c.query} {
		a := f.do(t.Context(), http.MethodGet, q, "", bad)
		a.refused(t, http.StatusForbidden, 4, "origin not allowed: see --origins")
		if a.header.Get("Access-Control-Allow-Origin") != "http://bad.example" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("headers %v", a.header)
		}
		if e := heard.last(t); e.Context["origin"] != "http://bad.example" {
			t.Errorf("heard %v", e.Context)
		}
	}
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders+"Origin: http://bad.example\r\n", "")
	conn.response().refused(t, http.StatusBadRequest, 4, "origin not allowed: see --origins")
	good := f.dial()
	good.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders+"Origin: http://good.example\r\n", "")
	if a := good.response(); a.status != http.StatusSwitchingProtocols {
		t.Errorf("the good origin got %d %s", a.status, a.body)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Origins: onlyOrigin("http://good.example")}, nil)
	ask := http.Header{
		"Origin": {"http://good.example"}, "Access-Control-Request-Method": {"POST"},
		"Access-Control-Request-Headers": {"my-header"}, "Access-Control-Request-Private-Network": {"true"},
	}
	a := f.do(t.Context(), http.MethodOptions, "EIO=4&transport=polling", "", ask)
	a.want(t, http.StatusNoContent, "")
	for k, want := range map[string]string{
		"Access-Control-Allow-Origin": "http://good.example", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "GET, POST, OPTIONS", "Access-Control-Allow-Headers": "my-header",
		"Access-Control-Allow-Private-Network": "true", "Access-Control-Max-Age": "600",
	} {
		if got := a.header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	ask.Set("Origin", "http://bad.example")
	a = f.do(t.Context(), http.MethodOptions, "EIO=4&transport=polling", "", ask)
	if a.status != http.StatusForbidden || a.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("another origin: %d %v", a.status, a.header)
	}
}

func TestWithoutAPolicyNobodyIsAskedForAnOrigin(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling", "", http.Header{"Origin": {"http://any.example"}})
	if a.status != http.StatusOK || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
}
