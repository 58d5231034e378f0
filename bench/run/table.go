package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/figures"
	"github.com/sockeye-io/sockeye/bench/load"
)

func (rep *report) guaranteeTable(b *strings.Builder) {
	if len(rep.Guarantees) == 0 {
		return
	}
	b.WriteString("## Guarantees\n\n| |")
	for _, s := range rep.Servers {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(rep.Servers)) + "\n")
	for _, row := range rep.Guarantees {
		fmt.Fprintf(b, "| %s |", row.Title)
		for _, s := range rep.Servers {
			runs := row.Servers[s.Name].Runs
			if len(runs) == 0 {
				b.WriteString(" – |")
				continue
			}
			text, ok := row.guarantee.cell(runs)
			if !ok {
				text = "**" + text + "**"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// regulars and visitors are the servers that do everything, and the guests of the plan.
func (rep *report) regulars() []version { return rep.servers(false) }
func (rep *report) visitors() []version { return rep.servers(true) }

func (rep *report) servers(guest bool) (found []version) {
	for _, s := range rep.Servers {
		if s.Guest == guest {
			found = append(found, s)
		}
	}
	return found
}

// figureTable has a line per row: the figure of the first server and of each of others, and
// the first server's as a multiple of each of theirs.
func (rep *report) figureTable(b *strings.Builder, rows []*tableRow, others []version) {
	if len(rows) == 0 {
		return
	}
	first := rep.Servers[0].Name
	fmt.Fprintf(b, "| Work | Figure | %s |", first)
	for _, s := range others {
		fmt.Fprintf(b, " %s |", s.Name)
	}
	for _, s := range others {
		fmt.Fprintf(b, " %s ÷ %s |", first, s.Name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---:|", 2*len(others)+1) + "\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s | %s | %s |", row.Title, row.Unit, row.Servers[first].text())
		for _, s := range others {
			fmt.Fprintf(b, " %s |", row.Servers[s.Name].text())
		}
		for _, s := range others {
			fmt.Fprintf(b, " %s |", ratioText(row.Servers[s.Name].Ratio))
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// goalTable has a line per goal.
func (rep *report) goalTable(b *strings.Builder) {
	var lines []string
	for _, row := range rep.Rows {
		for _, v := range row.Goals {
			is := "–"
			switch {
			case v.measured && v.plain:
				is = figures.Text(v.Value)
			case v.measured:
				is = ratioText(v.Value)
			}
			lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s |\n", row.Title, v.Figure, v.Goal, is, v.result()))
		}
	}
	if len(lines) == 0 {
		return
	}
	b.WriteString("## Goals\n\n| Work | Figure | Goal | Is | |\n|---|---|---:|---:|---|\n" + strings.Join(lines, ""))
	b.WriteString("\nWhere the goal is a multiple of another server's figure, what *is* there is the ratio. Stretch goals are not counted.\n\n")
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

func (rep *report) detailTable(b *strings.Builder) {
	if len(rep.Rows) == 0 {
		return
	}
	b.WriteString("## Detail\n\n| Work | Server | CPU µs | Redis µs | generator µs | per second | p50 ms | p99 ms | max ms | RSS KiB per client | RSS MiB | expected | lost |\n")
	b.WriteString("|---|---|" + strings.Repeat("---:|", 11) + "\n")
	for _, row := range rep.Rows {
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
			if row.def.across != "" {
				redis = of((*load.Result).AsidePerUnit)
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %d |\n", row.Title, s.Name,
				of((*load.Result).CPUPerUnit), redis, of((*load.Result).GeneratorPerUnit), of((*load.Result).PerSecond),
				ms(func(r *load.Result) time.Duration { return r.P50 }),
				ms(func(r *load.Result) time.Duration { return r.P99 }),
				ms(func(r *load.Result) time.Duration { return r.Max }),
				of(rssEach), of(func(r *load.Result) float64 { return float64(r.RSSAfter) / (1 << 20) }), expected, lost)
		}
	}
	b.WriteString("\nIn idle and connect rows a unit is a client, latency is the time to connect, and CPU of idle rows includes connecting. In rows of two nodes CPU and memory are those of both together, without Redis. RSS per client is, in idle rows, what each more client takes, and elsewhere that of the whole server by its clients. Expected and lost are sums over all runs.\n\n")
	rep.remarks(b)
}

// rssEach is the memory of a client in KiB: what each more takes, or else that of the whole
// server by its clients.
func rssEach(r *load.Result) float64 {
	if r.Work.Kind == load.Idle {
		return r.RSSPerClient()
	}
	return float64(r.RSSAfter) / 1024 / float64(max(r.Work.Clients, 1))
}

// remarks are what only some kinds of work have.
func (rep *report) remarks(b *strings.Builder) {
	var lines []string
	for _, row := range rep.Rows {
		for _, s := range rep.Servers {
			for _, o := range row.Servers[s.Name].Runs[:min(1, len(row.Servers[s.Name].Runs))] {
				if text := remark(row.def.work, o.Result); text != "" {
					lines = append(lines, fmt.Sprintf("- %s, %s: %s\n", row.Title, s.Name, text))
				}
			}
		}
	}
	if len(lines) > 0 {
		b.WriteString(strings.Join(lines, "") + "\n")
	}
}

func remark(w load.Work, r *load.Result) string {
	switch {
	case r == nil:
		return ""
	case w.Stalled > 0:
		return fmt.Sprintf("of %d clients that did not read, %d were ended; %s KiB for each of them at the end", r.RSSClients, r.StalledClosed, figures.Text(r.RSSPerClient()))
	case w.Churn > 0:
		return fmt.Sprintf("%d clients came and went meanwhile", r.Churned)
	case w.Deflate && r.Units > 0:
		return fmt.Sprintf("%d messages arrived compressed, %s bytes for each delivery", r.Compressed, figures.Text(float64(r.Received)/float64(r.Units)))
	}
	return ""
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
	lines := rep.LeftOut
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
