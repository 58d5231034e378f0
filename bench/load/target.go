package load

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
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
	addr string // host:port to dial, host an IP address
	host string // value of the Host header
	path string // with both slashes
}

// resolveAll is resolve for t and its others, and for where they are sent on to.
func resolveAll(ctx context.Context, t Target) (eps []endpoint, onward *endpoint, err error) {
	if t.Onward != nil {
		ep, err := resolve(ctx, *t.Onward)
		if err != nil {
			return nil, nil, err
		}
		onward = &ep
	}
	for _, one := range append([]Target{t}, t.Others...) {
		ep, err := resolve(ctx, one)
		if err != nil {
			return nil, nil, err
		}
		eps = append(eps, ep)
	}
	return eps, onward, nil
}

func resolve(ctx context.Context, t Target) (endpoint, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return endpoint{}, fmt.Errorf("load: target: %w", err)
	}
	if u.Scheme != "http" || u.Host == "" || u.Port() == "" {
		return endpoint{}, fmt.Errorf("load: target %q: want http://host:port", t.URL)
	}
	ip, err := loopback(ctx, u.Hostname())
	if err != nil {
		return endpoint{}, err
	}
	path := u.EscapedPath()
	if path == "" || path == "/" {
		path = "/socket.io/"
	}
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return endpoint{addr: net.JoinHostPort(ip, u.Port()), host: u.Host, path: path}, nil
}

// loopback returns the address to dial for host, and an error when host could
// lead anywhere but to this machine.
func loopback(ctx context.Context, host string) (string, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", fmt.Errorf("load: target: %w", err)
	}
	var chosen netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if !a.IsLoopback() {
			return "", fmt.Errorf("load: %s is %s: only loopback addresses are allowed", host, a)
		}
		if !chosen.IsValid() || a.Is4() {
			chosen = a
		}
	}
	return chosen.String(), nil
}
