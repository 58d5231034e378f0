package clientip

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	n := networks(t, "10.0.0.0/8", " 2001:db8::/32", "192.0.2.7", "loopback", "")
	for addr, want := range map[string]bool{
		"10.255.0.1": true, "::ffff:10.1.1.1": true, "11.0.0.1": false, "2001:db8::1": true, "2001:db9::1": false,
		"192.0.2.7": true, "192.0.2.8": false, "127.0.0.5": true, "::1": true, "fe80::1%eth0": false,
	} {
		if got := n.Has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v", addr, got)
		}
	}
	for _, bad := range []string{"10.0.0.0/33", "example.com", "10.0.0", "private/8", "*"} {
		if _, err := Parse([]string{bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got error %v", bad, err)
		}
	}
	if (*Networks)(nil).Has(netip.MustParseAddr("::1")) || !(*Networks)(nil).Empty() || n.Empty() {
		t.Error("nil is not empty, or the full is")
	}
	if p := networks(t, "private"); !p.Has(netip.MustParseAddr("192.168.1.1")) || p.Has(netip.MustParseAddr("8.8.8.8")) {
		t.Error("private is something else")
	}
}

func TestTheClientIsTheRightmostHopThatIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	const proxy = "10.0.0.1:999"
	for name, c := range map[string]struct {
		peer   string
		header Header
		values []string
		want   string
	}{
		"one hop":                       {proxy, XForwardedFor, []string{"203.0.113.9"}, "203.0.113.9:0"},
		"with a port":                   {proxy, XForwardedFor, []string{"203.0.113.9:51000"}, "203.0.113.9:51000"},
		"IPv6":                          {proxy, XForwardedFor, []string{"2001:db8::7"}, "[2001:db8::7]:0"},
		"IPv6 with a port":              {proxy, XForwardedFor, []string{"[2001:db8::7]:80"}, "[2001:db8::7]:80"},
		"IPv4 in IPv6":                  {proxy, XForwardedFor, []string{"::ffff:203.0.113.9"}, "203.0.113.9:0"},
		"what the client wrote is left": {proxy, XForwardedFor, []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9:0"},
		"in a line of its own":          {proxy, XForwardedFor, []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9:0"},
		"through two proxies":           {proxy, XForwardedFor, []string{"1.1.1.1, 203.0.113.9, 10.0.0.2"}, "203.0.113.9:0"},
		"through a proxy that is not trusted": {
			proxy, XForwardedFor, []string{"1.1.1.1,198.51.100.1 ,10.0.0.2"}, "198.51.100.1:0",
		},
		"all trusted: the leftmost":      {proxy, XForwardedFor, []string{"10.0.0.4, 10.0.0.3"}, "10.0.0.4:0"},
		"the client's garbage is left":   {proxy, XForwardedFor, []string{"<script>, 203.0.113.9"}, "203.0.113.9:0"},
		"garbage behind a trusted hop":   {proxy, XForwardedFor, []string{"<script>, 10.0.0.2"}, "10.0.0.2:0"},
		"the proxy does not know":        {proxy, XForwardedFor, []string{"1.1.1.1, unknown"}, proxy},
		"empty":                          {proxy, XForwardedFor, []string{""}, proxy},
		"no header":                      {proxy, XForwardedFor, nil, proxy},
		"not trusted":                    {"203.0.113.1:7", XForwardedFor, []string{"1.1.1.1"}, "203.0.113.1:7"},
		"no header is read":              {proxy, NoHeader, []string{"1.1.1.1"}, proxy},
		"Forwarded":                      {proxy, Forwarded, []string{"for=203.0.113.9;proto=https"}, "203.0.113.9:0"},
		"Forwarded, IPv6":                {proxy, Forwarded, []string{`For="[2001:db8::7]:4711"; by=10.0.0.1`}, "[2001:db8::7]:4711"},
		"Forwarded, IPv6 without a port": {proxy, Forwarded, []string{`for="[2001:db8::7]"`}, "[2001:db8::7]:0"},
		"Forwarded, hidden port":         {proxy, Forwarded, []string{`for="203.0.113.9:_x"`}, "203.0.113.9:0"},
		"Forwarded, hidden":              {proxy, Forwarded, []string{"for=1.1.1.1, for=_hidden"}, proxy},
		"Forwarded, unknown":             {proxy, Forwarded, []string{"for=unknown"}, proxy},
		"Forwarded, two":                 {proxy, Forwarded, []string{"for=1.1.1.1, for=203.0.113.9;by=x, for=10.0.0.2"}, "203.0.113.9:0"},
		"Forwarded, a comma in quotes":   {proxy, Forwarded, []string{`for=203.0.113.9;ext="a,b"`}, "203.0.113.9:0"},
		"Forwarded, an escaped quote":    {proxy, Forwarded, []string{`for=203.0.113.9;ext="a\",for=1.1.1.1"`}, "203.0.113.9:0"},
		"Forwarded, the client's open quote": {
			proxy, Forwarded, []string{`for="1.1.1.1, for=203.0.113.9`}, "203.0.113.9:0",
		},
		"Forwarded, for twice":          {proxy, Forwarded, []string{"for=1.1.1.1;for=2.2.2.2"}, proxy},
		"Forwarded, none":               {proxy, Forwarded, []string{"proto=https"}, proxy},
		"the other header is not heard": {proxy, Forwarded, nil, proxy},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = c.peer
		if c.values != nil {
			r.Header[string(XForwardedFor)] = c.values
			if c.header == Forwarded {
				r.Header = http.Header{"Forwarded": c.values, "X-Forwarded-For": {"9.9.9.9"}}
			}
		}
		got := ""
		Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }),
			Options{Trusted: networks(t, "10.0.0.0/8"), Header: c.header}).ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestWhetherTheClientCameByTLS(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header Header
		h      http.Header
		before bool
		want   bool
	}{
		"the proxy ended it":         {XForwardedFor, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https"}}, false, true},
		"the proxy began it":         {XForwardedFor, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"http"}}, true, false},
		"a list":                     {XForwardedFor, http.Header{"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https,http"}}, false, false},
		"nothing is said":            {XForwardedFor, http.Header{"X-Forwarded-For": {"1.1.1.1"}}, true, true},
		"of nobody":                  {XForwardedFor, http.Header{"X-Forwarded-Proto": {"https"}}, false, false},
		"Forwarded":                  {Forwarded, http.Header{"Forwarded": {"for=1.1.1.1;proto=HTTPS"}}, false, true},
		"Forwarded of the client":    {Forwarded, http.Header{"Forwarded": {"for=2.2.2.2;proto=https, for=1.1.1.1;proto=http"}}, false, false},
		"the other header of a liar": {Forwarded, http.Header{"Forwarded": {"for=1.1.1.1"}, "X-Forwarded-Proto": {"https"}}, false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.RemoteAddr, r.Header = "10.0.0.1:999", c.h
		if c.before {
			r.TLS = &tls.ConnectionState{}
		}
		Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := r.TLS != nil; got != c.want {
				t.Errorf("%s: got %v", name, got)
			}
		}), Options{Trusted: networks(t, "10.0.0.0/8"), Header: c.header}).ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestWhoIsNotTrustedAndNamesClientsIsHeardOf(t *testing.T) {
	t.Parallel()
	heard := 0
	h := Handler(http.NotFoundHandler(), Options{Header: XForwardedFor, Untrusted: func(*http.Request) { heard++ }})
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Accept"} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set(name, "for=1.1.1.1")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	if heard != 2 {
		t.Errorf("heard of %d", heard)
	}
}

// What the nearest proxy appends decides, whatever a client wrote before it.
func FuzzXForwardedFor(f *testing.F) {
	f.Add("1.1.1.1, 2.2.2.2")
	f.Add(`for="[::1]:_x", "`)
	f.Add(",,,\\\"")
	trusted := networks(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, lie string) {
		const peer, truth = "10.0.0.1:1", "203.0.113.9:0"
		from := netip.MustParseAddrPort(peer)
		for _, values := range [][]string{{lie + ", 203.0.113.9"}, {lie, "203.0.113.9"}, {lie + ",203.0.113.9, 10.0.0.9"}} {
			if got, _ := walk(from, trusted, xForwardedFor(values)); got.addr.String() != truth {
				t.Errorf("%q: got %v", values, got.addr)
			}
		}
		walk(from, trusted, xForwardedFor([]string{lie}))
	})
}

func FuzzForwarded(f *testing.F) {
	f.Add(`for=1.1.1.1;proto=https`)
	f.Add(`for="[2001:db8::7]:4711", for="`)
	f.Add(`for=_hidden;by="a\"b,c"`)
	trusted := networks(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, lie string) {
		from := netip.MustParseAddrPort("10.0.0.1:1")
		for _, values := range [][]string{{lie + ", for=203.0.113.9;proto=http"}, {lie, `for="203.0.113.9:7";proto=http`}} {
			got, _ := walk(from, trusted, forwarded(values))
			if got.addr.Addr().String() != "203.0.113.9" || got.proto != "http" {
				t.Errorf("%q: got %v", values, got)
			}
		}
		if h := parseElement(lie); h.addr.IsValid() && h.addr.Addr().Is4In6() {
			t.Errorf("%q: %v", lie, h.addr)
		}
	})
}
