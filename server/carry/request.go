package carry

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// hopByHop are the headers that concern one connection only (RFC 9110, section
// 7.6.1; RFC 2616 had the list); Expect, which this node has answered; and Host, which
// a request of HTTP/2 may have beside its :authority, and that of HTTP/1.1 only once.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authenticate": true,
	"Proxy-Authorization": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Expect": true, "Host": true, "Content-Length": true, headerCarried: true,
}

// The length of a request's body, where it is no number.
const (
	lengthUnknown = -1 // chunks
	lengthNone    = -2
)

// appendHead appends a request as the client made it, but for what concerns its
// connection: request line, headers, length of the body and sealed, the value of
// headerCarried. An upgrade keeps its Connection and Upgrade.
func appendHead(b []byte, r *http.Request, uri string, length int64, sealed []byte) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, uri...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, r.Host...)
	b = append(b, "\r\n"...)
	named := r.Header["Connection"]
	upgrade := isUpgrade(r)
	for name, values := range r.Header {
		if hopByHop[name] || !upgrade && lists(named, name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	if upgrade {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	switch length {
	case lengthNone:
	case lengthUnknown:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	default:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, headerCarried+": "...)
	b = append(b, sealed...)
	return append(b, "\r\n\r\n"...)
}

// appendField appends a header. A value that a program before this one may have made
// up, and that would end the line, is left out: clients cannot send any.
func appendField(b []byte, name, value string) []byte {
	if strings.ContainsAny(value, "\r\n") {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// lists reports whether the values of a Connection header name a header.
func lists(values []string, name string) bool {
	for _, v := range values {
		if v == "keep-alive" || v == "close" { // nearly always
			continue
		}
		for one := range strings.SplitSeq(v, ",") {
			if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(one)) == name {
				return true
			}
		}
	}
	return false
}

// target is the request target to send: what the client sent, but for what HTTP/2
// lets pass and the line of HTTP/1.1 does not.
func target(r *http.Request) string {
	if uri := r.RequestURI; strings.HasPrefix(uri, "/") && !strings.Contains(uri, " ") {
		return uri
	}
	return strings.ReplaceAll(r.URL.RequestURI(), " ", "%20")
}

// isUpgrade reports whether the request asks for a WebSocket, as engineio judges it.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
