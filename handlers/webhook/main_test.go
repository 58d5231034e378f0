package webhook

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/server/signature"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of thirty-two bytes, or more"

// patience is how long anything awaited may take; it only bounds a failing test.
const patience = 10 * time.Second

// asked is a request as a backend sees it.
type asked struct {
	Call      string
	Socket    string
	Namespace string
	Time      int64
	User      *struct {
		ID, Name, Method string
		Roles            []string
		Data             json.RawMessage
	}
	Data      json.RawMessage
	Recovered bool
	Handshake struct {
		Address        string
		Secure         bool
		Headers, Query map[string]string
		Auth           json.RawMessage
	}
	Event     string
	Args      []json.RawMessage
	Ack       bool
	Rooms     []string
	Reason    string
	Detail    string
	Connected int64

	header http.Header
	body   []byte
	remote string // of the connection
}

// arg is an argument as text.
func (a *asked) arg(i int) string {
	if i >= len(a.Args) {
		return ""
	}
	return string(a.Args[i])
}

// answer is what a backend says: a status, and a body if it is not 204.
type answer struct {
	status int
	body   string
}

func says(format string, args ...any) answer { return answer{200, fmt.Sprintf(format, args...)} }

// app is a backend. Requests whose signature does not hold fail the test.
type app struct {
	*httptest.Server

	t       *testing.T
	connect func(a *asked) answer
	event   func(a *asked) answer
	gone    func(a *asked) answer

	mu  sync.Mutex
	got []*asked
	new chan struct{}
}

func newApp(t *testing.T) *app {
	t.Helper()
	b := &app{t: t, new: make(chan struct{})}
	yes := func(*asked) answer { return answer{204, ""} }
	b.connect, b.event, b.gone = yes, yes, yes
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has given up
	}
	a := &asked{header: r.Header, body: body, remote: r.RemoteAddr}
	if err := json.Unmarshal(body, a); err != nil {
		b.t.Errorf("%v in %s", err, body)
	}
	if !holds(r.Header.Get(SignatureHeader), secret, body) {
		b.t.Errorf("the signature %q does not hold", r.Header.Get(SignatureHeader))
	}
	b.mu.Lock()
	b.got = append(b.got, a)
	close(b.new)
	b.new = make(chan struct{})
	b.mu.Unlock()
	said := map[string]func(*asked) answer{"connect": b.connect, "event": b.event, "disconnect": b.gone}[a.Call](a)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(said.status)
	if said.status != http.StatusNoContent {
		_, _ = io.WriteString(w, said.body)
	}
}

// holds is how a backend checks a signature.
func holds(header, secret string, body []byte) bool {
	at, rest, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		return false
	}
	want := strings.TrimPrefix(signature.Of([][]byte{[]byte(secret)}, seconds, body), "t="+at+",")
	for one := range strings.SplitSeq(rest, ",") {
		if hmac.Equal([]byte(one), []byte(want)) {
			return true
		}
	}
	return false
}

// await returns the first request that fits, waiting for it.
func (b *app) await(what string, fits func(a *asked) bool) *asked {
	b.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		b.mu.Lock()
		got, more := b.got, b.new
		b.mu.Unlock()
		for _, a := range got {
			if fits(a) {
				return a
			}
		}
		select {
		case <-more:
		case <-limit.C:
			b.t.Fatalf("%s was not asked about; got %d requests", what, len(got))
		}
	}
}

// all are the requests up to now.
func (b *app) all() []*asked {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got
}

func ofCall(c Call) func(a *asked) bool { return func(a *asked) bool { return a.Call == string(c) } }

// counted is an Observer.
type counted struct {
	mu       sync.Mutex
	outcomes map[string]int // by call and outcome
	underWay int
}

func (c *counted) WebhookAsked(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underWay++
}

func (c *counted) WebhookAnswered(_, call, outcome string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underWay--
	if c.outcomes == nil {
		c.outcomes = make(map[string]int)
	}
	c.outcomes[call+" "+outcome]++
}

func (c *counted) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes[what]
}

// running is a server with webhooks.
type running struct {
	*socketio.Server

	url     string
	log     *sockettest.Log
	counted *counted
	stop    func()
}

// serve starts a server whose "/" belongs to a backend; change may say more.
func serve(t *testing.T, url string, change func(h *Hook, o *socketio.Options)) *running {
	t.Helper()
	hook, o := Hook{URL: url, Secret: Secrets{secret}}, &socketio.Options{}
	if change != nil {
		change(&hook, o)
	}
	return serveConfig(t, Config{"/": hook}, o, nil)
}

func serveConfig(t *testing.T, c Config, o *socketio.Options, prepare func(srv *socketio.Server, h *Hooks)) *running {
	t.Helper()
	if err := c.Validate(Others{}); err != nil {
		t.Fatal(err)
	}
	r := &running{log: &sockettest.Log{}, counted: &counted{}}
	hooks, err := New(Options{Config: c, Observer: r.counted, Logger: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	o.Admit, o.Entered = hooks.Admit, hooks.Entered
	if r.Server, err = socketio.New(o); err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(r.Server, hooks)
	}
	hooks.Mount(r.Server)
	web := httptest.NewServer(r.Server)
	r.url = web.URL
	r.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		hooks.Close()
		web.Close()
	})
	t.Cleanup(r.stop)
	return r
}

// configured reads a configuration as the program does.
func configured(t *testing.T, text string) Config {
	t.Helper()
	var file struct{ Webhooks Config }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("configuration: %v\n%s", err, text)
	}
	return file.Webhooks
}

// text is an acknowledgement as JSON.
func text(args []json.RawMessage) string {
	b, err := json.Marshal(args)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
