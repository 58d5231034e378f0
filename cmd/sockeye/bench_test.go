package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/bench/load"
)

// short are flags of a bench that takes no time.
var short = []string{"--clients", "8", "--duration", "100ms", "--warmup", "20ms"}

// benchIn runs the command by itself: to read the options of the whole program takes longer than
// many of these tests.
func benchIn(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var c benchCommand
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	var out, told bytes.Buffer
	if _, err = k.Parse(args); err == nil {
		err = c.Run(streams{ctx: t.Context(), out: &out, err: &told})
	}
	var ended exitStatus
	if err != nil && !errors.As(err, &ended) {
		complain(&told, err)
		ended = 1
	}
	return int(ended), out.String(), told.String()
}

// measuredIn runs sockeye bench, which has to end well, and reads its document.
func measuredIn(t *testing.T, args ...string) benchReport {
	t.Helper()
	status, stdout, stderr := benchIn(t, slices.Concat(short, args, []string{"--json"})...)
	var rep benchReport
	if err := json.Unmarshal([]byte(stdout), &rep); err != nil || status != 0 {
		t.Fatalf("%q: status %d, %v: %s%s", args, status, err, stdout, stderr)
	}
	return rep
}

func TestBenchMeasuresEachWork(t *testing.T) {
	t.Parallel()
	s := start(t)
	kinds := []load.Kind{load.Idle, load.Connect, load.Fanout, load.Echo}
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		words := "idle,connect,fanout,echo"
		if transport != "websocket" {
			words, kinds = "connect,fanout,echo", kinds[len(kinds)-3:]
		}
		rep := measuredIn(t, s.url, "--transport", transport, "--work", words, "--duration", "600ms")
		if !rep.Clean || rep.Interrupted || rep.URL != s.url+"/socket.io/" || rep.Transport != transport || rep.RoundTrip <= 0 || rep.Took <= 0 {
			t.Errorf("%s: %+v", transport, rep)
		}
		if len(rep.Works) != len(kinds) {
			t.Fatalf("%s: %d works, want %d", transport, len(rep.Works), len(kinds))
		}
		for i, kind := range kinds {
			row := rep.Works[i]
			if row.Work != kind || row.Clients != 8 || row.Expected < 8 || row.Delivered != row.Expected || row.Units < 8 || row.Failure != "" {
				t.Errorf("%s: %+v", transport, row)
			}
			if traffic := kind == load.Fanout || kind == load.Echo; traffic && (row.PerSecond <= 0 || row.P50 <= 0 || row.Max < row.P99 || row.Rate != usualRate || row.Window != 0 || row.Payload != 64) {
				t.Errorf("%s: %+v", transport, row)
			}
			if row.CPU != nil || row.RSS != nil {
				t.Errorf("%s: CPU and memory of a server that nobody has named: %+v", transport, row)
			}
		}
	}
}

func TestBenchShowsATable(t *testing.T) {
	t.Parallel()
	s := start(t)
	status, stdout, stderr := benchIn(t, append(short, s.url, "--work", "fan-out", "--work", "connect")...)
	if status != 0 || stderr != "fan-out: about 1s\nconnect: about 1s\n" {
		t.Errorf("status %d: %s", status, stderr)
	}
	for _, want := range []string{s.url + "/socket.io/, websocket; one message alone: ", "per second", "\nfan-out  room of 8, 20/s  ", " deliver", "\nconnect  8 clients  ", "8 connections", "\nNothing lost, "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Index(stdout, "\nfan-out") > strings.Index(stdout, "\nconnect") {
		t.Errorf("not in the order that was asked for:\n%s", stdout)
	}
}

func TestBenchMeasuresAProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("CPU time and memory of a process are read on Linux only")
	}
	s := start(t)
	rep := measuredIn(t, s.url, "--work", "idle,echo", "--pid", strconv.Itoa(os.Getpid()))
	if idle := rep.Works[0]; idle.RSS == nil || *idle.RSS <= 0 || idle.RSSPerClient == nil || idle.CPU != nil {
		t.Errorf("idle: %+v", idle)
	}
	if echo := rep.Works[1]; echo.RSS == nil || *echo.RSS <= 0 || echo.CPU == nil {
		t.Errorf("echo: %+v", echo)
	}
}

// answers is a server that is none.
func answers(t *testing.T, status int, body string, header ...string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// nobodyAt is an address where nobody listens.
func nobodyAt(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestBenchSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	nobody := nobodyAt(t)
	s := start(t, "--relay", "off")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{nobody}, "nothing listens at"},
		{[]string{"nowhere"}, "is no URL such as"},
		{[]string{"ftp://127.0.0.1"}, "is no URL such as"},
		{[]string{s.url + "/admin"}, "write --path /admin if that is where Socket.IO is, or --namespace /admin"},
		{[]string{s.url + "/?a=b"}, "leave out what stands after it"},
		{[]string{"http://u:p@127.0.0.1"}, "--header 'Authorization: …'"},
		{[]string{s.url, "--path", "/nothing"}, "404, no Socket.IO there: is it below another --path?"},
		{[]string{"https" + strings.TrimPrefix(s.url, "http")}, "write http:// in place of https://"},
		{[]string{s.url, "--timeout", "1s", "--work", "fanout"}, "need the relay's contract"},
		{[]string{s.url, "--timeout", "1s", "--work", "echo"}, "need the relay's contract"},
		{[]string{s.url, "--payload", "1000000"}, "raise its --max-payload"},
		{[]string{answers(t, 200, "<h1>Hello</h1>")}, "answers, but not as Socket.IO does: \"<h1>Hello</h1>\": is it below another --path?"},
		{[]string{answers(t, 301, "", "Location", "https://elsewhere.example/")}, "sends to https://elsewhere.example/: measure that address"},
		{[]string{answers(t, 401, "who is there?")}, "--header"},
		{[]string{answers(t, 429, `{"code":3,"message":"too many connections"}`)}, "--ip-handshakes off"},
		{[]string{answers(t, 403, `{"code":4,"message":"no such origin"}`)}, "no such origin"},
		{[]string{answers(t, 400, `{"code":3,"message":"\u001b[31m red \u009b"}`)}, `refused the handshake with status 400: \x1b[31m red \u009b`},
		{[]string{answers(t, 302, "", "Location", "/\xff\u202e")}, `sends to /\xff\u202e: measure that address`},
		{[]string{answers(t, 502, "")}, "the server behind it is not"},
		{[]string{answers(t, 400, `{"code":0,"message":"Transport unknown"}`), "--transport", "polling"}, "Transport unknown"},
		{[]string{"http://192.0.2.1", "--clients", "500"}, "192.0.2.1 is not this machine, and --clients 500 is more than 200"},
		{[]string{"http://192.0.2.1", "--window", "32"}, "add --yes if the server is yours to load"},
		{[]string{s.url, "--work", "nap"}, `--work: "nap" is none of`},
		{[]string{s.url, "--work", "echo", "--rooms", "2"}, "--rooms is about a fan-out"},
		{[]string{s.url, "--rooms", "200", "--clients", "100"}, "--rooms: 200 is more than --clients, 100"},
		{[]string{s.url, "--clients", "0"}, "--clients: 0 is not between 1 and"},
		{[]string{s.url, "--rate", "5", "--window", "5"}, "--rate and --window both say how much is said"},
		{[]string{s.url, "--rate", "1e-9"}, "--rate: 1e-09 is less than 0.01"},
		{[]string{s.url, "--rate", "10", "--work", "idle"}, "--rate is about a fan-out or an echo, and --work has none"},
		{[]string{s.url, "--window", "10", "--work", "connect"}, "--window is about a fan-out or an echo, and --work has none"},
		{[]string{s.url, "--rate", "20000"}, "--rate: 20000 of each of 100 clients makes 2000000 messages per second"},
		{[]string{s.url, "--payload", "3"}, "--payload: 3 is not between 24 and 1048576\n"},
		{[]string{s.url, "--duration", "1ms"}, "--duration"},
		{[]string{s.url, "--warmup=-1s"}, "--warmup"},
		{[]string{s.url, "--timeout=0s"}, "--timeout"},
		{[]string{s.url, "--stalled", "0.7"}, "--stalled: 0.7 is not between 0 and 0.5"},
		{[]string{s.url, "--deflate", "--transport", "polling"}, "--deflate"},
		{[]string{s.url, "--header", "nothing"}, "is no header such as"},
		{[]string{s.url, "--auth", "[]"}, "--auth is no JSON object"},
		{[]string{s.url, "--auth", "{}", "--token", "x"}, "write the token into --auth"},
		{[]string{s.url, "--token-file", "/nothing/there"}, "--token-file"},
		{[]string{s.url, "--namespace", "chat"}, "does not begin with /"},
	} {
		status, stdout, stderr := benchIn(t, c.args...)
		if status != 1 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: status %d, want %q: %s%s", c.args, status, c.want, stdout, stderr)
		}
	}
}

func TestBenchEndsWith2WhereSomethingIsLost(t *testing.T) {
	t.Parallel()
	events := start(t, "--event-rate", "1/m burst 12")
	handshakes := start(t, "--ip-handshakes", "1/m burst 6", "--limits-except", "")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{events.url, "--work", "echo", "--rate", "300"}, []string{"\necho: ", " lost", "too many events: slow down", "→ the server takes no more events from one client: on Sockeye, --event-rate off"}},
		{[]string{handshakes.url, "--work", "connect"}, []string{"\nconnect: ", " failed connects", "429 Too Many Requests", "--ip-handshakes off"}},
	} {
		status, stdout, stderr := benchIn(t, append(append(c.args, "--timeout", "5s"), short...)...)
		if status != 2 || strings.Contains(stdout, "Nothing lost") {
			t.Errorf("%q: status %d, want 2: %s%s", c.args, status, stdout, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q: no %q in\n%s", c.args, want, stdout)
			}
		}
	}
}

func TestBenchShowsWhatWasMeasuredWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, format := range []string{"--json", ""} {
		ctx, stop := context.WithCancel(t.Context())
		var stdout bytes.Buffer
		told, status := newOutput(), make(chan int, 1)
		args := []string{"bench", s.url, "--timeout", "20s", "--work", "connect,echo", "--duration", "1m", "--clients", "4"}
		if format != "" {
			args = append(args, format)
		}
		go func() { status <- run(ctx, args, &stdout, told) }()
		told.await(t, `(?m)^echo: about 1m2s$`)
		stop()
		if got := <-status; got != 130 {
			t.Errorf("status %d, want 130: %s", got, told)
		}
		if format == "" {
			if !strings.Contains(stdout.String(), "\nconnect  4 clients") || !strings.Contains(stdout.String(), "\nInterrupted") {
				t.Errorf("shown:\n%s", &stdout)
			}
			continue
		}
		var rep benchReport
		if err := json.Unmarshal(stdout.Bytes(), &rep); err != nil || !rep.Interrupted || len(rep.Works) == 0 || rep.Works[0].Units != 4 {
			t.Errorf("%v: %s", err, &stdout)
		}
	}
}

func TestBenchNotesOfTheSameAreSaidOnce(t *testing.T) {
	t.Parallel()
	got := plainNotes([]string{
		"nothing arrived for 5s with 98 messages in flight", "client 3: server sent a close packet",
		"nothing arrived for 5s with 7 messages in flight", "client 41: server sent a close packet",
	})
	if want := []string{"nothing arrived for 5s with 98 messages in flight", "server sent a close packet"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a terminal would obey is in no note, and so neither in the document of --json.
func TestBenchNotesArePrintable(t *testing.T) {
	t.Parallel()
	got := plainNotes([]string{
		`server closed the WebSocket with 1008 (policy violation): "\x1b[31mno \"more\"\xff"`,
		`client 3: refused: "44{\"message\":\"\\u001b[31m red\"}"`,
		"dial: \x1b]0;title\a",
	})
	want := []string{
		`server closed the WebSocket with 1008 (policy violation): \x1b[31mno "more"\xff`,
		`refused: "\x1b[31m red"`,
		`dial: \x1b]0;title\a`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBenchAdvice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"nothing arrived for 5s with 3 messages in flight\n3 lost", adviceSlow},
		{"\n12 not sent in time", adviceSlow},
		{`unexpected packet "44{\"message\":\"no\",\"data\":{\"code\":\"rate_limited\"}}"`, adviceEvents},
		{"client 3: EOF\n1 disconnected", ""},
	} {
		if got := adviceAfter(load.Echo, c.text); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestTheBenchsBarGoesForward(t *testing.T) {
	t.Parallel()
	var drawn bytes.Buffer
	p := &benchProgress{w: io.Discard, warmup: time.Second}
	p.bar = newBenchBar(&drawn, 7*time.Second)
	p.begin(load.Fanout, 0, 7*time.Second)
	last := 0.0
	for _, m := range []load.Progress{
		{Phase: load.Connecting, Done: 0.5, Units: 50},
		{Phase: load.Settling, Done: 0.5},
		{Phase: load.WarmingUp, Done: 0.5},
		{Phase: load.Measuring, Done: 0.1, Units: 1234},
		{Phase: load.Measuring, Done: 1, Units: 12345},
		{Phase: load.Draining},
	} {
		p.moment(m)
		if at := p.bar.State().CurrentPercent; at < last || at > 1 {
			t.Errorf("%+v: at %g after %g", m, at, last)
		} else {
			last = at
		}
	}
	if last != 1 {
		t.Errorf("ends at %g", last)
	}
	p.end()
	if !strings.Contains(drawn.String(), "fan-out, measuring, 12,345") {
		t.Errorf("drawn: %q", &drawn)
	}
}

// TestTheBenchsDocumentIsDocumented holds docs/measuring.md to the fields that there are.
func TestTheBenchsDocumentIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "measuring.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[benchReport](), reflect.TypeFor[benchRow]()} {
		for i := range of.NumField() {
			field, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if field != "" && !strings.Contains(string(page), "\n| `"+field+"` |") {
				t.Errorf("no row for %s", field)
			}
		}
	}
}
