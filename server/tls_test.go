package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/certs"
	"github.com/sockeye-io/sockeye/server/certs/certstest"
)

// use has a configuration use these files.
func (c *Config) use(f certs.Files) { c.TLSCert, c.TLSKey = []string{f.Cert}, []string{f.Key} }

func TestTheMainAddressSpeaksHTTPS(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "localhost").Write(t, t.TempDir())
	r := start(t, func(c *Config) {
		c.use(files)
		c.Cookie, c.HSTS = "io", OrDuration{Duration: time.Hour}
	})
	res, body := r.do(t, http.MethodGet, "/")
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || !strings.Contains(body, "<html") {
		t.Errorf("the page: %d %s", res.StatusCode, res.Proto)
	}
	res, body = r.do(t, http.MethodGet, handshake)
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 || !strings.HasPrefix(body, "0{") {
		t.Errorf("polling: %d %s %q", res.StatusCode, res.Proto, body)
	}
	if c := res.Header.Get("Set-Cookie"); !strings.Contains(c, "Secure") {
		t.Errorf("the cookie: %q", c)
	}
	if got := res.Header.Get("Strict-Transport-Security"); got != "max-age=3600" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
	conn := r.upgrade(t, r.opened(t))
	if err := wsutil.WriteClientText(conn, []byte("40")); err != nil {
		t.Fatal(err)
	}
	if text, err := wsutil.ReadServerText(conn); err != nil || !strings.HasPrefix(string(text), "40{") {
		t.Errorf("WebSocket: %q, %v", text, err)
	}
	if log := r.log.String(); !strings.Contains(log, "url=https://127.0.0.1:") {
		t.Errorf("the log: %s", log)
	}
	plain, err := http.Get("http" + strings.TrimPrefix(r.url, "https"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Body.Close()
	if b, err := io.ReadAll(plain.Body); plain.StatusCode != http.StatusBadRequest || !strings.Contains(string(b), "HTTPS") {
		t.Errorf("plain HTTP is answered %d %q, %v", plain.StatusCode, b, err)
	}
}

// socket opens a WebSocket of its own and returns it past its first packet.
func (r *running) socket(t *testing.T) net.Conn {
	t.Helper()
	d := ws.Dialer{TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, br, _, err := d.Dial(t.Context(), "ws"+strings.TrimPrefix(r.url, "http")+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var from io.Reader = conn
	if br != nil {
		from = br
	}
	text, err := wsutil.ReadServerText(struct {
		io.Reader
		io.Writer
	}{from, conn})
	if err != nil || !strings.HasPrefix(string(text), "0{") {
		t.Fatalf("first packet: %q, %v", text, err)
	}
	if br != nil && br.Buffered() > 0 {
		t.Fatalf("%d bytes are left over", br.Buffered())
	}
	return conn
}

func TestConnectionsLiveThroughNewCertificates(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := certstest.SelfSigned(t, "localhost").Write(t, folder)
	r := start(t, func(c *Config) { c.use(files) })
	var conns []net.Conn
	for range 100 {
		conns = append(conns, r.socket(t))
	}
	q := r.opened(t)
	answers := make(chan string, 1)
	go func() {
		_, body := r.do(t, http.MethodGet, q+"waits")
		answers <- body
	}()
	for range 5 {
		fresh := certstest.SelfSigned(t, "localhost")
		fresh.Write(t, folder)
		r.ReloadCertificates()
		c, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{RootCAs: fresh.Pool(), ServerName: "localhost"})
		if err != nil {
			t.Fatalf("the new certificate is not shown: %v", err)
		}
		c.Close()
		var all sync.WaitGroup
		for _, conn := range conns {
			all.Go(func() {
				if err := wsutil.WriteClientText(conn, []byte("40/x")); err != nil {
					t.Error(err)
				}
				if text, err := wsutil.ReadServerText(conn); err != nil || !strings.HasPrefix(string(text), "4") {
					t.Errorf("%q, %v", text, err)
				}
			})
		}
		all.Wait()
	}
	if status, body := r.post(t, q+"p", "40"); status != http.StatusOK {
		t.Errorf("a POST: %d %q", status, body)
	}
	if body := <-answers; !strings.HasPrefix(body, "40{") {
		t.Errorf("the poll: %q", body)
	}
}

func TestCertificatesThatCannotBeUsedAreAnErrorAtTheStart(t *testing.T) {
	t.Parallel()
	good := certstest.SelfSigned(t, "localhost").Write(t, t.TempDir())
	other := certstest.SelfSigned(t, "localhost").Write(t, t.TempDir())
	for want, change := range map[string]func(c *Config){
		"no such file":            func(c *Config) { c.TLSCert, c.TLSKey = []string{"/nowhere"}, []string{good.Key} },
		"do not go together":      func(c *Config) { c.TLSCert, c.TLSKey = []string{good.Cert}, []string{other.Key} },
		"0 keys for 1 certif":     func(c *Config) { c.TLSCert = []string{good.Cert} },
		"is empty":                func(c *Config) { c.TLSCert, c.TLSKey = []string{""}, []string{""} },
		"nothing here speaks":     func(c *Config) { c.RedirectListen = ":80" },
		"do not heed it":          func(c *Config) { c.HSTS.Duration = time.Hour },
		"write host:port, such a": func(c *Config) { c.use(good); c.RedirectListen = "80" },
	} {
		cfg := defaultConfig()
		change(cfg)
		app, err := New(cfg, slog.New(slog.DiscardHandler), "")
		if err == nil {
			app.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "--") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestBrowsersAreSentToHTTPS(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "app.example.com", "*.example.org", "127.0.0.1", "::1").Write(t, t.TempDir())
	r := start(t, func(c *Config) {
		c.use(files)
		c.RedirectListen = "127.0.0.1:0"
	})
	_, port, _ := net.SplitHostPort(r.Addr().String())
	base := "http://" + r.redirectListener.Addr().String()
	for _, c := range []struct {
		method, path, host string
		status             int
		location           string
	}{
		{http.MethodGet, "/", "127.0.0.1:8080", 308, "https://127.0.0.1:" + port + "/"},
		{http.MethodGet, "/chat?a=b%20c&d", "app.example.com:8080", 308, "https://app.example.com:" + port + "/chat?a=b%20c&d"},
		{http.MethodHead, "/a%2Fb", "x.example.org:8080", 308, "https://x.example.org:" + port + "/a%2Fb"},
		{http.MethodGet, "/", "[::1]:8080", 308, "https://[::1]:" + port + "/"},
		{http.MethodGet, "/", "app.example.com", 308, "https://app.example.com/"}, // ports are mapped
		{http.MethodGet, "/", "[::1]", 308, "https://[::1]/"},
		{http.MethodGet, "//evil.example.net/x", "app.example.com", 308, "https://app.example.com//evil.example.net/x"},
		{http.MethodGet, "/", "evil.example.net", 421, ""},
		{http.MethodGet, "/", "app.example.com.evil.example.net", 421, ""},
		{http.MethodGet, "/", "app.example.com@evil.example.net", 421, ""},
		{http.MethodGet, "/", "a.b.example.org", 421, ""},
		{http.MethodPost, "/", "app.example.com", 405, ""},
		{http.MethodGet, "/healthz", "10.0.0.1", 200, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		res, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status || res.Header.Get("Location") != c.location {
			t.Errorf("%s %s of %s: %d %q, want %d %q", c.method, c.path, c.host, res.StatusCode, res.Header.Get("Location"), c.status, c.location)
		}
	}
}

// redirected sends a request to the address of --redirect-listen.
func (r *running) redirected(t *testing.T, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.redirectListener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A target without a path went on with the host's name.
func TestARedirectLeadsToTheSameHost(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "app.example.com").Write(t, t.TempDir())
	r := start(t, func(c *Config) {
		c.use(files)
		c.RedirectListen = "127.0.0.1:0"
	})
	for _, target := range []string{"http:.example.net/", "https:@example.net/", "*"} {
		conn := r.redirected(t, "GET "+target+" HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n")
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") || strings.Contains(string(answer), "Location") {
			t.Errorf("%s: %q, %v", target, answer, err)
		}
	}
}

// Visitors that were sent to HTTPS, and whose browsers kept that connection, were taken
// for connections without a request, of which an address may have few.
func TestWhoWasSentToHTTPSHasBeenHeard(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "127.0.0.1").Write(t, t.TempDir())
	r := start(t, func(c *Config) {
		strict(c)
		c.use(files)
		c.RedirectListen, c.IPConnections = "127.0.0.1:0", 20
	})
	for i := range 30 {
		conn := r.redirected(t, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "308") {
			t.Fatalf("visitor %d: %q, %v", i, line, err)
		}
	}
}

// Nodes reach each other at addresses, by the same certificate, also when it changes.
func TestNodesWithTLSServeEachOthersClients(t *testing.T) {
	t.Parallel()
	folders := []string{t.TempDir(), t.TempDir()}
	ca := certstest.NewCA(t)
	for _, folder := range folders {
		ca.Issue(t, "app.example.com").Write(t, folder)
	}
	started := 0
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) {
		c.TLSCert, c.TLSKey = []string{filepath.Join(folders[started], "cert.pem")}, []string{filepath.Join(folders[started], "key.pem")}
		started++
	})
	if log := all[0].log.String(); !strings.Contains(log, "url=https://127.0.0.1:") || strings.Contains(log, "level=WARN msg=\"another") {
		t.Errorf("the log: %s", log)
	}
	for round := range 3 {
		q := all[0].opened(t)
		if status, body := all[1].post(t, fmt.Sprint(q, 1), "40"); status != http.StatusOK || body != "ok" {
			t.Fatalf("round %d: CONNECT: %d %q", round, status, body)
		}
		if res, body := all[1].do(t, http.MethodGet, fmt.Sprint(q, 2)); res.StatusCode != http.StatusOK || !strings.HasPrefix(body, "40{") {
			t.Fatalf("round %d: its answer: %d %q", round, res.StatusCode, body)
		}
		conn := all[1].upgrade(t, q)
		if err := wsutil.WriteClientText(conn, []byte(`421["echo","x"]`)); err != nil {
			t.Fatal(err)
		}
		if text, err := wsutil.ReadServerText(conn); err != nil || string(text) != `431["x"]` {
			t.Fatalf("round %d: the WebSocket: %q, %v", round, text, err)
		}
		// One has the new certificate before the other.
		ca.Issue(t, "app.example.com").Write(t, folders[round%2])
		all[round%2].ReloadCertificates()
	}
}
