package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// fullAfter stands before a server and answers no WebSocket handshake after the first few. It
// says so when one waits.
func fullAfter(t *testing.T, target string, few int64) (addr string, waits <-chan struct{}) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	quiet := log.New(io.Discard, "", 0)
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = quiet
	waiting := make(chan struct{}, 1)
	var count atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Upgrade") == "" || count.Add(1) <= few {
			proxy.ServeHTTP(w, req)
			return
		}
		select {
		case waiting <- struct{}{}:
		default:
		}
		<-req.Context().Done()
	}))
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, waiting
}

func TestBenchGivesUpOnAServerThatIsFull(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		work   string
		few    int64 // the first client takes one of them, and two to connect only; then one comes before the measured ones
		status int
		want   []string
	}{
		{"fanout", 6, 1, []string{`fan-out: \d+ failed connects, given up with 5 of 100 connected: no answer in time: ` + adviceFull}},
		{"connect", 8, 2, []string{`\nconnect  100 clients  5 connections `, `\nconnect: \d+ failed connects, given up with 5 of 100 connected\n`, "\n  → " + adviceFull}},
	} {
		addr, _ := fullAfter(t, s.url, c.few)
		status, stdout, stderr := benchIn(t, addr, "--work", c.work, "--timeout", "4s", "--duration", "100ms")
		if status != c.status || strings.Contains(stdout, "Nothing lost") {
			t.Errorf("%s: status %d, want %d: %s%s", c.work, status, c.status, stdout, stderr)
		}
		for _, want := range c.want {
			if !regexp.MustCompile(want).MatchString(stdout + stderr) {
				t.Errorf("%s: nothing like %q in\n%s%s", c.work, want, stdout, stderr)
			}
		}
	}
}

func TestBenchSaysHowManyWereConnectedWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, work := range []string{"idle", "connect", "fanout", "echo"} {
		for _, format := range []string{"", "--json"} {
			ctx, stop := context.WithCancel(t.Context())
			addr, waits := fullAfter(t, s.url, 8)
			args := []string{"bench", addr, "--work", work, "--timeout", "20s", "--clients", "1000"}
			if format != "" {
				args = append(args, format)
			}
			var stdout bytes.Buffer
			told, status := newOutput(), make(chan int, 1)
			go func() { status <- run(ctx, args, &stdout, told) }()
			<-waits
			stop()
			if got := <-status; got != 130 {
				t.Errorf("%s: status %d, want 130: %s", work, got, told)
			}
			if format == "" {
				if !regexp.MustCompile(`(?m): [0-7] of 1,000 connected until then$`).MatchString(stdout.String()) || strings.Contains(stdout.String(), "Nothing lost") {
					t.Errorf("%s: shown:\n%s", work, &stdout)
				}
				continue
			}
			var rep benchReport
			if err := json.Unmarshal(stdout.Bytes(), &rep); err != nil || !rep.Interrupted || len(rep.Works) != 1 || rep.Works[0].Connected == nil {
				t.Errorf("%s: %v: %s", work, err, &stdout)
			}
		}
	}
}

// TestBenchSaysWhatHadBeenAskedForWhereAServerIsGone has a server that is there for the first
// clients only.
func TestBenchSaysWhatHadBeenAskedForWhereAServerIsGone(t *testing.T) {
	t.Parallel()
	s := start(t)
	b, err := (&benchCommand{
		URL: s.url, Work: []string{"connect", "fanout", "echo"}, Clients: 8, Duration: time.Second, Window: 3, Payload: 100, Rooms: 2,
		Transport: "websocket", Parser: "json", Path: "/socket.io/", Namespace: "/", Timeout: 5 * time.Second,
	}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.progress = newBenchProgress(io.Discard)
	b.works = b.works[:1]
	rep, err := b.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := rep.bench
	gone.target.URL = nobodyAt(t)
	gone.base, _ = url.Parse(gone.target.URL)
	for _, kind := range []load.Kind{load.Fanout, load.Echo} {
		_, err := load.Run(t.Context(), gone.target, gone.work(kind))
		if got, want := rep.failed(gone.work(kind), err).Error(), name(kind)+": nothing listens at "; !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, row := range rep.Works[1:] {
		if row.Window != 3 || row.Payload != 100 || row.Advice != "is the server running, and is the port right?" {
			t.Errorf("%+v", row)
		}
	}
	var shown strings.Builder
	if err := rep.write(&shown); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nfan-out  2 rooms of 4, 3 in flight  ", "\necho     8 clients, 3 in flight each  ",
		"\nfan-out: nothing listens at " + gone.base.Host + "\n  → is the server running",
	} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in\n%s", want, shown.String())
		}
	}
}
