package engineio

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// http2 starts a server with TLS whose client keeps one connection, with a small window
// for each stream. Connections and requests under way are counted.
func http2(t *testing.T, o *Options, hear func(p *peer, data []byte, binary bool) error) (f *fixture, conns, requests *atomic.Int32) {
	t.Helper()
	f = start(t, o, &opener{hear: hear}, true)
	conns, requests = &atomic.Int32{}, &atomic.Int32{}
	second := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("%s came by %s", r.Method, r.Proto)
		}
		requests.Add(1)
		defer requests.Add(-1)
		f.srv.ServeHTTP(w, r)
	}))
	second.EnableHTTP2 = true
	second.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	second.StartTLS()
	f.url, f.web = second.URL+"/engine.io/", second.Client()
	f.transport().HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 3 << 20}
	t.Cleanup(func() {
		f.web.CloseIdleConnections()
		second.CloseClientConnections()
		second.Close()
	})
	return f, conns, requests
}

// A browser with many tabs has one connection for all of them.
func TestManySessionsShareAConnectionOfHTTP2(t *testing.T) {
	t.Parallel()
	f, conns, _ := http2(t, nil, echo)
	const n = 80
	clients := make([]*pollClient, n)
	waits := make([]*waiting, n)
	for i := range clients {
		clients[i] = f.poll(4)
		waits[i] = clients[i].hold("&t=a")
	}
	waits[0].cut()
	clients[0].side().ended(t, ReasonTransportError, DetailPollAborted)
	for i := 1; i < n; i++ {
		clients[i].post(fmt.Sprint("4number ", i)).want(t, http.StatusOK, "ok")
	}
	for i := 1; i < n; i++ {
		await(t, "the poll", waits[i].answer).want(t, http.StatusOK, fmt.Sprint("4number ", i))
	}
	if got := conns.Load(); got != 1 {
		t.Errorf("%d connections", got)
	}
}

// unread polls, and does not read the answer's body: the window of the stream closes.
func (c *pollClient) unread(t *testing.T) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"?"+c.query, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestAStreamThatTakesNothingEndsItsSessionOnly(t *testing.T) {
	t.Parallel()
	f, _, requests := http2(t, &Options{
		OutboxLimit: 100 << 10, OutboxMax: 16 << 20, SlowReaderGrace: 200 * time.Millisecond, BodyTimeout: 400 * time.Millisecond,
	}, echo)
	slow, other := f.poll(4), f.poll(4)
	big := NewMessage(Part{Data: bytes.Repeat([]byte("x"), 300<<10)})
	send := func() {
		if err := slow.side().Send(big, 0); err != nil {
			t.Fatal(err)
		}
	}
	send()
	slow.unread(t)
	send()
	slow.side().ended(t, ReasonTransportClose, DetailSlowReader)
	eventually(t, "its request is over", func() bool { return requests.Load() == 0 })
	other.post("4x").want(t, http.StatusOK, "ok")
	other.get().want(t, http.StatusOK, "4x")
}

// Short answers find room in buffers, over HTTP/1.1; a stream may have none.
func TestAShortAnswerThatIsNotTakenDoesNotHoldItsRequest(t *testing.T) {
	t.Parallel()
	f, _, requests := http2(t, &Options{BodyTimeout: 2 * time.Second}, nil) // the answer to the handshake has to come
	f.transport().HTTP2.MaxReceiveBufferPerStream = 16
	c := f.poll(4)
	text := strings.Repeat("x", 5000)
	if err := c.side().Send(says(text), 0); err != nil {
		t.Fatal(err)
	}
	res := c.unread(t)
	eventually(t, "its request is over", func() bool { return requests.Load() == 0 })
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%d bytes came", len(b))
	}
}

func TestAPostOfHTTP2ThatIsCutEndsItsSession(t *testing.T) {
	t.Parallel()
	f, _, _ := http2(t, nil, nil)
	c := f.poll(4)
	body, half := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"?"+c.query, body)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		res, err := f.web.Do(r)
		if err == nil {
			res.Body.Close()
		}
	}()
	if _, err := half.Write([]byte("4half of a mess")); err != nil {
		t.Fatal(err)
	}
	cancel()
	c.side().ended(t, ReasonTransportError, DetailBodyAborted)
}
