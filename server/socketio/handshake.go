package socketio

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Handshake describes the request a connection began with, field by field as
// in Node.
type Handshake struct {
	Headers http.Header
	Time    time.Time // when the socket was made
	Address string    // host of the client, without the port
	XDomain bool      // the request had an Origin header
	Secure  bool      // TLS
	Issued  int64     // Time in milliseconds since 1970
	URL     string    // request target with query
	Query   url.Values
	Auth    Raw // the payload of CONNECT, {} if there was none; for protocol 3 the query of the namespace
}

func newHandshake(r *engineio.Request, issued time.Time, auth Raw) *Handshake {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return &Handshake{
		Headers: r.Header, Time: issued, Address: host, XDomain: r.Header.Get("Origin") != "",
		Secure: r.TLS, Issued: issued.UnixMilli(), URL: r.URL.RequestURI(), Query: r.URL.Query(), Auth: auth,
	}
}

// authOfQuery makes the auth of a protocol 4 namespace query: an object of
// strings; of a repeated key the last counts, as in Node.
func authOfQuery(query string) Raw {
	vs, err := url.ParseQuery(query)
	if err != nil || len(vs) == 0 {
		return Raw{}
	}
	m := make(map[string]string, len(vs))
	for k, v := range vs {
		m[k] = v[len(v)-1]
	}
	r, err := NewRaw(m)
	if err != nil {
		return Raw{}
	}
	return r
}
