package clientip

import (
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// Presence is whether connections of trusted proxies begin with a header of the PROXY
// protocol.
type Presence uint8

const (
	// Required ends a connection of a trusted proxy that does not begin with it, as the
	// protocol's document asks for: who may leave it out may let a client write it.
	Required Presence = iota
	// Optional takes connections without it as they are: for health checks and other
	// nodes that come from addresses of proxies.
	Optional
)

// ListenOptions configure Listen.
type ListenOptions struct {
	Trusted  *Networks
	Presence Presence
	// Timeout bounds how long the header may take (5 s).
	Timeout time.Duration
}

const defaultTimeout = 5 * time.Second

// Listen makes the connections of trusted proxies have the remote address that the
// header of the PROXY protocol names. It is read on first use of the connection, by who
// serves that one, so that a slow or broken header harms nobody else. Other
// connections are returned as they are, and a header on them is theirs to choke on.
func Listen(l net.Listener, o ListenOptions) net.Listener {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	policy := proxyproto.REQUIRE
	if o.Presence == Optional {
		policy = proxyproto.USE
	}
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: o.Timeout,
		ValidateHeader:    validate,
		ConnPolicy: func(c proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if o.Trusted.Has(addrOf(c.Upstream)) {
				return policy, nil
			}
			return proxyproto.SKIP, nil
		},
	}
}

// validate makes a header that names no TCP address (UNKNOWN, UNSPEC, a Unix socket) say
// nothing, as the protocol's document asks for.
func validate(h *proxyproto.Header) error {
	if src, ok := h.SourceAddr.(*net.TCPAddr); !ok || src == nil || !addrOf(src).IsValid() {
		h.Command = proxyproto.LOCAL
	}
	return nil
}

func addrOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp == nil {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	return ip.Unmap()
}
