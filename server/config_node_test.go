package server

import (
	"net"
	"strings"
	"testing"
)

func TestTheAddressForOtherNodesIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		flag, pod, listen string
		want, found       string
	}{
		"given":              {"http://10.0.0.5:80/", "10.0.0.6", "0.0.0.0:3000", "http://10.0.0.5:80", "--node-url"},
		"of the pod":         {"", "10.0.0.6", "0.0.0.0:3000", "http://10.0.0.6:3000", "POD_IP"},
		"of an IPv6 pod":     {"", "fd00::6", "[::]:3000", "http://[fd00::6]:3000", "POD_IP"},
		"of the listener":    {"", "", "127.0.0.1:3000", "http://127.0.0.1:3000", "--listen"},
		"of IPv6 loopback":   {"", "", "[::1]:3000", "http://[::1]:3000", "--listen"},
		"a link-local zone":  {"", "", "[fe80::1%eth0]:3000", "http://[fe80::1%25eth0]:3000", "--listen"},
		"a pod that is none": {"", "here", "0.0.0.0:3000", "", `POD_IP is "here"`},
	} {
		t.Setenv("POD_IP", c.pod)
		cfg := defaultConfig()
		cfg.NodeURL = c.flag
		bound, err := net.ResolveTCPAddr("tcp", c.listen)
		if err != nil {
			t.Fatal(err)
		}
		url, found, err := cfg.nodeURL("http", bound, []string{"127.0.0.1:6379"})
		if err != nil {
			found = err.Error()
		}
		if url != c.want || !strings.HasPrefix(found, c.found) {
			t.Errorf("%s: %s by %s, %v", name, url, found, err)
		}
	}
}

func TestAPrivateAddressOfThisMachineIsChosenFirst(t *testing.T) {
	network := func(list ...string) []net.Addr {
		var all []net.Addr
		for _, text := range list {
			ip, n, err := net.ParseCIDR(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		return all
	}
	for name, c := range map[string]struct {
		addrs []net.Addr
		only4 bool
		want  string
	}{
		"a usual machine":   {network("127.0.0.1/8", "::1/128", "192.168.1.5/24", "fe80::1/64"), false, "192.168.1.5"},
		"the first private": {network("203.0.113.4/24", "10.0.0.4/8", "172.16.0.4/12"), false, "10.0.0.4"},
		"a public one":      {network("127.0.0.1/8", "203.0.113.4/24"), false, "203.0.113.4"},
		"IPv6 only":         {network("::1/128", "2001:db8::4/64", "fd00::4/64"), false, "fd00::4"},
		"IPv6, listening 4": {network("fd00::4/64"), true, "invalid IP"},
		"loopback only":     {network("127.0.0.1/8", "::1/128", "169.254.0.4/16"), false, "invalid IP"},
	} {
		if ip, ok := reachable(c.addrs, c.only4); ip.String() != c.want || ok != (c.want != "invalid IP") {
			t.Errorf("%s: %v, %v", name, ip, ok)
		}
	}
}
