package markup

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/idna"
)

// maxAddress is how long the address of a link may be, in bytes.
const maxAddress = 2048

var (
	hostName    = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?$`)
	numeric     = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)$`)
	mailAddress = regexp.MustCompile(`^[A-Za-z0-9.!#$%*+/=?^_{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)
)

// address is where a link may lead: http or https with a host, or mailto with an address and
// nothing else. Hosts are in Punycode, everything is ASCII. A name or password in it is refused: it is there
// to make one host look like another.
func address(raw string) (string, bool) {
	if len(raw) > maxAddress {
		return "", false
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.User != nil {
		return "", false
	}
	switch u.Scheme {
	case "mailto":
		if to, err := url.PathUnescape(u.Opaque); err == nil && mailAddress.MatchString(to) {
			return "mailto:" + ascii(strings.ReplaceAll(to, "%", "%25")), true
		}
		return "", false
	case "http", "https":
	default:
		return "", false
	}
	host, ok := hostOf(u)
	if !ok || u.Opaque != "" {
		return "", false
	}
	u.Host = host
	s := ascii(u.String())
	if len(s) > maxAddress {
		return "", false
	}
	return s, true
}

// hostOf is the host of a URL with its port, as it is written where only ASCII is.
func hostOf(u *url.URL) (string, bool) {
	name, port := u.Hostname(), u.Port()
	if port != "" {
		port = ":" + port
	}
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
		return "[" + ip.WithZone("").String() + "]" + port, true
	}
	name = strings.ToLower(name)
	if !hostName.MatchString(name) { // or else it is written so already
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil || !hostName.MatchString(name) {
			return "", false
		}
	}
	if len(name) > 253 || !notDisguised(name) {
		return "", false
	}
	return name + port, true
}

// notDisguised reports whether a host that ends like a number is one in the one way that is read the same
// everywhere: to browsers 1113982867 and 0x42.102.7.147 are addresses, too.
func notDisguised(host string) bool {
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if !numeric.MatchString(last) {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// ascii escapes what may not stand in an address, or would have to be escaped in HTML.
func ascii(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>\\^`{|}", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// autoAddress is where an address in a text leads to.
func autoAddress(n *ast.AutoLink, source []byte) string {
	to := string(n.URL(source))
	if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(to), "mailto:") {
		return "mailto:" + to
	}
	return to
}
