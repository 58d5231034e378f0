package engineio

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rawGet sends a GET of the session on a connection of its own and leaves the
// answer to the test.
func (c *pollClient) rawGet(t testing.TB, cacheBuster int) net.Conn {
	t.Helper()
	host := strings.TrimPrefix(strings.TrimSuffix(c.url, "/engine.io/"), "http://")
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /engine.io/?%s&t=%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", c.query, cacheBuster); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A client that reads a long poll answer without a pause was judged by whole
// answers, and cut as a slow reader in the middle of one.
func TestASteadyReaderOfLongPollAnswersIsNotSlow(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{SlowReaderGrace: 400 * time.Millisecond}, nil).poll(4)
	p := c.side()
	for range 100 {
		if err := p.Send(NewMessage(Part{Data: bytes.Repeat([]byte("x"), 100_000)}), 0); err != nil {
			t.Fatal(err)
		}
	}
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	conn := c.rawGet(t, 1)
	buf := make([]byte, 8_000) // 0.8 MB/s: the answer of 1 MiB takes three graces
	for {
		if _, err := conn.Read(buf); err != nil {
			break
		}
		select {
		case why := <-p.closed:
			t.Fatalf("cut while it read: %v", why)
		case <-pace.C:
		}
	}
	c.get().want(t, 200, strings.TrimSuffix(strings.Repeat("4"+strings.Repeat("x", 100_000)+"\x1e", 10), "\x1e"))
}

// Answers that nobody reads used to hold their goroutine and connection for good,
// also when the session had ended. (Not parallel: it looks at all goroutines.)
func TestAnAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	f := serve(t, &Options{BodyTimeout: 200 * time.Millisecond, OutboxMax: 64 << 20}, nil)
	c := f.poll(4)
	p := c.side()
	if err := p.Send(NewMessage(Part{Data: bytes.Repeat([]byte("x"), 60_000_000)}), 0); err != nil {
		t.Fatal(err)
	}
	conn := c.rawGet(t, 1)
	stack := make([]byte, 1<<20)
	writing := func() bool {
		return bytes.Contains(stack[:runtime.Stack(stack, true)], []byte("writeBody"))
	}
	eventually(t, "the answer being written", writing)
	eventually(t, "the answer being given up", func() bool { return !writing() })
	// What the kernel had taken comes, and then the end.
	total, _ := io.Copy(io.Discard, conn)
	if total >= 60_000_000 {
		t.Errorf("all %d bytes came", total)
	}
}

// A ping used to wait behind all of a replay, and a client that took it without a
// pause was cut by the ping timeout.
func TestPingsGoBeforeWhatIsQueued(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{PingInterval: 200 * time.Millisecond, PingTimeout: 5 * time.Second}, nil)
	data := bytes.Repeat([]byte("x"), 60_000)
	endless := func() *Message { return NewMessage(Part{Data: data}) }

	c := f.poll(4)
	if err := c.side().SendPaged(endless); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a ping between two polls", func() bool { return c.get().body == "2" })

	s := f.ws(4)
	if err := s.side(f).SendPaged(endless); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a ping between two pages", func() bool { return s.text() == "2" })
}
