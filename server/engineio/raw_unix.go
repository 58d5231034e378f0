//go:build unix

package engineio

import (
	"errors"
	"net"
	"syscall"
)

// rawReader is the way to read a connection without waiting, and to wait without a buffer;
// nil where bytes are changed or kept on their way, as TLS does.
func rawReader(c net.Conn) syscall.RawConn {
	switch c := c.(type) {
	case *net.TCPConn:
		return rawOf(c)
	case *net.UnixConn:
		return rawOf(c)
	case interface{ PlainConn() *net.TCPConn }: // as in server/limit
		return rawOf(c.PlainConn())
	}
	return nil
}

// rawWriter is the way to write on a connection without waiting, or nil where that cannot
// be, as with TLS.
func rawWriter(c net.Conn) syscall.RawConn {
	if tcp, ok := plainTCP(c); ok {
		return rawOf(tcp)
	}
	return nil
}

func rawOf(c syscall.Conn) syscall.RawConn {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// readNow reads what has come. n is 0 at the end of the stream, and -1 if nothing has
// come.
func readNow(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = read(int(fd), b)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return -1, nil
		}
		return max(n, 0), err
	}
}

// peekNow is readNow for a byte that stays where it is.
func peekNow(fd uintptr) (n int, err error) {
	var one [1]byte
	for {
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return -1, nil
		}
		return max(n, 0), err
	}
}

// writeNow writes what the connection takes at once, and returns how much that was. Where
// the race detector watches, write is that of the syscall package, by which it knows that what
// was done before a write is done before it is read.
func writeNow(fd uintptr, b []byte) int {
	for {
		n, err := write(int(fd), b)
		switch {
		case err == nil:
			return n
		case !errors.Is(err, syscall.EINTR):
			return 0
		}
	}
}
