//go:build !unix

package engineio

import (
	"errors"
	"net"
	"syscall"
)

// rawOf is nil: connections are read with a buffer.
func rawOf(net.Conn) syscall.RawConn { return nil }

func readNow(uintptr, []byte) (n int, again bool, err error) { return 0, false, errors.ErrUnsupported }
