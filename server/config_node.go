package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// podIP is the variable that Kubernetes' downward API is told to set, by convention.
const podIP = "POD_IP"

// nodeURL is where the other nodes reach this one, by the scheme of the main address, and how that was found out: what
// --node-url says; POD_IP; the address that was bound, if it is one address; the one from
// which this machine reaches Redis, if that is on another one; or else an address of this
// machine, private ones first.
func (c *Config) nodeURL(scheme string, bound net.Addr, redis []string) (url, found string, err error) {
	if c.NodeURL != "" {
		return strings.TrimRight(c.NodeURL, "/"), "--node-url", nil
	}
	tcp, ok := bound.(*net.TCPAddr)
	if !ok {
		return "", "", fmt.Errorf("--node-url is needed: %v is no address that other nodes could reach", bound)
	}
	if text := os.Getenv(podIP); text != "" {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return "", "", fmt.Errorf("%s is %q, which is no IP address: correct it, or set --node-url", podIP, text)
		}
		return httpURL(scheme, ip, tcp.Port), podIP, nil
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	if ip = ip.Unmap().WithZone(tcp.Zone); ip.IsValid() && !ip.IsUnspecified() {
		return httpURL(scheme, ip, tcp.Port), "--listen", nil
	}
	if own, ok := toward(redis); ok && (own.Is4() || !ip.Is4()) {
		return httpURL(scheme, own, tcp.Port), "the way to Redis", nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", "", fmt.Errorf("--node-url is needed: the addresses of this machine cannot be listed: %w", err)
	}
	own, ok := reachable(addrs, ip.Is4())
	if !ok {
		return "", "", errors.New("--node-url is needed: this machine has no address that other machines could reach; nodes on one machine listen on a loopback address, or name it there")
	}
	return httpURL(scheme, own, tcp.Port), "an address of this machine", nil
}

// reachable chooses among a machine's addresses: the first private one, or else the
// first that is no loopback and no link-local address. Of two of a kind IPv4 goes first; it
// is the only choice when only that is listened to.
func reachable(addrs []net.Addr, only4 bool) (netip.Addr, bool) {
	var best netip.Addr
	rank := 0
	for _, a := range addrs {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue // it is no IP network
		}
		ip := prefix.Addr().Unmap()
		if !ip.IsGlobalUnicast() || only4 && !ip.Is4() {
			continue
		}
		r := 1
		if ip.Is4() {
			r++
		}
		if ip.IsPrivate() {
			r += 2
		}
		if r > rank {
			best, rank = ip, r
		}
	}
	return best, rank > 0
}

func httpURL(scheme string, ip netip.Addr, port int) string {
	return scheme + "://" + net.JoinHostPort(strings.ReplaceAll(ip.String(), "%", "%25"), strconv.Itoa(port))
}
