package main

import (
	"bytes"
	"encoding/json"
	"io"
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
		{key: "echo", title: "echo", work: load.Work{Kind: load.Echo, Clients: 5, Messages: 20}, measure: cpuEcho, goals: []goal{times(1, nodeServer)}},
		{key: "idle", title: "idle", work: load.Work{Kind: load.Idle, Clients: 5, Baseline: 2, Settle: 100 * time.Millisecond}, measure: rssClient},
		{key: "polling", title: "polling", work: load.Work{Kind: load.Echo, Transport: load.Polling}, measure: cpuEcho},
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
		o := once(t.Context(), &server{name: "broken", command: command}, load.Work{Kind: load.Echo}, func() {})
		if o.Result != nil || o.Error == "" {
			t.Errorf("%v: outcome %+v", command, o)
		}
	}
}

func TestServerThatDiesIsAnOutcome(t *testing.T) {
	script := "echo listening addr=127.0.0.1:1 >&2; echo last words >&2; exit 3"
	o := once(t.Context(), &server{name: "dying", command: []string{"sh", "-c", script}}, load.Work{Kind: load.Echo}, func() {})
	if o.Result != nil || o.Error == "" {
		t.Errorf("outcome %+v", o)
	}
}

func TestAServerThatNeverStartsIsNotTriedForever(t *testing.T) {
	r := row{key: "a", title: "a", work: load.Work{Kind: load.Echo}, measure: cpuEcho}
	p := &plan{name: "test", reps: 4, rows: []row{r}, servers: []*server{{name: nodeServer, command: []string{"/nonexistent/server"}}}}
	rep := newReport(p)
	if err := p.execute(t.Context(), rep, io.Discard); err != nil {
		t.Fatal(err)
	}
	runs := rep.Rows[0].Servers[nodeServer].Runs
	if len(runs) != 4 || !runs[0].dead || !runs[1].dead || runs[2].dead || runs[3].dead {
		t.Errorf("runs %+v", runs)
	}
	if text := rep.markdown(); !strings.Contains(text, "no result (**4 of 4 runs failed**)") || !strings.Contains(text, "- node, a, run 4: did not start before") {
		t.Errorf("it is not told in:\n%s", text)
	}
}

func TestTheBarNamesTheRunAndWhatFailed(t *testing.T) {
	var out bytes.Buffer
	all := 10 * time.Second
	teller := &teller{out: &out, total: 2, since: time.Now(), all: all, bar: newBar(all, &out)}
	teller.begin(nodeServer, "echo", 1, 3, 5*time.Second)
	teller.tell(outcome{})
	teller.begin(floorServer, "idle", 2, 3, 5*time.Second)
	teller.tick()
	teller.tell(outcome{Error: "it died"})
	teller.end()
	for _, want := range []string{"left · echo · node · 1/3", " 50% ", "left · idle · floor · 2/3", "idle · floor · 2/3: FAILED: it died\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
}
