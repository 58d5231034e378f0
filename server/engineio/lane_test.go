package engineio

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// laneFixture is a server that takes connections over, behind a middleware.
type laneFixture struct {
	*fixture

	seen chan string   // requests that net/http served
	took chan Answered // answers of the lane
}

// road starts one. The middleware believes X-Client, and serves /other by itself.
func road(t *testing.T, o Options, change func(*http.Server)) *laneFixture {
	t.Helper()
	if *plain {
		t.Skip("this is about the lane")
	}
	f := &laneFixture{seen: make(chan string, 100), took: make(chan Answered, 100)}
	o.TakeOver, o.Answered = true, func(a Answered) { f.took <- a }
	h := &opener{hear: echo, peers: make(map[string]*peer)}
	srv, err := NewServer(h, &o)
	if err != nil {
		t.Fatal(err)
	}
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.seen <- r.Method
		if client := r.Header.Get("X-Client"); client != "" {
			r.RemoteAddr = client + ":0"
		}
		w.Header().Set("X-Outer", r.RemoteAddr)
		if r.URL.Path == "/other" {
			_, _ = io.WriteString(w, "other")
			return
		}
		srv.ServeHTTP(w, r)
	})
	f.fixture = &fixture{opener: h, t: t, srv: srv, http: httptest.NewUnstartedServer(outer)}
	if change != nil {
		change(f.http.Config)
	}
	f.http.Start()
	f.url, f.web = f.http.URL+"/engine.io/", f.http.Client()
	t.Cleanup(f.stop)
	return f
}

// laneClient polls on one connection that the lane has.
type laneClient struct {
	*rawHTTP
	*pollClient

	f       *laneFixture
	headers string
	turn    int
	first   answer // which brought the connection into the lane
}

// enter opens a session and brings a connection into the lane, with a GET.
func (f *laneFixture) enter(headers string) *laneClient {
	f.t.Helper()
	c := &laneClient{pollClient: f.poll(4), f: f, headers: headers, rawHTTP: f.dial()}
	f.drain()
	c.send("hello")
	c.ask(http.MethodGet, "")
	c.first = c.byNetHTTP("4hello")
	c.inLane()
	return c
}

func (f *laneFixture) drain() {
	for len(f.seen) > 0 {
		<-f.seen
	}
	for len(f.took) > 0 {
		<-f.took
	}
}

// inLane waits until the connection is there, and at rest.
func (c *laneClient) inLane() {
	c.f.t.Helper()
	eventually(c.f.t, "the connection is in the lane", func() bool { return c.turnOf() == "rest" })
}

// turnOf says what the lane does with the connection.
func (c *laneClient) turnOf() string {
	l := c.f.srv.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	for in := range l.conns {
		if in.conn.RemoteAddr().String() == c.Conn.LocalAddr().String() {
			in.mu.Lock()
			defer in.mu.Unlock()
			return [...]string{"rest", "serve", "hold"}[in.turn]
		}
	}
	return ""
}

// left waits until the lane has n connections.
func (f *laneFixture) left(n int) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%d connections are in the lane", n), func() bool { return f.lanes() == n })
}

func (f *laneFixture) lanes() int {
	f.srv.lane.mu.Lock()
	defer f.srv.lane.mu.Unlock()
	return len(f.srv.lane.conns)
}

func (c *laneClient) send(text string) {
	c.f.t.Helper()
	if err := c.side().Send(says(text), 0); err != nil {
		c.f.t.Fatal(err)
	}
}

// ask sends a request.
func (c *laneClient) ask(method, body string) {
	c.f.t.Helper()
	c.turn++
	h := c.headers
	if method == http.MethodPost {
		h += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	c.request(method, fmt.Sprintf("%s&t=T%d", c.query, c.turn), h, body)
}

// byNetHTTP and byLane read an answer and check who gave it.
func (c *laneClient) byNetHTTP(body string) answer {
	c.f.t.Helper()
	a := c.response()
	a.want(c.f.t, http.StatusOK, body)
	await(c.f.t, "a request to net/http", c.f.seen)
	if len(c.f.took) > 0 {
		c.f.t.Fatalf("the lane answered: %+v", <-c.f.took)
	}
	return a
}

func (c *laneClient) byLane(body string) (answer, Answered) {
	c.f.t.Helper()
	a := c.response()
	a.want(c.f.t, http.StatusOK, body)
	told := await(c.f.t, "an answer of the lane", c.f.took)
	if len(c.f.seen) > 0 {
		c.f.t.Fatalf("net/http served a %s", <-c.f.seen)
	}
	return a, told
}

func TestTheLaneAnswersAsNetHTTPDid(t *testing.T) {
	t.Parallel()
	f := road(t, Options{Origins: everywhere{}, HTTPCompression: &Compression{Threshold: 100}, Headers: func(h http.Header, _ *http.Request) { h.Set("X-Hook", "1") }}, nil)
	c := f.enter("Origin: https://a.example\r\nAccept-Encoding: gzip\r\n")
	var first answer
	for i := range 3 {
		c.ask(http.MethodPost, "6")
		if i == 0 {
			first = c.byNetHTTP("ok")
			c.inLane()
		} else {
			a, told := c.byLane("ok")
			c.check(a, first, told, http.MethodPost)
		}
	}
	first = c.first
	for range 3 {
		c.send("one")
		c.ask(http.MethodGet, "")
		a, told := c.byLane("4one")
		a.header.Set("Content-Length", first.header.Get("Content-Length"))
		c.check(a, first, told, http.MethodGet)
	}
	c.send(strings.Repeat("long", 100))
	c.ask(http.MethodGet, "")
	if a := c.response(); a.header.Get("Content-Encoding") != "gzip" || !hasToken(a.header.Values("Vary"), "Accept-Encoding") || !hasToken(a.header.Values("Vary"), "Origin") {
		t.Errorf("headers %v", a.header)
	}
}

// check compares an answer of the lane with one of net/http.
func (c *laneClient) check(a, first answer, told Answered, method string) {
	c.f.t.Helper()
	if told.Method != method || told.Path != "/engine.io/" || told.Status != 200 || told.RemoteAddr != c.LocalAddr().String() {
		c.f.t.Errorf("told of %+v", told)
	}
	a.header.Del("Date")
	first.header.Del("Date")
	if got, want := fmt.Sprint(a.header), fmt.Sprint(first.header); got != want {
		c.f.t.Errorf("headers %v, before %v", got, want)
	}
	if a.header.Get("Access-Control-Allow-Origin") != "https://a.example" || a.header.Get("X-Hook") != "1" || a.header.Get("X-Outer") == "" {
		c.f.t.Errorf("headers %v", a.header)
	}
}

type everywhere struct{}

func (everywhere) CheckOrigin(*http.Request) error { return nil }

// A waiting GET is answered when there is something to say, also many times.
func TestAWaitingGETInTheLaneIsAnswered(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	for range 100 {
		c.ask(http.MethodGet, "")
		eventually(t, "the GET waits", func() bool { return c.waitingPoll() != nil })
		c.send("now")
		c.byLane("4now")
	}
	c.ask(http.MethodGet, "")
	eventually(t, "the GET waits", func() bool { return c.waitingPoll() != nil })
	c.srv.ReleasePoll(c.SID)
	c.byLane("6")
}

func TestAHoldInTheLaneEnds(t *testing.T) {
	t.Parallel()
	f := road(t, Options{PollHold: PollHold{Fixed: 50 * time.Millisecond}}, nil)
	c := f.enter("")
	for range 3 {
		c.ask(http.MethodGet, "")
		if _, told := c.byLane("6"); told.Took < 40*time.Millisecond {
			t.Errorf("held for %v", told.Took)
		}
	}
}

// Whatever is not like what was answered goes back to net/http, with all that was sent.
func TestTheLaneHandsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string // %s is the query
		status int
		body   string // of the answer; "" is not looked at
	}{
		"another path":        {"GET /other HTTP/1.1\r\nHost: test\r\n\r\n", 200, "other"},
		"an unknown session":  {"GET /engine.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: test\r\n\r\n", 400, `{"code":1,"message":"Session ID unknown"}`},
		"a handshake":         {"GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: test\r\n\r\n", 200, ""},
		"HTTP/1.0":            {"POST /engine.io/?%s HTTP/1.0\r\nHost: test\r\nContent-Length: 1\r\n\r\n6", 200, "ok"},
		"a chunked body":      {"POST /engine.io/?%s HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n6\r\n0\r\n\r\n", 200, "ok"},
		"a last request":      {"POST /engine.io/?%s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 1\r\n\r\n6", 200, "ok"},
		"a malformed head":    {"GET /engine.io/?%s HTTP/1.1\r\nHost: test\r\nX y: z\r\n\r\n", 400, ""},
		"another method":      {"PUT /engine.io/?%s HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n", 400, `{"code":3,"message":"Bad request"}`},
		"two requests":        {"POST /engine.io/?%s HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n6GET /other HTTP/1.1\r\nHost: test\r\n\r\n", 200, "ok"},
		"a long head":         {"GET /engine.io/?%s HTTP/1.1\r\nHost: test\r\nX: " + strings.Repeat("x", 30_000) + "\r\n\r\n", 431, ""},
		"a long body":         {"POST /engine.io/?%s HTTP/1.1\r\nHost: test\r\nContent-Length: 30001\r\n\r\n4" + strings.Repeat("x", 30_000), 200, "ok"},
		"a WebSocket":         {"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: test\r\n" + wsHeaders + "\r\n", 101, ""},
		"a preflight":         {"OPTIONS /engine.io/?%s HTTP/1.1\r\nHost: test\r\n\r\n", 400, ""},
		"an absolute address": {"POST http://test/engine.io/?%s HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n6", 200, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			f := road(t, Options{}, func(s *http.Server) { s.MaxHeaderBytes = 16 << 10 })
			l := f.enter("")
			if _, err := io.WriteString(l.Conn, strings.ReplaceAll(c.text, "%s", l.query)); err != nil {
				t.Fatal(err)
			}
			a := l.response()
			if a.err != nil || a.status != c.status || c.body != "" && a.body != c.body {
				t.Fatalf("%v, %d %q", a.err, a.status, a.body)
			}
			if len(f.took) > 0 {
				t.Errorf("the lane answered: %+v", <-f.took)
			}
			if name == "two requests" {
				l.response().want(t, http.StatusOK, "other")
			}
		})
	}
}

// net/http reads what the handler has left of a body, but not of a long one: its connection
// does not go on, and what is in it is no request.
func TestTheBodyOfAGETIsNoRequest(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	for name, n := range map[string]int{"short": 0, "long": 300_000} {
		c, conn := f.poll(4), f.dial()
		f.drain()
		if err := c.side().Send(says("hello"), 0); err != nil {
			t.Fatal(err)
		}
		body := "GET /other HTTP/1.1\r\nHost: test\r\n\r\n" + strings.Repeat("x", n)
		conn.request(http.MethodGet, c.query+"&t=1", fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
		conn.response().want(t, http.StatusOK, "4hello")
		_ = conn.Conn.(*net.TCPConn).CloseWrite()
		if again := conn.response(); again.err == nil {
			t.Errorf("%s: answered %d %q", name, again.status, again.body)
		}
		if f.lanes() != 0 || len(f.seen) > 1 {
			t.Errorf("%s: %d connections are in the lane, net/http served %d requests", name, f.lanes(), len(f.seen))
		}
	}
}

// A request that comes in pieces is served, and one that is slow goes back.
// Some clients send an empty line behind a body; a server should ignore it (RFC 9112, section 2.2).
func TestAnEmptyLineBehindABodyIsNoRequest(t *testing.T) {
	t.Parallel()
	c := road(t, Options{}, nil).enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	for _, lines := range []string{"\r\n", "\r\n\r\n"} {
		if _, err := io.WriteString(c.Conn, lines); err != nil {
			t.Fatal(err)
		}
		c.ask(http.MethodPost, "6")
		c.byLane("ok")
	}
}

func TestARequestInPieces(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	head := "POST /engine.io/?" + c.query + "&t=%s HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n"
	for _, cut := range []int{10, len(head) - 20, len(head)} { // in the target, in a header, in the body
		whole := fmt.Sprintf(head, fmt.Sprint("p", cut)) + "4x"
		cut = min(cut, len(whole)-1)
		_, _ = io.WriteString(c.Conn, whole[:cut]) // an error shows below
		eventually(t, "the lane reads", func() bool { return c.turnOf() == "serve" })
		_, _ = io.WriteString(c.Conn, whole[cut:]) // likewise
		c.response().want(t, http.StatusOK, "ok")
		c.inLane()
	}
	f.drain()
	slow := fmt.Sprintf(head, "slow") + "4y"
	_, _ = io.WriteString(c.Conn, slow[:20]) // an error shows below
	f.left(0)
	_, _ = io.WriteString(c.Conn, slow[20:]) // likewise
	c.byNetHTTP("ok")
}

func TestClosingAWaitingGETInTheLaneEndsTheSession(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	c.ask(http.MethodGet, "")
	eventually(t, "the GET waits", func() bool { return c.waitingPoll() != nil })
	_ = c.Close()
	c.side().ended(t, ReasonTransportError, DetailPollAborted)

	c = f.enter("") // and where the end comes together with the request
	c.ask(http.MethodGet, "")
	_ = c.Close()
	c.side().ended(t, ReasonTransportError, DetailPollAborted)
}

// What comes while a GET waits is no end, and is kept.
func TestBytesThatComeEarlyAreKept(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	c.ask(http.MethodGet, "")
	eventually(t, "the GET waits", func() bool { return c.waitingPoll() != nil })
	c.ask(http.MethodPost, "6")
	c.ask(http.MethodPost, "6")
	select {
	case why := <-c.side().closed:
		t.Fatalf("ended: %v", why)
	case <-time.After(2 * retryGrace):
	}
	c.send("late")
	c.response().want(t, http.StatusOK, "4late")
	c.response().want(t, http.StatusOK, "ok")
	c.response().want(t, http.StatusOK, "ok")
}

// A proxy that lost an answer, or the connection, sends the GET again.
func TestTheSameGETAgainInTheLane(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	c.send("once")
	c.ask(http.MethodGet, "")
	c.byLane("4once")
	c.turn--
	c.ask(http.MethodGet, "")
	c.byLane("4once")

	c.ask(http.MethodGet, "")
	eventually(t, "the GET waits", func() bool { return c.waitingPoll() != nil })
	_ = c.Close()
	c.rawHTTP = f.dial()
	c.turn--
	c.ask(http.MethodGet, "")
	eventually(t, "the GET waits anew", func() bool { w := c.waitingPoll(); return w != nil && w.x == nil })
	c.send("twice")
	c.response().want(t, http.StatusOK, "4twice")
}

// A GET that is not the same one is refused, in the words and with the headers that net/http
// has for it.
func TestRefusalsInTheLane(t *testing.T) {
	t.Parallel()
	f := road(t, Options{Origins: everywhere{}}, nil)
	c := f.enter("Origin: https://a.example\r\n")
	first := c.hold("&t=other")
	await(t, "a request to net/http", f.seen)
	c.ask(http.MethodGet, "")
	a := c.response()
	a.refused(t, http.StatusBadRequest, 3, "Bad request")
	if a.header.Get("Access-Control-Allow-Origin") != "https://a.example" || a.header.Get("X-Outer") == "" {
		t.Errorf("headers %v", a.header)
	}
	if told := await(t, "an answer of the lane", f.took); told.Status != http.StatusBadRequest {
		t.Errorf("told of %+v", told)
	}
	c.side().ended(t, ReasonTransportError, DetailPollOverlap)
	await(t, "the other GET", first.answer)

	c = f.enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	c.ask(http.MethodPost, "nonsense")
	c.response().refused(t, http.StatusBadRequest, 3, "Bad request: bad packet: engine.io: unknown packet type 'n' at byte 0")
	c.side().ended(t, ReasonParseError, DetailBadPacket)
	if told := await(t, "an answer of the lane", f.took); told.Method != http.MethodPost {
		t.Errorf("told of %+v", told)
	}
	c = f.enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	c.ask(http.MethodPost, "4\xff")
	c.response().refused(t, http.StatusBadRequest, 3, "Request body is not UTF-8")
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("the connection goes on")
	}
}

// Who the client is is found out by a middleware, from the header: another header is
// another client.
func TestTheAddressOfAnotherHeaderIsFoundOutAnew(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("X-Client: 192.0.2.1\r\n")
	c.send("a")
	c.ask(http.MethodGet, "")
	if a, told := c.byLane("4a"); told.RemoteAddr != "192.0.2.1:0" || a.header.Get("X-Outer") != "192.0.2.1:0" {
		t.Errorf("told of %+v, %v", told, a.header)
	}
	c.headers = "X-Client: 192.0.2.2\r\n"
	c.send("b")
	c.ask(http.MethodGet, "")
	if a := c.byNetHTTP("4b"); a.header.Get("X-Outer") != "192.0.2.2:0" {
		t.Errorf("%v", a.header)
	}
	c.inLane()
	c.send("c")
	c.ask(http.MethodGet, "")
	if _, told := c.byLane("4c"); told.RemoteAddr != "192.0.2.2:0" {
		t.Errorf("told of %+v", told)
	}
}

// Where a client is, is remembered only if the connection does not say so, or each connection
// would remember something of its own. It may have gone back in between.
func TestNoAddressIsRememberedOfADirectClient(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("")
	c.ask(http.MethodPost, "6")
	c.byNetHTTP("ok")
	c.inLane()
	f.left(1)
	f.srv.lane.mu.Lock()
	defer f.srv.lane.mu.Unlock()
	for in := range f.srv.lane.conns {
		for _, m := range in.patterns {
			if addr := m.Value().addr; addr != "" {
				t.Errorf("a %s remembers %s", m.Value().method, addr)
			}
		}
	}
}

// holdsBack is a writer of a middleware that writes what it was given when it is done.
type holdsBack struct {
	http.ResponseWriter

	body []byte
}

func (h *holdsBack) Unwrap() http.ResponseWriter { return h.ResponseWriter }
func (h *holdsBack) WriteHeader(int)             {}

func (h *holdsBack) Write(b []byte) (int, error) {
	h.body = append(h.body, b...)
	return len(b), nil
}

// A connection is not taken from a middleware that has yet to write the answer.
func TestAnAnswerThatIsHeldBackIsNotLost(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, func(s *http.Server) {
		next := s.Handler
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := &holdsBack{ResponseWriter: w}
			next.ServeHTTP(h, r)
			_, _ = w.Write(h.body)
		})
	})
	c, conn := f.poll(4), f.dial()
	for range 2 {
		conn.request(http.MethodPost, c.query, "Content-Length: 1\r\n", "6")
		conn.response().want(t, http.StatusOK, "ok")
	}
	if n := f.lanes(); n != 0 {
		t.Errorf("%d connections are in the lane", n)
	}
}

// A connection whose requests are never alike stays where it is, after a while.
func TestAConnectionThatDoesNotFitStaysWithNetHTTP(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	c := f.enter("X-Request-Id: 0\r\n")
	for i := 1; i < 6; i++ {
		c.headers = fmt.Sprintf("X-Request-Id: %d\r\n", i)
		c.send("x")
		c.ask(http.MethodGet, "")
		c.byNetHTTP("4x")
	}
	if n := f.lanes(); n != 0 {
		t.Errorf("%d connections are in the lane", n)
	}
}

func TestAnIdleConnectionOfTheLaneIsClosed(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, func(s *http.Server) { s.IdleTimeout = 300 * time.Millisecond })
	c := f.enter("")
	_ = c.SetReadDeadline(time.Now().Add(within))
	if _, err := c.r.ReadByte(); err != io.EOF {
		t.Errorf("%v", err)
	}
	f.left(0)
}

// Close answers what waits, says that the connection ends, and ends those at rest.
func TestCloseEndsTheLane(t *testing.T) {
	t.Parallel()
	f := road(t, Options{}, nil)
	rests, waits := f.enter(""), f.enter("")
	waits.ask(http.MethodGet, "")
	eventually(t, "the GET waits", func() bool { return waits.waitingPoll() != nil })
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		if err := f.srv.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	for _, c := range []*laneClient{rests, waits} {
		_ = c.SetReadDeadline(time.Now().Add(within))
		said, err := io.ReadAll(c.r) // until the server ends the connection
		if err != nil {
			t.Errorf("%v", err)
		}
		if text := string(said); c == rests && text != "" || c == waits && (!strings.Contains(text, "\r\nConnection: close\r\n") || !strings.HasSuffix(text, "\r\n\r\n1")) {
			t.Errorf("said %q", text)
		}
	}
	f.left(0)
}
