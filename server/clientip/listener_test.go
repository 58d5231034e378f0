package clientip

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// serve starts an HTTP server that answers with the client's address.
func serve(t *testing.T, o ListenOptions) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }),
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = srv.Serve(Listen(l, o))
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return l.Addr().String()
}

// say writes bytes and a request, and returns status and body, or status 0 for a
// connection that was closed without an answer.
func say(t *testing.T, addr, first string) (status int, body, local string) {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, first+"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, "", ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), c.LocalAddr().String()
}

func v2(t *testing.T, h *proxyproto.Header) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheProxyProtocolNamesTheClient(t *testing.T) {
	t.Parallel()
	addr := serve(t, ListenOptions{Trusted: networks(t, "loopback")})
	client := &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711}
	here := &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 80}
	for name, c := range map[string]struct{ first, want string }{
		"version 1":          {"PROXY TCP4 203.0.113.9 192.0.2.1 51000 80\r\n", "203.0.113.9:51000"},
		"version 1, IPv6":    {"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n", "[2001:db8::7]:4711"},
		"version 1, unknown": {"PROXY UNKNOWN\r\n", ""},
		"version 2": {v2(t, &proxyproto.Header{
			Version: 2, Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv6, SourceAddr: client, DestinationAddr: here,
		}), "[2001:db8::7]:4711"},
		"version 2, local": {"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", ""},
		"version 2, a pipe": {v2(t, &proxyproto.Header{
			Version: 2, Command: proxyproto.PROXY, TransportProtocol: proxyproto.UnixStream,
			SourceAddr: &net.UnixAddr{Name: "/a", Net: "unix"}, DestinationAddr: &net.UnixAddr{Name: "/b", Net: "unix"},
		}), ""},
	} {
		status, got, local := say(t, addr, c.first)
		want := c.want
		if want == "" {
			want = local
		}
		if status != http.StatusOK || got != want {
			t.Errorf("%s: got %d %s, want %s", name, status, got, want)
		}
	}
}

func TestAProxyThatSaysNothingOrNonsenseIsCutOff(t *testing.T) {
	t.Parallel()
	required := serve(t, ListenOptions{Trusted: networks(t, "loopback")})
	for name, first := range map[string]string{
		"nothing":      "",
		"nonsense":     "PROXY TCP4 a b c d\r\n",
		"too long":     "PROXY TCP4 " + string(bytes.Repeat([]byte("1"), 200)) + "\r\n",
		"version 3":    "\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00",
		"cut off":      "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0cabc",
		"wrong family": "PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n",
	} {
		if status, body, _ := say(t, required, first); status == http.StatusOK {
			t.Errorf("%s: got %d %s", name, status, body)
		}
	}
	optional := serve(t, ListenOptions{Trusted: networks(t, "loopback"), Presence: Optional})
	if status, got, local := say(t, optional, ""); status != http.StatusOK || got != local {
		t.Errorf("optional: got %d %s", status, got)
	}
}

func TestWhoIsNoProxyCannotNameAClient(t *testing.T) {
	t.Parallel()
	addr := serve(t, ListenOptions{Trusted: networks(t, "192.0.2.0/24")})
	if status, body, _ := say(t, addr, "PROXY TCP4 203.0.113.9 192.0.2.1 51000 80\r\n"); status != http.StatusBadRequest {
		t.Errorf("got %d %s", status, body)
	}
	if status, got, local := say(t, addr, ""); status != http.StatusOK || got != local {
		t.Errorf("without: got %d %s", status, got)
	}
}

// A header that does not come costs its own connection, within a time, and nobody else.
func TestASilentProxyHarmsOnlyItsOwnConnection(t *testing.T) {
	t.Parallel()
	addr := serve(t, ListenOptions{Trusted: networks(t, "loopback"), Timeout: 50 * time.Millisecond})
	d := net.Dialer{Timeout: 5 * time.Second}
	silent, err := d.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if status, _, _ := say(t, addr, "PROXY TCP4 203.0.113.9 192.0.2.1 51000 80\r\n"); status != http.StatusOK {
		t.Errorf("the next connection got %d", status)
	}
	silent.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(silent); err != nil {
		t.Errorf("not closed: %v", err)
	}
}

// The header of a trusted proxy never blocks, panics or names what is no address.
func FuzzProxyProtocol(f *testing.F) {
	f.Add([]byte("PROXY TCP4 203.0.113.9 192.0.2.1 51000 80\r\nGET"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02"))
	f.Fuzz(func(t *testing.T, text []byte) {
		here, there := net.Pipe()
		defer here.Close()
		go func() {
			_, _ = there.Write(text)
			_ = there.Close()
		}()
		c := proxyproto.NewConn(here, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.ValidateHeader(validate))
		if a := c.RemoteAddr(); a != here.RemoteAddr() && !addrOf(a).IsValid() {
			t.Errorf("%q: got %v", text, a)
		}
		_, _ = io.Copy(io.Discard, c)
	})
}
