package load

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// relay is a small server of the relay contract that can be told to do wrong.
type relay struct {
	// tamper replaces what goes to one session (counted from 0) with what it
	// returns; nil leaves it alone. It is called for msg packets and acks of echo.
	tamper func(session int, packet string) []string
	// tamperBinary does the same to an attachment.
	tamperBinary func(session int, p []byte) [][]byte
	// deflate answers an offer of permessage-deflate; messages of 64 bytes and more
	// are then deflated, with the session's context unless it says otherwise.
	deflate string
	// hang leaves sessions from this one on without an answer to CONNECT; 0 is none.
	hang int
	// seen is called for every request.
	seen func(req *http.Request)
	// refuse answers the n-th handshake with 400.
	refuse func(session int) bool
	// pongs gets the session of each answer to a ping; nil for nobody.
	pongs chan int
	// goodbyes gets the session of each close frame and close packet; nil for nobody.
	goodbyes chan int
	// hangUp says how long after its connect a session is closed; 0 is never.
	hangUp func(session int) time.Duration
	// closeAfterPost ends the connection of a POST after its answer.
	closeAfterPost bool
	// chunked leaves the Content-Length of polls out.
	chunked bool

	mu       sync.Mutex
	sessions map[string]*fakeSession
	rooms    map[string][]*fakeSession
	count    int
	left     int // sessions that have said goodbye
}

type fakeSession struct {
	relay *relay
	index int
	sid   string

	attach string // a packet that waits for its attachment; owned by the reader

	whole  sync.Mutex // keeps a packet and its attachment together
	mu     sync.Mutex
	conn   net.Conn      // once on WebSocket
	packed bool          // whether messages are deflated
	writer *flate.Writer // keeps the context
	buffer bytes.Buffer  // of writer
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
	if r.seen != nil {
		r.seen(req)
	}
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
			if b64, ok := strings.CutPrefix(p, "b"); ok {
				b, _ := base64.StdEncoding.DecodeString(b64)
				s.receiveBinary(b)
				continue
			}
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
	up := ws.HTTPUpgrader{}
	packed := s.relay.deflate != "" && strings.Contains(req.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
	if packed {
		up.Header = http.Header{"Sec-WebSocket-Extensions": {s.relay.deflate}}
	}
	conn, _, _, err := up.Upgrade(req, w)
	if err != nil {
		return
	}
	defer conn.Close()
	s.mu.Lock()
	s.packed = packed
	s.mu.Unlock()
	if fresh {
		s.become(conn)
		s.send(fmt.Sprintf(`0{"sid":%q,"upgrades":[],"pingInterval":25000,"pingTimeout":20000}`, s.sid))
	}
	for {
		f, err := ws.ReadFrame(conn)
		if err != nil {
			return
		}
		p := ws.UnmaskFrameInPlace(f).Payload
		if f.Header.Rsv1() {
			if p, err = io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(p), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff")))); err != nil {
				return
			}
		}
		switch {
		case f.Header.OpCode == ws.OpClose:
			s.receive("1")
			return
		case f.Header.OpCode == ws.OpBinary:
			s.receiveBinary(p)
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

func (s *fakeSession) send(packet string) { s.sendAs(ws.OpText, []byte(packet)) }

func (s *fakeSession) sendAs(op ws.OpCode, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		f := ws.NewFrame(op, true, p)
		if s.packed && len(p) >= 64 {
			f = ws.NewFrame(op, true, s.deflated(p))
			f.Header.Rsv = ws.Rsv(true, false, false)
		}
		_ = ws.WriteFrame(s.conn, f)
		return
	}
	if op == ws.OpBinary {
		p = append([]byte("b"), base64.StdEncoding.EncodeToString(p)...)
	}
	s.queue = append(s.queue, string(p))
	select {
	case s.queued <- struct{}{}:
	default:
	}
}

func (s *fakeSession) deflated(p []byte) []byte {
	s.buffer.Reset()
	if s.writer == nil {
		s.writer, _ = flate.NewWriter(&s.buffer, flate.BestSpeed)
	} else if strings.Contains(s.relay.deflate, "server_no_context_takeover") {
		s.writer.Reset(&s.buffer)
	}
	_, _ = s.writer.Write(p)
	_ = s.writer.Flush()
	return bytes.Clone(bytes.TrimSuffix(s.buffer.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

// deliver sends a packet and, when it has one, its attachment. Both may be changed.
func (s *fakeSession) deliver(packet string, attachment []byte) {
	s.whole.Lock()
	defer s.whole.Unlock()
	packets := []string{packet}
	if s.relay.tamper != nil {
		packets = s.relay.tamper(s.index, packet)
	}
	for _, p := range packets {
		s.send(p)
		if attachment == nil {
			continue
		}
		attachments := [][]byte{attachment}
		if s.relay.tamperBinary != nil {
			attachments = s.relay.tamperBinary(s.index, attachment)
		}
		for _, a := range attachments {
			s.sendAs(ws.OpBinary, a)
		}
	}
}

func (s *fakeSession) receive(p string) {
	switch {
	case strings.HasPrefix(p, "40"):
		if s.relay.hang > 0 && s.index >= s.relay.hang {
			return
		}
		nsp, _, _ := strings.Cut(p, "{")
		s.send(nsp + `{"sid":"public"}`)
		if s.relay.hangUp == nil {
			return
		}
		if after := s.relay.hangUp(s.index); after > 0 {
			time.AfterFunc(after, func() { s.send("1") })
		}
	case p == "3" && s.relay.pongs != nil:
		s.relay.pongs <- s.index
	case p == "1" && s.relay.goodbyes != nil:
		s.relay.goodbyes <- s.index
	case p == "41":
		s.relay.mu.Lock()
		s.relay.left++
		s.relay.mu.Unlock()
	case strings.HasPrefix(p, "45"):
		s.attach = p
	case strings.HasPrefix(p, "42"):
		s.event(p, nil)
	}
}

func (s *fakeSession) receiveBinary(p []byte) {
	s.event(s.attach, bytes.Clone(p))
}

// event takes 42…["say",…], or 451-…["say",…] with an attachment.
func (s *fakeSession) event(p string, attachment []byte) {
	at := strings.IndexByte(p, '[')
	head, list := p[2:at], p[at:]
	event, ack := "42", "43"
	if attachment != nil {
		event, ack = "451-", "461-"
		head = strings.TrimPrefix(head, "1-")
	}
	switch {
	case strings.HasPrefix(list, `["join",`):
		room := strings.Split(list, `"`)[3]
		s.relay.mu.Lock()
		s.relay.rooms[room] = append(s.relay.rooms[room], s)
		s.relay.mu.Unlock()
		s.send(ack + head + `["ok"]`)
	case strings.HasPrefix(list, `["say",`):
		parts := strings.SplitN(list, ",", 3)
		s.relay.mu.Lock()
		members := slices.Clone(s.relay.rooms[strings.Trim(parts[1], `"`)])
		s.relay.mu.Unlock()
		for _, m := range members {
			m.deliver(event+head+`["msg",`+parts[2], attachment)
		}
	case strings.HasPrefix(list, `["echo",`):
		s.deliver(ack+head+"["+list[len(`["echo",`):], attachment)
	}
}

// small bounds a run of a test. The server is in this process, so it has no PID.
func small(w Work) Work {
	setDefault(&w.Clients, 8)
	setDefault(&w.Baseline, 2)
	setDefault(&w.Warmup, 20e6)
	setDefault(&w.Measure, 60e6)
	setDefault(&w.Settle, 50e6)
	setDefault(&w.Stall, 1e9)
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
