package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server"
)

// health runs the command and returns its status and all it said.
func health(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	var both bytes.Buffer
	status = run(t.Context(), append([]string{"health"}, args...), &both, &both)
	return status, both.String()
}

func TestHealthAsksTheServerOfTheSameOptions(t *testing.T) {
	s := start(t, "--metrics-listen", "127.0.0.1:0")
	main := strings.TrimPrefix(s.url, "http://")
	side := s.log.await(t, `http://(127\.0\.0\.1:\d+)/metrics`)
	_, port, err := net.SplitHostPort(main)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--listen", main},
		{"--listen", ":" + port},
		{"--listen", main, "/readyz"},
		{"--listen", "127.0.0.1:0", "--metrics-listen", side},
		{"--listen", "127.0.0.1:0", "--metrics-listen", side, "/readyz"},
		{s.url},
		{s.url + "/readyz"},
	} {
		if status, said := health(t, args...); status != 0 || !strings.HasSuffix(said, "z: ok\n") {
			t.Errorf("%q: status %d: %s", args, status, said)
		}
	}
	t.Setenv("SOCKEYE_LISTEN", main)
	if status, said := health(t); status != 0 {
		t.Errorf("with SOCKEYE_LISTEN: status %d: %s", status, said)
	}
}

func TestHealthOfAServerThatIsUnwellIsAFailure(t *testing.T) {
	unwell := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/healthz", http.StatusFound)
			return
		}
		http.Error(w, "redis is away", http.StatusServiceUnavailable)
	}))
	defer unwell.Close()
	for _, tc := range []struct{ arg, want string }{
		{unwell.URL + "/readyz", "answers 503 Service Unavailable: redis is away"},
		{unwell.URL + "/elsewhere", "answers 302 Found"},
		{"127.0.0.1:3000", `"127.0.0.1:3000" is neither a URL such as`},
		{"readyz", `"readyz" is neither a URL such as`},
		{"/healthz", "the system chose the port: name the URL"},
	} {
		if status, said := health(t, "--listen", "127.0.0.1:0", tc.arg); status != 1 || !strings.Contains(said, tc.want) {
			t.Errorf("%s: status %d, want %q in %s", tc.arg, status, tc.want, said)
		}
	}
	unwell.Close()
	if status, said := health(t, unwell.URL); status != 1 || !strings.Contains(said, "refused") {
		t.Errorf("nobody there: status %d: %s", status, said)
	}
}

func TestHealthTakesAnyCertificateFromLoopbackOnly(t *testing.T) {
	var asked []string
	secure := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }))
	defer secure.Close()
	if status, said := health(t, secure.URL); status != 0 {
		t.Errorf("status %d: %s", status, said)
	}
	if status, said := health(t, "--listen", strings.TrimPrefix(secure.URL, "https://"), "/readyz"); status != 0 {
		t.Errorf("found by the options: status %d: %s", status, said)
	}
	if status, said := health(t, strings.Replace(secure.URL, "https", "http", 1)); status != 1 || !strings.Contains(said, "speaks HTTPS") {
		t.Errorf("named without TLS: status %d: %s", status, said)
	}
	// The same server by a name, which could be anybody's.
	named := strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)
	if status, said := health(t, named); status != 1 || !strings.Contains(said, "certificate") {
		t.Errorf("by a name: status %d: %s", status, said)
	}
	if fmt.Sprint(asked) != "[/healthz /readyz]" {
		t.Errorf("asked were %q", asked)
	}
}

func TestHealthURL(t *testing.T) {
	for _, tc := range []struct{ listen, metrics, arg, want string }{
		{"127.0.0.1:3000", "", "", "http://127.0.0.1:3000/healthz"},
		{":3000", "", "", "http://127.0.0.1:3000/healthz"},
		{"0.0.0.0:3000", "", "/readyz", "http://127.0.0.1:3000/readyz"},
		{"[::]:3000", "", "", "http://[::1]:3000/healthz"},
		{"10.1.2.3:80", "", "", "http://10.1.2.3:80/healthz"},
		{":3000", ":9090", "", "http://127.0.0.1:9090/healthz"},
		{":3000", ":9090", "https://example.org", "https://example.org/healthz"},
		{":3000", ":9090", "https://example.org/x?y", "https://example.org/x?y"},
	} {
		var u *url.URL
		u, err := healthURL(tc.arg, &server.Config{Listen: tc.listen, MetricsListen: tc.metrics})
		if err != nil || u.String() != tc.want {
			t.Errorf("%+v: %v, %v", tc, u, err)
		}
	}
}
