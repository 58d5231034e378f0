package engineio

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"time"
	"unique"

	"github.com/sockeye-io/sockeye/server/engineio/httplane"
	"github.com/sockeye-io/sockeye/server/workers"
)

// The lane serves long-polling past net/http, for which a client that polls costs two
// connections with a goroutine and buffers each. A connection comes to it when a GET or
// POST on it has been answered in the ordinary way, and stays for as long as requests
// come that are like one that was answered so: the same but for query, length and body.
// What was found out about that one, its middleware included, then holds for them too.
// With anything else the connection goes back to the same http.Server, with what was read
// of it, and may come again.
type lane struct {
	srv *Server

	servers workers.Pool[laneWork]

	mu     sync.Mutex
	closed bool
	conns  map[*laneConn]struct{}
	ways   map[*http.Server]*wayBack
}

func newLane(s *Server) *lane {
	l := &lane{srv: s, conns: make(map[*laneConn]struct{}), ways: make(map[*http.Server]*wayBack)}
	l.servers.Work = laneWork.do
	return l
}

// pattern is what is known of requests that are alike.
type pattern struct {
	print  httplane.Print
	method string
	path   string
	head   string // of the answer, from its first line on, without what each has of its own
	coding string // that the client takes
	binary bool   // the body is said to be binary
	addr   string // where the client is, if that is not the other end of the connection
}

// patternsKept is how many patterns a connection remembers. Browsers send GETs and POSTs on any.
const patternsKept = 2

// patterns are what a connection remembers, the latest first.
type patterns [patternsKept]unique.Handle[pattern]

func (k *patterns) known(p httplane.Print) (h unique.Handle[pattern], ok bool) {
	for _, h = range k {
		if h == (unique.Handle[pattern]{}) {
			return h, false
		}
		if h.Value().print == p {
			return h, true
		}
	}
	return h, false
}

func (k *patterns) learn(m *pattern) {
	for i, h := range k {
		if i == patternsKept-1 || h == (unique.Handle[pattern]{}) || h.Value().print == m.print {
			copy(k[1:i+1], k[:i])
			break
		}
	}
	k[0] = unique.Make(*m)
}

// maxMisses is how often in a row a connection may go back before it has served anything:
// a proxy gives each request an id, perhaps.
const maxMisses = 3

// takeOver takes the connection of a request that has been answered from net/http, if
// there is nothing unusual about it.
func (x *exchange) takeOver() {
	l := x.srv.lane
	if l == nil || !x.usual {
		return
	}
	m, ok := x.pattern()
	way := l.wayOf(x.r)
	if !ok || way == nil {
		return
	}
	hijacker, ok := hijackerOf(x.w)
	if !ok || http.NewResponseController(x.w).Flush() != nil {
		return
	}
	conn, rw, err := hijacker.Hijack()
	if err != nil {
		return
	}
	back := wasReturned(conn)
	if back == nil {
		back = &returned{Conn: conn}
	}
	if back.addr == "" {
		back.addr = conn.RemoteAddr().String()
	}
	if m.addr == back.addr {
		m.addr = ""
	}
	back.patterns.learn(m)
	l.take(way, back, buffered(rw))
}

// hijackerOf returns net/http's own writer. Those that wrap it may have reasons against a
// hijacker that is about to write an answer of its own; here the answer is complete. But one
// that cannot be flushed may hold it back.
func hijackerOf(w http.ResponseWriter) (http.Hijacker, bool) {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			h, ok := w.(http.Hijacker)
			return h, ok
		}
		switch w.(type) {
		case http.Flusher, interface{ FlushError() error }:
		default:
			return nil, false
		}
		w = u.Unwrap()
	}
}

// pattern is what is to be remembered of a request and its answer, if requests that are
// like it can be answered alike.
func (x *exchange) pattern() (m *pattern, ok bool) {
	if x.r.Close || x.r.TLS != nil && x.r.TLS.HandshakeComplete {
		return nil, false
	}
	switch strings.ToLower(x.r.Header.Get("Connection")) {
	case "", "keep-alive":
	default:
		return nil, false
	}
	if a, again := x.r.Context().Value(http.LocalAddrContextKey).(returnedAddr); again && a.conn.misses >= maxMisses {
		return nil, false
	}
	head, ok := laneHead(x.w.Header())
	if !ok {
		return nil, false
	}
	p, ok := httplane.PrintOf(x.r)
	path, _, _ := strings.Cut(x.r.RequestURI, "?")
	return &pattern{print: p, method: x.r.Method, path: path, head: head, coding: acceptedCoding(x.r), binary: x.isBinary(), addr: x.r.RemoteAddr}, ok
}

// laneHead is the head of an answer without what answers have of their own. ok is false
// if there is something in it that may be meant for one answer only.
func laneHead(h http.Header) (head string, ok bool) {
	if h["Content-Length"] == nil { // a middleware has made another body of it
		return "", false
	}
	for _, single := range []string{"Set-Cookie", "Trailer", "Connection", "Transfer-Encoding", "Upgrade"} {
		if _, there := h[single]; there {
			return "", false
		}
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	own := map[string]bool{"Content-Type": true, "Content-Length": true, "Content-Encoding": true, "Date": true, "Vary": true}
	if err := h.WriteSubset(&b, own); err != nil {
		panic(err) // writing to memory cannot fail
	}
	for _, v := range h["Vary"] {
		if v != varyCoding {
			b.WriteString("Vary: " + v + "\r\n")
		}
	}
	return b.String(), true
}

// varyCoding is said of an answer that is compressed for those who take that.
const varyCoding = "Accept-Encoding"

// wayOf returns the way back to the server of a request, or nil.
func (l *lane) wayOf(r *http.Request) *wayBack {
	srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	w := l.ways[srv]
	if w == nil {
		w = newWayBack(srv, r)
		l.ways[srv] = w
		l.srv.wg.Go(w.serve)
	}
	if w.unfit.Load() || w.isClosed() {
		return nil
	}
	return w
}

// take enters a connection. early is what net/http has read of it already.
func (l *lane) take(way *wayBack, r *returned, early []byte) {
	raw := rawReader(r.Conn)
	if raw == nil {
		way.unfit.Store(true)
	}
	if early = append(early, r.early...); raw == nil || len(early) > 0 {
		way.give(&returned{Conn: r.Conn, addr: r.addr, early: early, patterns: r.patterns, misses: r.misses + 1})
		return
	}
	c := &laneConn{lane: l, way: way, conn: r.Conn, addr: r.addr, raw: raw, patterns: r.patterns, misses: r.misses}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		_ = r.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.srv.wg.Add(1)
	l.mu.Unlock()
	c.begin()
}

func (l *lane) left(c *laneConn) {
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	l.srv.wg.Done()
}

// close ends the connections that are at rest, and the others once they are answered.
// None is taken any more, and none goes back.
func (l *lane) close() {
	if l == nil {
		return
	}
	for _, c := range l.closing() {
		c.close(false)
	}
}

// cut closes what connections there still are.
func (l *lane) cut() {
	if l == nil {
		return
	}
	for _, c := range l.closing() {
		c.close(true)
	}
}

func (l *lane) closing() []*laneConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, w := range l.ways {
		_ = w.Close()
	}
	all := make([]*laneConn, 0, len(l.conns))
	for c := range l.conns {
		all = append(all, c)
	}
	return all
}

// laneIdle is how long a connection may be at rest: what the HTTP server says, as
// net/http reads it; 0 is for good.
func laneIdle(s *http.Server) time.Duration {
	if s.IdleTimeout != 0 {
		return max(s.IdleTimeout, 0)
	}
	return max(s.ReadTimeout, 0)
}

// laneHeadMax is the longest head that the HTTP server takes, in bytes.
func laneHeadMax(s *http.Server) int {
	if s.MaxHeaderBytes > 0 {
		return s.MaxHeaderBytes
	}
	return http.DefaultMaxHeaderBytes
}
