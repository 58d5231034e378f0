package load

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// manySources says that all of 127.0.0.0/8 is this machine.
const manySources = true

const (
	narrowWindow  = 4 << 10 // bytes; the kernel doubles it
	narrowSegment = 1460    // bytes, as on Ethernet
)

// narrow gives a connection whose client will not read the buffers of a network.
// On loopback, whose segments have 64 KiB, the kernel would take 2.5 MiB for it
// before the server notices.
func narrow(_, _ string, c syscall.RawConn) error {
	var set error
	err := c.Control(func(fd uintptr) {
		set = errors.Join(
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, narrowWindow),
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, narrowSegment))
	})
	return errors.Join(err, set)
}
