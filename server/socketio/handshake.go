package socketio

import (
	"net/http"
	"net/url"
	"time"
)

// Handshake describes the request a connection began with, field by field as
// in Node. The maps are shared: do not change them.
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
