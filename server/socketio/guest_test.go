package socketio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// reception serves guests of a server beside its Socket.IO clients.
type reception struct {
	*socketio.Server

	t   *testing.T
	URL string // of Socket.IO, /ws and /events
	web *http.Client

	mu      sync.Mutex
	refused error // the last one
}

func receive(t *testing.T, o *socketio.Options, guest socketio.GuestOptions, secure bool) *reception {
	t.Helper()
	srv, err := socketio.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := &reception{Server: srv, t: t}
	door := func(kind socketio.GuestKind) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mine := guest
			mine.Kind, mine.Namespace = kind, r.URL.Query().Get("namespace")
			if token := r.URL.Query().Get("token"); token != "" {
				mine.Auth = map[string]string{"token": token}
			}
			if err := srv.ServeGuest(w, r, &mine); err != nil {
				h.mu.Lock()
				h.refused = err
				h.mu.Unlock()
				status := http.StatusForbidden
				var refused *socketio.Refused
				if errors.As(err, &refused) {
					status = refused.Status
				}
				http.Error(w, err.Error(), status)
			}
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("/ws", door(socketio.GuestWebSocket))
	mux.Handle("/events", door(socketio.GuestStream))
	ts := httptest.NewUnstartedServer(mux)
	if secure {
		ts.EnableHTTP2 = true
		ts.StartTLS()
	} else {
		ts.Start()
	}
	h.URL, h.web = ts.URL, ts.Client()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), sockettest.Wait)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		ts.Close()
	})
	return h
}

// stream is a client that reads an event stream.
type stream struct {
	t    *testing.T
	resp *http.Response
	r    *bufio.Reader
	stop context.CancelFunc
}

func (h *reception) stream(path string) *stream {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	resp, err := h.web.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	s := &stream{t: h.t, resp: resp, r: bufio.NewReader(resp.Body), stop: cancel}
	h.t.Cleanup(func() {
		cancel()
		_ = resp.Body.Close()
	})
	return s
}

// next returns the next event as it came, without comments; "" at the end.
func (s *stream) next() string {
	s.t.Helper()
	var b strings.Builder
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return ""
		}
		switch {
		case strings.HasPrefix(line, ":"):
			continue
		case line == "\n" && b.Len() == 0:
			continue
		case line == "\n":
			return b.String()
		}
		b.WriteString(line)
	}
}

func (s *stream) want(event string) {
	s.t.Helper()
	if got := s.next(); got != event {
		s.t.Fatalf("got %q, want %q", got, event)
	}
}

// lobby lets every guest into a room, and tells it so.
func lobby(t *testing.T) (o *socketio.Options, g socketio.GuestOptions) {
	t.Helper()
	g.Admit = func(_ context.Context, s *socketio.Socket) error { return s.Join("lobby") }
	g.Welcome = func(s *socketio.Socket) []byte {
		if s.Conn().Transport() == "event-stream" {
			return fmt.Appendf(nil, "event: welcome\ndata: {}\n\n")
		}
		return []byte(`{"type":"welcome"}`)
	}
	g.Message = func(g *socketio.Guest, text []byte) error {
		args, err := socketio.ParseArgs(text)
		if err != nil {
			return err
		}
		name, _ := args.At(0).String()
		g.Push(socketio.GuestEvent{Name: name, Args: args.From(1), ID: 1, HasAck: true, Bytes: len(text)})
		return nil
	}
	return &socketio.Options{}, g
}

// TestGuestsAreInTheSameRoom: what a Socket.IO client hears, the others hear too, each in
// its own words, and all in the same order.
func TestGuestsAreInTheSameRoom(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[secure], func(t *testing.T) {
			o, g := lobby(t)
			h := receive(t, o, g, secure)
			h.Of("/").On("shout", func(_ context.Context, e *socketio.Event) {
				_ = h.Of("/").To("lobby").Emit("msg", e.Args())
				_ = e.Ack("ok")
			})
			es := h.stream("/events")
			if es.resp.StatusCode != http.StatusOK || es.resp.Header.Get("Content-Type") != "text/event-stream" || es.resp.Header.Get("X-Accel-Buffering") != "no" {
				t.Fatalf("answered with %s %v", es.resp.Status, es.resp.Header)
			}
			if want := map[bool]int{false: 1, true: 2}[secure]; es.resp.ProtoMajor != want {
				t.Fatalf("spoken is %s", es.resp.Proto)
			}
			es.want("event: welcome\ndata: {}\n")
			if secure {
				_ = h.Of("/").To("lobby").Emit("msg", 7)
				es.want("event: msg\ndata: 7\n")
				return
			}
			ws := sockettest.DialPlain(t, h.URL+"/ws")
			ws.Expect(`{"type":"welcome"}`)
			ws.Send(`["shout","a",{"b":2}]`)
			ws.Expect(`{"type":"event","room":"lobby","event":"msg","data":["a",{"b":2}]}`)
			ws.Expect(`{"type":"ack","data":["ok"],"id":1}`)
			es.want("event: msg\ndata: [\"a\",{\"b\":2}]\n")
			_ = h.Of("/").Emit("all", []byte{1, 2})
			ws.Expect(`{"type":"event","event":"all","data":[{"base64":"AQI="}]}`)
			es.want("event: all\ndata: {\"base64\":\"AQI=\"}\n")
			socks := h.Of("/").Sockets()
			if len(socks) != 2 {
				t.Fatalf("%d sockets", len(socks))
			}
			es.stop()
			sockettest.Eventually(t, "the reader's socket is gone", func() bool { return len(h.Of("/").Sockets()) == 1 })
			if err := h.Of("/").DisconnectSockets(false); err != nil {
				t.Fatal(err)
			}
			ws.ExpectClosed(4000, "Disconnected by the server")
		})
	}
}

// TestStreamsAreToldTheIDOfABroadcast: whoever keeps what is said itself says where a reader
// is; others hear nothing of it.
func TestStreamsAreToldTheIDOfABroadcast(t *testing.T) {
	o, g := lobby(t)
	o.Adapter, o.Recovery.MaxDisconnection = memory.New(), time.Minute // which has offsets of its own
	h := receive(t, o, g, false)
	es, ws := h.stream("/events"), sockettest.DialPlain(t, h.URL+"/ws")
	es.want("event: welcome\ndata: {}\n")
	ws.Expect(`{"type":"welcome"}`)
	if err := h.Of("/").To("lobby").Local().ID("7.3").Emit("msg", 1); err != nil {
		t.Fatal(err)
	}
	es.want("id: 7.3\nevent: msg\ndata: 1\n")
	if got := ws.Next(); !strings.HasPrefix(got, `{"type":"event","room":"lobby","event":"msg","data":[1]`) || strings.Contains(got, "7.3") {
		t.Errorf("the WebSocket was told %s", got)
	}
}

// TestGuestsThatAreRefused: a stream gets an answer of HTTP, a WebSocket a close code.
func TestGuestsThatAreRefused(t *testing.T) {
	o, g := lobby(t)
	o.Admit = func(_ context.Context, s *socketio.Socket) error {
		if s.Handshake().Query.Get("token") == "" {
			return &socketio.ConnectError{Message: "log in", Data: map[string]string{"code": "unauthorized"}}
		}
		return nil
	}
	h := receive(t, o, g, false)
	h.Of("/m").Use(func(context.Context, *socketio.Socket) error { return errors.New("closed today") })
	for path, want := range map[string]string{
		"/events":                        "unauthorized",
		"/events?token=x&namespace=/m":   "",
		"/events?token=x&namespace=/no":  "unknown_namespace",
		"/events?token=x&namespace=/a,b": "unknown_namespace",
		"/ws?token=x":                    "upgrade_required",
	} {
		es := h.stream(path)
		h.mu.Lock()
		err := h.refused
		h.mu.Unlock()
		if es.resp.StatusCode < 400 || err == nil || socketio.CodeOf(err) != want {
			t.Errorf("%s: answered with %s, %v", path, es.resp.Status, err)
		}
	}
	sockettest.DialPlain(t, h.URL+"/ws").ExpectClosed(4001, "Authentication required")
	sockettest.DialPlain(t, h.URL+"/ws?token=x&namespace=/m").ExpectClosed(4003, "Forbidden")
	sockettest.DialPlain(t, h.URL+"/ws?token=x&namespace=/no").ExpectClosed(4004, "Unknown namespace")
	sockettest.Eventually(t, "no session is left", func() bool { return h.Engine().Len() == 0 })
}

// TestBacklogComesFirst: what was said before comes before what is said meanwhile.
func TestBacklogComesFirst(t *testing.T) {
	o, g := lobby(t)
	g.Backlog = func(_ context.Context, s *socketio.Socket) ([]socketio.GuestMessage, bool) {
		_ = s.Namespace().To("lobby").Emit("msg", "live")
		return []socketio.GuestMessage{
			{Room: "lobby", Event: "msg", Offset: "o-1", Args: []any{"one"}},
			{Room: "lobby", Event: "msg\nx", Offset: "o-2", Args: []any{}},
		}, false
	}
	es := receive(t, o, g, false).stream("/events")
	es.want("event: welcome\ndata: {}\n")
	es.want("id: o-1\nevent: msg\ndata: \"one\"\n")
	es.want("id: o-2\nevent: msg\\nx\ndata: []\n")
	es.want("event: msg\ndata: \"live\"\n")
}

// TestStreamsAreNotAskedForAnswers: who waits for everybody's answer does not wait for
// those who cannot give one.
func TestStreamsAreNotAskedForAnswers(t *testing.T) {
	o, g := lobby(t)
	g.Message = func(g *socketio.Guest, text []byte) error {
		args, err := socketio.ParseArgs(text)
		g.Answer(0, args)
		return err
	}
	h := receive(t, o, g, false)
	es, ws := h.stream("/events"), sockettest.DialPlain(t, h.URL+"/ws")
	es.want("event: welcome\ndata: {}\n")
	ws.Expect(`{"type":"welcome"}`)
	answers := make(chan []socketio.Args, 1)
	go func() {
		got, err := h.Of("/").To("lobby").EmitWithAck(t.Context(), "q", 1)
		if err != nil {
			t.Error(err)
		}
		answers <- got
	}()
	ws.Expect(`{"type":"event","room":"lobby","event":"q","data":[1],"id":0}`)
	ws.Send(`"yes"`)
	if got := sockettest.Receive(t, "the answers", answers); len(got) != 1 {
		t.Fatalf("got %d answers", len(got))
	}
	es.want("event: q\ndata: 1\n")
	for _, s := range h.Of("/").Sockets() {
		if s.Conn().Transport() == "event-stream" {
			if _, err := s.EmitWithAck(t.Context(), "q"); !errors.Is(err, socketio.ErrCannotAnswer) {
				t.Errorf("asking a stream: %v", err)
			}
		}
	}
}
