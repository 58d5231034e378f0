//go:build linux && !race && !msan && !asan

package engineio

import (
	"syscall"
	"unsafe"
)

// read and write are system calls on a connection that never waits, without telling Go's
// scheduler, which would be ready to give the processor to another goroutine meanwhile: what
// they cost is a copy, unless the kernel has to find memory first.
func read(fd int, b []byte) (int, error)  { return rawCall(syscall.SYS_READ, fd, b) }
func write(fd int, b []byte) (int, error) { return rawCall(syscall.SYS_WRITE, fd, b) }

func rawCall(trap uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))) //nolint:gosec // read and write take a pointer
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
