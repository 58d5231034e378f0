package load

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Target is a running server.
type Target struct {
	// URL is http://host:port or http://host:port/path/; without a path,
	// /socket.io/ is used. https is spoken too. A query goes into every request. The
	// host must be a loopback address or resolve to nothing but loopback addresses,
	// unless Remote says otherwise.
	URL string `json:"url"`
	// Remote allows any host. Whoever sets it has been told by its user that the
	// target may be put under load. Of several addresses one is used.
	Remote bool `json:"remote,omitempty"`
	// Namespace is where the clients connect; those of Others and Onward are not
	// read, nor are the fields below. [/]
	Namespace string `json:"namespace,omitempty"`
	// Auth is the payload of CONNECT, a JSON object; empty for none.
	Auth json.RawMessage `json:"-"`
	// Header goes into every request, such as Authorization, Cookie or Origin.
	// Those that the protocols need themselves are refused.
	Header http.Header `json:"-"`
	// TLS is used for https, nil for the defaults: the system's roots. Clients of
	// https are read by a goroutine each, which costs the generator more.
	TLS *tls.Config `json:"-"`
	// PID is the server's process on this machine; 0 leaves CPU and memory out.
	PID int `json:"pid"`
	// Others are further nodes of one cluster. The clients are spread over all nodes
	// in turn, beginning with the first; CPU and memory are those of all together.
	Others []Target `json:"others,omitempty"`
	// Onward is a further node of one cluster, nil for none. Clients that poll open their
	// sessions at URL, and all that follows goes to Onward, so that it is carried; CPU
	// and memory are those of all nodes together.
	Onward *Target `json:"onward,omitempty"`
	// Aside is a process whose CPU time is shown apart, such as the Redis between
	// the nodes; 0 is none.
	Aside int `json:"aside,omitempty"`
}

// nodes are t and all that belong to it.
func (t Target) nodes() []Target {
	all := append([]Target{t}, t.Others...)
	if t.Onward != nil {
		all = append(all, *t.Onward)
	}
	return all
}

// pids are those of the nodes, as far as they are given.
func (t Target) pids() []int {
	var pids []int
	for _, one := range t.nodes() {
		if one.PID != 0 {
			pids = append(pids, one.PID)
		}
	}
	return pids
}

// endpoint is a checked Target.
type endpoint struct {
	addr   string // host:port to dial, host an IP address
	host   string // value of the Host header
	path   string // with both slashes
	query  string // "" or begins with &
	header string // further lines of a request's head

	tls     *tls.Config // nil for http
	sources int         // how many addresses of this machine to dial from, 0 to leave it to the system
}

// resolveAll is resolve for t and its others, and for where they are sent on to.
func resolveAll(ctx context.Context, t Target) (eps []endpoint, onward *endpoint, err error) {
	header, err := headerLines(t.Header)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range t.nodes() {
		ep, err := resolve(ctx, one, t.Remote)
		if err != nil {
			return nil, nil, err
		}
		ep.header = header
		if ep.tls != nil && t.TLS != nil {
			name := ep.tls.ServerName
			ep.tls = t.TLS.Clone()
			ep.tls.NextProtos = []string{"http/1.1"}
			setDefault(&ep.tls.ServerName, name)
		}
		eps = append(eps, ep)
	}
	if t.Onward != nil {
		last := len(eps) - 1
		return eps[:last], &eps[last], nil
	}
	return eps, nil, nil
}

func resolve(ctx context.Context, t Target, remote bool) (endpoint, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return endpoint{}, fmt.Errorf("load: target: %w", err)
	}
	ports := map[string]string{"http": "80", "https": "443"}
	if ports[u.Scheme] == "" || u.Hostname() == "" || u.User != nil {
		return endpoint{}, fmt.Errorf("load: target %q: want http://host:port or https://host:port", t.URL)
	}
	ip, err := address(ctx, u.Hostname(), remote)
	if err != nil {
		return endpoint{}, err
	}
	ep := endpoint{host: u.Host, path: u.EscapedPath()}
	port := u.Port()
	setDefault(&port, ports[u.Scheme])
	ep.addr = net.JoinHostPort(ip, port)
	if ep.path == "" || ep.path == "/" {
		ep.path = "/socket.io/"
	}
	if !strings.HasSuffix(ep.path, "/") {
		ep.path += "/"
	}
	if u.RawQuery != "" {
		values, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return endpoint{}, fmt.Errorf("load: target: %w", err)
		}
		ep.query = "&" + values.Encode()
	}
	if u.Scheme == "https" {
		ep.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	return ep, nil
}

// ownHeaders are written by the generator itself.
var ownHeaders = map[string]bool{
	"Host": true, "Connection": true, "Upgrade": true, "Content-Length": true, "Content-Type": true,
	"Transfer-Encoding": true, "Accept-Encoding": true, "Sec-Websocket-Key": true,
	"Sec-Websocket-Version": true, "Sec-Websocket-Extensions": true, "Sec-Websocket-Protocol": true,
}

func headerLines(h http.Header) (string, error) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) || ownHeaders[http.CanonicalHeaderKey(name)] {
				return "", fmt.Errorf("load: header %q cannot be sent", name)
			}
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	return b.String(), nil
}

// address returns the address to dial for host. Unless remote is allowed, it is an
// error when host could lead anywhere but to this machine.
func address(ctx context.Context, host string, remote bool) (string, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", fmt.Errorf("load: target: %w", err)
	}
	var chosen netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if !remote && !a.IsLoopback() {
			return "", fmt.Errorf("load: %s is %s: only loopback addresses are allowed", host, a)
		}
		if !chosen.IsValid() || a.Is4() && !chosen.Is4() {
			chosen = a
		}
	}
	return chosen.String(), nil
}

// portsPerSource is how many connections to one server one address of this machine
// can open, with what is left for others: Linux has 28,232 ports for that.
const portsPerSource = 20_000

// spread has the connections come from as many addresses as they need.
func (ep *endpoint) spread(connections int) {
	host, _, err := net.SplitHostPort(ep.addr)
	if err != nil || !manySources {
		return
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() && ip.IsLoopback() && connections > portsPerSource {
		ep.sources = connections/portsPerSource + 1
	}
}

// dial opens a connection for client number nth.
func (ep endpoint) dial(ctx context.Context, nth int, stalled bool) (net.Conn, error) {
	var nd net.Dialer
	if ep.sources > 0 {
		nd.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+nth%ep.sources))}
	}
	if stalled {
		nd.Control = narrow
	}
	conn, err := nd.DialContext(ctx, "tcp", ep.addr)
	if err != nil {
		return nil, err
	}
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	if ep.tls == nil {
		return conn, nil
	}
	secure := tls.Client(conn, ep.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		abort(conn)
		return nil, err
	}
	return secure, nil
}
