package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unique"
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

// snapshot is a Request in few bytes: a session lives long and is asked for its headers
// rarely. What many clients have in common is kept once for all of them.
type snapshot struct {
	shared    unique.Handle[string] // host and URI, and lines of name and value, each with a NUL behind it
	own, addr string                // the URI, if it is not shared, and lines likewise
	received  int64                 // Unix nanoseconds
	tls       bool
}

// sharedHeaders are the same for all clients with one browser on one page.
var sharedHeaders = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true, "Connection": true,
	"Origin": true, "Pragma": true, "Priority": true, "Sec-Ch-Ua": true, "Sec-Ch-Ua-Mobile": true,
	"Sec-Ch-Ua-Platform": true, "Sec-Fetch-Dest": true, "Sec-Fetch-Mode": true, "Sec-Fetch-Site": true,
	"Sec-Websocket-Extensions": true, "Sec-Websocket-Version": true, "Upgrade": true, "User-Agent": true,
	"X-Forwarded-Host": true, "X-Forwarded-Port": true, "X-Forwarded-Proto": true,
}

// maxSharedQuery is the longest query that is taken for the same with many clients: there
// is nothing in it but version and transport.
const maxSharedQuery = len("EIO=4&transport=websocket")

func snapshotOf(r *http.Request, now time.Time) snapshot {
	names := make([]string, 0, 24)
	for k := range r.Header {
		names = append(names, k)
	}
	slices.Sort(names)
	uri := r.URL.RequestURI()
	shared, own := make([]byte, 0, 1024), make([]byte, 0, 512)
	shared = append(append(shared, r.Host...), 0)
	if len(r.URL.RawQuery) <= maxSharedQuery {
		shared, own = append(append(shared, uri...), 0), append(own, 0)
	} else {
		shared, own = append(shared, 0), append(append(own, uri...), 0)
	}
	for _, k := range names {
		to := &own
		if sharedHeaders[k] {
			to = &shared
		}
		for _, v := range r.Header[k] {
			*to = append(append(append(append(*to, k...), 0), v...), 0)
		}
	}
	return snapshot{
		shared: unique.Make(string(shared)), own: string(own), addr: strings.Clone(r.RemoteAddr),
		received: now.UnixNano(), tls: r.TLS != nil,
	}
}

func (s *snapshot) request() *Request {
	host, shared, _ := strings.Cut(s.shared.Value(), "\x00")
	uri, shared, _ := strings.Cut(shared, "\x00")
	ownURI, own, _ := strings.Cut(s.own, "\x00")
	if ownURI != "" {
		uri = ownURI
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil { // it was a URL when it came in
		u = &url.URL{Path: uri}
	}
	h := make(http.Header, 12)
	for _, rest := range []string{shared, own} {
		for rest != "" {
			var k, v string
			k, rest, _ = strings.Cut(rest, "\x00")
			v, rest, _ = strings.Cut(rest, "\x00")
			h[k] = append(h[k], v)
		}
	}
	return &Request{
		Method: http.MethodGet, URL: u, Header: h, Host: host, RemoteAddr: s.addr,
		TLS: s.tls, Received: time.Unix(0, s.received),
	}
}
