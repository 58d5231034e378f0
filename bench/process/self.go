//go:build unix

package process

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Self returns the CPU time, user and system, that this process has used.
func Self() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// RaiseFileLimit raises the soft limit of open files of this process, and so of
// the children that it starts afterwards, as far as the hard limit allows. It
// returns an error when that is under want.
func RaiseFileLimit(want uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("process: open file limit: %w", err)
	}
	// Go has raised the limit already, but gives children the old one unless it
	// is set on purpose.
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("process: raise open file limit to %d: %w", limit.Max, err)
	}
	if limit.Cur < want {
		return fmt.Errorf("process: open file limit is %d, want %d: raise the hard limit (ulimit -Hn)", limit.Cur, want)
	}
	return nil
}
