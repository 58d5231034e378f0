package engineio

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// Most of these tests wait more than they work.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// within bounds every wait of these tests. It is long because CI machines are
// slow; a test that passes does not take it.
const within = 10 * time.Second

// received is one message that the server was given.
type received struct {
	data   string
	binary bool
}

// peer is the server's side of a session under test.
type peer struct {
	*Session

	in     chan received
	closed chan *CloseError
	hear   func(p *peer, data []byte, binary bool) error // nil: into in
	moved  func(p *peer)                                 // nil: nothing
}

func (p *peer) Receive(data []byte, binary bool) error {
	if p.hear != nil {
		return p.hear(p, data, binary)
	}
	p.in <- received{string(data), binary}
	return nil
}

func (p *peer) Upgraded() {
	if p.moved != nil {
		p.moved(p)
	}
}

func (p *peer) Closed(c *CloseError) { p.closed <- c }

// echo sends every message back.
func echo(p *peer, data []byte, binary bool) error {
	return p.Send(NewMessage(Part{Data: bytes.Clone(data), Binary: binary}), 0)
}

// opener makes the peers of a server.
type opener struct {
	hear  func(p *peer, data []byte, binary bool) error
	open  func(p *peer) // called in Open; may be nil
	moved func(p *peer) // called by Upgraded; may be nil

	mu    sync.Mutex
	peers map[string]*peer
}

func (o *opener) Open(s *Session) Receiver {
	p := &peer{Session: s, in: make(chan received, 4096), closed: make(chan *CloseError, 2), hear: o.hear, moved: o.moved}
	o.mu.Lock()
	o.peers[s.ID()] = p
	o.mu.Unlock()
	if o.open != nil {
		o.open(p)
	}
	return p
}

// fixture is a server on a port of its own, and a client for it.
type fixture struct {
	*opener

	t    testing.TB
	srv  *Server
	http *httptest.Server
	web  *http.Client
	url  string // http://host:port/engine.io/

	patient bool // in a bubble, where an hour takes no time
}

// serve starts a server; hear is what every session does with messages. At the
// end of the test it must close in time and have no session left.
func serve(t testing.TB, o *Options, hear func(p *peer, data []byte, binary bool) error) *fixture {
	t.Helper()
	return start(t, o, &opener{hear: hear}, false)
}

// idle runs all tests of this package and of socketio in idle mode:
//
//	SOCKEYE_TEST_IDLE=1 go test ./server/engineio ./server/socketio
var idle = os.Getenv("SOCKEYE_TEST_IDLE") != ""

// inMode returns options that serve in the mode of this run.
func inMode(o *Options) *Options {
	if !idle {
		return o
	}
	var c Options
	if o != nil {
		c = *o
	}
	c.IdleMode = true
	return &c
}

func start(t testing.TB, o *Options, h *opener, secure bool) *fixture {
	t.Helper()
	h.peers = make(map[string]*peer)
	srv, err := NewServer(h, laneOn(inMode(o)))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{opener: h, t: t, srv: srv}
	f.http = httptest.NewUnstartedServer(srv)
	if secure {
		f.http.EnableHTTP2 = true // for polling; WebSockets ask for HTTP/1.1
		f.http.StartTLS()
	} else {
		f.http.Start()
	}
	f.url = f.http.URL + "/engine.io/"
	f.web = f.http.Client()
	t.Cleanup(f.stop)
	return f
}

func (f *fixture) stop() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	f.mu.Lock()
	for _, p := range f.peers { // Close would wait for polls that nobody sends any more
		p.end(&CloseError{Reason: ReasonForcedClose})
	}
	f.mu.Unlock()
	if err := f.srv.Close(ctx); err != nil {
		f.t.Errorf("the server did not close: %v", err)
	}
	if n := f.srv.Len(); n != 0 {
		f.t.Errorf("%d sessions left after Close", n)
	}
	f.web.CloseIdleConnections()
	f.http.Close()
}

// transport is what the client's connections can be changed by.
func (f *fixture) transport() *http.Transport {
	f.t.Helper()
	tr, ok := f.web.Transport.(*http.Transport)
	if !ok {
		f.t.Fatal("another transport")
	}
	return tr
}

// peer returns the server's side of a session.
func (f *fixture) peer(sid string) *peer {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[sid]
	if p == nil {
		f.t.Fatalf("no session %q", sid)
	}
	return p
}

// answer is what an HTTP request came back with.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// do makes one request. query is what follows the question mark.
func (f *fixture) do(ctx context.Context, method, query, body string, header http.Header) answer {
	r, err := http.NewRequestWithContext(ctx, method, f.url+"?"+query, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for k, v := range header {
		r.Header[k] = v
	}
	resp, err := f.web.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: b.String(), err: err}
}

// get and post make one request and insist on an answer.
func (f *fixture) get(query string) answer { f.t.Helper(); return f.must(http.MethodGet, query, "") }

func (f *fixture) post(query, body string) answer {
	f.t.Helper()
	return f.must(http.MethodPost, query, body)
}

func (f *fixture) must(method, query, body string) answer {
	f.t.Helper()
	limit := within
	if f.patient {
		limit = time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	a := f.do(ctx, method, query, body, nil)
	if a.err != nil {
		f.t.Fatalf("%s ?%s: %v", method, query, a.err)
	}
	return a
}

// want fails unless the answer has this status and body.
func (a answer) want(t testing.TB, status int, body string) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if a.status != status || a.body != body {
		t.Fatalf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
}

// refused fails unless the answer is the error body of the protocol.
func (a answer) refused(t testing.TB, status, code int, message string) {
	t.Helper()
	want, err := json.Marshal(map[string]any{"code": code, "message": message})
	if err != nil {
		t.Fatal(err)
	}
	a.want(t, status, string(want))
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q of an error", got)
	}
}

// handshake is the open packet.
type handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"`
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int64    `json:"maxPayload"`
}

func parseOpen(t testing.TB, packet string) handshake {
	t.Helper()
	var h handshake
	data, ok := strings.CutPrefix(packet, "0")
	if !ok {
		t.Fatalf("%q is no open packet", packet)
	}
	d := json.NewDecoder(strings.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		t.Fatalf("%q: %v", packet, err)
	}
	return h
}

// await receives from ch, or fails with what was awaited.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(within):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits until ok reports true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// ended waits for the session's end and checks why.
func (p *peer) ended(t testing.TB, reason Reason, detail Detail) *CloseError {
	t.Helper()
	c := await(t, "Closed", p.closed)
	if c.Reason != reason || c.Detail != detail {
		t.Fatalf("ended with %v, want %s (%s)", c, reason, detail)
	}
	if p.Err() != c {
		t.Errorf("Err is %v, Closed was told %v", p.Err(), c)
	}
	return c
}

// says is a text message.
func says(s string) *Message { return NewMessage(Part{Data: []byte(s)}) }

// plain leaves all connections to net/http. Without it every server of these tests takes
// over those that it can.
var plain = flag.Bool("plain", false, "no server takes connections over")

func laneOn(o *Options) *Options {
	if o == nil {
		o = &Options{}
	}
	c := *o
	c.TakeOver = !*plain
	return &c
}

// The tests of polling hold without the lane too: they are run a second time, beside the
// others.
func TestPollingOnTheOrdinaryWay(t *testing.T) {
	t.Parallel()
	if *plain {
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-plain", "-test.run", "Poll|Post|GET|POST|Body|Answer|Same|Retr|Goodbye|Close|JSONP|Compress|CORS|Overlap|Request|Slow|Hold")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
