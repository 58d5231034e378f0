package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU time, user and system, that process pid and its living
// descendants have used. It reads each process's CPU clock (clock_getcpuclockid),
// which counts nanoseconds and keeps the time of threads that have ended;
// /proc/PID/stat has the same sum in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	tree, err := descendants(pid)
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, p := range tree {
		var ts unix.Timespec
		err := unix.ClockGettime(cpuClock(p), &ts)
		if err != nil && p != pid && !alive(p) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("process: CPU clock of %d: %w", p, err)
		}
		sum += time.Duration(ts.Nano())
	}
	return sum, nil
}

// cpuClock is the clock id of a process's CPU time: the complement of the pid
// above three bits that say "process-wide, scheduler's clock" (clock_getres(2)).
func cpuClock(pid int) int32 {
	const scheduler = 2
	return int32(^pid<<3 | scheduler) //nolint:gosec // a pid has at most 22 bits
}

// RSS returns the resident memory (VmRSS of /proc/PID/status) of process pid and
// its living descendants, in bytes.
func RSS(pid int) (int64, error) {
	tree, err := descendants(pid)
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, p := range tree {
		n, err := vmRSS(p)
		if err != nil && p != pid && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func vmRSS(pid int) (int64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, fmt.Errorf("process: %w", err)
	}
	_, rest, found := bytes.Cut(status, []byte("\nVmRSS:"))
	if !found {
		return 0, nil // a zombie has none
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	kib, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(line), []byte(" kB"))), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("process: VmRSS of %d: %w", pid, err)
	}
	return kib << 10, nil
}

func alive(pid int) bool {
	return unix.Kill(pid, 0) == nil
}

// descendants returns pid and every living process below it.
func descendants(pid int) ([]int, error) {
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid))); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	children := make(map[int][]int)
	for _, path := range stats {
		child, parent, ok := parentOf(path)
		if ok {
			children[parent] = append(children[parent], child)
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		for _, child := range children[tree[i]] {
			if !slices.Contains(tree, child) {
				tree = append(tree, child)
			}
		}
	}
	return tree, nil
}

// parentOf reads "pid (name) state ppid …"; the name may hold anything, so the
// fields are counted from its closing parenthesis (proc_pid_stat(5)).
func parentOf(path string) (pid, parent int, ok bool) {
	stat, err := os.ReadFile(path) //nolint:gosec // a path under /proc found by Glob
	if err != nil {
		return 0, 0, false // ended meanwhile
	}
	head, _, found := bytes.Cut(stat, []byte(" ("))
	end := bytes.LastIndexByte(stat, ')')
	if !found || end < 0 {
		return 0, 0, false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, err = strconv.Atoi(string(head))
	if err != nil {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return pid, parent, err == nil
}
