package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// Go raises the soft limit to just below the hard one, and the log says whether that is enough for
// --max-connections.
func TestLimitOfOpenFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	for _, tc := range []struct {
		max  int
		want string
	}{
		{1745, `level=WARN msg="the limit of open files is too low for --max-connections" limit=2000 max_connections=1745 websockets=1744 polling=872 remedy="raise`},
		{1744, `level=INFO msg="the limit of open files is too low for --max-connections if all clients poll" limit=2000 `},
		{872, ""},
	} {
		t.Run(strconv.Itoa(tc.max), func(t *testing.T) {
			p := startLimited(t, "ulimit -Sn 100 && ulimit -Hn 2001", "--anonymous", "--max-connections", strconv.Itoa(tc.max))
			limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(`Max open files +2000 +2001 `).Match(limits) {
				t.Errorf("the limit is not raised:\n%s", limits)
			}
			if tc.want != "" {
				p.log.await(t, "("+regexp.QuoteMeta(tc.want)+")")
				return
			}
			p.signal(t, os.Interrupt)
			p.status(t)
			if log := p.log.String(); strings.Contains(log, "open files") {
				t.Errorf("said though it is enough:\n%s", log)
			}
		})
	}
}

// When no more files can be opened the log says so and what to do, the server goes on,
// and accepts again as soon as there is room.
func TestTooManyOpenFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("limits differ elsewhere")
	}
	p := startLimited(t, "ulimit -Sn 64 && ulimit -Hn 64", "--anonymous")
	var idle []net.Conn
	for range 64 {
		c, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		idle = append(idle, c)
	}
	p.log.await(t, `(level=ERROR msg="no more connections can be accepted: too many open files" limit=64 .*remedy=)`)
	for _, c := range idle {
		c.Close()
	}
	_, r := p.get(t, "/healthz")
	if status, _ := answer(t, r); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}
