//go:build !unix

package engineio

import (
	"errors"
	"net"
	"syscall"
)

// rawConn finds no connection that can be in the lane: reading without waiting is not
// done on this system.
func rawConn(net.Conn) (syscall.RawConn, bool) { return nil, false }

func readNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
func peekNow(uintptr) (int, error)         { return 0, errors.ErrUnsupported }
