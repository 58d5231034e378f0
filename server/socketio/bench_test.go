package socketio_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// usual is what is said in these benchmarks.
const usual = "some text of usual length, as people write it in rooms"

// crowded is a server with members in "/", whose outboxes hold whatever is sent.
type crowded struct {
	*socketio.Server
	url     string
	members int
}

func crowd(tb testing.TB) *crowded {
	tb.Helper()
	srv, err := socketio.New(&socketio.Options{Engine: engineio.Options{OutboxLimit: 1 << 30, OutboxMax: 1 << 30, PingInterval: 1 << 40}})
	if err != nil {
		tb.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(srv.ServeHTTP))
	tb.Cleanup(func() {
		if err := srv.Close(context.Background()); err != nil {
			tb.Error(err)
		}
		web.Close()
	})
	return &crowded{Server: srv, url: web.URL}
}

// join adds members over WebSocket that read what comes without a look.
func (c *crowded) join(tb testing.TB, members int) {
	tb.Helper()
	for range members {
		c.dial(tb, func(conn net.Conn) {
			buf := make([]byte, 512)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		})
	}
	c.arrived(members)
}

// dial opens a WebSocket that joins "/", and has it read.
func (c *crowded) dial(tb testing.TB, read func(conn net.Conn)) net.Conn {
	tb.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	tb.Cleanup(func() { conn.Close(); wg.Wait() })
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("40"))))
	_, err = fmt.Fprintf(conn, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n%s", frame)
	if err != nil {
		tb.Fatal(err)
	}
	wg.Go(func() { read(conn) })
	return conn
}

// joinPolling adds members that poll when poll is called, and otherwise are away.
func (c *crowded) joinPolling(tb testing.TB, members int) (poll func()) {
	tb.Helper()
	request := func(method, sid, body string) string {
		r := httptest.NewRequest(method, "/?EIO=4&transport=polling&sid="+sid, strings.NewReader(body))
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			tb.Fatal(w.Code, w.Body)
		}
		return w.Body.String()
	}
	sids := make([]string, members)
	for i := range sids {
		r := httptest.NewRequest(http.MethodGet, "/?EIO=4&transport=polling", nil)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		_, rest, _ := strings.Cut(w.Body.String(), `"sid":"`)
		sids[i], _, _ = strings.Cut(rest, `"`)
		request(http.MethodPost, sids[i], "40")
	}
	c.arrived(members)
	poll = func() {
		for _, sid := range sids {
			request(http.MethodGet, sid, "")
		}
	}
	poll()
	return poll
}

func (c *crowded) arrived(members int) {
	c.members += members
	for c.Of("/").Len() < c.members {
		runtime.Gosched()
	}
}

// BenchmarkFanout is one event to all members, 32 of them in flight; the time is that of
// one broadcast until all frames are written.
func BenchmarkFanout(b *testing.B) {
	for _, members := range []int{0, 1, 100, 9_000} { // a client and its server need a descriptor each
		b.Run("websocket "+strconv.Itoa(members), func(b *testing.B) {
			c := crowd(b)
			c.join(b, members)
			begun := c.Engine().Stats().MessagesOut
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := c.Emit("msg", usual); err != nil {
					b.Fatal(err)
				}
				for n++; n%32 == 0 && c.Engine().Stats().MessagesOut < begun+uint64(n*members); {
					runtime.Gosched()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(max(1, members)), "ns/delivery")
		})
	}
	for _, members := range []int{1, 100, 10_000} {
		b.Run("polling "+strconv.Itoa(members), func(b *testing.B) {
			c := crowd(b)
			poll := c.joinPolling(b, members)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := c.Emit("msg", usual); err != nil {
					b.Fatal(err)
				}
				if n++; n%32 == 0 {
					b.StopTimer() // net/http and its requests are not what is measured
					poll()
					b.StartTimer()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(members), "ns/delivery")
		})
	}
}

// One delivery of a broadcast allocates nothing: what a broadcast to many costs is what
// one to few costs.
func TestADeliveryOfABroadcastAllocatesNothing(t *testing.T) {
	const few, many = 1, 201
	costs := func(c *crowded, settle func()) float64 {
		return testing.AllocsPerRun(50, func() {
			if err := c.Emit("msg", usual); err != nil {
				t.Fatal(err)
			}
			if settle != nil {
				settle()
			}
		})
	}
	t.Run("websocket", func(t *testing.T) {
		c := crowd(t)
		begun, n := uint64(0), 0
		settle := func() {
			for n++; c.Engine().Stats().MessagesOut < begun+uint64(n*c.members); {
				runtime.Gosched()
			}
		}
		c.join(t, few)
		begun = c.Engine().Stats().MessagesOut
		one := costs(c, settle)
		c.join(t, many-few)
		for c.Engine().Stats().MessagesOut < begun+uint64(n*few+2*(many-few)) {
			runtime.Gosched() // the others' open and CONNECT packets
		}
		begun, n = c.Engine().Stats().MessagesOut, 0
		all := costs(c, settle)
		if per := (all - one) / (many - few); per > 0.05 {
			t.Errorf("%v allocations for each: to %d costs %v, to %d %v", per, few, one, many, all)
		}
	})
	t.Run("polling", func(t *testing.T) {
		c := crowd(t)
		c.joinPolling(t, few)
		one := costs(c, nil)
		c.joinPolling(t, many-few)
		all := costs(c, nil)
		// Outboxes that nobody empties grow, by doubling: 51 messages are some 7 times.
		if per := (all - one) / (many - few); per > 0.25 {
			t.Errorf("%v allocations for each: to %d costs %v, to %d %v", per, few, one, many, all)
		}
	})
}

// BenchmarkInbox is an event on its way from the reader through the socket's queue to its
// handler, 32 of them in flight.
func BenchmarkInbox(b *testing.B) {
	c := crowd(b)
	handled := make(chan struct{}, 64)
	c.On("x", func(context.Context, *socketio.Event) { handled <- struct{}{} })
	conn := c.dial(b, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	c.arrived(1)
	one := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`42["x","` + usual + `"]`))))
	frames := []byte(strings.Repeat(string(one), 32))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += 32 {
		n := min(32, b.N-i)
		if _, err := conn.Write(frames[:n*len(one)]); err != nil {
			b.Fatal(err)
		}
		for range n {
			<-handled
		}
	}
}

// BenchmarkAck is an event and its acknowledgement, one at a time.
func BenchmarkAck(b *testing.B) {
	c := crowd(b)
	c.On("x", func(_ context.Context, e *socketio.Event) { _ = e.Ack("ok") })
	got := make(chan struct{}, 64)
	conn := c.dial(b, func(conn net.Conn) {
		buf := make([]byte, 4096)
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			got <- struct{}{}
		}
	})
	c.arrived(1)
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`421["x","` + usual + `"]`))))
	for c.Engine().Stats().MessagesOut < 2 {
		runtime.Gosched()
	}
	for len(got) > 0 {
		<-got
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(frame); err != nil {
			b.Fatal(err)
		}
		<-got
	}
}

// BenchmarkJoin is a socket that joins and leaves a room of so many others.
func BenchmarkJoin(b *testing.B) {
	for _, members := range []int{0, 10, 1000} {
		b.Run(strconv.Itoa(members), func(b *testing.B) {
			c := crowd(b)
			c.joinPolling(b, members+1)
			socks, err := c.Of("/").FetchSockets(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			one, ok := c.Of("/").Socket(socks[0].ID())
			if !ok {
				b.Fatal("no socket")
			}
			for _, s := range socks[1:] {
				if err := s.Join("room"); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := one.Join("room"); err != nil {
					b.Fatal(err)
				}
				one.Leave("room")
			}
		})
	}
}
