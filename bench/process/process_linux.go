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

// CPU returns the CPU time, user and system, that the processes have used. One
// that has ended counts nothing, unless it is the first. It reads each process's
// CPU clock (clock_getcpuclockid), which counts nanoseconds and keeps the time of
// threads that have ended; /proc/PID/stat has the same sum in steps of 10 ms.
func CPU(pids []int) (time.Duration, error) {
	var sum time.Duration
	for i, p := range pids {
		var ts unix.Timespec
		err := unix.ClockGettime(cpuClock(p), &ts)
		if err != nil && i > 0 {
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
	return int32(^pid<<3 | scheduler)
}

// RSS returns the resident memory (VmRSS of /proc/PID/status) of the processes,
// in bytes. One that has ended counts nothing, unless it is the first.
func RSS(pids []int) (int64, error) {
	var sum int64
	for i, p := range pids {
		n, err := vmRSS(p)
		if err != nil && i > 0 && errors.Is(err, fs.ErrNotExist) {
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

// Tree returns pid and every living process below it, pid first.
func Tree(pid int) ([]int, error) {
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
	stat, err := os.ReadFile(path)
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
