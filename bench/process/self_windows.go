package process

import (
	"syscall"
	"time"
)

// Self returns the CPU time, user and system, that this process has used.
func Self() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return 0
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	return 100 * time.Nanosecond * time.Duration(ticks(kernel)+ticks(user))
}

// ticks are the 100 ns that a duration of Windows has.
func ticks(t syscall.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }

// RaiseFileLimit has nothing to raise: Windows does not bound sockets so.
func RaiseFileLimit(uint64) error { return nil }
