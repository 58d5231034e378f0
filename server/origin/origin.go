package origin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Policy says which origins pass. Requests without an Origin header, which
// browsers send only for pages of the same origin and other programs do not
// send, and requests of the same origin always pass.
type Policy struct {
	any      bool
	loopback bool
	exact    map[string]bool // scheme://host[:port], lower case, default port left out
	suffixes []wildcard
}

// wildcard is scheme://*.domain: any subdomain at any depth, not the domain itself.
type wildcard struct {
	scheme, suffix, port string
}

// Parse reads a list of origins: "*" alone, scheme://host, scheme://host:port
// or scheme://*.domain. An empty list is the same origin alone; see Loopback.
func Parse(list []string) (*Policy, error) {
	p := &Policy{exact: make(map[string]bool)}
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		switch entry {
		case "":
			continue
		case "*":
			p.any = true
			continue
		}
		scheme, host, port, err := split(entry)
		if err != nil {
			return nil, fmt.Errorf("%q is no origin: %w: write scheme://host or scheme://host:port, such as https://app.example.com, or *", entry, err)
		}
		if domain, found := strings.CutPrefix(host, "*."); found {
			p.suffixes = append(p.suffixes, wildcard{scheme, "." + domain, port})
			continue
		}
		if strings.Contains(host, "*") {
			return nil, fmt.Errorf("%q is no origin: a star stands for whole names in front only, as in https://*.example.com", entry)
		}
		p.exact[key(scheme, host, port)] = true
	}
	if p.any && (len(p.exact) > 0 || len(p.suffixes) > 0) {
		return nil, errors.New("* admits every origin: leave the others out, or leave * out")
	}
	return p, nil
}

// AllowLoopback makes p admit pages of any loopback origin (localhost,
// *.localhost, 127.0.0.0/8, [::1]) at any port.
func (p *Policy) AllowLoopback() { p.loopback = true }

// Allow reports whether the request's origin passes.
func (p *Policy) Allow(r *http.Request) bool {
	value := r.Header.Get("Origin")
	if value == "" || p.any {
		return true
	}
	scheme, host, port, err := split(value)
	if err != nil {
		return false // "null" above all: a sandboxed page or a file
	}
	if p.exact[key(scheme, host, port)] || sameHost(r.Host, scheme, host, port) || p.loopback && isLoopback(host) {
		return true
	}
	for _, w := range p.suffixes {
		if w.scheme == scheme && w.port == port && strings.HasSuffix(host, w.suffix) {
			return true
		}
	}
	return false
}

// CheckOrigin is Allow with a reason that says what to change.
func (p *Policy) CheckOrigin(r *http.Request) error {
	if p.Allow(r) {
		return nil
	}
	value := r.Header.Get("Origin")
	if _, _, _, err := split(value); err != nil {
		return fmt.Errorf("origin %q is not allowed: only --origins '*' admits pages without an origin of their own", clip(value))
	}
	return fmt.Errorf("origin %q is not allowed: start the server with --origins %s", clip(value), clip(value))
}

// SoleOrigin returns the only origin of another host that passes, "*" where every
// one does, or "" where none or several do. Behind a proxy that removes the Origin
// header it is the only answer to whom a request comes from.
func (p *Policy) SoleOrigin() string {
	switch {
	case p.any:
		return "*"
	case p.loopback || len(p.suffixes) > 0 || len(p.exact) != 1:
		return ""
	}
	for only := range p.exact {
		return strings.TrimSuffix(only, ":")
	}
	return ""
}

// SetHeaders adds the CORS headers for a request that passed: an answer that
// differs by origin says so, and the origin is echoed, with credentials.
func (p *Policy) SetHeaders(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	if value := r.Header.Get("Origin"); value != "" && p.Allow(r) {
		h.Set("Access-Control-Allow-Origin", value)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// sameHost compares the host the browser asked with its page's. The scheme is
// left out, because a proxy in front may have ended TLS.
func sameHost(requested, scheme, host, port string) bool {
	h, p := requested, ""
	if rh, rp, err := net.SplitHostPort(requested); err == nil {
		h, p = rh, rp
	}
	if p == defaultPort(scheme) {
		p = ""
	}
	return strings.EqualFold(strings.Trim(h, "[]"), host) && p == port
}

// split takes an origin apart; a default port becomes empty.
func split(origin string) (scheme, host, port string, err error) {
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return "", "", "", errors.New("it cannot be read")
	case u.Scheme == "" || u.Host == "" || u.Hostname() == "":
		return "", "", "", errors.New("scheme or host is missing")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || u.Path != "" && u.Path != "/":
		return "", "", "", errors.New("it has more than scheme, host and port")
	}
	scheme, host, port = strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if port == defaultPort(scheme) {
		port = ""
	}
	return scheme, host, port, nil
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	default:
		return ""
	}
}

func key(scheme, host, port string) string { return scheme + "://" + net.JoinHostPort(host, port) }

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// clip bounds what a client can make the server repeat.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
