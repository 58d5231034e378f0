package limit

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// connsPerSession is how many TCP connections there may be for each session that an
// address may have: a polling client uses two, and its page some more.
const connsPerSession = 3

// Listen returns a listener that closes connections at once, before a byte of them is
// read, of addresses that have three times as many open as IPConnections, and of those
// that are shunned for ten seconds because they went on, ten times faster than they may,
// after they were refused. That bounds what connections cost that never become a
// session: those that say nothing, or half a header. Exceptions of the Door are not
// counted, nor those of proxies, behind which are many.
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
		if !l.door.connect(keyOf(ip)) {
			_ = tcp.SetLinger(0) // it shall leave nothing behind
			_ = tcp.Close()
			l.door.hit(IPConnections, Shut, peer.String())
			continue
		}
		return &countedConn{tcpConn: tcp, door: l.door, ip: keyOf(ip)}, nil
	}
}

// connect counts one more TCP connection, if it may be.
func (d *Door) connect(ip netip.Addr) (ok bool) {
	now := time.Now()
	d.ips.at(ip, now, func(e *entry) {
		limit := connsPerSession * d.opts.IPConnections
		if limit > 0 && e.conns >= limit || now.UnixNano() < e.shunned {
			return
		}
		e.conns++
		ok = true
	})
	return ok
}

type tcpConn = *net.TCPConn

// countedConn is a connection that is counted until it is closed, or let off.
type countedConn struct {
	tcpConn

	door *Door
	ip   netip.Addr
	off  atomic.Bool
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.LetOff()
	return c.tcpConn.Close()
}

// TCPConn returns the connection below. Who writes much wants to know that nothing
// changes the bytes on their way.
func (c *countedConn) TCPConn() (*net.TCPConn, bool) { return c.tcpConn, true }

// LetOff counts the connection no more: see LetOff.
func (c *countedConn) LetOff() {
	if !c.off.Swap(true) {
		c.door.ips.at(c.ip, time.Now(), func(e *entry) { e.conns-- })
	}
}

// LetOff counts a connection no more, if it is one of Listen: another node of the cluster
// is behind it, which carries the requests of many.
func LetOff(c net.Conn) {
	for {
		switch at := c.(type) {
		case *countedConn:
			at.LetOff()
			return
		case interface{ NetConn() net.Conn }: // TLS
			c = at.NetConn()
		case interface{ Raw() net.Conn }: // the PROXY protocol
			c = at.Raw()
		default:
			return
		}
	}
}
