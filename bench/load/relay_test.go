package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// relay is a small server of the relay contract that can be told to do wrong.
type relay struct {
	// tamper replaces what goes to one session (counted from 0) with what it
	// returns; nil leaves it alone. It is called for msg packets and acks of echo.
	tamper func(session int, packet string) []string
	// refuse answers the n-th handshake with 400.
	refuse func(session int) bool
	// closeAfterPost ends the connection of a POST after its answer.
	closeAfterPost bool
	// chunked leaves the Content-Length of polls out.
	chunked bool

	mu       sync.Mutex
	sessions map[string]*fakeSession
	rooms    map[string][]*fakeSession
	count    int
}

type fakeSession struct {
	relay *relay
	index int
	sid   string

	mu     sync.Mutex
	conn   net.Conn      // once on WebSocket
	queue  []string      // for the next poll
	queued chan struct{} // holds a token while queue is not empty
}

// serve starts r and returns its URL.
func (r *relay) serve(t *testing.T) string {
	t.Helper()
	r.sessions, r.rooms = make(map[string]*fakeSession), make(map[string][]*fakeSession)
	srv := httptest.NewServer(r)
	t.Cleanup(func() {
		r.mu.Lock()
		for _, s := range r.sessions {
			s.mu.Lock()
			if s.conn != nil {
				s.conn.Close()
			}
			s.mu.Unlock()
		}
		r.mu.Unlock()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	s := r.sessions[req.URL.Query().Get("sid")]
	fresh := s == nil
	if fresh {
		s = &fakeSession{relay: r, index: r.count, sid: fmt.Sprintf("sid-%d", r.count), queued: make(chan struct{}, 1)}
		r.count++
		r.sessions[s.sid] = s
	}
	r.mu.Unlock()
	switch {
	case fresh && r.refuse != nil && r.refuse(s.index):
		http.Error(w, `{"code":3,"message":"Bad request"}`, http.StatusBadRequest)
	case req.Header.Get("Upgrade") != "":
		s.webSocket(w, req, fresh)
	case fresh:
		_, _ = fmt.Fprintf(w, `0{"sid":%q,"upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}`, s.sid)
	case req.Method == http.MethodPost:
		body, _ := io.ReadAll(req.Body)
		if r.closeAfterPost {
			defer func() { panic(http.ErrAbortHandler) }()
			w.Header().Set("Content-Length", "2")
		}
		_, _ = io.WriteString(w, "ok")
		if r.closeAfterPost {
			_ = http.NewResponseController(w).Flush()
		}
		for p := range strings.SplitSeq(string(body), "\x1e") {
			s.receive(p)
		}
	default:
		s.poll(w, req)
	}
}

func (s *fakeSession) poll(w http.ResponseWriter, req *http.Request) {
	var body string
	for body == "" {
		select {
		case <-s.queued:
		case <-req.Context().Done():
			return
		}
		s.mu.Lock()
		body = strings.Join(s.queue, "\x1e")
		s.queue = nil
		s.mu.Unlock()
	}
	if s.relay.chunked {
		_, _ = io.WriteString(w, body[:1])
		_ = http.NewResponseController(w).Flush()
		body = body[1:]
	}
	_, _ = io.WriteString(w, body)
}

func (s *fakeSession) webSocket(w http.ResponseWriter, req *http.Request, fresh bool) {
	conn, _, _, err := ws.UpgradeHTTP(req, w)
	if err != nil {
		return
	}
	defer conn.Close()
	if fresh {
		s.become(conn)
		s.send(fmt.Sprintf(`0{"sid":%q,"upgrades":[],"pingInterval":25000,"pingTimeout":20000}`, s.sid))
	}
	for {
		p, err := wsutil.ReadClientText(conn)
		switch {
		case err != nil:
			return
		case bytes.Equal(p, probe):
			_ = wsutil.WriteServerText(conn, probeAnswer)
			s.send("6")
		case bytes.Equal(p, upgrade):
			s.become(conn)
		default:
			s.receive(string(p))
		}
	}
}

func (s *fakeSession) become(conn net.Conn) {
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
}

func (s *fakeSession) send(packet string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = wsutil.WriteServerText(s.conn, []byte(packet))
		return
	}
	s.queue = append(s.queue, packet)
	select {
	case s.queued <- struct{}{}:
	default:
	}
}

// deliver sends a packet that tamper may change.
func (s *fakeSession) deliver(packet string) {
	if s.relay.tamper == nil {
		s.send(packet)
		return
	}
	for _, p := range s.relay.tamper(s.index, packet) {
		s.send(p)
	}
}

func (s *fakeSession) receive(p string) {
	at := strings.IndexByte(p, '[')
	switch {
	case p == "40":
		s.send(`40{"sid":"public"}`)
	case !strings.HasPrefix(p, "42") || at < 0:
	case strings.HasPrefix(p[at:], `["join",`):
		room := strings.Split(p, `"`)[3]
		s.relay.mu.Lock()
		s.relay.rooms[room] = append(s.relay.rooms[room], s)
		s.relay.mu.Unlock()
		s.send("43" + p[2:at] + `["ok"]`)
	case strings.HasPrefix(p[at:], `["say",`):
		parts := strings.SplitN(p, `"`, 6)
		s.relay.mu.Lock()
		members := slices.Clone(s.relay.rooms[parts[3]])
		s.relay.mu.Unlock()
		for _, m := range members {
			m.deliver(`42["msg","` + parts[5])
		}
	case strings.HasPrefix(p[at:], `["echo",`):
		s.deliver("43" + p[2:at] + "[" + p[at+len(`["echo",`):])
	}
}

// small bounds a run of a test. The server is in this process, so it has no PID.
func small(w Work) Work {
	setDefault(&w.Clients, 8)
	setDefault(&w.Baseline, 2)
	setDefault(&w.Warmup, 20e6)
	setDefault(&w.Measure, 60e6)
	setDefault(&w.Settle, 50e6)
	setDefault(&w.Stall, 200e6)
	return w
}

func mustRun(t *testing.T, url string, w Work) *Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20e9)
	defer cancel()
	r, err := Run(ctx, Target{URL: url}, small(w))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
