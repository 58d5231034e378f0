package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/process"
)

// reading is what the server holds at one moment, after collections.
type reading struct {
	sessions, sockets, goroutines, files int64
	live, heap, rss                      int64 // bytes
}

// meter reads a server.
type meter struct {
	side string // the address of --metrics-listen
	pid  int
	web  http.Client
}

// server is the program with a meter on it.
type server struct {
	*child.Child

	meter meter
}

// start runs a binary with what a soak needs: no limits of rates, a small outbox so that
// stalled readers end soon, and frequent heartbeats.
func start(ctx context.Context, binary string) (*server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		return nil, err
	}
	side := l.Addr().String()
	_ = l.Close()
	c, err := child.Start(ctx, binary, "serve", "--listen", "127.0.0.1:0", "--anonymous", "--metrics-listen", side, "--pprof",
		"--event-rate", "off", "--byte-rate", "off", "--outbox-limit", "256KiB", "--outbox-max", "256KiB",
		"--ping-interval", "2s", "--ping-timeout", "15s", "--no-log-connections")
	if err != nil {
		return nil, err
	}
	return &server{Child: c, meter: meter{side: side, pid: c.Target.PID}}, nil
}

func (m *meter) get(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.side+path, http.NoBody)
	if err != nil {
		return "", err
	}
	res, err := m.web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, res.Status)
	}
	return string(b), err
}

// read takes a reading. Two collections before it empty what is pooled.
func (m *meter) read(ctx context.Context) (reading, error) {
	for range 2 {
		if _, err := m.get(ctx, "/debug/pprof/heap?gc=1"); err != nil {
			return reading{}, err
		}
	}
	text, err := m.get(ctx, "/metrics")
	if err != nil {
		return reading{}, err
	}
	sum := sums(text)
	rss, err := process.RSS([]int{m.pid})
	return reading{
		sessions: sum["sockeye_sessions"], sockets: sum["sockeye_sockets"], goroutines: sum["go_goroutines"], files: sum["process_open_fds"],
		live: sum["go_memstats_heap_alloc_bytes"], heap: sum["go_memstats_heap_inuse_bytes"], rss: rss,
	}, err
}

// sums adds up the samples of each metric, whatever their labels.
func sums(text string) map[string]int64 {
	all := make(map[string]int64)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			all[name] += int64(v)
		}
	}
	return all
}

// settle reads until fine says so, or for so long, and returns the last reading.
func (m *meter) settle(ctx context.Context, most time.Duration, fine func(reading) bool) (reading, error) {
	for until := time.Now().Add(most); ; {
		r, err := m.read(ctx)
		if err != nil || fine(r) || time.Now().After(until) {
			return r, err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// idle reports whether nobody is connected.
func idle(r reading) bool { return r.sessions == 0 && r.sockets == 0 }

// figure is one comparison with the start.
type figure struct {
	name          string
	before, after int64
	most          int64 // that after may be
	bytes         bool
}

func (f figure) pass() bool { return f.after <= f.most }

// share is how much of the start a figure may be above it, in hundredths.
const share = 10

// compare judges what is left after the work. Each figure may be a tenth above the start,
// or a small fixed amount where a tenth would be less than what chance does: the runtime
// starts goroutines of its own, a page or a span more or less stays in use. room is what
// resident memory may be above it at least.
func compare(before, after reading, room int64) []figure {
	at := func(name string, before, after, least int64, bytes bool) figure {
		return figure{name: name, before: before, after: after, most: max(before+before*share/100, before+least), bytes: bytes}
	}
	return []figure{
		at("sessions", 0, after.sessions, 0, false),
		at("sockets", 0, after.sockets, 0, false),
		at("goroutines", before.goroutines, after.goroutines, 5, false),
		at("open files", before.files, after.files, 4, false),
		at("live heap", before.live, after.live, 512<<10, true),
		at("heap in use", before.heap, after.heap, 1<<20, true),
		at("resident memory", before.rss, after.rss, room, true),
	}
}

func passed(all []figure) bool {
	for _, f := range all {
		if !f.pass() {
			return false
		}
	}
	return true
}
