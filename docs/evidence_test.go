package docs_test

import (
	"fmt"
	"strings"
	"testing"
)

// shown are the rows of the bench that the first page shows.
var shown = []string{
	"idle WebSocket clients", "idle polling clients", "connect", "room of 500, 1 in flight", "room of 500, 32 in flight",
	"room of 1000, 20 messages/s", "echo, 100 clients, 1 in flight", "polling, room of 300, 1 in flight",
}

// TestFiguresAreThoseOfTheEvidence writes the tables of figures of two pages out of what
// make prove and the benches wrote. With -update they are written anew.
func TestFiguresAreThoseOfTheEvidence(t *testing.T) {
	bench := benchRows(t)
	var b strings.Builder
	b.WriteString("| Work | Figure | Sockeye | Node | Bun | The floor | Sockeye ÷ Node |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, r := range bench {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", r["Work"], r["Figure"], r["sockeye"], r["node"], r["bun"], r["floor"], r["sockeye ÷ node"])
	}
	generated(t, "docs/performance.md", "bench", b.String())

	b.Reset()
	b.WriteString("| | | Sockeye | Node | Bun |\n|---|---|---:|---:|---:|\n")
	for _, work := range shown {
		r := benchRow(t, bench, work)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r["Work"], r["Figure"], r["sockeye"], r["node"], r["bun"])
	}
	generated(t, "README.md", "bench", b.String())

	ways := wayRows(t)
	b.Reset()
	b.WriteString("| Part | What | Figure | |\n|---|---|---:|---|\n")
	for _, r := range ways {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r["row"], r["What"], r["Figure"], r["unit"])
	}
	generated(t, "docs/performance.md", "ways", b.String())

	b.Reset()
	b.WriteString("| | Idle, RSS KiB per client | CPU µs per delivery, 1 message in flight | From |\n|---|---:|---:|---|\n")
	fmt.Fprintf(&b, "| WebSocket | %s | %s (room of 500) | [bench](bench/README.md) |\n",
		benchRow(t, bench, "idle WebSocket clients")["sockeye"], benchRow(t, bench, "room of 500, 1 in flight")["sockeye"])
	fmt.Fprintf(&b, "| Polling | %s | %s (room of 300) | [bench](bench/README.md) |\n",
		benchRow(t, bench, "idle polling clients")["sockeye"], benchRow(t, bench, "polling, room of 300, 1 in flight")["sockeye"])
	fmt.Fprintf(&b, "| WebSocket, in the run of the next line | %s | %s (room of 500) | [ways](evidence/ways.md) |\n",
		wayFigure(t, ways, "idle WebSocket"), wayFigure(t, ways, "WebSocket, 1 in flight"))
	fmt.Fprintf(&b, "| Event stream | %s | %s (room of 500) | [ways](evidence/ways.md) |\n",
		wayFigure(t, ways, "idle stream"), wayFigure(t, ways, "stream, 1 in flight"))
	generated(t, "docs/transports.md", "costs", b.String())
}

// benchRows are the rows of the bench that have a figure beside Node's.
func benchRows(t *testing.T) (rows []map[string]string) {
	t.Helper()
	for _, r := range readPage(t, "docs/bench/README.md").rows("Work", "Figure", "sockeye ÷ node") {
		rows = append(rows, r.cells)
	}
	if len(rows) < 20 {
		t.Fatalf("docs/bench/README.md has %d rows", len(rows))
	}
	return rows
}

// wayRows are the rows of the other ways in, with the heading that they stand under as row.
func wayRows(t *testing.T) (rows []map[string]string) {
	t.Helper()
	p := readPage(t, "docs/evidence/ways.md")
	for _, r := range p.rows("What", "Figure", "Compared") {
		for _, line := range p.lines[:r.line] {
			if name, is := strings.CutPrefix(line, "## "); is {
				r.cells["row"] = name
			}
		}
		r.cells["unit"] = splitRow(p.lines[r.line-1])[2] // whose heading is empty, as another's
		rows = append(rows, r.cells)
	}
	if len(rows) < 10 {
		t.Fatalf("docs/evidence/ways.md has %d rows", len(rows))
	}
	return rows
}

// benchRow is the first row of work that begins so.
func benchRow(t *testing.T, rows []map[string]string, work string) map[string]string {
	t.Helper()
	for _, r := range rows {
		if strings.HasPrefix(r["Work"], work) {
			return r
		}
	}
	t.Fatalf("docs/bench/README.md has no row %q", work)
	return nil
}

func wayFigure(t *testing.T, rows []map[string]string, what string) string {
	t.Helper()
	for _, r := range rows {
		if r["What"] == what {
			return r["Figure"]
		}
	}
	t.Fatalf("docs/evidence/ways.md has no row %q", what)
	return ""
}
