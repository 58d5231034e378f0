package carry

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// maxIdle is how many idle connections to one owner are kept.
const maxIdle = 4096

// peer is an owner as this node sees it: the connections to it that are idle, and the
// requests that it has not answered yet.
type peer struct {
	node nodes.Node
	addr string             // host:port
	tls  func() *tls.Config // nil for http

	heard   atomic.Int64 // Unix nanoseconds of the last sign of life
	probing atomic.Bool  // whether a question is under way

	mu          sync.Mutex
	idle        []*conn // the one that rested shortest last
	first, last *flight // in the order they began
	used        time.Time
	closed      bool // nothing enters or rests any more
}

// flight is a request under way to an owner that has not been answered yet.
type flight struct {
	peer  *peer
	began time.Time
	sid   string // of a poll; "" for anything else

	// Guarded by peer.mu.
	prev, next *flight
	conn       *conn
	cut        error // why it was cut, or nil
}

func newPeer(n nodes.Node, config func(host string) *tls.Config) (*peer, error) {
	u, err := url.Parse(n.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("carry: node %s has the address %q, which is none", n.ID, n.URL)
	}
	p := &peer{node: n, used: time.Now()}
	port := u.Port()
	if u.Scheme == "https" {
		if config == nil {
			config = byHost
		}
		p.tls = func() *tls.Config { return config(u.Hostname()) }
		if port == "" {
			port = "443"
		}
	}
	if port == "" {
		port = "80"
	}
	p.addr = net.JoinHostPort(u.Hostname(), port)
	return p, nil
}

// byHost is the default of Options.TLS.
func byHost(host string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
}

// enter puts a flight on the list, unless the peer is closed.
func (p *peer) enter(f *flight) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	f.peer, f.prev = p, p.last
	if p.last != nil {
		p.last.next = f
	} else {
		p.first = f
	}
	p.last = f
	return true
}

// leave takes a flight off the list: it was answered, or has failed. It reports false
// when that was done before.
func (p *peer) leave(f *flight) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.prev == nil && p.first != f {
		return false
	}
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		p.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		p.last = f.prev
	}
	f.prev, f.next, f.conn = nil, nil, nil
	return true
}

// wasCut returns why a flight was cut, or nil.
func (p *peer) wasCut(f *flight) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f.cut
}

// hold gives a flight its connection, unless it was cut meanwhile.
func (p *peer) hold(f *flight, c *conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.cut != nil {
		return f.cut
	}
	f.conn = c
	return nil
}

// abort cuts a flight: its connection is closed, so that whoever reads it wakes up.
func (p *peer) abort(f *flight, why error) {
	p.mu.Lock()
	c := f.conn
	if f.cut == nil {
		f.cut = why
	}
	f.conn = nil
	p.mu.Unlock()
	if c != nil {
		_ = c.Close() // it is of no use any more
	}
}

// abortBefore cuts the flights that began before a time and returns how many.
func (p *peer) abortBefore(t time.Time, why error) int {
	p.mu.Lock()
	var old []*flight
	for f := p.first; f != nil; f = f.next {
		if f.cut == nil && f.began.Before(t) {
			old = append(old, f)
		}
	}
	p.mu.Unlock()
	for _, f := range old {
		p.abort(f, why)
	}
	return len(old)
}

// waitingPolls returns the session ids of the polls under way.
func (p *peer) waitingPolls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sids []string
	for f := p.first; f != nil; f = f.next {
		if f.sid != "" && f.cut == nil {
			sids = append(sids, f.sid)
		}
	}
	return sids
}

// connect returns an idle connection, or a new one; fresh insists on that.
func (p *peer) connect(ctx context.Context, fresh bool) (*conn, error) {
	for now := time.Now(); !fresh; {
		c := p.takeIdle()
		if c == nil {
			break
		}
		if c.usable(now) {
			c.reused = true
			return c, nil
		}
		_ = c.Close() // it is of no use any more
	}
	return p.dial(ctx)
}

func (p *peer) takeIdle() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// rest makes a connection idle.
func (p *peer) rest(c *conn) {
	c.rested = time.Now()
	p.mu.Lock()
	keep := len(p.idle) < maxIdle && !p.closed
	if keep {
		p.idle = append(p.idle, c)
	}
	p.used = c.rested
	p.mu.Unlock()
	if !keep {
		_ = c.Close() // there are enough
	}
}

// sweep closes the connections that rested too long, and the peer too when nothing
// is left of it; it reports that.
func (p *peer) sweep(now time.Time) (closed bool) {
	p.mu.Lock()
	n := 0
	for n < len(p.idle) && now.Sub(p.idle[n].rested) >= maxRest {
		n++
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.closed = p.closed || len(p.idle) == 0 && p.first == nil && now.Sub(p.used) >= maxRest
	closed = p.closed
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Close() // nobody used it
	}
	return closed
}

// close lets nothing in any more, cuts what is under way and closes what is idle.
func (p *peer) close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		_ = c.Close() // nobody uses it
	}
	p.abortBefore(time.Now().Add(time.Hour), errStopping)
}
