package engineio

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// remote is where the client is.
func (x *exchange) remote() string {
	if x.conn == nil {
		return x.r.RemoteAddr
	}
	if addr := x.like.Value().addr; addr != "" {
		return addr
	}
	return x.conn.addr
}

// write writes an answer of the lane. vary tells that it might have been compressed.
func (c *laneConn) write(x *exchange, contentType, coding string, vary bool, body []byte) {
	p, _ := writeBuffers.Get().(*[]byte)
	now := time.Now()
	b := append((*p)[:0], x.like.Value().head...)
	b = append(append(append(b, "Content-Type: "...), contentType...), "\r\nDate: "...)
	b = append(append(b, httpDate(now)...), "\r\nContent-Length: "...)
	b = append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n"...)
	if coding != "" {
		b = append(append(append(b, "Content-Encoding: "...), coding...), "\r\n"...)
	}
	if vary {
		b = append(b, "Vary: "+varyCoding+"\r\n"...)
	}
	if c.isLast() {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(b, "\r\n"...)
	err := c.send(x, b, body, now)
	*p = b[:0]
	writeBuffers.Put(p)
	c.sent(x, http.StatusOK, err)
}

func (c *laneConn) isLast() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// send writes head and body: a short one at once, a longer one piece by piece, as
// writeBody does.
func (c *laneConn) send(x *exchange, head, body []byte, now time.Time) error {
	size := len(body)
	if size <= answerPiece {
		c.boundWrite(now)
		err := c.writeShort(append(head, body...))
		if err == nil {
			x.srv.stats.bytesOut.Add(uint64(size))
		}
		return err
	}
	c.boundNow()
	if _, err := c.conn.Write(head); err != nil {
		return err
	}
	for len(body) > 0 {
		c.boundNow()
		n, err := c.conn.Write(body[:min(len(body), answerPiece)])
		x.srv.stats.bytesOut.Add(uint64(n)) //nolint:gosec // a count is not negative
		if err != nil {
			return err
		}
		x.session.took(n)
		body = body[n:]
	}
	x.session.answerHandedOver(size)
	return nil
}

// writeShort writes what is taken at once, as nearly always all is, and then waits for the
// rest.
func (c *laneConn) writeShort(b []byte) error {
	p := takePen()
	p.b = b
	rest, err := p.put(c.raw)
	pens.Put(p)
	if err == nil && len(rest) > 0 {
		_, err = c.conn.Write(rest)
	}
	return err
}

// boundWrite gives what is written next at least half of BodyTimeout: to set a deadline costs
// as much as a short write.
func (c *laneConn) boundWrite(now time.Time) {
	if sinceEpoch(now.Add(c.lane.srv.opts.BodyTimeout/2)) >= c.writeBy {
		c.boundNow()
	}
}

// boundNow gives what is written next BodyTimeout.
func (c *laneConn) boundNow() {
	by := time.Now().Add(c.lane.srv.opts.BodyTimeout)
	c.writeBy = sinceEpoch(by)
	_ = c.conn.SetWriteDeadline(by) // writing to a broken connection fails anyway
}

// sent follows every answer.
func (c *laneConn) sent(x *exchange, status int, err error) {
	if err != nil {
		x.srv.opts.Logger.Debug("answer not written", "error", err)
		c.mu.Lock()
		c.last = true
		c.mu.Unlock()
	}
	if hear := x.srv.opts.Answered; hear != nil {
		m := x.like.Value()
		hear(Answered{Method: m.method, Path: m.path, RemoteAddr: x.remote(), Status: status, Took: time.Since(x.began)})
	}
}

// stamp is a text for the header Date, which is made once in a second.
type stamp struct {
	second int64
	text   string
}

var lastStamp atomic.Pointer[stamp]

func httpDate(now time.Time) string {
	second := now.Unix()
	if s := lastStamp.Load(); s != nil && s.second == second {
		return s.text
	}
	s := &stamp{second, now.UTC().Format(http.TimeFormat)}
	lastStamp.Store(s)
	return s.text
}

// outOfLane gives an exchange a request and a writer, for the answers that are rare. They
// have the headers that answers to its kind of requests have.
func (x *exchange) outOfLane() {
	m := x.like.Value()
	x.r = &http.Request{
		Method: m.method, URL: &url.URL{Path: m.path}, Header: http.Header{}, RequestURI: m.path,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: x.remote(),
	}
	w := &laneWriter{x: x, h: http.Header{}}
	for line := range strings.SplitSeq(x.like.Value().head, "\r\n") {
		if k, v, ok := strings.Cut(line, ": "); ok {
			w.h.Add(k, v)
		}
	}
	x.w = w
}

// laneWriter is the writer of an answer that is rare.
type laneWriter struct {
	x      *exchange
	h      http.Header
	status int
}

var _ http.ResponseWriter = (*laneWriter)(nil)

// Header returns what will be sent.
func (w *laneWriter) Header() http.Header { return w.h }

// WriteHeader notes the status.
func (w *laneWriter) WriteHeader(status int) { w.status = status }

// Write sends the whole answer: it is called once.
func (w *laneWriter) Write(body []byte) (int, error) {
	c := w.x.conn
	c.mu.Lock()
	if c.last {
		w.h.Set("Connection", "close")
	}
	c.last = c.last || w.h.Get("Connection") == "close"
	c.mu.Unlock()
	w.h.Set("Date", httpDate(time.Now()))
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + strconv.Itoa(w.status) + " " + http.StatusText(w.status) + "\r\n")
	if err := w.h.Write(&b); err != nil {
		return 0, err
	}
	b.WriteString("\r\n")
	b.Write(body)
	c.boundNow()
	_, err := c.conn.Write([]byte(b.String()))
	c.sent(w.x, w.status, err)
	return len(body), err
}
