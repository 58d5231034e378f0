package engineio

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// drops counts what an Observer is told of dropped messages.
type drops struct {
	noObserver

	n atomic.Int64
}

func (d *drops) MessageDropped(n int) { d.n.Add(int64(n)) }

// chunk is a message that is big enough to fill a connection with a few dozen.
var chunk = NewMessage(Part{Data: []byte(strings.Repeat("x", 256<<10))})

// stuff sends until the session's queue is above limit: then the connection's
// own buffers are full and its reader takes nothing.
func stuff(t *testing.T, p *peer, limit int) {
	t.Helper()
	for range 1000 {
		if err := p.Send(chunk, 0); err != nil {
			t.Fatalf("ended before it was slow: %v", err)
		}
		p.mu.Lock()
		n := p.out.bytes
		p.mu.Unlock()
		if n > limit {
			return
		}
	}
	t.Fatal("the connection takes everything")
}

// An operator reads in the log who was disconnected for being slow, and how.
func TestASlowReaderIsLogged(t *testing.T) {
	t.Parallel()
	for detail, o := range map[Detail]*Options{
		DetailSlowReader:     slowOptions(),
		DetailOutboxOverflow: {OutboxLimit: 1 << 20, OutboxMax: 2 << 20},
	} {
		lines := make(chan string, 10)
		o.Logger = slog.New(slog.NewTextHandler(lineWriter(lines), nil))
		f := start(t, o, &opener{}, false)
		p := f.wsAny(false).side(f)
		for p.Send(chunk, 0) == nil {
			p.mu.Lock()
			n := p.out.bytes
			p.mu.Unlock()
			if n > 8<<20 {
				break
			}
		}
		p.ended(t, ReasonTransportClose, detail)
		line := await(t, "the line", lines)
		for _, want := range []string{"level=WARN", `detail="` + string(detail) + `"`, "transport=websocket", "remote=127.0.0.1:"} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: no %s in %s", detail, want, line)
			}
		}
		if strings.Contains(line, p.ID()) {
			t.Error("the secret id is in the log")
		}
	}
}

// lineWriter sends what is written to a channel.
type lineWriter chan<- string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

func slowOptions() *Options {
	return &Options{OutboxLimit: 1 << 20, OutboxMax: 64 << 20, SlowReaderGrace: 200 * time.Millisecond}
}

func TestAStalledReaderIsDisconnected(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		f := start(t, slowOptions(), &opener{}, secure)
		s, other := f.wsAny(secure), f.wsAny(secure)
		since := time.Now()
		stuff(t, s.side(f), 8<<20)
		s.side(f).ended(t, ReasonTransportClose, DetailSlowReader)
		if took := time.Since(since); took > within/2 {
			t.Errorf("TLS %v: took %v", secure, took)
		}
		if err := s.side(f).Send(chunk, 0); !errors.Is(err, ErrClosed) {
			t.Errorf("TLS %v: Send says %v", secure, err)
		}
		// Nobody else notices.
		if err := other.side(f).Send(says("x"), 0); err != nil {
			t.Fatal(err)
		}
		other.want("4x")
	}
}

// wsAny is ws for servers with and without TLS.
func (f *fixture) wsAny(secure bool) *socket {
	f.t.Helper()
	if !secure {
		return f.ws(4)
	}
	c, err := tls.Dial("tcp", f.http.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	if _, _, err := (ws.Dialer{}).Upgrade(c, mustURL(f.url+"?EIO=4&transport=websocket")); err != nil {
		f.t.Fatal(err)
	}
	s := &socket{t: f.t, conn: c, in: c}
	s.handshake = parseOpen(f.t, s.text())
	return s
}

func TestAStalledPollerIsDisconnected(t *testing.T) {
	t.Parallel()
	c := serve(t, slowOptions(), nil).poll(4)
	stuff(t, c.side(), 4<<20)
	c.side().ended(t, ReasonTransportClose, DetailSlowReader)
	c.gone(t)
}

// One that polls now and then takes something, and lives.
func TestAPollerThatTakesALittleSurvives(t *testing.T) {
	t.Parallel()
	o := slowOptions()
	o.SlowReaderGrace = time.Second
	c := serve(t, o, nil).poll(4)
	stuff(t, c.side(), 6<<20)
	for range 4 {
		select {
		case <-time.After(300 * time.Millisecond):
		case e := <-c.side().closed:
			t.Fatal(e)
		}
		if a := c.get(); a.status != http.StatusOK || len(a.body) < 256<<10 {
			t.Fatalf("%d, %d bytes", a.status, len(a.body))
		}
	}
}

// A reader that takes a little now and then, less than one message in the grace,
// is not slow: it is judged by bytes, and what it gets is whole.
func TestATricklingReaderSurvives(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		o := slowOptions()
		o.SlowReaderGrace = time.Second
		f := start(t, o, &opener{}, secure)
		s := f.wsAny(secure)
		if tcp, ok := s.conn.(*net.TCPConn); ok {
			_ = tcp.SetReadBuffer(64 << 10)
		}
		p := s.side(f)
		stuff(t, p, 16<<20)
		// Two seconds and a half of trickling: at most half a message at a time.
		pr, pw := io.Pipe()
		seen := make(chan int, 1)
		go func() { seen <- readChunks(pr) }()
		buf := make([]byte, 128<<10)
		tick := time.NewTicker(50 * time.Millisecond)
		for range 50 {
			select {
			case <-tick.C:
			case e := <-p.closed:
				t.Fatalf("TLS %v: ended %v", secure, e)
			}
			_ = s.conn.SetReadDeadline(time.Now().Add(within))
			n, err := io.ReadAtLeast(s.conn, buf, 1)
			if err != nil {
				t.Fatalf("TLS %v: %v", secure, err)
			}
			_, _ = pw.Write(buf[:n])
		}
		tick.Stop()
		p.mu.Lock()
		if p.out.bytes <= o.OutboxLimit {
			t.Errorf("TLS %v: the outbox was not above its limit all the while", secure)
		}
		p.mu.Unlock()
		if err := p.Send(says("last"), 0); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(pw, s.conn) }()
		eventually(t, "all is taken", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.out.empty() && !p.flushing
		})
		p.end(&CloseError{Reason: ReasonForcedClose})
		if n := await(t, "the rest", seen); n < 8 {
			t.Errorf("TLS %v: %d whole messages", secure, n)
		}
		_ = pw.Close()
	}
}

// readChunks counts the whole messages up to the last, or returns -1 when one is
// not as it was sent.
func readChunks(r io.Reader) int {
	for n := 0; ; n++ {
		f, err := ws.ReadFrame(r)
		if err != nil || f.Header.Fin != true {
			return -1
		}
		if string(f.Payload) == "4last" {
			go func() { _, _ = io.Copy(io.Discard, r) }()
			return n
		}
		if len(f.Payload) != 1+256<<10 || strings.Trim(string(f.Payload[1:]), "x") != "" {
			return -1
		}
	}
}

// However fast it reads, a session may not queue more than OutboxMax.
func TestAnOutboxThatOverflowsEndsTheSessionAtOnce(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 1 << 20, OutboxMax: 2 << 20, SlowReaderGrace: time.Hour}, nil)
	c, s := f.poll(4), f.ws(4)
	for _, p := range []*peer{c.side(), s.side(f)} {
		var err error
		for range 1000 {
			if err = p.Send(chunk, 0); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrClosed) {
			t.Errorf("Send says %v", err)
		}
		p.ended(t, ReasonTransportClose, DetailOutboxOverflow)
	}
}

func TestDropOldestDropsVolatileMessagesFirst(t *testing.T) {
	t.Parallel()
	var d drops
	o := &Options{OutboxLimit: 1000, OutboxMax: 10_000, SlowReader: SlowReaderDropOldest, SlowReaderGrace: time.Hour, Observer: &d}
	c := serve(t, o, nil).poll(4)
	for i := range 20 {
		flag, name := SendFlag(0), "p"
		if i%2 == 0 {
			flag, name = Volatile, "v"
		}
		if err := c.side().Send(says(name+strings.Repeat("x", 100)), flag); err != nil {
			t.Fatal(err)
		}
	}
	// 20 × 117 bytes are queued at most; the volatile ones went, oldest first.
	if n := d.n.Load(); n != 10 {
		t.Errorf("%d dropped, want 10", n)
	}
	a := c.get()
	if got := strings.Count(a.body, "p"); got != 10 || strings.Contains(a.body, "v") {
		t.Errorf("%d plain messages, volatile: %v", got, strings.Contains(a.body, "v"))
	}
	// A few volatile ones fit.
	for range 3 {
		if err := c.side().Send(says("v"), Volatile); err != nil {
			t.Fatal(err)
		}
	}
	c.get().want(t, http.StatusOK, "4v\x1e4v\x1e4v")
	// With nothing left to drop the session ends.
	for i := 0; c.side().Send(says(strings.Repeat("y", 500)), 0) == nil; i++ {
		if i > 100 {
			t.Fatal("no end")
		}
	}
	c.side().ended(t, ReasonTransportClose, DetailOutboxOverflow)
}

func TestDropOldestStillDisconnectsAStalledReader(t *testing.T) {
	t.Parallel()
	o := slowOptions()
	o.SlowReader = SlowReaderDropOldest
	f := serve(t, o, nil)
	s := f.ws(4)
	stuff(t, s.side(f), 8<<20)
	s.side(f).ended(t, ReasonTransportClose, DetailSlowReader)
}

func TestVolatileMessagesAreDroppedWhenTheClientIsNotReady(t *testing.T) {
	t.Parallel()
	var d drops
	f := serve(t, &Options{Observer: &d}, nil)
	c := f.poll(4)
	if err := c.side().Send(says("v"), Volatile); !errors.Is(err, ErrDropped) {
		t.Errorf("no poll waits: %v", err)
	}
	w := c.hold("")
	if err := c.side().Send(says("v1"), Volatile); err != nil {
		t.Errorf("a poll waits: %v", err)
	}
	if err := c.side().Send(says("v2"), Volatile); !errors.Is(err, ErrDropped) {
		// The poll may have been answered in between; then none waits.
		t.Errorf("the outbox is not empty: %v", err)
	}
	await(t, "the poll", w.answer).want(t, http.StatusOK, "4v1")

	s := f.ws(4)
	eventually(t, "the WebSocket takes it", func() bool { return s.side(f).Send(says("v"), Volatile) == nil })
	s.want("4v")
	stuff(t, s.side(f), 1)
	if err := s.side(f).Send(says("v"), Volatile); !errors.Is(err, ErrDropped) {
		t.Errorf("the WebSocket is busy: %v", err)
	}
	if d.n.Load() < 3 {
		t.Errorf("%d drops counted", d.n.Load())
	}
}
