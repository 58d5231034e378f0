package load

import (
	"context"
	"net"
	"slices"
	"time"
)

// leaveTimeout bounds how long clients wait for the server to take their leave.
const leaveTimeout = time.Second

// leave has all clients of the run say goodbye, so that the server does not take its
// end for connections that were cut. Those that the server has not let go when
// leaveTimeout is over are cut nevertheless.
func (r *run) leave(ctx context.Context) {
	until := time.Now().Add(leaveTimeout)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	var left []*client
	for _, c := range slices.Concat(r.clients, r.stalled) {
		if c.err != nil || !c.tr.attached() {
			continue
		}
		c.app = unheard{}
		c.dial = func() (net.Conn, error) { return c.ep.dial(ctx, c.number, false) }
		c.goodbye()
		left = append(left, c)
	}
	for len(left) > 0 && time.Now().Before(until) {
		if r.loop.wait(min(time.Until(until), 20*time.Millisecond)) != nil {
			return
		}
		left = slices.DeleteFunc(left, func(c *client) bool { return c.err != nil || c.tr.left() })
	}
}

// goodbye queues what the official client says when it disconnects.
func (c *client) goodbye() {
	c.bare(sioDisconnect)
	c.tr.goodbye()
}

// goodbye queues a close frame; the server then ends the connection.
func (w *webSocket) goodbye() {
	w.out = appendFrame(w.out, opClose, w.key, []byte{0x03, 0xe8}) // 1000, RFC 6455 section 7.4.1
	w.touch()
}

func (w *webSocket) attached() bool { return w.owner != nil }

func (w *webSocket) left() bool { return w.closed }

// goodbye posts a close packet. No further GET follows, as the session is over then.
func (p *polling) goodbye() {
	p.paused = true
	p.send([]byte{eioClose}, false)
}

func (p *polling) attached() bool { return p.owner != nil }

func (p *polling) left() bool { return p.closed || !p.post.busy && len(p.queue) == 0 }
