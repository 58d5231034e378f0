package carry

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/nodes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds every wait of these tests; a test that passes does not take it.
const within = 10 * time.Second

var testSecret = []byte("a secret of these tests")

// counts hears what the metrics count.
type counts struct {
	mu  sync.Mutex
	all map[string]int
}

func (c *counts) add(key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[string]int)
	}
	c.all[key] += n
}

func (c *counts) Carried(role Role, kind Kind)          { c.add(string(role)+" "+string(kind), 1) }
func (c *counts) CarryFailed(role Role, why Reason)     { c.add(string(role)+" failed: "+string(why), 1) }
func (c *counts) CarriedWebSockets(role Role, more int) { c.add(string(role)+" open", more) }

func (c *counts) of(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[key]
}

// echoing sends every message of a session back.
type echoing struct {
	*engineio.Session

	n *node
}

func (e *echoing) Receive(data []byte, binary bool) error {
	return e.Send(engineio.NewMessage(engineio.Part{Data: bytes.Clone(data), Binary: binary}), 0)
}

func (e *echoing) Closed(c *engineio.CloseError) { e.n.closed <- c }

// node is one of a cluster in this process.
type node struct {
	counts

	t        testing.TB
	id       string
	engine   *engineio.Server
	carrier  *Carrier
	http     *httptest.Server
	registry *nodes.Static
	url      string // http://host:port/socket.io/
	log      *bytes.Buffer
	logMu    sync.Mutex
	closed   chan *engineio.CloseError // of its sessions

	mu   sync.Mutex
	seen []*http.Request // by the engine, of answered requests
	open []*engineio.Session
}

// Open makes every session one that echoes.
func (n *node) Open(s *engineio.Session) engineio.Receiver {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = append(n.open, s)
	return &echoing{Session: s, n: n}
}

func (n *node) Write(p []byte) (int, error) {
	n.logMu.Lock()
	defer n.logMu.Unlock()
	return n.log.Write(p)
}

func (n *node) logged() string {
	n.logMu.Lock()
	defer n.logMu.Unlock()
	return n.log.String()
}

// session returns the node's newest session.
func (n *node) session() *engineio.Session {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.open) == 0 {
		n.t.Fatal("no session")
	}
	return n.open[len(n.open)-1]
}

// last returns the last request that the node's engine answered.
func (n *node) last() *http.Request {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.seen) == 0 {
		n.t.Fatal("no request was seen")
	}
	return n.seen[len(n.seen)-1]
}

// setup changes how the nodes of a cluster are made.
type setup struct {
	engine func(o *engineio.Options)
	secret func(i int) []byte
	front  func(h http.Handler) http.Handler // before the Carrier
	secure bool                              // nodes speak TLS to clients and each other
	old    bool                              // nodes cannot end sessions for others
}

// cluster is several nodes and a client that goes to the next with each request.
type cluster struct {
	t     testing.TB
	nodes []*node
	web   *http.Client
	next  int
}

func start(t testing.TB, size int, s setup) *cluster {
	t.Helper()
	c := &cluster{t: t, web: &http.Client{Timeout: within, Transport: &http.Transport{DisableCompression: true}}}
	t.Cleanup(c.web.CloseIdleConnections)
	for i := range size {
		c.nodes = append(c.nodes, newNode(t, i, s))
	}
	for _, n := range c.nodes {
		for _, m := range c.nodes {
			n.registry.Add(m.registry.Self())
		}
	}
	return c
}

func newNode(t testing.TB, i int, s setup) *node {
	t.Helper()
	n := &node{t: t, id: fmt.Sprintf("node___%d", i), log: &bytes.Buffer{}, closed: make(chan *engineio.CloseError, 100)}
	secret := testSecret
	if s.secret != nil {
		secret = s.secret(i)
	}
	o := engineio.Options{SIDPrefix: n.id, TakeOver: true, Headers: func(_ http.Header, r *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.seen = append(n.seen, r.Clone(context.Background()))
	}}
	if s.engine != nil {
		s.engine(&o)
	}
	var err error
	if n.engine, err = engineio.NewServer(n, &o); err != nil {
		t.Fatal(err)
	}
	n.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var h http.Handler = n.carrier
		if s.front != nil {
			h = s.front(h)
		}
		h.ServeHTTP(w, r)
	}))
	scheme := "http"
	var config func(string) *tls.Config
	if s.secure {
		scheme, config = "https", func(string) *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
	}
	addr := scheme + "://" + n.http.Listener.Addr().String()
	n.registry = nodes.NewStatic(nodes.Node{ID: n.id, URL: addr}, secret)
	options := Options{
		Local: n.engine, Unavailable: n.engine.Unavailable, Release: n.engine.ReleasePoll, End: n.engine.ReleaseSession,
		Nodes: n.registry, Secrets: n.registry, TLS: config,
		Logger: slog.New(slog.NewTextHandler(n, nil)), Observer: n,
	}
	if s.old {
		options.End = nil
	}
	n.carrier, err = New(&options)
	if err != nil {
		t.Fatal(err)
	}
	if s.secure {
		n.http.EnableHTTP2 = true
		n.http.StartTLS()
	} else {
		n.http.Start()
	}
	n.url = addr + "/socket.io/"
	t.Cleanup(n.stop)
	return n
}

func (n *node) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	n.mu.Lock()
	for _, s := range n.open {
		s.Close(engineio.ReasonForcedClose, "", nil)
	}
	n.mu.Unlock()
	canceled, now := context.WithCancel(ctx)
	now() // clients of these tests do not take their last answers
	_ = n.engine.Close(canceled)
	if err := n.engine.Close(ctx); err != nil {
		n.t.Errorf("the engine did not close: %v", err)
	}
	if err := n.carrier.Close(ctx); err != nil {
		n.t.Errorf("the carrier did not close: %v", err)
	}
	n.http.CloseClientConnections()
	n.http.Close()
	for _, key := range []string{"sent open", "received open"} {
		eventually(n.t, "no WebSocket is counted any more", func() bool { return n.of(key) == 0 })
	}
}

// url is where the next request goes, to a node after the other.
func (c *cluster) url() string {
	c.next++
	return c.nodes[c.next%len(c.nodes)].url
}

// answered is what a request came back with.
type answered struct {
	status int
	header http.Header
	body   string
	err    error
}

func (c *cluster) do(ctx context.Context, method, url, body string, header http.Header) answered {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answered{err: err}
	}
	for k, v := range header {
		r.Header[k] = v
	}
	return c.send(r)
}

func (c *cluster) send(r *http.Request) answered {
	resp, err := c.web.Do(r)
	if err != nil {
		return answered{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answered{status: resp.StatusCode, header: resp.Header, body: string(b), err: err}
}

// want fails unless the answer has this status and body, and nothing of the nodes in it.
func (a answered) want(t testing.TB, status int, body string) answered {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if a.status != status || a.body != body {
		t.Fatalf("got %d %q, want %d %q", a.status, a.body, status, body)
	}
	for _, name := range []string{headerNode, headerCarried, headerRefused} {
		if v := a.header[name]; v != nil {
			t.Fatalf("a client was told %s: %q", name, v)
		}
	}
	return a
}

// unavailable fails unless the answer says that the owner cannot be reached.
func (a answered) unavailable(t testing.TB) {
	t.Helper()
	a.want(t, http.StatusServiceUnavailable, `{"code":1,"message":"Session unavailable: its node cannot be reached"}`)
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q of an error", got)
	}
}

// session is a polling session of the owner, whose requests go anywhere.
type session struct {
	*cluster

	owner *node
	sid   string
	turn  int
}

// open opens a polling session at node i.
func (c *cluster) open(i int) *session {
	c.t.Helper()
	a := c.do(c.t.Context(), http.MethodGet, c.nodes[i].url+"?EIO=4&transport=polling", "", nil)
	if a.err != nil || a.status != http.StatusOK {
		c.t.Fatalf("handshake: %d %q %v", a.status, a.body, a.err)
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(a.body[1:]), &open); err != nil {
		c.t.Fatal(err)
	}
	return &session{cluster: c, owner: c.nodes[i], sid: open.SID}
}

// query is of the session's next request.
func (s *session) query() string {
	s.turn++
	return fmt.Sprintf("?EIO=4&transport=polling&t=%d&sid=%s", s.turn, s.sid)
}

// at is the address of the session's next request at node i.
func (s *session) at(i int) string { return s.nodes[i].url + s.query() }

func (s *session) get(url string) answered {
	return s.do(s.t.Context(), http.MethodGet, url, "", nil)
}

func (s *session) post(url, body string) answered {
	return s.do(s.t.Context(), http.MethodPost, url, body, nil)
}

// later makes a request and does not wait for it.
func later(do func() answered) <-chan answered {
	ch := make(chan answered, 1)
	go func() { ch <- do() }()
	return ch
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

// ended waits until a session of the node ends and checks why.
func (n *node) ended(reason engineio.Reason, detail engineio.Detail) {
	n.t.Helper()
	if c := await(n.t, "the end of the session", n.closed); c.Reason != reason || c.Detail != detail {
		n.t.Errorf("ended with %v, want %s (%s)", c, reason, detail)
	}
}

// dialRaw opens a connection to a node.
func (n *node) dialRaw() net.Conn {
	n.t.Helper()
	conn, err := net.Dial("tcp", n.http.Listener.Addr().String())
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(within)); err != nil {
		n.t.Fatal(err)
	}
	return conn
}

// say writes text to a connection.
func say(t testing.TB, w io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		t.Fatal(err)
	}
}
