package limit

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// connsPerSession is how many TCP connections there may be for each session that an
	// address may have: a polling client uses two, and its page some more.
	connsPerSession = 3
	// unheardShare is which part of the sessions that an address may have may be
	// connections on which there was no whole request yet, and unheardLeast how many may
	// be in any case. A request is there within a few round trips.
	unheardShare, unheardLeast = 4, 16
)

// Listen returns a listener that closes connections at once, before a byte of them is
// read, of addresses that have three times as many open as IPConnections, or a quarter
// as many on which there was no request yet, and of those that are shunned for ten
// seconds because they went on, ten times faster than they may, after they were refused.
// That bounds what connections cost that never become a session: those that say nothing,
// or half a header. Exceptions of the Door are not counted, nor those of proxies, behind
// which are many.
func (d *Door) Listen(l net.Listener, proxies func(netip.Addr) bool) net.Listener {
	if d.opts.IPConnections <= 0 && d.opts.IPHandshakes.Off() {
		return l
	}
	return &listener{Listener: l, door: d, proxies: proxies}
}

type listener struct {
	net.Listener

	door    *Door
	proxies func(netip.Addr) bool
}

// Accept returns the next connection that may be.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			return c, nil
		}
		peer, ok := tcp.RemoteAddr().(*net.TCPAddr)
		if !ok {
			return c, nil
		}
		ip, _ := netip.AddrFromSlice(peer.IP)
		if ip = ip.Unmap(); l.door.opts.Except(ip) || l.proxies(ip) {
			return c, nil
		}
		if !l.door.connect(keyOf(ip), time.Now()) {
			_ = tcp.SetLinger(0) // it shall leave nothing behind
			_ = tcp.Close()
			l.door.hit(IPConnections, Shut, peer.String())
			continue
		}
		return &Conn{tcpConn: tcp, door: l.door, ip: keyOf(ip)}, nil
	}
}

// connect counts one more TCP connection, if it may be.
func (d *Door) connect(ip netip.Addr, now time.Time) (ok bool) {
	d.ips.at(ip, now, func(e *entry) {
		limit := d.opts.IPConnections
		full := limit > 0 && (e.conns >= connsPerSession*limit || e.unheard >= max(limit/unheardShare, unheardLeast))
		if full || now.UnixNano() < e.shunned {
			return
		}
		e.conns++
		e.unheard++
		ok = true
	})
	return ok
}

type tcpConn = *net.TCPConn

// Conn is a connection of Listen that is counted until it is closed, or let off.
type Conn struct {
	tcpConn

	door  *Door
	ip    netip.Addr
	heard atomic.Bool
	off   atomic.Bool
}

// Close closes the connection.
func (c *Conn) Close() error {
	c.LetOff()
	return c.tcpConn.Close()
}

// TCPConn returns the connection below. Who writes much wants to know that nothing
// changes the bytes on their way.
func (c *Conn) TCPConn() (*net.TCPConn, bool) { return c.tcpConn, true }

// PlainConn returns the connection below. Who reads wants to know that nothing of what
// comes is changed or kept on its way.
func (c *Conn) PlainConn() *net.TCPConn { return c.tcpConn }

// Heard notes that there was a request.
func (c *Conn) Heard() {
	if !c.heard.Load() && !c.heard.Swap(true) {
		c.door.ips.at(c.ip, time.Now(), func(e *entry) { e.unheard-- })
	}
}

// LetOff counts the connection no more: another node of the cluster is behind it, which
// carries the requests of many.
func (c *Conn) LetOff() {
	if !c.off.Swap(true) {
		heard := c.heard.Swap(true)
		c.door.ips.at(c.ip, time.Now(), func(e *entry) {
			e.conns--
			if !heard {
				e.unheard--
			}
		})
	}
}

// ConnOf returns the connection of Listen that c is, or wraps, or nil.
func ConnOf(c net.Conn) *Conn {
	for {
		switch at := c.(type) {
		case *Conn:
			return at
		case interface{ NetConn() net.Conn }: // TLS
			c = at.NetConn()
		default:
			return nil
		}
	}
}
