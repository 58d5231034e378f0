package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/bench/load"
)

// benchReport is what came out, and the document of --json: docs/measuring.md says what each
// field is.
type benchReport struct {
	URL         string     `json:"url"`
	Namespace   string     `json:"namespace"`
	Transport   string     `json:"transport"`
	Parser      string     `json:"parser"`
	Started     time.Time  `json:"started"`
	Took        float64    `json:"took_seconds"`
	RoundTrip   float64    `json:"round_trip_ms,omitempty"`
	Clean       bool       `json:"clean"`
	Interrupted bool       `json:"interrupted"`
	Works       []benchRow `json:"works"`

	bench *bench
}

// benchRow is one work.
type benchRow struct {
	Work      load.Kind `json:"work"`
	Clients   int       `json:"clients"`
	Rooms     int       `json:"rooms,omitempty"`
	Window    int       `json:"window,omitempty"`
	Rate      float64   `json:"rate_per_second,omitempty"`
	Payload   int       `json:"payload_bytes,omitempty"`
	Measured  float64   `json:"measured_seconds"`
	Unit      string    `json:"unit"`
	Units     int64     `json:"units"`
	PerSecond float64   `json:"units_per_second"`

	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`

	Expected     int64 `json:"expected"`
	Delivered    int64 `json:"delivered"`
	Lost         int64 `json:"lost"`
	Reordered    int64 `json:"out_of_order"`
	Duplicated   int64 `json:"duplicated"`
	Malformed    int64 `json:"malformed"`
	Failed       int   `json:"failed_connects"`
	Connected    *int  `json:"connected,omitempty"`
	Disconnected int   `json:"disconnected"`
	Skipped      int64 `json:"not_sent_in_time"`

	Churned       int64 `json:"churned,omitempty"`
	StalledClosed int   `json:"stalled_closed,omitempty"`

	CPU          *float64 `json:"server_cpu_us_per_unit,omitempty"`
	RSS          *float64 `json:"server_rss_mib,omitempty"`
	RSSPerClient *float64 `json:"server_rss_kib_per_client,omitempty"`
	Generator    float64  `json:"generator_cpu_percent"`

	Failure string   `json:"failure,omitempty"`
	Advice  string   `json:"advice,omitempty"`
	Notes   []string `json:"notes,omitempty"`

	early string // how far connecting was when it ended early, for people
}

func (b *bench) newReport() *benchReport {
	return &benchReport{
		URL: b.base.String(), Namespace: b.Namespace, Transport: b.Transport, Parser: b.Parser,
		Started: time.Now().UTC().Truncate(time.Second), RoundTrip: milliseconds(b.roundTrip), Clean: true, bench: b,
	}
}

// units are what is counted, one and many.
var units = map[load.Kind][2]string{
	load.Connect: {"connection", "connections"},
	load.Fanout:  {"delivery", "deliveries"},
	load.Echo:    {"ack", "acks"},
	load.Idle:    {"client", "clients"},
}

func unitsOf(kind load.Kind, n int64) string {
	if n == 1 {
		return units[kind][0]
	}
	return units[kind][1]
}

// add takes in what came of a work.
func (rep *benchReport) add(r *load.Result) *benchRow {
	w := r.Work
	row := benchRow{
		Work: w.Kind, Clients: w.Clients,
		Measured: rounded(r.Elapsed.Seconds(), 3), Unit: units[w.Kind][0], Units: r.Units,
		P50: milliseconds(r.P50), P99: milliseconds(r.P99), Max: milliseconds(r.Max),
		Expected: r.Expected, Delivered: r.Delivered, Lost: r.Lost, Reordered: r.Reordered, Duplicated: r.Duplicated,
		Malformed: r.Malformed, Failed: r.FailedConnects, Disconnected: r.Disconnected, Skipped: r.Skipped,
		Churned: r.Churned, StalledClosed: r.StalledClosed,
		Failure: r.Failure(), Notes: plainNotes(r.Notes),
	}
	if w.Kind == load.Fanout || w.Kind == load.Echo {
		row.Window, row.Rate, row.Payload = w.Window, w.Rate, w.Payload
		if w.Rate > 0 {
			row.Window = 0
		}
	}
	if w.Kind == load.Fanout {
		row.Rooms = w.Rooms
	}
	if w.Kind != load.Idle {
		row.PerSecond = rounded(r.PerSecond(), 1)
	}
	if r.Elapsed > 0 {
		row.Generator = rounded(100*r.Generator.Seconds()/r.Elapsed.Seconds(), 1)
	}
	if rep.bench.PID != 0 && r.Elapsed > 0 {
		cpu, rss, each := rounded(r.CPUPerUnit(), 2), rounded(float64(r.RSSAfter)/(1<<20), 1), rounded(r.RSSPerClient(), 2)
		row.RSS = &rss
		if w.Kind == load.Idle {
			row.RSSPerClient = &each
		} else {
			row.CPU = &cpu
		}
	}
	if row.Failure != "" {
		rep.Clean = false
		row.Advice = adviceAfter(w.Kind, strings.Join(r.Notes, "\n")+"\n"+row.Failure)
	}
	rep.Works = append(rep.Works, row)
	return &rep.Works[len(rep.Works)-1]
}

// interrupt takes in what came of a work that was ended early.
func (rep *benchReport) interrupt(w load.Work, r *load.Result, err error) {
	rep.Interrupted = true
	var short *load.ConnectError
	if errors.As(err, &short) {
		rep.begun(w, r, short, "%s of %s connected until then")
	} else if r != nil && r.Units > 0 {
		rep.add(r)
	}
}

// giveUp takes in a work whose clients the server did not let in any more.
func (rep *benchReport) giveUp(w load.Work, r *load.Result, short *load.ConnectError) error {
	row := rep.begun(w, r, short, "given up with %s of %s connected")
	what, do := rep.bench.why(w.Kind, short.Err, adviceAfter)
	if do == "" {
		do = adviceFull
	}
	row.Notes, row.Advice = []string{what}, do
	return advised(w.Kind, row.wrong()+": "+what, do)
}

// begun takes in a work of which not all clients were tried. Without a result nothing was
// measured yet.
func (rep *benchReport) begun(w load.Work, r *load.Result, short *load.ConnectError, early string) *benchRow {
	if r == nil {
		r = &load.Result{Work: w, FailedConnects: short.Failed}
	}
	row := rep.add(r)
	row.Connected = &short.Connected
	row.early = fmt.Sprintf(early, grouped(float64(short.Connected)), grouped(float64(short.Clients)))
	return row
}

// failed takes in a work that had no result.
func (rep *benchReport) failed(w load.Work, err error) error {
	rep.Clean = false
	row := rep.add(&load.Result{Work: w})
	row.Failure, row.Advice = rep.bench.why(w.Kind, err, adviceAfter)
	return advised(w.Kind, row.Failure, row.Advice)
}

// measured reports whether any work had a result.
func (rep *benchReport) measured() bool {
	for _, row := range rep.Works {
		if row.Expected > 0 {
			return true
		}
	}
	return false
}

func (rep *benchReport) end() {
	rep.Took = rounded(time.Since(rep.Started).Seconds(), 1)
}

func (rep *benchReport) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(rep)
}

// write shows a table, and in sentences what was wrong.
func (rep *benchReport) write(w io.Writer) error {
	var b strings.Builder
	rep.heading(&b)
	rep.table(&b)
	rep.verdict(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (rep *benchReport) heading(b *strings.Builder) {
	fmt.Fprintf(b, "%s, %s", rep.URL, rep.Transport)
	if rep.Namespace != "/" {
		fmt.Fprintf(b, ", namespace %s", rep.Namespace)
	}
	if rep.Parser != "json" {
		fmt.Fprintf(b, ", %s", rep.Parser)
	}
	if rep.RoundTrip > 0 {
		fmt.Fprintf(b, "; one message alone: %s ms", figure(rep.RoundTrip))
	}
	b.WriteString("\n\n")
}

func (rep *benchReport) table(b *strings.Builder) {
	lines := [][]string{{"", "", "count", "per second", "p50 ms", "p99 ms", "max ms"}}
	if rep.bench.PID != 0 {
		lines[0] = append(lines[0], "CPU µs each", "RSS MiB", "KiB a client")
	}
	for i := range rep.Works {
		lines = append(lines, rep.Works[i].cells(rep.bench))
	}
	writeColumns(b, lines)
}

// cells are a line of the table.
func (row *benchRow) cells(b *bench) []string {
	line := []string{name(row.Work), row.describe(b)}
	if row.Expected == 0 {
		return append(line, "no result")
	}
	line = append(line, fmt.Sprintf("%s %s", grouped(float64(row.Units)), unitsOf(row.Work, row.Units)))
	if row.Work == load.Idle {
		line = append(line, "", "", "", "")
	} else {
		line = append(line, grouped(row.PerSecond), figure(row.P50), figure(row.P99), figure(row.Max))
	}
	for _, v := range []*float64{row.CPU, row.RSS, row.RSSPerClient} {
		text := ""
		if v != nil {
			text = figure(*v)
		}
		line = append(line, text)
	}
	return line
}

// describe says how the work was done.
func (row *benchRow) describe(b *bench) string {
	clients := plural(row.Clients, "client")
	switch row.Work {
	case load.Fanout:
		where := fmt.Sprintf("room of %d", row.Clients)
		if b.Rooms > 1 {
			where = fmt.Sprintf("%d rooms of %d", b.Rooms, row.Clients/b.Rooms)
		}
		if row.Rate > 0 {
			return fmt.Sprintf("%s, %g/s", where, row.Rate)
		}
		return fmt.Sprintf("%s, %d in flight", where, row.Window)
	case load.Echo:
		if row.Rate > 0 {
			return fmt.Sprintf("%s, %g/s each", clients, row.Rate)
		}
		return fmt.Sprintf("%s, %d in flight each", clients, row.Window)
	case load.Idle:
		return fmt.Sprintf("%s, for %v", clients, b.Duration)
	case load.Connect:
	}
	return clients
}

// verdict says what was wrong, or that nothing was.
func (rep *benchReport) verdict(b *strings.Builder) {
	b.WriteByte('\n')
	all := true
	for _, row := range rep.Works {
		all = all && row.early == ""
		if row.wrong() == "" {
			continue
		}
		fmt.Fprintf(b, "%s: %s\n", name(row.Work), row.wrong())
		for _, n := range row.Notes {
			fmt.Fprintf(b, "  %s\n", n)
		}
		if row.Advice != "" {
			fmt.Fprintf(b, "  → %s\n", row.Advice)
		}
	}
	if rep.Interrupted {
		b.WriteString("Interrupted: what was measured until then is shown.\n")
	}
	if rep.Clean && all && len(rep.Works) > 0 {
		b.WriteString("Nothing lost, doubled or out of order; nobody refused or disconnected.\n")
	}
	for _, row := range rep.Works {
		if row.Generator > busyGenerator {
			fmt.Fprintf(b, "%s: the clients themselves kept a CPU busy for %.0f %% of the time: these figures may be theirs and not the server's.\n", name(row.Work), row.Generator)
		}
	}
}

// wrong is what was wrong, and how far connecting was if it ended early, or "".
func (row *benchRow) wrong() string {
	if row.Failure != "" && row.early != "" {
		return row.Failure + ", " + row.early
	}
	return row.Failure + row.early
}

// busyGenerator is from where on the generator, which is one loop, is likely to be what is
// measured, in percent of one CPU.
const busyGenerator = 85

// writeColumns puts the first two columns to the left and the others to the right.
func writeColumns(b *strings.Builder, lines [][]string) {
	var widths []int
	for _, line := range lines {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch {
			case i < 2:
				text.WriteString(cell + pad + "  ")
			default:
				text.WriteString(pad + cell + "  ")
			}
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
}

func milliseconds(d time.Duration) float64 { return rounded(float64(d.Nanoseconds())/1e6, 3) }

// figure shows three digits.
func figure(v float64) string {
	switch {
	case v >= 100:
		return grouped(v)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// grouped shows a whole number with its thousands apart.
func grouped(v float64) string {
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", grouped(float64(n)), what)
}
