package guard

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/idna"

	"github.com/sockeye-io/sockeye/handlers/comments/markup"
)

// hostOf is the host that an entry of a list of links means, in Punycode: of "Bücher.example",
// "*.bücher.example" and "https://bücher.example/page" the same.
func hostOf(entry string) (string, error) {
	s := strings.TrimSpace(entry)
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil {
			return "", errors.New("this is neither a host nor an address")
		}
		s = u.Hostname()
	}
	s = strings.TrimPrefix(s, "*.")
	s = strings.TrimSuffix(s, "/")
	host, ok := ascii(s)
	if !ok {
		return "", errors.New("this is no host: write it as in example.com")
	}
	return host, nil
}

// ascii is a host as it is compared.
func ascii(host string) (string, bool) {
	host = strings.Trim(host, "[]")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().WithZone("").String(), true
	}
	host = strings.ToLower(strings.TrimRight(host, "."))
	if !plainHost.MatchString(host) { // or else it is written so already
		var err error
		if host, err = idna.Lookup.ToASCII(host); err != nil || !plainHost.MatchString(host) {
			return "", false
		}
	}
	return host, len(host) <= 253
}

// plainHost is a host in ASCII.
var plainHost = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$`)

// named are hosts that stand in a text, whether they are links there or not.
var named = regexp.MustCompile(`[\p{L}\p{N}][\p{L}\p{N}\p{M}_-]*(?:[.。．｡][\p{L}\p{N}][\p{L}\p{N}\p{M}_-]*)+`)

// maxHosts is how many hosts of one comment are looked at.
const maxHosts = 1000

// hostsIn are the hosts that a comment leads to or names.
func hostsIn(d *markup.Document) []string {
	hosts := []string{} // not nil: it was looked for
	for _, l := range d.Links {
		u, err := url.Parse(l)
		if err != nil {
			continue
		}
		host := u.Hostname()
		if u.Scheme == "mailto" {
			_, host, _ = strings.Cut(u.Opaque, "@")
		}
		if h, ok := ascii(host); ok {
			hosts = append(hosts, h)
		}
	}
	for _, name := range named.FindAllString(fold(d.Plain), maxHosts) {
		if h, ok := ascii(name); ok {
			hosts = append(hosts, h)
		}
	}
	return hosts
}
