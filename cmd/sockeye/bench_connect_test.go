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
		status, stdout, stderr := benchIn(t, addr, "--work", c.work, "--timeout", "1s", "--duration", "100ms")
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
