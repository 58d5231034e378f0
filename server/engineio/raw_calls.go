//go:build unix && (!linux || 386 || race || msan || asan)

package engineio

import "syscall"

func read(fd int, b []byte) (int, error)  { return syscall.Read(fd, b) }
func write(fd int, b []byte) (int, error) { return syscall.Write(fd, b) }
