package processor

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
	"time"
)

// goTime estimates the processor time by Go's own accounts, where the system does not say.
// They are brought up to date by garbage collection only.
func goTime() time.Duration {
	of := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(of)
	return time.Duration((of[0].Value.Float64() - of[1].Value.Float64()) * float64(time.Second))
}

// jiffy is the unit of /proc/stat for programs, on every architecture (proc(5)).
const jiffy = 10 * time.Millisecond

// idle returns the time that all processors of the machine together had nothing to do since
// it started, in steps of a jiffy. ok is false where the system does not say: it does on
// Linux only.
func idle() (d time.Duration, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	return idleOf(text)
}

// idleOf reads the first line of /proc/stat, such as "cpu  user nice system idle iowait …".
func idleOf(text []byte) (d time.Duration, ok bool) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 6 || string(fields[0]) != "cpu" {
		return 0, false
	}
	for _, f := range fields[4:6] {
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, false
		}
		d += time.Duration(n) * jiffy
	}
	return d, d > 0 // there are sandboxes in which all of it is 0
}
