package engineio

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is what is kept of a handshake request. Session.Request makes it anew
// on each call, so keep it if it is needed twice.
type Request struct {
	Method     string
	URL        *url.URL
	Header     http.Header
	Host       string
	RemoteAddr string // host:port as net/http gives it
	TLS        bool
	Received   time.Time
}

// snapshot is a Request in few allocations: a session lives long and is asked
// for its headers rarely.
type snapshot struct {
	uri, host, addr string
	header          string // lines of name, NUL, value, NUL
	received        int64  // Unix nanoseconds
	tls             bool
}

func snapshotOf(r *http.Request, now time.Time) snapshot {
	var b strings.Builder
	size := 0
	for k, vs := range r.Header {
		for _, v := range vs {
			size += len(k) + len(v) + 2
		}
	}
	b.Grow(size)
	for k, vs := range r.Header {
		for _, v := range vs {
			b.WriteString(k)
			b.WriteByte(0)
			b.WriteString(v)
			b.WriteByte(0)
		}
	}
	return snapshot{
		uri: strings.Clone(r.URL.RequestURI()), host: strings.Clone(r.Host), addr: strings.Clone(r.RemoteAddr),
		header: b.String(), received: now.UnixNano(), tls: r.TLS != nil,
	}
}

func (s *snapshot) request() *Request {
	u, err := url.ParseRequestURI(s.uri)
	if err != nil { // it was a URL when it came in
		u = &url.URL{Path: s.uri}
	}
	h := make(http.Header, 12)
	for rest := s.header; rest != ""; {
		var k, v string
		k, rest, _ = strings.Cut(rest, "\x00")
		v, rest, _ = strings.Cut(rest, "\x00")
		h[k] = append(h[k], v)
	}
	return &Request{
		Method: http.MethodGet, URL: u, Header: h, Host: s.host, RemoteAddr: s.addr,
		TLS: s.tls, Received: time.Unix(0, s.received),
	}
}
