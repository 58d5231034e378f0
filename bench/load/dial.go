package load

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// redialTimeout bounds a new connection of a polling client, and its first answer
// while no loop owns it.
const redialTimeout = 5 * time.Second

// dialer opens clients.
type dialer struct {
	eps     []endpoint // the clients take them in turn, by their number
	onward  *endpoint  // where they go with an open session, nil to stay
	work    Work
	format  *format
	stalled []bool // by number: those that will not read; nil for none
	idle    bool   // the clients join nothing

	tried atomic.Int64 // clients that are open or failed

	mu       sync.Mutex
	opened   []*client // by dialAll, and not taken yet
	spent    latencies
	failed   int
	inARow   int       // failed since the last that succeeded
	last     error     // why the last one failed
	errs     []error   // the first few
	finished time.Time // when the last client was open
}

// dialAll opens n clients with numbers from first on. Those that are open are there
// for take at once; failures are counted.
func (d *dialer) dialAll(ctx context.Context, first, n int) {
	var next atomic.Int64
	var tasks sync.WaitGroup
	for range min(d.work.Dials, n) {
		tasks.Go(func() {
			kit := newTools(16 << 10)
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil || d.hopeless() {
					return
				}
				if c := d.dialCounted(ctx, first+i, kit); c != nil {
					d.mu.Lock()
					d.opened = append(d.opened, c)
					d.mu.Unlock()
				}
			}
		})
	}
	tasks.Wait()
	d.finished = time.Now()
}

// hopeless reports whether the server has let nobody in for two rounds of dials.
func (d *dialer) hopeless() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inARow >= 2*d.work.Dials
}

// take returns the clients that dialAll has opened since the last time.
func (d *dialer) take() []*client {
	d.mu.Lock()
	defer d.mu.Unlock()
	opened := d.opened
	d.opened = nil
	return opened
}

func (d *dialer) dialCounted(ctx context.Context, number int, kit *tools) *client {
	start := time.Now()
	c, err := d.dial(ctx, number, kit)
	took := time.Since(start)
	d.tried.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil {
			return nil // given up, not failed
		}
		d.fail(number, err)
		return nil
	}
	d.inARow = 0
	d.spent.add(took)
	return c
}

// fail counts a failure; d.mu is held.
func (d *dialer) fail(number int, err error) {
	d.failed++
	d.inARow++
	d.last = fmt.Errorf("client %d: %w", number, err)
	if len(d.errs) < maxNotes {
		d.errs = append(d.errs, d.last)
	}
}

func (d *dialer) dial(outer context.Context, number int, kit *tools) (*client, error) {
	hello := &greeting{}
	if !d.idle {
		hello.rooms = d.work.roomsOf(number)
	}
	stalled := d.stalled != nil && d.stalled[number]
	c := &client{number: number, ep: d.eps[number%len(d.eps)], onward: d.onward, app: hello, format: d.format, tools: kit}
	ctx, cancel := context.WithTimeout(outer, d.work.DialTimeout)
	defer cancel()
	var stops []func() bool
	c.dial = func() (net.Conn, error) {
		conn, err := c.ep.dial(ctx, number, stalled)
		if err == nil { // what waits for the server ends with ctx too
			stops = append(stops, context.AfterFunc(outer, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }))
		}
		return conn, err
	}
	defer func() {
		c.dial = func() (net.Conn, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(outer), redialTimeout)
			defer cancel()
			return c.ep.dial(ctx, number, stalled)
		}
		for _, stop := range stops {
			stop()
		}
	}()
	err := d.open(c, hello, kit.buf)
	if err == nil {
		err = hello.err
	}
	if err == nil {
		err = c.err
	}
	if err != nil {
		if c.tr != nil {
			c.tr.close()
		}
		return nil, err
	}
	c.app = unheard{}
	return c, nil
}

func (d *dialer) open(c *client, hello *greeting, buf []byte) error {
	connected := func() bool { return hello.connected }
	switch d.work.Transport {
	case WebSocket:
		w := newWebSocket(c, d.work.Deflate)
		c.tr = w
		if err := w.dial("", buf); err != nil {
			return err
		}
		c.bare(sioConnect)
		if err := w.pump(buf, connected); err != nil {
			return err
		}
	case Polling, Upgrade:
		p := newPolling(c)
		c.tr = p
		if err := p.open(buf); err != nil {
			return err
		}
		c.bare(sioConnect)
		if err := p.pump(buf, connected); err != nil {
			return err
		}
		if d.work.Transport == Upgrade {
			if err := p.upgrade(buf, d.work.Deflate); err != nil {
				return fmt.Errorf("upgrade: %w", err)
			}
		}
	}
	if hello.err != nil {
		return nil
	}
	for i, room := range hello.rooms {
		c.emit(int64(i), "join", room, nil)
	}
	return c.pump(buf, func() bool { return hello.joined == len(hello.rooms) })
}

// pump reads until done, before a loop owns the connections.
func (c *client) pump(buf []byte, done func() bool) error {
	switch tr := c.tr.(type) {
	case *webSocket:
		return tr.pump(buf, done)
	case *polling:
		return tr.pump(buf, done)
	}
	return nil
}

func (w *webSocket) dial(sid string, buf []byte) error {
	conn, err := w.c.dial()
	if err != nil {
		return err
	}
	w.conn = conn
	w.request(sid)
	return w.pump(buf, func() bool { return w.open && w.c.sid != "" })
}

// pump reads until done, before a loop owns the connection.
func (w *webSocket) pump(buf []byte, done func() bool) error {
	for {
		if err := w.flushBlocking(); err != nil {
			return err
		}
		if done() {
			return nil
		}
		n, err := w.conn.Read(buf)
		if err != nil {
			return err
		}
		if err := w.feed(buf[:n]); err != nil {
			return err
		}
	}
}

// leave says goodbye before a loop owns the connections, and waits until the server has
// taken notice or leaveTimeout is over.
func (c *client) leave(buf []byte) {
	until := time.Now().Add(leaveTimeout)
	c.goodbye()
	switch tr := c.tr.(type) {
	case *webSocket:
		_ = tr.conn.SetDeadline(until)
	case *polling:
		for _, x := range []*exchange{&tr.get, &tr.post} {
			if x.link != nil {
				_ = x.link.conn.SetDeadline(until)
			}
		}
	}
	_ = c.pump(buf, c.tr.left)
	c.tr.close()
}

// open makes the handshake request.
func (p *polling) open(buf []byte) error {
	for _, x := range []*exchange{&p.get, &p.post} {
		conn, err := p.c.dial()
		if err != nil {
			return err
		}
		x.link = &link{conn: conn, to: x}
	}
	if err := p.pull(); err != nil {
		return err
	}
	return p.pump(buf, func() bool { return p.c.sid != "" })
}

// pump reads until done, before a loop owns the connections. The answer to a
// POST always comes; that to a GET may wait for it.
func (p *polling) pump(buf []byte, done func() bool) error {
	for {
		for _, x := range []*exchange{&p.get, &p.post} {
			x.turn(func(k *link) error { return k.flushBlocking() })
		}
		if p.c.err != nil || done() && !p.post.busy {
			return p.c.err
		}
		x := &p.get
		if p.post.busy {
			x = &p.post
		}
		if x.link == nil {
			return fmt.Errorf("connection not kept alive: %w", errMalformedResponse)
		}
		x.turn(func(k *link) error {
			n, err := k.conn.Read(buf)
			if err != nil {
				return err
			}
			return x.feed(buf[:n])
		})
	}
}

// turn does what a loop does around a link: an error ends it.
func (x *exchange) turn(do func(k *link) error) {
	k := x.link
	if k == nil {
		return
	}
	if err := do(k); err != nil && !k.closed {
		k.close()
		x.ended(err)
	}
}

// upgrade moves the session to a WebSocket: probe, wait until the server has
// released the pending GET, then switch.
func (p *polling) upgrade(buf []byte, deflate bool) error {
	w := newWebSocket(p.c, deflate)
	w.probing = true
	p.paused = true
	defer p.close()
	if err := w.dial(p.c.sid, buf); err != nil {
		return err
	}
	w.send(probe, false)
	err := w.pump(buf, func() bool { return !w.probing })
	if err == nil {
		err = p.pump(buf, func() bool { return !p.get.busy })
	}
	if err == nil {
		w.send(upgrade, false)
		err = w.flushBlocking()
	}
	if err != nil {
		if w.conn != nil {
			w.close()
		}
		return err
	}
	p.c.tr = w
	return nil
}

// greeting is the app of a client until it is connected and in its rooms.
type greeting struct {
	rooms     []string // joined in this order; the place is the id of the ack
	connected bool
	joined    int
	err       error
}

func (g *greeting) packet(_ *client, m packet) {
	switch {
	case m.kind == sioConnect && !g.connected:
		g.connected = true
	case m.kind == sioConnectError:
		g.fail("refused: %.200q", m.raw)
	case m.kind == sioAck && g.joined < len(g.rooms) && m.id < uint64(len(g.rooms)):
		if string(m.arg) != "ok" {
			g.fail("join answered %.200q, want ok", m.raw)
			return
		}
		g.joined++
	case m.kind == sioEvent: // the room is at work already
	default:
		g.fail("unexpected packet %.200q", m.raw)
	}
}

func (g *greeting) fail(format string, args ...any) {
	g.connected, g.joined = true, len(g.rooms) // ends the wait
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

func (g *greeting) gone(_ *client, err error) { g.fail("%w", err) }

// unheard is the app of a client between its greeting and its work.
type unheard struct{}

func (unheard) packet(*client, packet) {}
func (unheard) gone(*client, error)    {}
