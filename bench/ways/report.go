package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/process"
)

// report is everything that came out.
type report struct {
	options
	started time.Time
	load    string // averages at the start
	tables  []*table
}

// table is what came out of one row.
type table struct {
	row  *row
	runs []*result
}

func newReport(o options) *report {
	return &report{options: o, started: time.Now(), load: process.LoadAverage()}
}

// clean reports whether nothing was lost anywhere.
func (rep *report) clean() bool {
	for _, t := range rep.tables {
		for _, r := range t.runs {
			if len(r.losses) > 0 {
				return false
			}
		}
	}
	return true
}

// reached reports whether every goal was reached.
func (rep *report) reached() bool {
	for _, t := range rep.tables {
		for _, f := range t.figures() {
			if f.goal != nil && !f.goal.met(t.median(f)) {
				return false
			}
		}
	}
	return true
}

// markdown renders the report.
func (rep *report) markdown() string {
	var b strings.Builder
	by := "make bench-ways"
	if rep.row != "" {
		by = "go run ./bench/ways -row " + rep.row
	}
	fmt.Fprintf(&b, "# Other ways in, measured\n\nWritten by `"+by+"`, %s, took %v. %d CPUs (%s), %s; load average at the start: %s. ",
		rep.started.UTC().Format("2006-01-02 15:04 MST"), time.Since(rep.started).Round(time.Second), runtime.NumCPU(), process.Machine(), runtime.Version(), rep.load)
	fmt.Fprintf(&b, "The server and everything that uses it share the machine. Figures are medians of %d. CPU is the server's, user and system.\n", rep.reps)
	if process.Busy(rep.load) {
		b.WriteString("\n**The machine was busy when this started: quote nothing but losses.**\n")
	}
	if rep.quick {
		b.WriteString("\nSmall sizes, short times: the goals are for the full ones, and what is said of them here is a hint.\n")
	}
	for _, t := range rep.tables {
		t.markdown(&b)
	}
	return b.String()
}

func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| What | Figure | | Compared | Goal | |\n|---|---:|---|---|---|---|\n", t.row.name, t.row.about)
	for _, f := range t.figures() {
		value, compared, wanted, verdict := figures.Text(t.median(f)), "", "", ""
		if f.of != "" {
			compared = strconv.FormatFloat(t.ratio(f), 'f', 2, 64) + " × " + f.of
		}
		if f.goal != nil {
			wanted, verdict = f.goal.text, "**miss**"
			if f.goal.met(t.median(f)) {
				verdict = "pass"
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", f.name, value, f.unit, compared, wanted, verdict)
	}
	b.WriteString("\nLost, doubled or refused: ")
	none := true
	for i, r := range t.runs {
		for _, lost := range r.losses {
			none = false
			fmt.Fprintf(b, "\n- run %d: %s", i+1, lost)
		}
	}
	if none {
		b.WriteString("nothing, in any run.")
	}
	b.WriteByte('\n')
}

// figures are those of the first run that has any.
func (t *table) figures() []figure {
	for _, r := range t.runs {
		if len(r.figures) > 0 {
			return r.figures
		}
	}
	return nil
}

func (t *table) median(f figure) float64 {
	var values []float64
	for _, r := range t.runs {
		if len(r.figures) > 0 {
			values = append(values, r.value(f.name))
		}
	}
	return figures.Median(values)
}

// ratio is the median of the ratios within each run, so that a machine that slows down
// half-way does not tilt it.
func (t *table) ratio(f figure) float64 {
	var ratios []float64
	for _, r := range t.runs {
		if base := r.value(f.of); base != 0 {
			ratios = append(ratios, r.value(f.name)/base)
		}
	}
	return figures.Median(ratios)
}
