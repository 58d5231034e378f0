package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/load"
)

// markdown renders the report.
func (rep *report) markdown() string {
	rep.settle()
	var b strings.Builder
	rep.heading(&b)
	rep.guaranteeTable(&b)
	rep.ratioTable(&b)
	rep.detailTable(&b)
	rep.leftOut(&b)
	rep.failures(&b)
	return b.String()
}

func (rep *report) heading(b *strings.Builder) {
	fmt.Fprintf(b, "# Bench: %s\n\n", rep.Profile)
	fmt.Fprintf(b, "%s, took %s. %d CPUs (%s), %s; load average at the start: %s. Servers and load generator share the machine. ",
		rep.Started.UTC().Format("2006-01-02 15:04 MST"), rep.Took, runtime.NumCPU(), rep.Machine, runtime.Version(), rep.Load)
	fmt.Fprintf(b, "Repetitions: %d, the servers taking turns; figures are medians. Payload 64 bytes. CPU is the server's, user and system.\n\n", rep.Reps)
	if rep.Busy {
		b.WriteString("**The machine was busy when this started: quote nothing but losses.**\n\n")
	}
	if rep.Profile == "quick" {
		b.WriteString("Small sizes, short times: the goals are for the full profile, and what is said of them here is a hint.\n\n")
	}
	for _, s := range rep.Servers {
		fmt.Fprintf(b, "- %s: %s\n", s.Name, s.Version)
	}
	b.WriteByte('\n')
}

func (rep *report) guaranteeTable(b *strings.Builder) {
	if len(rep.Guarantees) == 0 {
		return
	}
	b.WriteString("## Guarantees\n\n| |")
	for _, s := range rep.Servers {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(rep.Servers)) + "\n")
	for i, row := range rep.Guarantees {
		fmt.Fprintf(b, "| %s |", row.Title)
		for _, s := range rep.Servers {
			runs := row.Servers[s.Name].Runs
			if len(runs) == 0 {
				b.WriteString(" – |")
				continue
			}
			text, ok := rep.plan.guarantees[i].cell(runs)
			if !ok {
				text = "**" + text + "**"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// ratioTable has a line per row: every server's figure, and the first server's
// as a multiple of each other one's.
func (rep *report) ratioTable(b *strings.Builder) {
	if len(rep.Rows) == 0 {
		return
	}
	b.WriteString("## Cost\n\n| Work | Figure |")
	for _, s := range rep.Servers {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	for _, s := range rep.Servers[1:] {
		fmt.Fprintf(b, " %s ÷ %s |", rep.Servers[0].Name, s.Name)
	}
	b.WriteString(" Goal | |\n|---|---|" + strings.Repeat("---:|", 2*len(rep.Servers)-1) + "---|---|\n")
	for _, row := range rep.Rows {
		fmt.Fprintf(b, "| %s | %s |", row.Title, row.Unit)
		for _, s := range rep.Servers {
			fmt.Fprintf(b, " %s |", row.Servers[s.Name].text())
		}
		for _, s := range rep.Servers[1:] {
			fmt.Fprintf(b, " %s |", ratioText(row.Servers[s.Name].Ratio))
		}
		goals, result := row.verdict()
		fmt.Fprintf(b, " %s | %s |\n", goals, result)
	}
	if rep.took(sockeyeServer) {
		result := "pass"
		if !rep.clean() {
			result = "**miss**"
		}
		fmt.Fprintf(b, "\nNo message of %s lost, doubled or out of order and no client refused, in any run: %s.\n", sockeyeServer, result)
	}
	b.WriteByte('\n')
}

func (rep *report) took(name string) bool {
	for _, s := range rep.Servers {
		if s.Name == name {
			return true
		}
	}
	return false
}

func (c *cell) text() string {
	if len(c.Runs) == 0 {
		return "–"
	}
	text := "no result"
	if c.Median != 0 {
		text = figures.Text(c.Median)
	}
	if bad := c.bad(); bad > 0 {
		text += fmt.Sprintf(" (**%d of %d runs failed**)", bad, len(c.Runs))
	}
	return text
}

func (c *cell) bad() int {
	n := 0
	for _, o := range c.Runs {
		if o.failure() != "" {
			n++
		}
	}
	return n
}

func ratioText(r float64) string {
	if r == 0 {
		return "–"
	}
	return strconv.FormatFloat(r, 'f', 2, 64)
}

func (t *tableRow) verdict() (goals, result string) {
	var names, results []string
	for _, v := range t.Goals {
		if v.Plus != 0 {
			names = append(names, fmt.Sprintf("≤ %s + %g", v.Against, v.Plus))
		} else {
			names = append(names, fmt.Sprintf("≤ %g × %s", v.AtMost, v.Against))
		}
		if v.Pass {
			results = append(results, "pass")
		} else {
			results = append(results, "**miss**")
		}
	}
	return strings.Join(names, ", "), strings.Join(results, ", ")
}

func (rep *report) detailTable(b *strings.Builder) {
	if len(rep.Rows) == 0 {
		return
	}
	b.WriteString("## Detail\n\n| Work | Server | CPU µs | Redis µs | generator µs | per second | p50 ms | p99 ms | max ms | RSS MiB | expected | lost |\n")
	b.WriteString("|---|---|" + strings.Repeat("---:|", 10) + "\n")
	for i, row := range rep.Rows {
		for _, s := range rep.Servers {
			c := row.Servers[s.Name]
			if len(c.Runs) == 0 {
				continue
			}
			of := func(value func(*load.Result) float64) string { return figures.Text(c.median(value)) }
			ms := func(value func(*load.Result) time.Duration) string {
				return of(func(r *load.Result) float64 { return float64(value(r)) / 1e6 })
			}
			expected, lost := c.totals()
			redis := "–"
			if rep.plan.rows[i].across != "" {
				redis = of((*load.Result).AsidePerUnit)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %d |\n", row.Title, s.Name,
				of((*load.Result).CPUPerUnit), redis, of((*load.Result).GeneratorPerUnit), of((*load.Result).PerSecond),
				ms(func(r *load.Result) time.Duration { return r.P50 }),
				ms(func(r *load.Result) time.Duration { return r.P99 }),
				ms(func(r *load.Result) time.Duration { return r.Max }),
				of(func(r *load.Result) float64 { return float64(r.RSSAfter) / (1 << 20) }), expected, lost)
		}
	}
	b.WriteString("\nIn idle and connect rows a unit is a client, latency is the time to connect, and CPU of idle rows includes connecting. In rows of two nodes CPU and memory are those of both together, without Redis. Expected and lost are sums over all runs.\n\n")
}

func (c *cell) median(value func(*load.Result) float64) float64 {
	var values []float64
	for _, o := range c.Runs {
		if o.Result != nil {
			values = append(values, value(o.Result))
		}
	}
	return figures.Median(values)
}

func (c *cell) totals() (expected, lost int64) {
	for _, o := range c.Runs {
		if o.Result != nil {
			expected += o.Result.Expected
			lost += o.Result.Lost + int64(o.Result.FailedConnects)
		}
	}
	return expected, lost
}

// leftOut lists the rows that a server is not in: its "–" in the tables.
func (rep *report) leftOut(b *strings.Builder) {
	lines := rep.plan.leftOut()
	if len(lines) == 0 {
		return
	}
	b.WriteString("## Left out\n\n")
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", line)
	}
	b.WriteByte('\n')
}

// failures lists every run that was not clean.
func (rep *report) failures(b *strings.Builder) {
	b.WriteString("## Failures\n\n")
	none := true
	for _, rows := range [][]*tableRow{rep.Guarantees, rep.Rows} {
		for _, row := range rows {
			for _, s := range rep.Servers {
				for i, o := range row.Servers[s.Name].Runs {
					if f := o.failure(); f != "" {
						none = false
						fmt.Fprintf(b, "- %s, %s, run %d: %s%s\n", s.Name, row.Title, i+1, f, notes(o))
					}
				}
			}
		}
	}
	if none {
		b.WriteString("None.\n")
	}
}

func notes(o outcome) string {
	if o.Result == nil || len(o.Result.Notes) == 0 {
		return ""
	}
	return " (" + strings.Join(o.Result.Notes, "; ") + ")"
}
