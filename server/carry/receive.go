package carry

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// receive serves a request that says that another node carried it here. A client that
// says so itself is refused: it cannot sign.
func (c *Carrier) receive(w http.ResponseWriter, r *http.Request, sealed []string) {
	from, err := c.check(r, sealed)
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	if c.opts.Genuine != nil {
		c.opts.Genuine(r)
	}
	delete(r.Header, headerCarried)
	w.Header().Set(headerNode, c.self)
	switch from.ask {
	case "":
		c.serve(w, r, &from)
	case askAlive:
		w.WriteHeader(http.StatusNoContent)
	case askRelease:
		c.opts.Release(sidOf(r.URL.RawQuery))
		w.WriteHeader(http.StatusNoContent)
	case askEnd:
		if c.opts.End == nil {
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		c.opts.End(sidOf(r.URL.RawQuery))
		w.WriteHeader(http.StatusNoContent)
	default: // a newer node asks
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// check returns who carried the request and from where.
func (c *Carrier) check(r *http.Request, sealed []string) (credentials, error) {
	if len(sealed) != 1 {
		return credentials{}, errMalformed
	}
	from, err := c.seal.open(sealed[0], r.Method, r.RequestURI, time.Now())
	if errors.Is(err, errSignature) { // another node may have begun to use another secret
		c.opts.Secrets.Renew(r.Context())
		from, err = c.seal.open(sealed[0], r.Method, r.RequestURI, time.Now())
	}
	return from, err
}

// refuse says to the other node why its request is not accepted, and to a client that
// it is no node.
func (c *Carrier) refuse(w http.ResponseWriter, r *http.Request, err error) {
	reason := reasonOf(err)
	c.opts.Observer.CarryFailed(Received, reason)
	if c.said.may(string(reason), time.Now()) {
		c.opts.Logger.Warn("a request that says it comes from another node was refused (logged at most every 10s)",
			"remote", r.RemoteAddr, "reason", string(reason), "error", err)
	}
	w.Header().Set(headerRefused, err.Error())
	c.opts.Unavailable(w, r, "Not accepted from another node: "+err.Error())
}

// serve serves a client's request as if it had come here, and never sends it on.
func (c *Carrier) serve(w http.ResponseWriter, r *http.Request, from *credentials) {
	r.RemoteAddr = from.addr
	switch {
	case !from.tls:
		r.TLS = nil
	case r.TLS == nil:
		r.TLS = &tls.ConnectionState{}
	}
	kind := Post
	switch {
	case isUpgrade(r):
		kind = WebSocket
		w = &upgrade{ResponseWriter: w, observer: c.opts.Observer}
	case r.Method == http.MethodGet:
		kind = Poll
	}
	c.opts.Observer.Carried(Received, kind)
	c.opts.Local.ServeHTTP(w, r)
}

// upgrade counts the connection that it is asked for.
type upgrade struct {
	http.ResponseWriter

	observer Observer
}

var _ http.Hijacker = (*upgrade)(nil)

// Unwrap lets http.ResponseController find what is below.
func (u *upgrade) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Hijack takes the connection.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return c, rw, err
	}
	u.observer.CarriedWebSockets(Received, 1)
	return &counted{Conn: c, observer: u.observer}, rw, nil
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn

	observer Observer
	closed   atomic.Bool
}

// Close closes the connection.
func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.observer.CarriedWebSockets(Received, -1)
	}
	return c.Conn.Close()
}

// CloseWrite closes the sending side, where the connection can.
func (c *counted) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// NetConn returns the connection below.
func (c *counted) NetConn() net.Conn { return c.Conn }
