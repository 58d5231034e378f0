package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/bench/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// built is the program, from the sources as they are.
func built(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sockeye")
	if err := child.Build(t.Context(), bin, "./cmd/sockeye"); err != nil {
		t.Fatal(err)
	}
	return bin
}

// Every row works in its quick size and loses nothing.
func TestQuick(t *testing.T) {
	out := filepath.Join(t.TempDir(), "ways.md")
	var table, progress bytes.Buffer
	clean, err := run(t.Context(), []string{"-quick", "-sockeye", built(t), "-out", out}, &table, &progress)
	if err != nil || !clean {
		t.Fatalf("clean %v, error %v\n%s\n%s", clean, err, progress.String(), table.String())
	}
	for _, r := range registered {
		if !strings.Contains(table.String(), "\n## "+r.name+"\n") {
			t.Errorf("no table of %s in:\n%s", r.name, table.String())
		}
	}
	if written, err := os.ReadFile(out); err != nil || string(written) != table.String() {
		t.Errorf("-out has other text than is printed: %v", err)
	}
}

func TestTheLabStartsAndEndsServers(t *testing.T) {
	l := &lab{sockeye: built(t), dir: t.TempDir()}
	n, err := l.start(t.Context(), "relay: {contract: false}\n")
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(n.url("/socket.io/?EIO=4&transport=polling"))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusOK {
		t.Errorf("answered %s", res.Status)
	}
	http.DefaultClient.CloseIdleConnections()
	if cpu, err := n.cpu(); err != nil || cpu <= 0 {
		t.Errorf("CPU %v, %v", cpu, err)
	}
	if rss, err := n.rss(); err != nil || rss < 1<<20 {
		t.Errorf("RSS %v, %v", rss, err)
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
}

// invented is a report of figures a and b in three runs.
func invented(a, b []float64, lost ...string) string {
	t := &table{row: &row{name: "made", about: "Invented."}}
	for i := range a {
		r := &result{losses: lost}
		r.add(figure{name: "a", value: a[i], unit: "events/s", goal: atLeast(5)})
		r.add(figure{name: "b", value: b[i], unit: "CPU µs", goal: atMost(10), of: "a"})
		t.runs = append(t.runs, r)
	}
	rep := newReport(options{reps: len(a)})
	rep.tables = []*table{t}
	return rep.markdown()
}

func TestTableOfMediansRatiosAndGoals(t *testing.T) {
	text := invented([]float64{4, 40, 6}, []float64{8, 20, 12}) // the machine is busy in the second
	for _, want := range []string{
		"| a | 6.00 | events/s |  | ≥ 5 | pass |", "| b | 12.0 | CPU µs | 2.00 × a | ≤ 10 | **miss** |", "nothing, in any run.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if text := invented([]float64{1}, []float64{1}, "3 lost"); !strings.Contains(text, "\n- run 1: 3 lost\n") {
		t.Errorf("a loss is not shown:\n%s", text)
	}
}

func TestARowThatFailsIsNotClean(t *testing.T) {
	broken := &row{name: "broken", measure: func(context.Context, *lab) (*result, error) { return nil, errors.New("no luck") }}
	rep := newReport(options{reps: 1})
	var progress bytes.Buffer
	if err := rep.repeat(t.Context(), broken, &progress); err != nil {
		t.Fatal(err)
	}
	if rep.clean() || !strings.Contains(rep.markdown(), "no luck") || !strings.Contains(progress.String(), "FAILED: no luck") {
		t.Errorf("clean %v, said %q:\n%s", rep.clean(), progress.String(), rep.markdown())
	}
}

func TestUnknownRow(t *testing.T) {
	if _, err := rows("webhook,nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("error %v", err)
	}
}
