package clientip

import (
	"net/netip"
	"strings"
)

// Header is which header of a trusted proxy names the client.
type Header string

// The headers.
const (
	XForwardedFor Header = "X-Forwarded-For"
	Forwarded     Header = "Forwarded" // RFC 7239
	NoHeader      Header = ""
)

const headerProto = "X-Forwarded-Proto"

// maxHops bounds how many proxies there may be one behind the other.
const maxHops = 32

// hop is one element of a header: who was in front of the proxy that wrote it.
type hop struct {
	addr  netip.AddrPort // invalid where the proxy does not say, or hides it
	proto string         // "" where it does not say
}

// walk finds the client: the rightmost hop that is no trusted proxy. A hop that cannot be
// read ends the walk, and the proxy that wrote it is as far as one can tell. next returns
// the hops from right to left. found is false where not even the first could be read.
func walk(peer netip.AddrPort, trusted *Networks, next func() (hop, bool)) (client hop, found bool) {
	client = hop{addr: peer}
	for range maxHops {
		h, ok := next()
		if !ok || !h.addr.IsValid() {
			break
		}
		client, found = h, true
		if !trusted.Has(h.addr.Addr()) {
			break
		}
	}
	return client, found
}

// fromRight yields the elements of a header's values from right to left. Commas in quoted
// strings do not count where quoted is set. Reading from the right keeps what a client
// wrote, on the left, from swallowing what the proxy wrote behind it.
type fromRight struct {
	values []string
	quoted bool

	rest string
	more bool // rest is to be read
}

func (f *fromRight) next() (string, bool) {
	if !f.more {
		if len(f.values) == 0 {
			return "", false
		}
		f.rest, f.more = f.values[len(f.values)-1], true
		f.values = f.values[:len(f.values)-1]
	}
	i := lastComma(f.rest, f.quoted)
	element := f.rest[i+1:]
	f.rest, f.more = f.rest[:max(i, 0)], i >= 0
	return strings.Trim(element, " \t"), true
}

// lastComma returns where the last comma is, outside of quotes, or -1.
func lastComma(s string, quoted bool) int {
	if !quoted {
		return strings.LastIndexByte(s, ',')
	}
	inside := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"' && !escaped(s, i):
			inside = !inside
		case s[i] == ',' && !inside:
			return i
		}
	}
	return -1
}

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	n := 0
	for i > 0 && s[i-1] == '\\' {
		n++
		i--
	}
	return n%2 == 1
}

// xForwardedFor reads the hops of X-Forwarded-For: addresses, with or without a port.
func xForwardedFor(values []string) func() (hop, bool) {
	list := fromRight{values: values}
	return func() (hop, bool) {
		text, ok := list.next()
		return hop{addr: parseNode(text)}, ok
	}
}

// forwarded reads the hops of Forwarded (RFC 7239, section 4):
//
//	for=192.0.2.60;proto=http;by=203.0.113.43, for="[2001:db8::7]:4711"
func forwarded(values []string) func() (hop, bool) {
	list := fromRight{values: values, quoted: true}
	return func() (hop, bool) {
		text, ok := list.next()
		return parseElement(text), ok
	}
}

// parseElement reads one element of Forwarded. One that keeps not to the grammar, or
// says a thing twice, says nothing.
func parseElement(text string) (h hop) {
	var sawFor, sawProto bool
	for text != "" {
		var name, value string
		var ok bool
		if name, value, text, ok = parsePair(text); !ok {
			return hop{}
		}
		switch {
		case strings.EqualFold(name, "for"):
			if sawFor {
				return hop{}
			}
			h.addr, sawFor = parseNode(value), true
		case strings.EqualFold(name, "proto"):
			if sawProto {
				return hop{}
			}
			h.proto, sawProto = value, true
		}
	}
	return h
}

// parsePair reads name=value, where value may be a quoted string (RFC 9110, section
// 5.6.4), up to the next semicolon.
func parsePair(text string) (name, value, rest string, ok bool) {
	name, text, ok = strings.Cut(text, "=")
	name = strings.TrimLeft(name, " \t")
	if !ok || name == "" {
		return "", "", "", false
	}
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, ";")
		value = strings.TrimRight(value, " \t")
		return name, value, rest, !strings.ContainsAny(value, "\"\\ \t")
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i == len(text) {
				return "", "", "", false
			}
			b.WriteByte(text[i])
		case '"':
			rest = strings.TrimLeft(text[i+1:], " \t")
			if rest != "" && rest[0] != ';' {
				return "", "", "", false
			}
			return name, b.String(), strings.TrimPrefix(rest, ";"), true
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", "", false // the quote does not end
}

// parseNode reads an address with or without a port: 192.0.2.7, 192.0.2.7:80, 2001:db8::7,
// [2001:db8::7], [2001:db8::7]:80. A port that is hidden (_x, RFC 7239, section 6.3) is 0. "unknown" and
// hidden addresses are invalid.
func parseNode(text string) netip.AddrPort {
	if a, err := netip.ParseAddr(text); err == nil {
		return plain(a, 0)
	}
	var host, port string
	if strings.HasPrefix(text, "[") {
		var ok bool
		if host, port, ok = strings.Cut(text[1:], "]"); !ok || !strings.Contains(host, ":") {
			return netip.AddrPort{}
		}
		if port != "" && port[0] != ':' {
			return netip.AddrPort{}
		}
		port = strings.TrimPrefix(port, ":")
	} else {
		host, port, _ = strings.Cut(text, ":")
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}
	}
	return plain(a, parsePort(port))
}

// parsePort reads a port, or 0 where there is none that can be read.
func parsePort(text string) uint16 {
	n := 0
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0
		}
		if n = 10*n + int(c-'0'); n > 65535 {
			return 0
		}
	}
	return uint16(n)
}

// plain is an address without the marks that tell how it was written.
func plain(a netip.Addr, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Unmap().WithZone(""), port)
}
