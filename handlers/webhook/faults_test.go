package webhook

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// onlyEvents leaves connect and disconnect to the server.
func onlyEvents(h *Hook, _ *socketio.Options) { h.Calls = []Call{Event} }

// faulty serves whatever it is given, and is told of no signature.
func faulty(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	return web.URL
}

// failsWith calls an event and expects an error of a code.
func failsWith(t *testing.T, r *running, code string) {
	t.Helper()
	c := rawclient.Dial(t, r.url, "/", nil)
	if got := text(c.Call("say", "hello")); !strings.Contains(got, `[{"error":{"code":"`+code+`","message":"`) {
		t.Errorf("acknowledged with %s, want %s", got, code)
	}
	outcome := strings.TrimPrefix(code, "backend_")
	if r.counted.of("event "+outcome) != 1 || !strings.Contains(r.log.String(), "outcome="+outcome) {
		t.Errorf("counted %v, logged %s", r.counted.outcomes, r.log)
	}
	if strings.Contains(r.log.String(), "hush") || strings.Contains(r.log.String(), secret) {
		t.Errorf("a secret is in the log: %s", r.log)
	}
}

func TestASlowBackend(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client gives up
		<-r.Context().Done()
	})
	failsWith(t, serve(t, url+"/?token=hush", func(h *Hook, o *socketio.Options) {
		onlyEvents(h, o)
		h.Timeout = 50 * time.Millisecond
	}), "backend_timeout")
}

func TestABackendThatDribblesItsAnswer(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ack":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	failsWith(t, serve(t, url, func(h *Hook, o *socketio.Options) {
		onlyEvents(h, o)
		h.Timeout = 50 * time.Millisecond
	}), "backend_timeout")
}

func TestADeadBackend(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	failsWith(t, serve(t, "http://"+l.Addr().String()+"/?token=hush", onlyEvents), "backend_unavailable")
}

func TestABackendThatHangsUp(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	failsWith(t, serve(t, url, onlyEvents), "backend_unavailable")
}

func TestABackendThatFails(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"message":"stack trace"}`, 500) })
	failsWith(t, serve(t, url, onlyEvents), "backend_unavailable")
}

func TestAHugeAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := []byte(strings.Repeat(" ", 1<<16))
		for range 1 << 10 { // 64 MiB
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	failsWith(t, serve(t, url, onlyEvents), "bad_answer")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	followed := make(chan bool, 1)
	url := faulty(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/else" {
			followed <- true
			return
		}
		http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
	})
	failsWith(t, serve(t, url, onlyEvents), "bad_answer")
	if len(followed) > 0 {
		t.Error("followed")
	}
}

func TestACertificateThatNobodyVouchesFor(t *testing.T) {
	t.Parallel()
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	t.Cleanup(web.Close)
	failsWith(t, serve(t, web.URL, onlyEvents), "backend_unavailable")
}

// A proxy of the environment gets nothing: what is sent to a backend is not for it.
func TestNoProxyOfTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	b, err := newBackend("/", Hook{URL: "http://backend.example/", Secret: Secrets{secret}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if transport, ok := b.client.Transport.(*http.Transport); !ok || transport.Proxy != nil {
		t.Error("there is a proxy")
	}
}

func TestEventsWithoutAcknowledgementFailSilentlyAndAreCounted(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer {
		if a.Event == "ok" {
			return says(`{"ack":true}`)
		}
		return answer{500, ""}
	}
	r := serve(t, b.URL, nil)
	c := rawclient.Dial(t, r.url, "/", nil)
	c.Emit("broken")
	if got := text(c.Call("ok")); got != `[true]` {
		t.Errorf("acknowledged with %s", got)
	}
	if r.counted.of("event unavailable") != 1 || len(c.Heard()) != 0 {
		t.Errorf("counted %v, heard %v", r.counted.outcomes, c.Heard())
	}
}

// No more requests than Concurrency are under way, and those who wait get their turn.
func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	const most, clients = 3, 12
	b := newApp(t)
	var underWay atomic.Int32
	full, begin := make(chan struct{}), make(chan struct{})
	turn := sync.OnceFunc(func() { close(full) })
	b.event = func(*asked) answer {
		n := underWay.Add(1)
		defer underWay.Add(-1)
		if n > most {
			t.Errorf("%d requests are under way at once", n)
		}
		if n == most {
			turn()
		}
		<-begin
		return says(`{"ack":true}`)
	}
	r := serve(t, b.URL, func(h *Hook, o *socketio.Options) {
		onlyEvents(h, o)
		h.Concurrency = most
	})
	var all []*sockettest.Client
	for range clients {
		c := sockettest.Dial(t, r.url)
		c.Connect("/", "")
		c.Send(`21["say"]`)
		all = append(all, c)
	}
	sockettest.Receive(t, "as many requests as may be", full)
	sockettest.Eventually(t, "all events wait", func() bool {
		r.counted.mu.Lock()
		defer r.counted.mu.Unlock()
		return r.counted.underWay == clients
	})
	close(begin)
	for _, c := range all {
		c.Expect(`31[true]`)
	}
}

// Who waits for its turn longer than the time-out is told so, and nothing is sent.
func TestTheTimeUntilOnesTurnCounts(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	held, release := make(chan struct{}), make(chan struct{})
	b.event = func(a *asked) answer {
		if a.Event == "hold" {
			close(held)
			<-release
		}
		return says(`{}`)
	}
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { close(release) }) })
	r := serve(t, b.URL, func(h *Hook, o *socketio.Options) {
		onlyEvents(h, o)
		h.Concurrency, h.Timeout = 1, 100*time.Millisecond
	})
	rawclient.Dial(t, r.url, "/", nil).Emit("hold")
	<-held
	// The first one gives up too, at the server; its backend goes on.
	c := rawclient.Dial(t, r.url, "/", nil)
	got := text(c.Call("wait"))
	once.Do(func() { close(release) })
	if !strings.Contains(got, "backend_timeout") && got != `[]` {
		t.Errorf("acknowledged with %s", got)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	c := rawclient.Dial(t, serve(t, b.URL, nil).url, "/", nil)
	for n := range 50 {
		c.Call("n", n)
	}
	peers := make(map[string]bool)
	for _, a := range b.all() {
		peers[a.remote] = true
	}
	if len(peers) > 2 {
		t.Errorf("%d connections for 51 requests one after the other", len(peers))
	}
}

// The backend goes and comes back between two events of one client.
func TestABackendComesBack(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ack":"here"}`) })
	up := func(l net.Listener) *http.Server {
		s := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
		go func() { _ = s.Serve(l) }()
		return s
	}
	first := up(l)
	r := serve(t, "http://"+l.Addr().String(), onlyEvents)
	c := rawclient.Dial(t, r.url, "/", nil)
	if got := text(c.Call("a")); got != `["here"]` {
		t.Errorf("acknowledged with %s", got)
	}
	first.Close()
	if got := text(c.Call("b")); !strings.Contains(got, "backend_unavailable") {
		t.Errorf("acknowledged with %s", got)
	}
	if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	second := up(l)
	defer second.Close()
	if got := text(c.Call("c")); got != `["here"]` {
		t.Errorf("acknowledged with %s", got)
	}
}

// A handler that waits for its backend is told when the server stops, and the stop does
// not take as long as the backend.
func TestAStopGivesUpWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	underWay, release := make(chan struct{}), make(chan struct{})
	b.event = func(*asked) answer {
		close(underWay)
		<-release
		return says(`{}`)
	}
	t.Cleanup(func() { close(release) })
	r := serve(t, b.URL, func(h *Hook, o *socketio.Options) {
		onlyEvents(h, o)
		h.Timeout = time.Hour
	})
	rawclient.Dial(t, r.url, "/", nil).Emit("say")
	sockettest.Receive(t, "the event", underWay)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if r.counted.of("event gone") != 1 {
		t.Errorf("counted %v", r.counted.outcomes)
	}
}
