//go:build !unix

package engineio

import (
	"net"
	"syscall"
)

// rawWriter is the way to write on a connection without waiting: there is none.
func rawWriter(net.Conn) syscall.RawConn { return nil }

func writeNow(uintptr, []byte) int { return 0 }
