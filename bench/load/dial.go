package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds the whole way of one client to its CONNECT answer, or
	// to the ack of its join.
	dialTimeout = 30 * time.Second
	// redialTimeout bounds a new connection of a polling client, and its first
	// answer while no loop owns it.
	redialTimeout = 5 * time.Second
)

// dialer opens clients.
type dialer struct {
	eps       []endpoint // the clients take them in turn, by their index
	onward    *endpoint  // where they go with an open session, nil to stay
	transport Transport
	room      string // joined when not empty
	atOnce    int

	mu       sync.Mutex
	spent    latencies
	failed   int
	errs     []error   // the first few
	finished time.Time // when the last client was open
}

// dialAll opens n clients with indexes from first on and returns those that
// succeeded. Failures are counted in d.
func (d *dialer) dialAll(ctx context.Context, first, n int) []*client {
	clients := make([]*client, n)
	var next atomic.Int64
	var tasks sync.WaitGroup
	for range min(d.atOnce, n) {
		tasks.Go(func() {
			buf := make([]byte, 16<<10)
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				clients[i] = d.dialCounted(ctx, first+i, buf)
			}
		})
	}
	tasks.Wait()
	d.finished = time.Now()
	opened := clients[:0]
	for _, c := range clients {
		if c != nil {
			opened = append(opened, c)
		}
	}
	return opened
}

func (d *dialer) dialCounted(ctx context.Context, index int, buf []byte) *client {
	start := time.Now()
	c, err := d.dial(ctx, index, buf)
	took := time.Since(start)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.failed++
		if len(d.errs) < maxNotes {
			d.errs = append(d.errs, fmt.Errorf("client %d: %w", index, err))
		}
		return nil
	}
	d.spent.add(took)
	return c
}

func (d *dialer) dial(ctx context.Context, index int, buf []byte) (*client, error) {
	hello := &greeting{room: d.room}
	c := &client{index: index, ep: d.eps[index%len(d.eps)], onward: d.onward, app: hello}
	c.redial = func() (net.Conn, error) {
		redialCtx, cancel := context.WithTimeout(ctx, redialTimeout)
		defer cancel()
		return dialTCP(redialCtx, c.ep.addr)
	}
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	err := d.open(dialCtx, c, hello, buf)
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

func (d *dialer) open(ctx context.Context, c *client, hello *greeting, buf []byte) error {
	connected := func() bool { return hello.connected }
	switch d.transport {
	case WebSocket:
		w := newWebSocket(c)
		c.tr = w
		if err := w.dial(ctx, "", buf); err != nil {
			return err
		}
		c.emit(sioConnectPacket)
		if err := w.pump(buf, connected); err != nil {
			return err
		}
	case Polling, Upgrade:
		p := newPolling(c)
		c.tr = p
		if err := p.open(ctx, buf); err != nil {
			return err
		}
		c.emit(sioConnectPacket)
		if err := p.pump(buf, connected); err != nil {
			return err
		}
		if d.transport == Upgrade {
			if err := p.upgrade(ctx, buf); err != nil {
				return fmt.Errorf("upgrade: %w", err)
			}
		}
	}
	if d.room == "" || hello.err != nil {
		return nil
	}
	c.emit(fmt.Appendf(nil, `20["join",%q]`, d.room))
	joined := func() bool { return hello.joined }
	switch tr := c.tr.(type) {
	case *webSocket:
		return tr.pump(buf, joined)
	case *polling:
		return tr.pump(buf, joined)
	}
	return nil
}

var sioConnectPacket = []byte{sioConnect}

func (w *webSocket) dial(ctx context.Context, sid string, buf []byte) error {
	conn, err := dialTCP(ctx, w.c.ep.addr)
	if err != nil {
		return err
	}
	w.conn = conn
	w.request(sid)
	return w.pump(buf, func() bool { return w.open && w.c.sid != "" })
}

func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	var nd net.Dialer
	conn, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
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

// open makes the handshake request.
func (p *polling) open(ctx context.Context, buf []byte) error {
	for _, x := range []*exchange{&p.get, &p.post} {
		conn, err := dialTCP(ctx, p.c.ep.addr)
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
func (p *polling) upgrade(ctx context.Context, buf []byte) error {
	w := newWebSocket(p.c)
	w.probing = true
	p.paused = true
	defer p.close()
	if err := w.dial(ctx, p.c.sid, buf); err != nil {
		return err
	}
	w.send(probe)
	err := w.pump(buf, func() bool { return !w.probing })
	if err == nil {
		err = p.pump(buf, func() bool { return !p.get.busy })
	}
	if err == nil {
		w.send(upgrade)
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

// greeting is the app of a client until it is connected and, if it should, in
// its room.
type greeting struct {
	room      string
	connected bool
	joined    bool
	err       error
}

func (g *greeting) packet(_ *client, p []byte) {
	switch {
	case len(p) == 0:
		g.fail("empty packet")
	case p[0] == sioConnect && !g.connected:
		g.connected = true
	case p[0] == sioConnectError:
		g.fail("refused: %.200q", p)
	case p[0] == sioAck && g.room != "":
		if string(p) != `30["ok"]` {
			g.fail("join answered %.200q, want ok", p)
		}
		g.joined = true
	case p[0] == sioEvent: // the room is at work already
	default:
		g.fail("unexpected packet %.200q", p)
	}
}

func (g *greeting) fail(format string, args ...any) {
	g.connected, g.joined = true, true // ends the wait
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

func (g *greeting) gone(_ *client, err error) { g.fail("%w", err) }

// unheard is the app of a client between its greeting and its work.
type unheard struct{}

func (unheard) packet(*client, []byte) {}
func (unheard) gone(*client, error)    {}
