//go:build !unix

package engineio

import (
	"errors"
	"net"
	"syscall"
)

// Reading and writing without waiting is not done on this system: connections are read
// with a buffer, by net/http where they poll.

func rawReader(net.Conn) syscall.RawConn { return nil }
func rawWriter(net.Conn) syscall.RawConn { return nil }

func readNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
func peekNow(uintptr) (int, error)         { return 0, errors.ErrUnsupported }
func writeNow(uintptr, []byte) int         { return 0 }
