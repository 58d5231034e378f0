package socketio

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// Broadcast names sockets of a namespace and emits to them, as Node's
// BroadcastOperator. It is immutable: every verb returns a new one. Slices given
// to it must not be changed afterwards.
type Broadcast struct {
	ns     *Namespace
	parent *ParentNamespace // instead of ns: all of its children
	t      Target
	id     string // see ID
}

func joined(a, b []string) []string {
	if len(a) == 0 {
		return b[:len(b):len(b)]
	}
	return append(a[:len(a):len(a)], b...)
}

// To adds rooms: a socket that is in any of them gets the event, once.
func (b *Broadcast) To(rooms ...string) *Broadcast {
	c := *b
	c.t.Rooms = joined(b.t.Rooms, rooms)
	return &c
}

// In is To.
func (b *Broadcast) In(rooms ...string) *Broadcast { return b.To(rooms...) }

// ToUser adds all sockets of users, wherever they are: see Socket.SetUser.
func (b *Broadcast) ToUser(ids ...string) *Broadcast { return b.To(userRooms(ids)...) }

// ExceptUser leaves out the sockets of users.
func (b *Broadcast) ExceptUser(ids ...string) *Broadcast { return b.Except(userRooms(ids)...) }

// Except leaves out the sockets that are in any of the rooms.
func (b *Broadcast) Except(rooms ...string) *Broadcast {
	c := *b
	c.t.Except = joined(b.t.Except, rooms)
	return &c
}

// Volatile lets the event be dropped where a client is not ready for it.
func (b *Broadcast) Volatile() *Broadcast {
	c := *b
	c.t.Flags.Volatile = true
	return &c
}

// Local keeps to the sockets of this node.
func (b *Broadcast) Local() *Broadcast {
	c := *b
	c.t.Flags.Local = true
	return &c
}

// Compress says whether the event is compressed, where that is configured.
func (b *Broadcast) Compress(on bool) *Broadcast {
	c := *b
	c.t.Flags.NoCompress = !on
	return &c
}

// ID names the event for readers of event streams: EventSource shows the id of the last
// one when it comes back. It stands for the offset of a history, and is told by this node
// alone: it goes with Local.
func (b *Broadcast) ID(id string) *Broadcast {
	c := *b
	c.id = id
	return &c
}

// Timeout bounds the wait of EmitWithAck and FetchSockets.
func (b *Broadcast) Timeout(d time.Duration) *Broadcast {
	c := *b
	c.t.Flags.Timeout = d
	return &c
}

// Emit sends an event. It only queues: an error means that the name is reserved
// or an argument cannot be encoded, or that the adapter could not reach the
// other nodes. One goroutine's events reach each client in order.
func (b *Broadcast) Emit(event string, args ...any) error {
	if b.parent != nil {
		return b.each(func(one *Broadcast) error { return one.Emit(event, args...) })
	}
	p, err := NewPacket(b.ns.name, event, args...)
	if err != nil {
		return err
	}
	p.streamID = b.id
	return b.ns.adapter.Broadcast(p, &b.t)
}

// Send emits a "message" event.
func (b *Broadcast) Send(args ...any) error { return b.Emit("message", args...) }

// EmitWithAck sends an event and waits for the answer of every client it went
// to. When some are missing at the end of the wait the error is an *AckError
// that holds the answers there are.
func (b *Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return b.EmitWithAckWithin(ctx, math.MaxInt, math.MaxInt, event, args...)
}

// EmitWithAckWithin is EmitWithAck that keeps no more answers than so many, and none of
// those that would be more than so many bytes together: clients decide how much they say.
// Those that came and are not kept are AckError.Dropped.
func (b *Broadcast) EmitWithAckWithin(ctx context.Context, answers, bytes int, event string, args ...any) ([]Args, error) {
	if b.parent != nil {
		return nil, ErrUnsupported
	}
	p, err := NewPacket(b.ns.name, event, args...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withTimeout(ctx, b.t.Flags.Timeout)
	defer cancel()
	g := &ackGroup{servers: 1, done: make(chan struct{}), answers: answers, bytes: bytes}
	stop, err := b.ns.adapter.BroadcastAck(ctx, p, &b.t, g)
	if err != nil {
		stop()
		return nil, err
	}
	cause := ErrDisconnected
	select {
	case <-g.done:
	case <-ctx.Done():
		cause = waitError(ctx)
	}
	stop() // the adapter may know more about the cause
	return g.result(cause)
}

// ackGroup is the AckSink of Broadcast.EmitWithAck.
type ackGroup struct {
	done           chan struct{}
	answers, bytes int // that are kept at most

	mu             sync.Mutex
	servers        int // that say how many clients to expect
	said           int // of them that did
	expected, lost int
	came, held     int // answers, and the bytes of those that are kept
	responses      []Args
	failure        error
	over           bool // done is closed
	taken          bool // by result
}

var _ AckSink = (*ackGroup)(nil)

func (g *ackGroup) Servers(n int) {
	g.change(func() { g.servers = n })
}

func (g *ackGroup) Expect(clients int) {
	g.change(func() {
		g.said++
		g.expected += clients
	})
}

func (g *ackGroup) Acked(args Args) {
	g.change(func() {
		g.came++
		if held := args.Held(); len(g.responses) < g.answers && held <= g.bytes-g.held {
			g.held += held
			g.responses = append(g.responses, args)
		}
	})
}

func (g *ackGroup) Lost() {
	g.change(func() { g.lost++ })
}

func (g *ackGroup) Fail(err error) {
	g.change(func() {
		if g.failure == nil {
			g.failure = err
		}
	})
}

func (g *ackGroup) change(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over || g.taken {
		return
	}
	f()
	if g.said > 0 && g.said >= g.servers && g.came+g.lost >= g.expected {
		g.over = true
		close(g.done)
	}
}

func (g *ackGroup) result(cause error) ([]Args, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = true
	e := &AckError{Missing: g.expected - g.came, Responses: g.responses, Dropped: g.came - len(g.responses), Err: cause}
	switch {
	case g.failure != nil:
		e.Missing, e.Err = -1, g.failure
	case g.said < g.servers:
		e.Missing = -1
	case e.Missing > 0:
	case e.Dropped > 0:
		e.Err = ErrTooManyAnswers
	default:
		return g.responses, nil
	}
	return nil, e
}

// FetchSockets returns the sockets.
func (b *Broadcast) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	if b.parent != nil {
		return nil, ErrUnsupported
	}
	ctx, cancel := withTimeout(ctx, b.t.Flags.Timeout)
	defer cancel()
	return b.ns.adapter.FetchSockets(ctx, &b.t)
}

// SocketsJoin makes the sockets enter rooms.
func (b *Broadcast) SocketsJoin(rooms ...string) error {
	if b.parent != nil {
		return b.each(func(one *Broadcast) error { return one.SocketsJoin(rooms...) })
	}
	return b.ns.adapter.JoinSockets(&b.t, rooms)
}

// SocketsLeave makes the sockets leave rooms.
func (b *Broadcast) SocketsLeave(rooms ...string) error {
	if b.parent != nil {
		return b.each(func(one *Broadcast) error { return one.SocketsLeave(rooms...) })
	}
	return b.ns.adapter.LeaveSockets(&b.t, rooms)
}

// DisconnectSockets disconnects the sockets; with closeTransport their
// connections, too.
func (b *Broadcast) DisconnectSockets(closeTransport bool) error {
	if b.parent != nil {
		return b.each(func(one *Broadcast) error { return one.DisconnectSockets(closeTransport) })
	}
	return b.ns.adapter.DisconnectSockets(&b.t, closeTransport)
}

// each does something in every child of the parent.
func (b *Broadcast) each(f func(one *Broadcast) error) error {
	var errs []error
	for _, n := range b.parent.Children() {
		errs = append(errs, f(&Broadcast{ns: n, t: b.t, id: b.id}))
	}
	return errors.Join(errs...)
}
