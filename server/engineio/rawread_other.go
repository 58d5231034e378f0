//go:build !unix

package engineio

import (
	"net"
	"syscall"
)

// rawOf is nil: connections are read with a buffer.
func rawOf(net.Conn) syscall.RawConn { return nil }
