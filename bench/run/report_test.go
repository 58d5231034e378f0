package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/bench/charts"
	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

// made is a report of invented figures: sockeye, node and floor, in µs.
func made(sockeye, node, floor []float64, lost int64) *report {
	p := &plan{name: "made", reps: len(sockeye), rows: []row{{key: "a", title: "work a", work: load.Work{Kind: load.Echo}, measure: cpuEcho, goals: []goal{times(0.5, nodeServer)}}}}
	figures := map[string][]float64{sockeyeServer: sockeye, nodeServer: node, floorServer: floor}
	for _, name := range []string{sockeyeServer, nodeServer, floorServer} {
		p.servers = append(p.servers, &server{name: name})
	}
	rep := newReport(p)
	for name, values := range figures {
		for _, v := range values {
			r := &load.Result{Units: 1000, Elapsed: 2 * time.Second, CPU: time.Duration(v * 1e6), Expected: 1000, Delivered: 1000}
			if name == sockeyeServer {
				r.Lost = lost
			}
			c := rep.Rows[0].Servers[name]
			c.Runs = append(c.Runs, outcome{Result: r})
		}
	}
	return rep
}

func TestRatiosPairTheRunsThatTookTurns(t *testing.T) {
	// The machine is ten times as slow in the second repetition.
	rep := made([]float64{4, 40, 5}, []float64{10, 100, 10}, []float64{1, 10, 1}, 0)
	text := rep.markdown()
	row := rep.Rows[0]
	if got := row.Servers[nodeServer].Ratio; got != 0.4 {
		t.Errorf("ratio to Node %v, want 0.4", got)
	}
	if got := row.Servers[floorServer].Ratio; got != 4 {
		t.Errorf("ratio to the floor %v, want 4", got)
	}
	for _, want := range []string{
		"| work a | CPU µs per ack | 5.00 | 10.0 | 1.00 | 0.40 | 4.00 |\n",
		"| work a | CPU µs per ack | ≤ 0.5 × node | 0.40 | pass |\n",
		"**1 of 1 goals reached.**",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in:\n%s", want, text)
		}
	}
	if !rep.clean() || !strings.Contains(text, "in any run: pass.") {
		t.Errorf("a clean report is not called so:\n%s", text)
	}
}

func TestAGoalMayBoundTheDifference(t *testing.T) {
	for plus, want := range map[float64]string{1: "≤ node + 1 | 0.80 | pass |", 0.5: "≤ node + 0.5 | 0.80 | **miss, 1.60 ×** |"} {
		rep := made([]float64{4, 2, 3}, []float64{2, 1.2, 2.4}, []float64{1, 1, 1}, 0)
		rep.Rows[0].def.goals = []goal{{against: nodeServer, plus: plus}}
		if text := rep.markdown(); !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestCPUOfRedisIsShownApart(t *testing.T) {
	rep := made([]float64{1}, []float64{2}, []float64{1}, 0)
	rep.Rows[0].def.across = adapterStreams
	rep.Rows[0].Servers[nodeServer].Runs[0].Result.Aside = 7 * time.Millisecond
	if text := rep.markdown(); !strings.Contains(text, "| work a | node | 2.00 | 7.00 |") {
		t.Errorf("no 7 µs of Redis in:\n%s", text)
	}
}

func TestMissedGoalAndLossAreShown(t *testing.T) {
	rep := made([]float64{6}, []float64{10}, []float64{1}, 3)
	text := rep.markdown()
	for _, want := range []string{
		"6.00 (**1 of 1 runs failed**)", "≤ 0.5 × node | 0.60 | **miss, 1.20 ×** |", "in any run: **miss**.",
		"**0 of 1 goals reached; missed in 1 of the rows: work a, ≤ 0.5 × node (1.20 ×).**", "- sockeye, work a, run 1: 3 lost",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if rep.clean() {
		t.Error("a report with a loss is called clean")
	}
}

func TestGoalWithoutFiguresIsMissed(t *testing.T) {
	rep := made(nil, []float64{10}, []float64{1}, 0)
	text := rep.markdown()
	if !strings.Contains(text, "≤ 0.5 × node | – | **not measured** |") || !strings.Contains(text, "0 of 1 goals reached") {
		t.Errorf("a goal without a run of Sockeye is not missed:\n%s", text)
	}
}

func TestGoalsOfFigures(t *testing.T) {
	for _, c := range []struct {
		goal goal
		want string
	}{
		{atMost(6), "≤ 6.00 | 6.00 | pass |"},
		{atMost(5), "≤ 5.00 | 6.00 | **miss, 1.20 ×** |"},
		{atMost(5).further(), "≤ 5.00 | 6.00 | stretch: miss, 1.20 × |"},
		{atLeast(1000).of(perSecond), "| deliveries per second | ≥ 1000 | 500 | **miss, 2.00 ×** |"},
		{times(1, bunServer), ""}, // who is not there
		{times(2, floorServer), "≤ 2 × floor | 6.00 | **miss, 3.00 ×** |"},
	} {
		rep := made([]float64{6}, []float64{10}, []float64{1}, 0)
		rep.Rows[0].def.goals = []goal{c.goal}
		text := rep.markdown()
		if c.want == "" && strings.Contains(text, "## Goals") || !strings.Contains(text, c.want) {
			t.Errorf("no %q in:\n%s", c.want, text)
		}
		if c.goal.stretch && rep.score().goals != 0 {
			t.Error("a stretch goal counts")
		}
	}
}

func TestGuaranteeCells(t *testing.T) {
	burst, storm := guarantees()[0], guarantees()[3]
	run := func(r load.Result) outcome { return outcome{Result: &r} }
	for _, c := range []struct {
		g    guarantee
		runs []outcome
		text string
		ok   bool
	}{
		{burst, []outcome{run(load.Result{Delivered: 10_000}), run(load.Result{Delivered: 10_000})}, "10000", true},
		{burst, []outcome{run(load.Result{Delivered: 229}), run(load.Result{Delivered: 474})}, "229 to 474", false},
		{burst, []outcome{run(load.Result{Delivered: 10_000}), {Error: "died"}}, "10000, 1 failed", false},
		{burst, []outcome{{Error: "died"}}, "failed", false},
		{storm, []outcome{run(load.Result{}), run(load.Result{FailedConnects: 3})}, "1 of 2", false},
		{storm, []outcome{run(load.Result{}), run(load.Result{})}, "0 of 2", true},
	} {
		text, ok := c.g.cell(c.runs)
		if text != c.text || ok != c.ok {
			t.Errorf("%s: %q, %v; want %q, %v", c.g.key, text, ok, c.text, c.ok)
		}
	}
}

// TestTheSamePageFromTheResults measures nothing: the figures are invented.
func TestTheSamePageFromTheResults(t *testing.T) {
	p, err := profile("full")
	if err != nil {
		t.Fatal(err)
	}
	rep := newReport(withServers(p))
	for n, row := range rep.Rows {
		for i, s := range p.servers {
			for k := range p.times(s, row.def) {
				v := time.Duration(1+n+i+k) * time.Millisecond
				c := row.Servers[s.name]
				c.Runs = append(c.Runs, outcome{Result: &load.Result{
					Work: p.workOf(s, row.def), Units: 1000, Elapsed: time.Second, CPU: v, P99: v, RSSAfter: 1 << 30, RSSClients: 1000,
				}})
			}
		}
	}
	rep.Rows[3].Servers[bunServer].Runs[1] = outcome{Error: "it died"}
	first := filepath.Join(t.TempDir(), "docs")
	if err := publish(rep, options{out: first}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	second := t.TempDir()
	if _, err := run(t.Context(), []string{"-from", filepath.Join(first, "results.json"), "-out", second}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(first, "*"))
	if err != nil || len(names) != 10 {
		t.Errorf("%d files, want page, results and 8 pictures: %v (%v)", len(names), names, err)
	}
	for _, name := range names {
		a, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, filepath.Base(name)))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v)", filepath.Base(name), err)
		}
	}
	page, err := os.ReadFile(filepath.Join(first, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if base := filepath.Base(name); strings.HasSuffix(base, ".svg") && !strings.Contains(string(page), "]("+base+")") {
			t.Errorf("the page does not show %s", base)
		}
	}
}

func TestTheWorstMissesAreNamedFirst(t *testing.T) {
	rep := made([]float64{6}, []float64{10}, []float64{1}, 0)
	rep.Rows[0].def.goals = []goal{atMost(5), atMost(1), atMost(7), atMost(2), atMost(3), atMost(4), times(1, floorServer), atMost(5.5)}
	rep.settle()
	const want = "1 of 8 goals reached; missed in 1 of the rows: work a, ≤ 1.00 (6.00 ×); work a, ≤ 1 × floor (6.00 ×); " +
		"work a, ≤ 2.00 (3.00 ×); work a, ≤ 3.00 (2.00 ×); work a, ≤ 4.00 (1.50 ×) and 2 more."
	if got := rep.score().text(); got != want {
		t.Errorf("%q", got)
	}
}

func TestRelativeBars(t *testing.T) {
	nan := math.NaN()
	b := relative(charts.Bars{Names: []string{sockeyeServer, nodeServer}, Groups: []charts.Group{
		{Label: "a", Values: []float64{3, 6}}, {Label: "b", Values: []float64{3, nan}}, {Label: "c", Values: []float64{nan, 6}},
	}}, nodeServer)
	if len(b.Groups) != 2 || b.Groups[0].Values[0] != 0.5 || b.Groups[0].Values[1] != 1 || !math.IsNaN(b.Groups[1].Values[0]) {
		t.Errorf("%+v", b.Groups)
	}
}

// TestThePageOfTheRepositoryIsThatOfItsResults fails when goals, words or pictures have
// changed since docs/bench was written.
func TestThePageOfTheRepositoryIsThatOfItsResults(t *testing.T) {
	root, err := child.Repository()
	if err != nil {
		t.Fatal(err)
	}
	have, want := filepath.Join(root, "docs", "bench"), t.TempDir()
	if _, err := run(t.Context(), []string{"-from", filepath.Join(have, "results.json"), "-out", want}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(want, "*"))
	if err != nil || len(names) < 5 {
		t.Fatalf("%d files (%v)", len(names), err)
	}
	for _, name := range names {
		a, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(have, filepath.Base(name)))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("docs/bench/%s is another (%v): run make bench-redraw", filepath.Base(name), err)
		}
	}
}
