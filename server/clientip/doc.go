// Package clientip finds out where a request comes from when proxies stand in front: it
// sets Request.RemoteAddr to the client's address before anything else looks at it, so
// that limits, logs, what is learned about addresses, and handlers all mean the client.
//
// It stands before the road, twice. Listen reads the PROXY protocol (versions 1 and 2,
// haproxy.org/download/3.0/doc/proxy-protocol.txt) off connections of trusted proxies;
// Handler reads X-Forwarded-For or Forwarded (RFC 7239) of requests that come from them.
// What anybody else says is not looked at. Of several hops the rightmost that is no
// trusted proxy is the client: what stands left of it is the client's own word.
//
// Everything here may be used from any goroutine.
//
// It refuses to read two headers at once: a proxy that writes the one passes what a
// client wrote into the other.
package clientip
