package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server"
)

// asProgram makes the test binary the program itself, so that tests can send
// it signals. It is no SOCKEYE_ variable: those are refused when unknown.
const asProgram = "TEST_RUNS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(redistest.Main(m))
}

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// output is a stream that can be awaited line by line.
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	lines chan struct{} // has one element when something was written
}

func newOutput() *output { return &output{lines: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	o.text.Write(p)
	o.mu.Unlock()
	select {
	case o.lines <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await returns the first submatch of a pattern, when it comes.
func (o *output) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		if match := re.FindStringSubmatch(o.String()); match != nil {
			return match[len(match)-1]
		}
		select {
		case <-o.lines:
		case <-deadline:
			t.Fatalf("the output has nothing like %s:\n%s", pattern, o)
		}
	}
}

// started is the whole program in this process.
type started struct {
	url    string
	log    *output
	stop   context.CancelFunc
	status chan int
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &started{log: newOutput(), stop: cancel, status: make(chan int, 1)}
	go func() { s.status <- run(ctx, append([]string{"--listen", "127.0.0.1:0"}, args...), io.Discard, s.log) }()
	s.url = "http://" + s.log.await(t, `listening addr=(\S+)`)
	t.Cleanup(func() { s.end(t) })
	return s
}

// end stops the program and checks that it ended well.
func (s *started) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case status, first := <-s.status:
		if first && status != 0 {
			t.Errorf("exit status %d:\n%s", status, s.log)
		}
	case <-time.After(patience):
		t.Fatalf("the program did not stop:\n%s", s.log)
	}
	close(s.status)
	http.DefaultClient.CloseIdleConnections()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestTheWholeProgramServesAndStops(t *testing.T) {
	s := start(t)
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 200, "/chat": 200, "/nothing": 404,
		"/socket.io/?EIO=4&transport=polling": 200, "/socket.io?EIO=4&transport=polling": 200,
	} {
		if status, body := get(t, s.url+path); status != want {
			t.Errorf("%s: status %d, want %d: %.200s", path, status, want, body)
		}
	}
	s.log.await(t, `url=(http://127\.0\.0\.1:\d+/)`)
}

func TestAnAddressInUseIsAnError(t *testing.T) {
	s := start(t)
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"--listen", strings.TrimPrefix(s.url, "http://")}, io.Discard, &stderr)
	if status == 0 || !strings.Contains(stderr.String(), "--listen") || !strings.Contains(stderr.String(), "choose another port") {
		t.Errorf("status %d: %s", status, &stderr)
	}
}

func TestMissingValuesAndNoAddressesSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen"}, "--listen: a value is missing"},
		{[]string{"--listen", "--anonymous"}, "--listen: a value is missing"},
		{[]string{"--ping-interval"}, "--ping-interval: a value is missing"},
		{[]string{"--ping-interval"}, `run "sockeye --help"`},
		{[]string{"key", "create"}, `run "sockeye key create --help"`},
		{[]string{"block"}, `run "sockeye block --help"`},
		{[]string{"nonsense"}, `run "sockeye --help"`},
		{[]string{"--listen", "127.0.0.1:99999"}, "a port from 0 to 65535"},
		{[]string{"--listen", "192.0.2.1:0"}, "an address of this machine"},
	} {
		var stderr bytes.Buffer
		if status := run(t.Context(), tc.args, io.Discard, &stderr); status == 0 || !strings.Contains(stderr.String(), tc.want) {
			t.Errorf("%q: status %d, want %q in %s", tc.args, status, tc.want, &stderr)
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	var stdout bytes.Buffer
	if status := run(t.Context(), []string{"version"}, &stdout, io.Discard); status != 0 || !strings.HasPrefix(stdout.String(), "sockeye ") {
		t.Errorf("status %d: %s", status, &stdout)
	}
}

// printed runs config print and returns the values by key.
func printed(t *testing.T, args ...string) (values, comments map[string]string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), append([]string{"config", "print"}, args...), &stdout, &stderr); status != 0 {
		t.Fatalf("config print: status %d: %s", status, &stderr)
	}
	values, comments = make(map[string]string), make(map[string]string)
	for line := range strings.Lines(stdout.String()) {
		key, rest, found := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if found && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, " ") {
			values[key], comments[key], _ = strings.Cut(rest, " # ")
		}
	}
	return values, comments
}

func TestEveryOptionIsInHelpAndPrintWithUnitAndDefault(t *testing.T) {
	var stdout bytes.Buffer
	if status := run(t.Context(), []string{"--help"}, &stdout, io.Discard); status != 0 {
		t.Fatalf("--help: status %d", status)
	}
	help := strings.Join(strings.Fields(stdout.String()), " ")
	_, comments := printed(t)
	for _, o := range server.Options() {
		def := o.Default
		if def == "" {
			def = "none"
		}
		if want := fmt.Sprintf("Unit: %s. Default: %s. $%s", o.Unit, def, server.EnvName(o.Name)); !strings.Contains(help, want) {
			t.Errorf("--help does not say of --%s: %s", o.Name, want)
		}
		if !strings.Contains(help, "--"+o.Name+"=") && !strings.Contains(help, "--[no-]"+o.Name+" ") {
			t.Errorf("--help lacks --%s", o.Name)
		}
		if want := fmt.Sprintf("unit: %s; default: %s; source: default", o.Unit, def); comments[o.Name] != want {
			t.Errorf("config print says of %s: %q, want %q", o.Name, comments[o.Name], want)
		}
	}
}

func TestFlagsWinOverVariablesAndThoseOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sockeye.yaml")
	if err := os.WriteFile(file, []byte("ping-interval: 1s\nping-timeout: 2s\nupgrade-timeout: 3s\nallow-eio3: true\nallow-upgrades: false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOCKEYE_CONFIG", file)
	t.Setenv("SOCKEYE_PING_TIMEOUT", "20s")
	t.Setenv("SOCKEYE_UPGRADE_TIMEOUT", "30s")
	t.Setenv("SOCKEYE_ALLOW_EIO3", "false")
	values, comments := printed(t, "--upgrade-timeout", "300s", "--anonymous")
	for key, want := range map[string][2]string{
		"ping-interval":   {"1s", file + ":1"},
		"ping-timeout":    {"20s", "environment SOCKEYE_PING_TIMEOUT"},
		"upgrade-timeout": {"5m", "flag"},
		"connect-timeout": {"45s", "default"},
		"allow-eio3":      {"false", "environment SOCKEYE_ALLOW_EIO3"},
		"allow-upgrades":  {"off", file + ":5"},
		"anonymous":       {"on", "flag"},
	} {
		if values[key] != want[0] || !strings.HasSuffix(comments[key], "source: "+want[1]) {
			t.Errorf("%s is %s (%s), want %s from %s", key, values[key], comments[key], want[0], want[1])
		}
	}
}

func TestWhatIsPrintedCanBeReadBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	text := "recovery: 2m\norigins: [\"https://a.example\", https://b.example]\nmax-payload: 3MiB\npoll-hold: 7s\nanonymous: off\n" +
		"relay:\n  namespaces:\n    /:\n      drawing: {to: others, volatile: true}\nchat:\n  idle-room: 3m\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	withoutSource := regexp.MustCompile(`; source: .*`)
	var first, second bytes.Buffer
	if status := run(t.Context(), []string{"config", "print", "--config", file}, &first, os.Stderr); status != 0 {
		t.Fatalf("status %d", status)
	}
	if err := os.WriteFile(file, first.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if status := run(t.Context(), []string{"config", "print", "--config", file}, &second, os.Stderr); status != 0 {
		t.Fatalf("status %d", status)
	}
	a, b := withoutSource.ReplaceAllString(first.String(), ""), withoutSource.ReplaceAllString(second.String(), "")
	if a != b {
		t.Errorf("printed\n%s\nread back and printed\n%s", a, b)
	}
	for _, want := range []string{"recovery: 2m", `["https://a.example", "https://b.example"]`, "max-payload: 3MiB", "drawing:", "idle-room: 3m"} {
		if !strings.Contains(a, want) {
			t.Errorf("%q is lost:\n%s", want, a)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	folder := t.TempDir()
	for name, tc := range map[string]struct {
		text, want string
		status     int
	}{
		"good.yaml":    {"listen: 127.0.0.1:0\n", "good.yaml: ok", 0},
		"key.yaml":     {"\nlissten: x\n", `key.yaml:2: unknown key "lissten": did you mean "listen"?`, 1},
		"value.yaml":   {"ping-timeout: 25\n", "value.yaml:1: ping-timeout: ", 1},
		"between.yaml": {"\n\noutbox-max: 1kB\n", "between.yaml:3: outbox-max: 1kB is below --outbox-limit, 1MiB: raise", 1},
		"kind.yaml":    {"chat: off\n", "kind.yaml:1: chat: `off` is not what belongs here: write keys of its own", 1},
		"number.yaml":  {"chat:\n  history: many\n", "number.yaml:2: chat: `many` is not what belongs here: write a whole number", 1},
		"rule.yaml":    {"relay:\n  namespaces:\n    /:\n      a: {to: someone}\n", "rule.yaml:4: relay.namespaces", 1},
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"config", "check", file}, {"config", "check", "--config", file}} {
			var both bytes.Buffer
			if status := run(t.Context(), args, &both, &both); status != tc.status || !strings.Contains(both.String(), tc.want) {
				t.Errorf("%s: status %d, want %d, and %q in\n%s", name, status, tc.status, tc.want, &both)
			}
		}
	}
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"config", "check"}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), "name a file") {
		t.Errorf("without a file: status %d: %s", status, &stderr)
	}
}

func TestUnknownVariablesAreRefused(t *testing.T) {
	var stderr bytes.Buffer
	t.Setenv("SOCKEYE_SERVICE_HOST", "10.0.0.1") // as Kubernetes sets for a service called sockeye
	t.Setenv("SOCKEYE_PORT_3000_TCP", "tcp://10.0.0.1:3000")
	if status := run(t.Context(), []string{"config", "print"}, io.Discard, &stderr); status != 0 {
		t.Errorf("injected variables: status %d: %s", status, &stderr)
	}
	t.Setenv("SOCKEYE_LISTNE", "x")
	stderr.Reset()
	if status := run(t.Context(), []string{"config", "print"}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), "SOCKEYE_LISTNE: did you mean SOCKEYE_LISTEN?") {
		t.Errorf("variable: status %d: %s", status, &stderr)
	}
}

func TestConfigPrintShowsNoSecrets(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"config", "print", "--redis-url", "redis://u:hunter2@h", "--cluster-secret", "hunter2 and nine more"}
	if status := run(t.Context(), args, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	if text := stdout.String(); strings.Contains(text, "hunter2") || strings.Count(text, "set, and not shown") != 2 {
		t.Errorf("printed\n%s", text)
	}
	values, _ := printed(t, "--redis-url", "redis://h:1")
	if values["redis-url"] != `"redis://h:1"` {
		t.Errorf("an address without a password is %q", values["redis-url"])
	}
}
