package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/bench/child"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// binaryOf is the program, which make test has built.
func binaryOf(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SOCKEYE_BIN"); path != "" {
		return path
	}
	root, err := child.Repository()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "bin", "sockeye")
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs the program: run make build first, or set SOCKEYE_BIN")
	}
	return path
}

// A short soak of the program is clean; and the same comparison finds twenty clients that
// stay connected after it, so that it would find a leak.
func TestShortSoak(t *testing.T) {
	o := options{duration: 2 * time.Second, warmup: time.Second, settle: 20 * time.Second}
	srv, err := start(t.Context(), binaryOf(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
		srv.meter.web.CloseIdleConnections()
	})
	rep, err := soak(t.Context(), srv, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !rep.clean() {
		t.Fatalf("not clean:\n%s", rep.markdown())
	}

	for range 20 {
		c, err := dial(t.Context(), srv.Target.URL, bySocket, func(event) {})
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
	}
	after, err := srv.meter.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rep.figures = compare(rep.before, after, roomShort)
	if rep.clean() {
		t.Errorf("clean though 20 clients are connected:\n%s", rep.markdown())
	}
	for _, f := range rep.figures {
		if leaks := f.name == "sessions" || f.name == "sockets" || f.name == "goroutines" || f.name == "open files"; leaks && f.pass() {
			t.Errorf("20 clients are connected, and %s went from %d to %d", f.name, f.before, f.after)
		}
	}
}

func TestCompare(t *testing.T) {
	start := reading{goroutines: 100, files: 20, live: 100 << 20, heap: 120 << 20, rss: 200 << 20}
	for name, tc := range map[string]struct {
		change func(*reading)
		pass   bool
	}{
		"nothing left":      {func(*reading) {}, true},
		"a tenth more":      {func(r *reading) { r.goroutines, r.live, r.heap, r.rss = 110, 110<<20, 132<<20, 220<<20 }, true},
		"less":              {func(r *reading) { r.goroutines, r.rss = 10, 100<<20 }, true},
		"a session":         {func(r *reading) { r.sessions = 1 }, false},
		"a socket":          {func(r *reading) { r.sockets = 1 }, false},
		"goroutines":        {func(r *reading) { r.goroutines = 111 }, false},
		"open files":        {func(r *reading) { r.files = 25 }, false},
		"the heap":          {func(r *reading) { r.live = 111 << 20 }, false},
		"a fragmented heap": {func(r *reading) { r.heap = 133 << 20 }, false},
		"resident memory":   {func(r *reading) { r.rss = 221 << 20 }, false},
	} {
		after := start
		tc.change(&after)
		if got := passed(compare(start, after, roomLong)); got != tc.pass {
			t.Errorf("%s: %v, want %v", name, got, tc.pass)
		}
	}
}

// hear feeds messages of publisher 1 to a follower.
func hear(strict bool, numbers ...int) *counts {
	c := new(counts)
	f := newFollower(c, strict)
	for _, n := range numbers {
		f.take(event{args: []any{"msg", 1.0, float64(n), message(1, n)}})
	}
	f.complete(1, 5)
	return c
}

func TestFollower(t *testing.T) {
	for name, tc := range map[string]struct {
		strict                   bool
		numbers                  []int
		lost, reordered, doubled int64
	}{
		"all":              {true, []int{1, 2, 3, 4, 5}, 0, 0, 0},
		"from the middle":  {false, []int{3, 4, 5}, 0, 0, 0},
		"without the head": {true, []int{3, 4, 5}, 2, 0, 0},
		"a gap":            {true, []int{1, 2, 4, 5}, 1, 0, 0},
		"without the end":  {true, []int{1, 2, 3}, 2, 0, 0},
		"nothing":          {true, nil, 5, 0, 0},
		"out of order":     {true, []int{1, 3, 2, 4, 5}, 0, 1, 0},
		"twice":            {true, []int{1, 2, 2, 3, 4, 5}, 0, 0, 1},
	} {
		c := hear(tc.strict, tc.numbers...)
		if c.lost.Load() != tc.lost || c.reordered.Load() != tc.reordered || c.doubled.Load() != tc.doubled || c.torn.Load() != 0 {
			t.Errorf("%s: %d lost, %d out of order, %d twice, %d torn", name, c.lost.Load(), c.reordered.Load(), c.doubled.Load(), c.torn.Load())
		}
	}
	c := new(counts)
	f := newFollower(c, true)
	for _, args := range [][]any{
		{"msg", 1.0, 1.0, message(1, 2)}, {"msg", 1.0, 1.0, message(1, 3)}, {"msg", 1.0, "1", "x"}, {"msg"}, {"other", 1.0, 1.0, message(1, 1)}, nil,
	} {
		f.take(event{args: args})
	}
	if c.torn.Load() != 6 || c.faults() != 6 {
		t.Errorf("%d of 6 messages are found to be wrong", c.torn.Load())
	}
}

func TestPacketsAndPayloads(t *testing.T) {
	sent, err := encode(7, "say", "room", attachment("one"), 3, attachment{0, 0x1e, 255})
	if err != nil {
		t.Fatal(err)
	}
	got, err := frames(payload(sent))
	if err != nil || len(got) != 3 {
		t.Fatalf("%d frames, %v", len(got), err)
	}
	var d decoder
	for i, f := range got {
		e, complete, err := d.add(f)
		if err != nil || complete != (i == 2) {
			t.Fatalf("frame %d: complete %v, %v", i, complete, err)
		}
		if complete && (e.id != 7 || len(e.args) != 5 || string(e.args[2].(attachment)) != "one" || string(e.args[4].(attachment)) != "\x00\x1e\xff") {
			t.Errorf("%+v", e)
		}
	}
	for _, bad := range []frame{{binary: []byte("x")}, {text: "4"}, {text: "42{"}, {text: "45-[1]"}, {text: "42x[]"}} {
		if _, _, err := new(decoder).add(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestSums(t *testing.T) {
	got := sums("# HELP a b\nsessions{transport=\"x\"} 2\nsessions{transport=\"y z\"} 3\nheap 1.5e+06\n")
	if got["sessions"] != 5 || got["heap"] != 1_500_000 || len(got) != 2 {
		t.Error(got)
	}
}

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-duration", "1h"})
	if err != nil || o.warmup != time.Minute || o.short() {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range []string{"-duration=0", "-settle=-1s", "-warmup=-1s", "more"} {
		if _, err := parse([]string{bad}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := run(context.Background(), []string{"-sockeye", "no/such/file"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no/such/file") {
		t.Errorf("without a binary: %v", err)
	}
}
