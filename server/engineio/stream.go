package engineio

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// An event stream is an HTTP answer that does not end (HTML Living Standard, section
// 9.2, "Server-sent events"). What the session sends goes out as it is:
//
//	id: 1-7\n
//	event: msg\n
//	data: {"text":"hello"}\n
//	\n
//
// Over HTTP/1.1 its connection is taken from net/http, so that an idle one costs no more
// than a WebSocket; the answer has no length and ends with the connection (RFC 9112,
// section 6.3). Over HTTP/2 it is written as a handler writes.

// streamType is the media type of event streams.
const streamType = "text/event-stream"

// streamComment keeps the connection alive. Clients take no notice.
var streamComment = rawFrame([]byte(": \n\n"))

// streamHeaders are those of an answer that is to go through proxies piece by piece.
func (s *Session) streamHeaders(h http.Header, r *http.Request) {
	s.srv.setHeaders(h, r, "")
	h.Set("Content-Type", streamType)
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would gather it
}

// beginStream answers with the head of a stream.
func (s *Session) beginStream(w http.ResponseWriter, r *http.Request) error {
	s.streamHeaders(w.Header(), r)
	if r.ProtoMajor > 1 {
		return s.serveStream(w, r)
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) {
		return s.serveStream(w, r)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailConnectionLost, Err: err})
		return err
	}
	c := newConn(unreturned(conn))
	if !s.carry(c, rawFrame(streamHead(w.Header()))) {
		_ = conn.Close() // the session ended in between
		return nil
	}
	c.begin()
	return nil
}

// streamHead is the head of the answer over HTTP/1.1.
func streamHead(h http.Header) []byte {
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	if err := h.Write(&b); err != nil {
		panic(err) // writing to memory cannot fail
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// serveStream writes the stream through the HTTP server, and returns when the session is
// over.
func (s *Session) serveStream(w http.ResponseWriter, r *http.Request) error {
	conn := newAnswerConn(w, r)
	defer conn.finish()
	w.WriteHeader(http.StatusOK)
	c := newConn(conn)
	if !s.carry(c, streamComment) { // which sends the head too
		return nil
	}
	c.read()
	return nil
}

// skip reads what comes on a stream, whose client has nothing more to say: it sees when
// that goes away.
func (c *wsConn) skip() error {
	n, err := c.frames.skip()
	c.s.srv.stats.bytesIn.Add(uint64(n)) //nolint:gosec // a count is not negative
	return err
}

// tickStream sends the heartbeat of a stream, which nobody answers, with the lock held,
// and releases it. A client has gone without a word if its side has acknowledged nothing
// for PingTimeout of what was sent to it, where that can be seen.
func (s *Session) tickStream() {
	c := s.ws
	s.mu.Unlock()
	queued, now := unsent(c.conn), time.Now()
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	acked := c.wrote.Load() - int64(queued)
	if queued <= 0 || acked > s.guest.acked {
		s.guest.lived = now
	}
	s.guest.acked = acked
	if now.Sub(s.guest.lived) >= s.srv.opts.PingTimeout {
		s.mu.Unlock()
		s.end(&CloseError{Reason: ReasonPingTimeout, Detail: DetailNoPong})
		return
	}
	s.beat.timer.Reset(s.srv.opts.PingInterval)
	if s.state == stateOpen {
		s.out.pushControl(streamComment)
	}
	s.wakeUnlock()
}

// answerConn is an answer of the HTTP server that is written like a connection. It may
// be used after the request is over: finish sees to it that the writer is not.
type answerConn struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gone <-chan struct{} // the client has left
	addr addr

	closed  chan struct{}
	once    sync.Once
	writing atomic.Bool

	mu   sync.Mutex // held while w is written to
	over bool       // finish was called

	deadlines sync.Mutex // held while a deadline is set
	fixed     bool       // finish was called
}

var _ net.Conn = (*answerConn)(nil)

func newAnswerConn(w http.ResponseWriter, r *http.Request) *answerConn {
	return &answerConn{
		w: w, rc: http.NewResponseController(w), gone: r.Context().Done(), addr: addr(r.RemoteAddr),
		closed: make(chan struct{}),
	}
}

// Read waits until the client has left or the connection was closed.
func (a *answerConn) Read([]byte) (int, error) {
	select {
	case <-a.gone:
		return 0, io.ErrUnexpectedEOF
	case <-a.closed:
		return 0, io.EOF
	}
}

// Write writes b and sends it.
func (a *answerConn) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.isClosed() {
		return 0, net.ErrClosed
	}
	a.writing.Store(true)
	defer a.writing.Store(false)
	if a.isClosed() { // Close may not have seen that there is something to interrupt
		return 0, net.ErrClosed
	}
	n, err := a.w.Write(b)
	if err == nil {
		err = a.rc.Flush()
	}
	return n, err
}

func (a *answerConn) isClosed() bool {
	select {
	case <-a.closed:
		return true
	default:
		return false
	}
}

// Close ends the answer. A Write that is under way fails.
func (a *answerConn) Close() error {
	a.once.Do(func() { close(a.closed) })
	if a.writing.Load() {
		return a.SetWriteDeadline(time.Now())
	}
	return nil
}

// finish waits for a Write that is under way, and lets go of the writer.
func (a *answerConn) finish() {
	_ = a.Close()
	a.mu.Lock()
	a.over = true
	a.mu.Unlock()
	a.deadlines.Lock()
	a.fixed = true
	a.deadlines.Unlock()
}

// SetWriteDeadline bounds Write.
func (a *answerConn) SetWriteDeadline(t time.Time) error {
	a.deadlines.Lock()
	defer a.deadlines.Unlock()
	if a.fixed {
		return net.ErrClosed
	}
	return a.rc.SetWriteDeadline(t)
}

// SetDeadline is SetWriteDeadline: nothing is read.
func (a *answerConn) SetDeadline(t time.Time) error { return a.SetWriteDeadline(t) }

// SetReadDeadline does nothing: see SetDeadline.
func (a *answerConn) SetReadDeadline(time.Time) error { return nil }

// LocalAddr is not known.
func (a *answerConn) LocalAddr() net.Addr { return addr("") }

// RemoteAddr is that of the request.
func (a *answerConn) RemoteAddr() net.Addr { return a.addr }

// addr is the text of an address.
type addr string

// Network is TCP's.
func (addr) Network() string { return "tcp" }

// String is the address.
func (a addr) String() string { return string(a) }
