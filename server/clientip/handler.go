package clientip

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
)

// Options configure a Handler.
type Options struct {
	// Trusted are the proxies whose word counts.
	Trusted *Networks
	// Header is the one that they write.
	Header Header
	// Untrusted hears of a request that has one of the headers and comes from a peer that
	// is not trusted, which may be a proxy that nobody has named, or a client that lies.
	// It is called for each such request and must return at once. It may be nil.
	Untrusted func(r *http.Request)
}

// Handler sets the RemoteAddr of requests that come by trusted proxies to the client's
// address, with port 0 where it is not known, and TLS to whether the client came by it
// (proto of Forwarded, or X-Forwarded-Proto), and passes them on. Others it passes on as
// they are.
func Handler(next http.Handler, o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, ok := trustedPeer(r, o.Trusted); ok {
			o.apply(r, peer)
		} else if o.Untrusted != nil && (r.Header[string(XForwardedFor)] != nil || r.Header[string(Forwarded)] != nil) {
			o.Untrusted(r)
		}
		next.ServeHTTP(w, r)
	})
}

func trustedPeer(r *http.Request, trusted *Networks) (netip.AddrPort, bool) {
	if trusted.Empty() {
		return netip.AddrPort{}, false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return peer, err == nil && trusted.Has(peer.Addr())
}

func (o *Options) apply(r *http.Request, peer netip.AddrPort) {
	var client hop
	var found bool
	switch o.Header {
	case XForwardedFor:
		if client, found = walk(peer, o.Trusted, xForwardedFor(r.Header[string(XForwardedFor)])); found {
			client.proto = lastOf(r.Header[headerProto])
		}
	case Forwarded:
		client, found = walk(peer, o.Trusted, forwarded(r.Header[string(Forwarded)]))
	case NoHeader:
	}
	if !found {
		return
	}
	r.RemoteAddr = client.addr.String()
	switch strings.ToLower(client.proto) {
	case "https", "wss":
		if r.TLS == nil {
			r.TLS = &tls.ConnectionState{}
		}
	case "http", "ws":
		r.TLS = nil
	}
}

// lastOf returns the last element of a header, which the nearest proxy wrote.
func lastOf(values []string) string {
	list := fromRight{values: values}
	last, _ := list.next()
	return last
}
