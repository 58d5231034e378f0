//go:build linux && !386 && !race && !msan && !asan

package engineio

import (
	"syscall"
	"unsafe"
)

// read and write are system calls on a connection that never waits, without telling Go's
// scheduler, which would be ready to give the processor to another goroutine meanwhile: what
// they cost is a copy, unless the kernel has to find memory first. They are the calls
// for sockets, with which the kernel has less to do than with read and write.
func read(fd int, b []byte) (int, error) { return rawCall(syscall.SYS_RECVFROM, fd, b, 0) }

func write(fd int, b []byte) (int, error) {
	return rawCall(syscall.SYS_SENDTO, fd, b, syscall.MSG_NOSIGNAL)
}

func rawCall(trap uintptr, fd int, b []byte, flags uintptr) (int, error) {
	n, _, errno := syscall.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0) //nolint:gosec // both take a pointer
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
