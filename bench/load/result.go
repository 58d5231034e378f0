package load

import (
	"fmt"
	"strings"
	"time"
)

// Result is what one run found. CPU and memory are the server's, of its whole
// process tree, unless a name says otherwise; they are zero without a PID.
type Result struct {
	Work Work `json:"work"`

	// Units counts what Kind calls its unit, within the measured time.
	Units   int64         `json:"units"`
	Elapsed time.Duration `json:"elapsed_ns"`
	CPU     time.Duration `json:"cpu_ns"`
	// Generator is the CPU time of the load generator itself in the same time.
	Generator time.Duration `json:"generator_cpu_ns"`
	// Aside is the CPU time of Target.Aside in the same time.
	Aside time.Duration `json:"aside_cpu_ns,omitempty"`

	// Received is how many bytes arrived in the same time, as the connections
	// carried them: frames and HTTP heads included, TLS taken off.
	Received int64 `json:"received_bytes"`

	P50 time.Duration `json:"p50_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`

	// RSSBefore and RSSAfter are bytes: with the baseline clients, and with all.
	// RSSClients is how many clients lie between the two. With Work.Stalled they are
	// those before the traffic and at the end of the measured time, and RSSClients
	// is how many clients did not read.
	RSSBefore  int64 `json:"rss_before,omitempty"`
	RSSAfter   int64 `json:"rss_after"`
	RSSClients int   `json:"rss_clients,omitempty"`

	// Expected and Delivered count over the whole run, warm-up included.
	// Delivered counts each expected delivery once.
	Expected   int64 `json:"expected"`
	Delivered  int64 `json:"delivered"`
	Lost       int64 `json:"lost"`
	Reordered  int64 `json:"reordered"`
	Duplicated int64 `json:"duplicated"`
	Malformed  int64 `json:"malformed"`

	FailedConnects int `json:"failed_connects"`
	Disconnected   int `json:"disconnected"`
	Stalls         int `json:"stalls"`
	// Skipped counts messages of a Rate that were not sent because too many
	// were still in flight, and clients of a Churn that were not opened because
	// too many were still on their way.
	Skipped int64 `json:"skipped"`

	// Churned counts clients of Work.Churn that connected and disconnected
	// within the measured time. Those that could not connect are in
	// FailedConnects, whenever that was.
	Churned int64 `json:"churned,omitempty"`
	// StalledClosed is how many clients of Work.Stalled the server had ended when
	// they went on reading after the run. They are not in Disconnected.
	StalledClosed int `json:"stalled_closed,omitempty"`
	// Compressed counts messages that arrived deflated, over the whole run.
	Compressed int64 `json:"compressed,omitempty"`

	// Stopped says that the run's context ended before the run did, or that not all
	// clients were tried: the figures are those of what was measured until then.
	Stopped bool `json:"stopped,omitempty"`

	// Notes are sentences about what went wrong, at most a few.
	Notes []string `json:"notes,omitempty"`
}

const maxNotes = 4

func (r *Result) note(format string, args ...any) {
	if len(r.Notes) < maxNotes {
		r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
	}
}

// CPUPerUnit is the server's CPU time for one unit, in microseconds.
func (r *Result) CPUPerUnit() float64 {
	if r.Units == 0 {
		return 0
	}
	return float64(r.CPU.Nanoseconds()) / 1e3 / float64(r.Units)
}

// GeneratorPerUnit is the generator's CPU time for one unit, in microseconds.
func (r *Result) GeneratorPerUnit() float64 {
	if r.Units == 0 {
		return 0
	}
	return float64(r.Generator.Nanoseconds()) / 1e3 / float64(r.Units)
}

// AsidePerUnit is Aside for one unit, in microseconds.
func (r *Result) AsidePerUnit() float64 {
	if r.Units == 0 {
		return 0
	}
	return float64(r.Aside.Nanoseconds()) / 1e3 / float64(r.Units)
}

// ReceivedPerUnit is Received for one unit, in bytes.
func (r *Result) ReceivedPerUnit() float64 {
	if r.Units == 0 {
		return 0
	}
	return float64(r.Received) / float64(r.Units)
}

// PerSecond is units per second of the measured time.
func (r *Result) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Units) / r.Elapsed.Seconds()
}

// RSSPerClient is the growth of resident memory for one client, in KiB.
func (r *Result) RSSPerClient() float64 {
	if r.RSSClients == 0 {
		return 0
	}
	return float64(r.RSSAfter-r.RSSBefore) / 1024 / float64(r.RSSClients)
}

// Failure says in a few words what the server got wrong, or "" after a clean run.
func (r *Result) Failure() string {
	var parts []string
	for _, c := range []struct {
		n    int64
		what string
	}{
		{r.Lost, "lost"},
		{r.Reordered, "out of order"},
		{r.Duplicated, "duplicated"},
		{r.Malformed, "malformed"},
		{int64(r.FailedConnects), "failed connects"},
		{int64(r.Disconnected), "disconnected"},
		{r.Skipped, "not sent in time"},
	} {
		if c.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, ", ")
}
