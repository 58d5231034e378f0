package main

import (
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/bench/figures"
)

// picture is a drawing beside the page.
type picture struct {
	file  string // its name
	alt   string // what it shows, in a few words
	chart interface{ SVG() ([]byte, error) }
}

// markdown renders the report.
func (rep *report) markdown() string {
	rep.settle()
	var b strings.Builder
	rep.heading(&b)
	rep.summary(&b)
	for _, pic := range rep.drawings() {
		fmt.Fprintf(&b, "![%s](%s)\n\n", pic.alt, pic.file)
	}
	if rep.plan != nil && rep.plan.section != nil {
		rep.plan.section(rep, &b)
	}
	rep.guaranteeTable(&b)
	rep.goalTable(&b)
	if len(rep.Rows) > 0 {
		b.WriteString("## Figures\n\n")
		rep.figureTable(&b, rep.Rows, rep.regulars()[min(1, len(rep.regulars())):])
	}
	rep.guestTable(&b)
	rep.detailTable(&b)
	rep.leftOut(&b)
	rep.failures(&b)
	return b.String()
}

func (rep *report) drawings() []picture {
	if rep.plan == nil || rep.plan.pictures == nil {
		return nil
	}
	return rep.plan.pictures(rep)
}

func (rep *report) heading(b *strings.Builder) {
	if rep.Profile == "full" {
		b.WriteString("# Bench\n\nSockeye beside other servers of the same contract, on one machine, in one run. Written by `make bench`, which anyone can repeat; " +
			"[what the figures mean](../../bench/README.md#what-the-figures-mean).\n\n")
	} else {
		fmt.Fprintf(b, "# Bench: %s\n\n", rep.Profile)
	}
	fmt.Fprintf(b, "%s, took %s. %d CPUs (%s), %s; load average at the start: %s. Servers and load generator share the machine. ",
		rep.Started.UTC().Format("2006-01-02 15:04 MST"), rep.Took, rep.CPUs, rep.Machine, rep.Go, rep.Load)
	fmt.Fprintf(b, "Repetitions: up to %d, the servers taking turns; figures are medians, and ratios medians of the ratios within the repetitions. "+
		"Payload 64 bytes, unless the row says more. CPU is the server's, user and system.\n\n", rep.Reps)
	if rep.Busy {
		b.WriteString("**The machine was busy when this started: quote nothing but losses.**\n\n")
	}
	if rep.plan != nil && rep.plan.small {
		b.WriteString("The sizes are small: the goals are for those of the full profile, and what is said of them here is a hint.\n\n")
	}
	for _, s := range rep.Servers {
		fmt.Fprintf(b, "- %s: %s\n", s.Name, s.Version)
	}
	for _, a := range rep.Absent {
		fmt.Fprintf(b, "- %s: **not measured**, it needs %s\n", a.Name, a.Needs)
	}
	b.WriteByte('\n')
}

// summary is the sentence about the goals, and that about losses.
func (rep *report) summary(b *strings.Builder) {
	if text := rep.score().text(); text != "" {
		fmt.Fprintf(b, "**%s**\n\n", text)
	}
	if !rep.has(sockeyeServer) {
		return
	}
	result := "pass"
	if !rep.clean() {
		result = "**miss**"
	}
	fmt.Fprintf(b, "No message of %s lost, doubled or out of order and no client refused, in any run: %s.\n\n", sockeyeServer, result)
}

// guestTable is that of the servers that are in few rows.
func (rep *report) guestTable(b *strings.Builder) {
	if len(rep.visitors()) == 0 {
		return
	}
	var rows []*tableRow
	var fewer []string
	for _, row := range rep.Rows {
		if row.def.guests {
			rows = append(rows, row)
		}
		if row.def.guests && row.def.guestClients > 0 {
			fewer = append(fewer, fmt.Sprintf("%s: with %d clients", row.Title, row.def.guestClients))
		}
	}
	if len(rows) == 0 {
		return
	}
	b.WriteString("## Other servers\n\nIn one repetition, beside Sockeye's first.\n\n")
	rep.figureTable(b, rows, rep.visitors())
	if len(fewer) > 0 {
		fmt.Fprintf(b, "They are slow to connect. %s.\n\n", strings.Join(fewer, "; "))
	}
}

// line is what the run says at its end.
func (rep *report) line() string {
	text := rep.score().text()
	if rep.has(sockeyeServer) && !rep.clean() {
		text += " Sockeye LOST or refused something: see Failures."
	}
	return strings.TrimSpace(text)
}

// figureOf is a server's median of any measure in the row of that key.
func (rep *report) figureOf(key, server string, m measure) (title string, value float64, ok bool) {
	for _, row := range rep.Rows {
		if row.Key != key {
			continue
		}
		if row.Servers[server] == nil {
			return row.Title, 0, false
		}
		values := row.values(server, m)
		return row.Title, figures.Median(values), len(values) > 0
	}
	return "", 0, false
}
