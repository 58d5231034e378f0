//go:build unix

package engineio

import (
	"net"
	"syscall"
)

// rawOf is the way to wait for bytes of a connection without a buffer, or nil where bytes
// are changed or kept on their way, as TLS does.
func rawOf(c net.Conn) syscall.RawConn {
	tcp, ok := c.(*net.TCPConn)
	if plain, wraps := c.(interface{ PlainConn() *net.TCPConn }); wraps {
		tcp, ok = plain.PlainConn(), true
	}
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
