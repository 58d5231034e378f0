package process

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine describes where the figures come from.
func Machine() string {
	parts := []string{runtime.GOOS + "/" + runtime.GOARCH}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				parts = append(parts, strings.TrimSpace(value))
				break
			}
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "kernel "+strings.TrimSpace(string(b)))
	}
	return strings.Join(parts, ", ")
}

// Busy reports whether the average of the last minute is above half a task.
func Busy(averages string) bool {
	const quiet = 0.5
	minute, _, _ := strings.Cut(averages, " ")
	v, err := strconv.ParseFloat(minute, 64)
	return err == nil && v > quiet
}

// LoadAverage returns the three averages, "" where they are not to be had.
func LoadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(b))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
