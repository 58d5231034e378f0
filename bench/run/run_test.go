package main

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFloorEndToEnd builds the floor, starts it as a child for each run and
// renders the table.
func TestFloorEndToEnd(t *testing.T) {
	root, err := child.Repository()
	if err != nil {
		t.Fatal(err)
	}
	p := &plan{name: "test", names: []string{floorServer}, reps: 2, rows: []row{
		{"echo", "echo", load.Work{Kind: load.Echo, Clients: 5, Messages: 20}, cpuEcho, toNode(1), "", false},
		{"idle", "idle", load.Work{Kind: load.Idle, Clients: 5, Baseline: 2, Settle: 100 * time.Millisecond}, rssClient, nil, "", false},
		{"polling", "polling", load.Work{Kind: load.Echo, Transport: load.Polling}, cpuEcho, nil, "", false},
	}}
	if p.servers, p.absent, err = prepare(t.Context(), p.names, root, t.TempDir(), "", io.Discard); err != nil {
		t.Fatal(err)
	}
	rep := newReport(p)
	var progress bytes.Buffer
	if err := p.execute(t.Context(), rep, &progress); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(progress.String(), "\n"); n != 4 || p.runs() != 4 {
		t.Errorf("%d lines of progress for %d runs, want 4:\n%s", n, p.runs(), progress.String())
	}
	text := rep.markdown()
	if !strings.Contains(text, "\nNone.\n") {
		t.Errorf("failures in:\n%s", text)
	}
	if !strings.Contains(text, "| polling | CPU µs per ack | – |") || !strings.Contains(text, "\n- floor: polling: it speaks WebSocket only\n") {
		t.Errorf("the floor's missing polling and its reason are not shown:\n%s", text)
	}
	echo := rep.Rows[0].Servers[floorServer]
	if echo.Median <= 0 || echo.Runs[0].Result.Delivered != 100 {
		t.Errorf("median %v, delivered %d of 100", echo.Median, echo.Runs[0].Result.Delivered)
	}
	if _, err := json.Marshal(rep); err != nil {
		t.Error(err)
	}
}

func TestServerThatDoesNotStartIsAnOutcome(t *testing.T) {
	for _, command := range [][]string{
		{"/nonexistent/server"},
		{"sh", "-c", "echo no good >&2; exit 3"},
	} {
		o := once(t.Context(), &server{name: "broken", command: command}, load.Work{Kind: load.Echo})
		if o.Result != nil || o.Error == "" {
			t.Errorf("%v: outcome %+v", command, o)
		}
	}
}

func TestServerThatDiesIsAnOutcome(t *testing.T) {
	script := "echo listening addr=127.0.0.1:1 >&2; echo last words >&2; exit 3"
	o := once(t.Context(), &server{name: "dying", command: []string{"sh", "-c", script}}, load.Work{Kind: load.Echo})
	if o.Result != nil || o.Error == "" {
		t.Errorf("outcome %+v", o)
	}
}

// made is a report of invented figures: sockeye, node and floor, in µs.
func made(sockeye, node, floor []float64, lost int64) *report {
	p := &plan{name: "made", reps: len(sockeye), rows: []row{{"a", "work a", load.Work{Kind: load.Echo}, cpuEcho, toNode(0.5), "", false}}}
	figures := map[string][]float64{sockeyeServer: sockeye, nodeServer: node, floorServer: floor}
	for _, name := range []string{sockeyeServer, nodeServer, floorServer} {
		p.servers = append(p.servers, &server{name: name})
	}
	rep := newReport(p)
	for name, values := range figures {
		for _, v := range values {
			r := &load.Result{Units: 1000, CPU: time.Duration(v * 1e6), Expected: 1000, Delivered: 1000}
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
	want := "| work a | CPU µs per ack | 5.00 | 10.0 | 1.00 | 0.40 | 4.00 | ≤ 0.5 × node | pass |"
	if !strings.Contains(text, want) {
		t.Errorf("no line %q in:\n%s", want, text)
	}
	if !rep.clean() || !strings.Contains(text, "in any run: pass.") {
		t.Errorf("a clean report is not called so:\n%s", text)
	}
}

func TestRowsOfTwoNodesNeedRedisAndAServerThatJoins(t *testing.T) {
	p, err := profile("quick")
	if err != nil {
		t.Fatal(err)
	}
	p.keep(regexp.MustCompile("^(two|echo-w1$)"))
	ours, floor := &server{command: []string{"sockeye"}, joins: "--redis-url"}, &server{}
	for _, r := range p.rows {
		if two := r.across != ""; !ours.can(r) || floor.can(r) == two {
			t.Errorf("%s: Sockeye %v, the floor %v", r.key, ours.can(r), floor.can(r))
		}
	}
	if got := strings.Join(ours.across(adapterStreams, "redis://r").command, " "); got != "sockeye --adapter redis-streams --redis-url redis://r" {
		t.Errorf("a node is started with %q", got)
	}
	var said bytes.Buffer
	if p.alone(&said); len(p.rows) != 1 || !strings.Contains(said.String(), "LEFT OUT: 4 rows") {
		t.Errorf("without Redis %d rows are left, and it says %q", len(p.rows), said.String())
	}
}

func TestAGoalMayBoundTheDifference(t *testing.T) {
	for plus, want := range map[float64]string{1: "≤ node + 1 | pass |", 0.5: "≤ node + 0.5 | **miss** |"} {
		rep := made([]float64{4, 2, 3}, []float64{2, 1.2, 2.4}, []float64{1, 1, 1}, 0)
		rep.plan.rows[0].goals = []goal{{against: nodeServer, plus: plus}}
		if text := rep.markdown(); !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestRowsOfCarriedPollsCompareSockeyeWithItself(t *testing.T) {
	p, err := profile("carried")
	if err != nil {
		t.Fatal(err)
	}
	all, err := profile("quick")
	if err != nil {
		t.Fatal(err)
	}
	local, node := &server{name: localServer, joins: "x"}, &server{name: nodeServer, joins: "x"}
	for _, r := range append(p.rows, all.rows...) {
		if local.can(r) != r.carried || node.can(r) == r.carried {
			t.Errorf("%s: local %v, Node %v", r.key, local.can(r), node.can(r))
		}
	}
}

func TestCPUOfRedisIsShownApart(t *testing.T) {
	rep := made([]float64{1}, []float64{2}, []float64{1}, 0)
	rep.plan.rows[0].across = adapterStreams
	rep.Rows[0].Servers[nodeServer].Runs[0].Result.Aside = 7 * time.Millisecond
	if text := rep.markdown(); !strings.Contains(text, "| work a | node | 2.00 | 7.00 |") {
		t.Errorf("no 7 µs of Redis in:\n%s", text)
	}
}

func TestMissedGoalAndLossAreShown(t *testing.T) {
	rep := made([]float64{6}, []float64{10}, []float64{1}, 3)
	text := rep.markdown()
	for _, want := range []string{
		"6.00 (**1 of 1 runs failed**)", "≤ 0.5 × node | **miss** |", "in any run: **miss**.", "- sockeye, work a, run 1: 3 lost",
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
	if text := rep.markdown(); !strings.Contains(text, "**miss**") {
		t.Errorf("a goal without a run of Sockeye is not missed:\n%s", text)
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

func TestProfiles(t *testing.T) {
	for _, name := range []string{"full", "quick", "carried", "peers"} {
		p, err := profile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.rows) == 0 || p.reps == 0 || p.names[0] != sockeyeServer {
			t.Errorf("%s: %d rows, %d repetitions, servers %v", name, len(p.rows), p.reps, p.names)
		}
	}
	if _, err := profile("slow"); err == nil {
		t.Error("an unknown profile is accepted")
	}
	p, _ := profile("full")
	p.keep(regexp.MustCompile("^echo"))
	if len(p.rows) != 2 {
		t.Errorf("%d rows match ^echo, want 2", len(p.rows))
	}
}
