package clientip

import (
	"fmt"
	"net/netip"
	"strings"
)

// Words that stand for several networks.
const (
	wordLoopback = "loopback" // this machine
	wordPrivate  = "private"  // loopback, RFC 1918, 4193, 3927, 6598 and link-local: no client of the open internet
)

var words = map[string][]string{
	wordLoopback: {"127.0.0.0/8", "::1/128"},
	wordPrivate: {
		"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
		"169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10",
	},
}

// Networks is a set of addresses. The zero value and nil are empty.
type Networks struct{ prefixes []netip.Prefix }

// Parse reads a list of networks (10.0.0.0/8), addresses (192.0.2.7, 2001:db8::1) and the
// words loopback and private.
func Parse(list []string) (*Networks, error) {
	n := &Networks{}
	for _, entry := range list {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		texts, ok := words[entry]
		if !ok {
			texts = []string{entry}
		}
		for _, text := range texts {
			p, err := parsePrefix(text)
			if err != nil {
				return nil, fmt.Errorf("%q is neither a network nor an address: write such as 10.0.0.0/8, 192.0.2.7, loopback or private", entry)
			}
			n.prefixes = append(n.prefixes, p)
		}
	}
	return n, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// Empty reports whether no address is in the set.
func (n *Networks) Empty() bool { return n == nil || len(n.prefixes) == 0 }

// Has reports whether an address is in the set.
func (n *Networks) Has(a netip.Addr) bool {
	if n == nil {
		return false
	}
	a = a.Unmap().WithZone("")
	for _, p := range n.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
