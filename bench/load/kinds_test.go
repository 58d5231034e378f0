package load

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// sockeye serves the relay contract with the project's own library.
func sockeye(t *testing.T, deflate bool, namespace string) string {
	t.Helper()
	var o socketio.Options
	if deflate {
		o.Engine.PerMessageDeflate = &engineio.Compression{}
	}
	s, err := socketio.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	nsp := s.Of(namespace)
	nsp.OnConnection(func(c *socketio.Socket) {
		c.On("join", func(_ context.Context, e *socketio.Event) {
			var room string
			if e.Bind(&room) == nil && c.Join(room) == nil {
				_ = e.Ack("ok")
			}
		})
		c.On("say", func(_ context.Context, e *socketio.Event) {
			var room string
			var what socketio.Raw
			if e.Bind(&room, &what) == nil {
				_ = nsp.To(room).Emit("msg", what)
			}
		})
		c.On("echo", func(_ context.Context, e *socketio.Event) {
			var what socketio.Raw
			if e.Bind(&what) == nil {
				_ = e.Ack(what)
			}
		})
	})
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		_ = s.Close(context.WithoutCancel(t.Context()))
		web.CloseClientConnections()
		web.Close()
	})
	return web.URL
}

// clean fails the test unless r is a run without faults.
func clean(t *testing.T, r *Result) {
	t.Helper()
	if got := r.Failure(); got != "" {
		t.Errorf("failure %q, notes %q", got, r.Notes)
	}
	if r.Expected == 0 || r.Delivered != r.Expected {
		t.Errorf("delivered %d of %d", r.Delivered, r.Expected)
	}
}

func TestEveryKindOfPayloadArrives(t *testing.T) {
	t.Parallel()
	urls := map[string]string{"fake": (&relay{}).serve(t), "sockeye": sockeye(t, false, "/")}
	for name, w := range map[string]Work{
		"binary":           {Binary: true},
		"msgpack":          {Parser: MsgPack},
		"binary msgpack":   {Parser: MsgPack, Binary: true},
		"16 KiB binary":    {Payload: 16 << 10, Binary: true},
		"70 KB of msgpack": {Payload: 70_000, Parser: MsgPack, Clients: 2},
	} {
		for _, kind := range []Kind{Fanout, Echo} {
			for _, tr := range transports {
				for server, url := range urls {
					if server == "fake" && w.Parser == MsgPack {
						continue
					}
					t.Run(strings.Join([]string{name, string(kind), string(tr), server}, "/"), func(t *testing.T) {
						t.Parallel()
						w := w
						w.Kind, w.Transport, w.Room = kind, tr, strings.Map(letters, t.Name())
						w.Window, w.Messages = 4, 6
						setDefault(&w.Clients, 3)
						w.Publishers, w.Stall = 2, 5*time.Second
						r := mustRun(t, url, w)
						clean(t, r)
						if r.Units != r.Expected {
							t.Errorf("%d units, want %d", r.Units, r.Expected)
						}
						if r.Received < r.Units*int64(w.Payload) {
							t.Errorf("%d bytes received of %d units", r.Received, r.Units)
						}
					})
				}
			}
		}
	}
}

// letters makes the name of a test that of a room.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func TestDeflate(t *testing.T) {
	t.Parallel()
	urls := map[string]string{
		"context":    (&relay{deflate: "permessage-deflate"}).serve(t),
		"no context": (&relay{deflate: "permessage-deflate; server_no_context_takeover; client_no_context_takeover"}).serve(t),
		"sockeye":    sockeye(t, true, "/"),
	}
	for name, url := range urls {
		for what, w := range map[string]Work{"text": {}, "binary": {Binary: true}, "short": {Payload: 40}} {
			for _, kind := range []Kind{Fanout, Echo} {
				for _, tr := range []Transport{WebSocket, Upgrade} {
					if tr == Upgrade && what != "text" {
						continue
					}
					t.Run(strings.Join([]string{name, what, string(kind), string(tr)}, "/"), func(t *testing.T) {
						t.Parallel()
						w := w
						w.Kind, w.Transport, w.Deflate, w.Window, w.Messages = kind, tr, true, 4, 24
						w.Clients = 3
						setDefault(&w.Payload, 1200)
						w.Room, w.Stall = strings.Map(letters, t.Name()), 5*time.Second
						r := mustRun(t, url, w)
						clean(t, r)
						// An upgraded client has not heard anything compressed before, nor a short
						// message on a server that leaves these alone.
						if long := w.Payload > 1000; long && r.Compressed < r.Delivered || !long && name == "sockeye" && r.Compressed != 0 {
							t.Errorf("%d compressed messages of %d", r.Compressed, r.Delivered)
						}
						if w.Payload > 1000 && r.Received > r.Units*int64(w.Payload)*2/3 {
							t.Errorf("%d bytes received for %d messages of %d", r.Received, r.Units, w.Payload)
						}
					})
				}
			}
		}
	}
}

func TestServerWithoutDeflateIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Target{URL: (&relay{}).serve(t)}, small(Work{Kind: Echo, Deflate: true}))
	if err == nil || !strings.Contains(err.Error(), errNotDeflated.Error()) {
		t.Errorf("error %v, want %v", err, errNotDeflated)
	}
}

func TestCompressedBytesThatAreChangedAreSeen(t *testing.T) {
	t.Parallel()
	// A deflated message of another text, on a server without context.
	srv := &relay{deflate: "permessage-deflate; server_no_context_takeover"}
	srv.tamper = every(3, func(p string) []string { return []string{strings.Replace(p, "'author':", "'aughor':", 1)} })
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Deflate: true, Payload: 300, Messages: 20})
	if r.Malformed != 1 || r.Lost != 1 {
		t.Errorf("malformed %d, lost %d; want 1, 1", r.Malformed, r.Lost)
	}
}

func TestAttachmentsOfALiarAreCounted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do                          func(p []byte) [][]byte
		lost, malformed, duplicated int64
	}{
		"changed":  {func(p []byte) [][]byte { p = bytes.Clone(p); p[len(p)-1]++; return [][]byte{p} }, 1, 1, 0},
		"left out": {func([]byte) [][]byte { return nil }, 1, 1, 0}, // the next header comes instead of it
		"twice":    {func(p []byte) [][]byte { return [][]byte{p, p} }, 0, 1, 0},
		"cut":      {func(p []byte) [][]byte { return [][]byte{p[:len(p)-1]} }, 1, 1, 0},
	} {
		for _, w := range []Work{{Kind: Fanout}, {Kind: Fanout, Transport: Polling}, {Kind: Echo}} {
			t.Run(name+"/"+string(w.Kind)+"/"+string(w.Transport), func(t *testing.T) {
				t.Parallel()
				var mu sync.Mutex
				n := 0
				srv := &relay{tamperBinary: func(session int, p []byte) [][]byte {
					mu.Lock()
					defer mu.Unlock()
					if session == 1 {
						if n++; n == 3 {
							return c.do(p)
						}
					}
					return [][]byte{p}
				}}
				w := w
				w.Binary, w.Clients, w.Window, w.Messages = true, 4, 8, 20
				r := mustRun(t, srv.serve(t), w)
				if r.Lost != c.lost || r.Malformed != c.malformed || r.Duplicated != c.duplicated {
					t.Errorf("lost %d, malformed %d, duplicated %d; want %d, %d, %d",
						r.Lost, r.Malformed, r.Duplicated, c.lost, c.malformed, c.duplicated)
				}
			})
		}
	}
}

func TestStringInsteadOfBinaryIsMalformed(t *testing.T) {
	t.Parallel()
	srv := &relay{tamper: every(2, func(string) []string { return []string{`42["msg","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]`} })}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Binary: true, Window: 4, Messages: 10})
	if r.Malformed == 0 || r.Lost != 1 {
		t.Errorf("malformed %d, lost %d; want some, 1", r.Malformed, r.Lost)
	}
}

func TestRooms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w           Work
		perMessages int64 // deliveries of Messages, which go around the rooms
	}{
		"even":            {Work{Clients: 12, Rooms: 4, Messages: 40}, 40 * 3},
		"uneven":          {Work{Clients: 10, Rooms: 4, Messages: 40}, 20*3 + 20*2},
		"many publishers": {Work{Clients: 12, Rooms: 4, Publishers: 5, Window: 16, Messages: 80}, 80 * 3},
		"more rooms":      {Work{Clients: 3, Rooms: 10, Window: 4, Messages: 40}, 40},
		"sizes":           {Work{Clients: 6, Rooms: 10, RoomSize: 4, Window: 16, Publishers: 2, Messages: 100}, 100 * 4},
		"one smaller":     {Work{Clients: 6, RoomSize: 4, Messages: 10}, 10 * 4},
	} {
		for _, tr := range transports {
			t.Run(name+"/"+string(tr), func(t *testing.T) {
				t.Parallel()
				w := c.w
				w.Kind, w.Transport, w.Stall = Fanout, tr, 5*time.Second
				r := mustRun(t, (&relay{}).serve(t), w)
				clean(t, r)
				if r.Expected != c.perMessages {
					t.Errorf("expected %d deliveries, want %d", r.Expected, c.perMessages)
				}
			})
		}
	}
}

func TestSeats(t *testing.T) {
	t.Parallel()
	for _, s := range []seating{{1, 1, 0}, {12, 4, 0}, {10, 4, 0}, {3, 10, 0}, {6, 10, 4}, {7, 5, 7}, {5, 3, 1}} {
		held := map[int]int{} // seats by client
		for room := range s.rooms {
			members := map[int]bool{}
			s.of(room, func(seat int) bool {
				client := seat % s.clients
				if members[client] {
					t.Errorf("%+v: client %d is in room %d twice", s, client, room)
				}
				members[client] = true
				held[client]++
				if s.room(seat) != room {
					t.Errorf("%+v: seat %d is in room %d and in %d", s, seat, room, s.room(seat))
				}
				return true
			})
			for client := range s.clients {
				seat, ok := s.find(client, room)
				if ok != members[client] || ok && (s.room(seat) != room || seat%s.clients != client) {
					t.Errorf("%+v: client %d in room %d: seat %d, %v", s, client, room, seat, ok)
				}
			}
		}
		w := Work{Kind: Fanout, Clients: s.clients, Rooms: s.rooms, RoomSize: s.size}
		sum := 0
		for client := range s.clients {
			sum += held[client]
			if n := len(w.roomsOf(client)); n != held[client] {
				t.Errorf("%+v: client %d joins %d rooms and sits in %d", s, client, n, held[client])
			}
		}
		if sum != s.seats() {
			t.Errorf("%+v: %d seats held, want %d", s, sum, s.seats())
		}
	}
}

func TestMessageOfAnotherRoomIsMalformed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var foreign string
	srv := &relay{tamper: func(session int, p string) []string {
		mu.Lock()
		defer mu.Unlock()
		if session == 0 && foreign == "" {
			foreign = p
		}
		if session == 1 && foreign != "" && foreign != p {
			q := foreign
			foreign = p
			return []string{p, q}
		}
		return []string{p}
	}}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Clients: 2, Rooms: 2, Dials: 1, Messages: 6})
	if r.Malformed == 0 || r.Lost != 0 {
		t.Errorf("malformed %d, lost %d; want some, 0", r.Malformed, r.Lost)
	}
}

func TestLossInOneOfManyRoomsIsCounted(t *testing.T) {
	t.Parallel()
	srv := &relay{tamper: every(3, func(string) []string { return nil })}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Clients: 12, Rooms: 4, Window: 4, Messages: 80})
	if r.Lost != 1 || r.Expected != 240 {
		t.Errorf("lost %d of %d, want 1 of 240", r.Lost, r.Expected)
	}
}

// A message that takes longer than a whole ring of others still counts with its time.
func TestLateMessageKeepsItsTime(t *testing.T) {
	t.Parallel()
	f := newFanout(&run{work: Work{Kind: Fanout, Clients: 1, Rooms: 1, Publishers: 1, Window: 1, Payload: 64}, res: &Result{}, clients: []*client{{}}})
	f.clients[0].format = &format{parser: JSON, nsp: "/"}
	f.clients[0].tr = newWebSocket(f.clients[0], false)
	start := time.Now()
	f.phase = measuring
	f.clients[0].heard = start.Add(time.Hour)
	for range len(f.ring) + 1 {
		f.say(start)
	}
	f.packet(f.clients[0], packet{kind: sioEvent, arg: f.stamp.append(nil, 0, 0)})
	if f.spent.max != time.Hour {
		t.Errorf("took %v, want an hour", f.spent.max)
	}
}

func TestStalledReadersHideNoLossOfOthers(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		var mu sync.Mutex
		sent := map[int]int{}
		srv := &relay{tamper: func(session int, p string) []string {
			mu.Lock()
			defer mu.Unlock()
			if sent[session]++; sent[session] == 3 {
				return nil // once for everybody
			}
			return []string{p}
		}}
		r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Transport: tr, Clients: 20, Window: 8, Stalled: 0.2, Messages: 30})
		if r.Expected != 16*30 || r.Lost != 16 || r.RSSClients != 4 {
			t.Errorf("%s: lost %d of %d with %d stalled, want 16 of 480 with 4", tr, r.Lost, r.Expected, r.RSSClients)
		}
		if r.StalledClosed != 0 || r.Disconnected != 0 {
			t.Errorf("%s: %d closed, %d disconnected; want none", tr, r.StalledClosed, r.Disconnected)
		}
	}
}

func TestStalledReadersThatTheServerEndsAreCounted(t *testing.T) {
	t.Parallel()
	stalled := Work{Clients: 20, Stalled: 0.2}.stalledOnes()
	var ended atomic.Int32
	srv := &relay{}
	srv.tamper = func(session int, p string) []string {
		if stalled[session] && ended.Add(1) <= 2 {
			return []string{"1"} // a close packet
		}
		return []string{p}
	}
	r := mustRun(t, srv.serve(t), Work{Kind: Fanout, Clients: 20, Window: 8, Stalled: 0.2, Messages: 30, Dials: 1})
	if r.StalledClosed != 2 {
		t.Errorf("%d closed, want 2", r.StalledClosed)
	}
	clean(t, r)
}

func TestNamespaceAuthHeadersAndQuery(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		var wrong atomic.Int32
		srv := &relay{seen: func(req *http.Request) {
			if req.Header.Get("X-Key") != "k" || req.URL.Query().Get("tenant") != "a b" || req.Header.Get("Authorization") != "Bearer t" {
				wrong.Add(1)
			}
		}}
		target := Target{
			URL: srv.serve(t) + "?tenant=a%20b", Namespace: "/news", Auth: json.RawMessage(`{ "token": "t" }`),
			Header: http.Header{"X-Key": {"k"}, "Authorization": {"Bearer t"}},
		}
		r, err := Run(t.Context(), target, small(Work{Kind: Echo, Transport: tr, Messages: 5}))
		if err != nil {
			t.Fatal(err)
		}
		clean(t, r)
		if wrong.Load() != 0 {
			t.Errorf("%s: %d requests without the headers or the query", tr, wrong.Load())
		}
	}
	for _, parser := range []Parser{JSON, MsgPack} {
		for _, kind := range []Kind{Fanout, Echo} {
			r, err := Run(t.Context(), Target{URL: sockeye(t, false, "/news"), Namespace: "/news", Auth: json.RawMessage(`{"a":[1,-2.5,"x",true,null]}`)},
				small(Work{Kind: kind, Parser: parser, Binary: true, Messages: 5}))
			if err != nil {
				t.Fatal(err)
			}
			clean(t, r)
		}
	}
}

func TestTargetsThatCannotBeSpokenToAreRefused(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]Target{
		"namespace":     {Namespace: "news"},
		"comma":         {Namespace: "/a,b"},
		"auth":          {Auth: json.RawMessage(`"token"`)},
		"broken auth":   {Auth: json.RawMessage(`{`)},
		"own header":    {Header: http.Header{"upgrade": {"h2c"}}},
		"header's name": {Header: http.Header{"a b": {"c"}}},
		"two lines":     {Header: http.Header{"A": {"b\r\nC: d"}}},
	} {
		target.URL = "http://127.0.0.1:1"
		if _, err := Run(t.Context(), target, Work{Kind: Echo}); err == nil || strings.Contains(err.Error(), "connect") {
			t.Errorf("%s: error %v, want one that comes before any connection", name, err)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, tr := range transports {
		srv := &relay{}
		srv.serve(t)
		secure := httptest.NewUnstartedServer(srv)
		secure.Config.ErrorLog = log.New(io.Discard, "", 0)
		secure.StartTLS()
		t.Cleanup(secure.Close)
		target := Target{URL: secure.URL}
		w := small(Work{Kind: Fanout, Transport: tr, Clients: 3, Window: 8, Messages: 20})
		if _, err := Run(t.Context(), target, w); err == nil {
			t.Errorf("%s: a certificate that nobody vouches for was accepted", tr)
		}
		transport, _ := secure.Client().Transport.(*http.Transport)
		target.TLS = transport.TLSClientConfig
		r, err := Run(t.Context(), target, w)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, r)
	}
}

func TestProgressGoesThroughThePhases(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{
		Fanout: "connecting,warming up,measuring,draining", Echo: "connecting,warming up,measuring,draining",
		Connect: "connecting", Idle: "connecting,settling",
	} {
		var phases []string
		var units int64
		_, err := Run(t.Context(), Target{URL: (&relay{}).serve(t)}, small(Work{Kind: kind, Warmup: 50e6, Measure: 300e6, Window: 4}), OnProgress(func(p Progress) {
			if len(phases) == 0 || phases[len(phases)-1] != string(p.Phase) {
				phases = append(phases, string(p.Phase))
			}
			if p.Done < 0 || p.Done > 1 {
				t.Errorf("%s: share %v", kind, p.Done)
			}
			if p.Phase == Measuring {
				units = p.Units
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(phases, ","); got != want {
			t.Errorf("%s: phases %s, want %s", kind, got, want)
		}
		if traffic := kind == Fanout || kind == Echo; traffic && units == 0 {
			t.Errorf("%s: no units in progress", kind)
		}
	}
}

func TestStoppedRunKeepsWhatItMeasured(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Fanout, Echo} {
		for _, tr := range transports {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := Run(ctx, Target{URL: (&relay{}).serve(t)}, small(Work{Kind: kind, Transport: tr, Window: 4, Measure: time.Minute, Churn: 20, Stall: 5 * time.Second}),
				OnProgress(func(p Progress) {
					if p.Units > 0 && p.Phase == Measuring {
						cancel()
					}
				}))
			cancel()
			if err == nil || r == nil {
				t.Fatalf("%s over %s: result %v, error %v; want both", kind, tr, r, err)
			}
			clean(t, r)
			if !r.Stopped || r.Units == 0 || r.Elapsed > 30*time.Second {
				t.Errorf("%s over %s: stopped %v, %d units in %v", kind, tr, r.Stopped, r.Units, r.Elapsed)
			}
		}
	}
}

func TestStoppedConnectCountsNoFailures(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := small(Work{Kind: Connect, Clients: 5000, Dials: 4})
	r, err := Run(ctx, Target{URL: (&relay{}).serve(t)}, w, OnProgress(func(p Progress) {
		if p.Phase == Connecting && p.Done < 1 && p.Units > 10 {
			cancel()
		}
	}))
	if err == nil || r == nil {
		t.Fatalf("result %v, error %v; want both", r, err)
	}
	if !r.Stopped || r.Units < 10 || r.Units >= 5000 || r.FailedConnects != 0 {
		t.Errorf("stopped %v, %d connects, %d failed", r.Stopped, r.Units, r.FailedConnects)
	}
}

func TestWindowOfAServerThatKeepsItsContext(t *testing.T) {
	t.Parallel()
	var sent bytes.Buffer
	w, err := flate.NewWriter(&sent, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	kit := newTools(0)
	window := []byte{}
	text := newStamper(Work{Deflate: true, Payload: 3000})
	for n := range uint64(24) { // 144 KB: the window has to slide
		for _, p := range [][]byte{text.append(nil, n, 0), text.append(nil, n/2, 1)} {
			sent.Reset()
			_, _ = w.Write(p)
			_ = w.Flush()
			got, err := kit.inflate(bytes.TrimSuffix(sent.Bytes(), deflateEnd), lastOf(window))
			if err != nil || !bytes.Equal(got, p) {
				t.Fatalf("message %d: error %v", n, err)
			}
			window = slide(window, got)
		}
	}
	if len(window) > 2*windowSize {
		t.Errorf("the window has %d bytes", len(window))
	}
}
