package engineio

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// guests is a server for guests alone, of one transport.
func guests(t *testing.T, o *Options, transport string, how manner) *fixture {
	t.Helper()
	h := &opener{peers: make(map[string]*peer)}
	srv, err := NewServer(h, inMode(o))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{opener: h, t: t, srv: srv}
	f.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := srv.Arrive(w, r, &GuestOptions{
			Transport: transport, Subprotocol: "v1",
			CloseFrame: func(*CloseError) (uint16, string) { return 4321, "so" },
		}, h.Open)
		if err != nil {
			var refused *Refusal
			if !errors.As(err, &refused) {
				t.Errorf("refused with %v", err)
				return
			}
			http.Error(w, refused.Message, refused.Status)
			return
		}
		_ = s.Begin(w, r) // the session says how that went
	}))
	switch how {
	case mannerPlain:
		f.http.Start()
	case mannerTLS, mannerHTTP2:
		f.http.EnableHTTP2 = how == mannerHTTP2
		f.http.StartTLS()
	}
	f.url = f.http.URL + "/"
	f.web = f.http.Client()
	t.Cleanup(f.stop)
	return f
}

// manner is how a stream is spoken.
type manner string

const (
	mannerPlain manner = "HTTP/1.1"
	mannerTLS   manner = "TLS"
	mannerHTTP2 manner = "HTTP/2"
)

var manners = []manner{mannerPlain, mannerTLS, mannerHTTP2}

// reader is the client of a stream.
type reader struct {
	*http.Response

	r     *bufio.Reader
	leave context.CancelFunc
}

func (f *fixture) read() *reader {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := f.web.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { cancel(); resp.Body.Close() })
	return &reader{resp, bufio.NewReader(resp.Body), cancel}
}

// line returns the next line that is no comment and not empty.
func (r *reader) line(t *testing.T) string {
	t.Helper()
	for {
		line, err := r.r.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		if line != "\n" && line[0] != ':' {
			return strings.TrimSuffix(line, "\n")
		}
	}
}

// only returns the session there is.
func (f *fixture) only() *peer {
	f.t.Helper()
	var p *peer
	eventually(f.t, "there is a session", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, p = range f.peers { //nolint:revive // the one
		}
		return p != nil
	})
	return p
}

// TestStreams: what is sent before the answer and after it comes, heartbeats keep the
// stream alive, and its end is the end of the answer.
func TestStreams(t *testing.T) {
	for _, how := range manners {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			f := guests(t, &Options{PingInterval: 10 * time.Millisecond}, TransportEventStream, how)
			f.open = func(p *peer) { _ = p.Send(NewStreamMessage([]byte("data: early\n\n")), 0) }
			r := f.read()
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != streamType || r.Header.Get("Date") == "" || (r.ProtoMajor == 2) != (how == mannerHTTP2) {
				t.Fatalf("answered %s %s %v", r.Proto, r.Status, r.Header)
			}
			if got := r.line(t); got != "data: early" {
				t.Fatalf("got %q", got)
			}
			for heartbeats := 0; heartbeats < 3; { // more than what goes with the head
				line, err := r.r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == ": \n" {
					heartbeats++
				}
			}
			p := f.only()
			if p.Transport() != TransportEventStream || p.Protocol() != 0 {
				t.Errorf("transport %q, protocol %d", p.Transport(), p.Protocol())
			}
			_ = p.Send(NewStreamMessage([]byte("data: last\n\n")), 0)
			p.Close(ReasonShutdown, DetailDrain, nil)
			if got := r.line(t); got != "data: last" {
				t.Fatalf("got %q", got)
			}
			if rest, err := io.ReadAll(r.r); err != nil || strings.Trim(string(rest), ": \n") != "" {
				t.Errorf("the end is %q, %v", rest, err)
			}
			p.ended(t, ReasonShutdown, DetailDrain)
		})
	}
}

// TestTheReaderOfAStreamLeaves: its session ends at once, whether something is written or
// not.
func TestTheReaderOfAStreamLeaves(t *testing.T) {
	for _, how := range manners {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			f := guests(t, nil, TransportEventStream, how)
			r := f.read()
			p := f.only()
			r.leave()
			c := await(t, "Closed", p.closed)
			if c.Reason != ReasonTransportClose || c.Detail != DetailConnectionLost && c.Detail != DetailWriteFailed { // what was being written
				t.Errorf("ended with %v", c)
			}
		})
	}
}

// TestTheReaderOfAStreamIsSlow: the policy of every session is its own.
func TestTheReaderOfAStreamIsSlow(t *testing.T) {
	big := NewStreamMessage([]byte(strings.Repeat("x", 256<<10)))
	for _, how := range manners {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			for detail, o := range map[Detail]*Options{
				DetailSlowReader:     slowOptions(),
				DetailOutboxOverflow: {OutboxLimit: 1 << 20, OutboxMax: 2 << 20},
			} {
				f := guests(t, o, TransportEventStream, how)
				_ = f.read()
				p := f.only()
				for p.Send(big, 0) == nil {
					p.mu.Lock()
					full := p.out.bytes > 16<<20 // more than the buffers on the way take
					p.mu.Unlock()
					if full && detail == DetailSlowReader {
						break
					}
				}
				p.ended(t, ReasonTransportClose, detail)
			}
		})
	}
}

// TestTheReaderOfAStreamIsGoneWithoutAWord: whose side acknowledges nothing from one
// heartbeat to the next is taken for dead, where that can be seen.
func TestTheReaderOfAStreamIsGoneWithoutAWord(t *testing.T) {
	t.Parallel()
	f := guests(t, &Options{PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond, OutboxLimit: 64 << 20, OutboxMax: 64 << 20}, TransportEventStream, mannerPlain)
	_ = f.read() // and reads no more
	p := f.only()
	_ = p.Send(NewStreamMessage([]byte(strings.Repeat("x", 32<<20))), 0)
	p.ended(t, ReasonPingTimeout, DetailNoPong)
}

// TestServerClosesWithStreams: Close waits for none of them.
func TestServerClosesWithStreams(t *testing.T) {
	for _, how := range manners {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			f := guests(t, nil, TransportEventStream, how)
			r := f.read()
			p := f.only()
			if err := f.srv.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.ended(t, ReasonShutdown, DetailShutdown)
			if _, err := io.ReadAll(r.r); err != nil {
				t.Errorf("the answer did not end well: %v", err)
			}
		})
	}
}

// TestPlainWebSockets: messages are messages, pings those of WebSockets.
func TestPlainWebSockets(t *testing.T) {
	for _, z := range []*Compression{nil, {Threshold: 1}} {
		f := guests(t, &Options{PingInterval: 10 * time.Millisecond, PerMessageDeflate: z}, TransportPlainWebSocket, mannerPlain)
		f.open = func(p *peer) { _ = p.Send(NewBareMessage([]byte("hello")), 0) }
		f.hear = func(p *peer, data []byte, _ bool) error {
			return p.Send(NewBareMessage(append([]byte("you said "), data...)), 0)
		}
		s := f.upgrade("")
		s.send("4x")
		for _, want := range []string{"hello", "you said 4x"} {
			if got := s.plain(t); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		p := f.only()
		for range 3 {
			fr, err := s.next()
			if err != nil || fr.Header.OpCode != ws.OpPing {
				t.Fatalf("got %+v %v, want a ping", fr.Header, err)
			}
			s.write(whole(ws.OpPong, string(fr.Payload)))
		}
		p.Close(ReasonForcedServer, DetailServerDisconnect, nil)
		if code := s.closes(); code != 4321 {
			t.Errorf("closed with %d", code)
		}
		p.ended(t, ReasonForcedServer, DetailServerDisconnect)
	}
}

// plain reads the next text frame, answering pings.
func (s *socket) plain(t *testing.T) string {
	t.Helper()
	for {
		f, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.OpCode == ws.OpText {
			return string(f.Payload)
		}
		s.write(whole(ws.OpPong, string(f.Payload)))
	}
}

// TestWhoAnswersNoPing of a plain WebSocket is gone.
func TestWhoAnswersNoPing(t *testing.T) {
	t.Parallel()
	f := guests(t, &Options{PingInterval: time.Millisecond, PingTimeout: 10 * time.Millisecond}, TransportPlainWebSocket, mannerPlain)
	_ = f.upgrade("")
	f.only().ended(t, ReasonPingTimeout, DetailNoPong)
}

// TestGuestsAreRefused by the same rules as handshakes, before anything is answered.
func TestGuestsAreRefused(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	for want, o := range map[int]*Options{
		http.StatusForbidden: {AllowRequest: func(*http.Request) error { return full }},
		http.StatusTooManyRequests: {Enter: func(*http.Request) (Pass, error) {
			return nil, &Refusal{Status: http.StatusTooManyRequests, Message: "later"}
		}},
	} {
		f := guests(t, o, TransportEventStream, mannerPlain)
		if r := f.read(); r.StatusCode != want {
			t.Errorf("answered with %s, want %d", r.Status, want)
		}
	}
	f := guests(t, nil, TransportEventStream, mannerPlain)
	if err := f.srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := f.read(); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a server that is stopping answered %s", r.Status)
	}
	f = guests(t, nil, TransportPlainWebSocket, mannerPlain)
	if r := f.read(); r.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a GET that is no handshake was answered with %s", r.Status)
	}
}

// TestStreamsForOldProxies: nginx speaks HTTP/1.0 to what is behind it unless it is told
// otherwise.
func TestStreamsForOldProxies(t *testing.T) {
	t.Parallel()
	f := guests(t, nil, TransportEventStream, mannerPlain)
	c, err := net.Dial("tcp", f.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\nHost: x\r\n\r\n")
	p := f.only()
	_ = p.Send(NewStreamMessage([]byte("data: x\n\n")), 0)
	p.Close(ReasonForcedClose, DetailNone, nil)
	_ = c.SetReadDeadline(time.Now().Add(within))
	all, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(all), "\r\n\r\ndata: x\n\n") || strings.Contains(string(all), "chunked") {
		t.Errorf("answered with %q, %v", all, err)
	}
}
