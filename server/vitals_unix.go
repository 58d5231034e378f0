//go:build unix

package server

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime returns the processor time, user and system, that this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return goProcessorTime()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
