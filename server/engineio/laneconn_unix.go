//go:build unix

package engineio

import (
	"errors"
	"net"
	"syscall"
)

// rawConn returns the system's side of a connection of which nothing is read ahead.
func rawConn(c net.Conn) (syscall.RawConn, bool) {
	switch c.(type) {
	case *net.UnixConn, Unbuffered:
	default:
		raw := rawOf(c)
		return raw, raw != nil
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := s.SyscallConn()
	return raw, err == nil
}

// readNow reads what has come. n is 0 at the end of the stream, and -1 if nothing has
// come.
func readNow(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = syscall.Read(int(fd), b)
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
