//go:build unix

package engineio

import (
	"net"
	"syscall"
)

// rawWriter is the way to write on a connection without waiting, or nil where that cannot
// be, as with TLS.
func rawWriter(c net.Conn) syscall.RawConn {
	tcp, ok := plainTCP(c)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeNow writes what the connection takes at once, and returns how much that was. With
// the syscall package the race detector knows that what was done before a write is done
// before it is read.
func writeNow(fd uintptr, b []byte) int {
	for {
		n, err := syscall.Write(int(fd), b)
		switch err {
		case nil:
			return n
		case syscall.EINTR:
		default:
			return 0
		}
	}
}
