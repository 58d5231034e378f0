package engineio

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes written to a connection the other side has not
// acknowledged (tcp(7), SIOCOUTQ), or -1 where that is unknown.
func unsent(c net.Conn) int {
	for {
		if wrapped, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
			c = wrapped.NetConn()
			continue
		}
		break
	}
	if tcp, ok := plainTCP(c); ok {
		c = tcp
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1
	}
	n := -1
	err = raw.Control(func(fd uintptr) {
		if k, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n = k
		}
	})
	if err != nil {
		return -1
	}
	return n
}
