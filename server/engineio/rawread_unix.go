//go:build unix

package engineio

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
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

// readNow reads what is there, or reports that there is nothing yet.
func readNow(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err = unix.Read(int(fd), b)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return 0, true, nil
		case errors.Is(err, unix.EINTR):
		default:
			return n, false, err
		}
	}
}
