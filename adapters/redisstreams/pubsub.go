package redisstreams

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
)

// publishTimeout bounds one PUBLISH.
const publishTimeout = 2 * time.Second

// evictPatience bounds how long a node that takes a session over waits for the node
// that had it: one that does not answer has no say, as the record is not its any more.
const evictPatience = 2 * time.Second

// pubsub is what the namespaces of a hub share of Pub/Sub: one connection that is
// subscribed to all their channels.
type pubsub struct {
	hub  *Hub
	conn *redis.PubSub
	last atomic.Uint64 // request of evict

	mu      sync.Mutex
	drivers map[string]*driver // by namespace
	evicted map[uint64]chan struct{}
	closed  bool
}

func newPubSub(h *Hub) *pubsub {
	p := &pubsub{hub: h, drivers: make(map[string]*driver), evicted: make(map[uint64]chan struct{})}
	p.conn = h.redis.Subscribe(h.ctx)
	h.wg.Go(p.receive)
	h.wg.Go(func() { p.subscribe(p.node(h.o.NodeID)) })
	return p
}

func (p *pubsub) public(namespace string) string { return p.hub.o.Prefix + "#" + namespace + "#" }
func (p *pubsub) private(namespace, node string) string {
	return p.public(namespace) + node + "#"
}

// node is the channel on which nodes speak to one another, whatever the namespace.
func (p *pubsub) node(id string) string { return p.hub.o.Prefix + "-sockeye#" + id + "#" }

// subscribe asks for channels. While Redis is away the subscription is made up for
// when it is back.
func (p *pubsub) subscribe(channels ...string) {
	_ = p.conn.Subscribe(p.hub.ctx, channels...) // it remembers them
}

// receive reads what comes, on a goroutine of its own. Nothing is dropped here: what
// handlers cannot keep up with waits in the connection.
func (p *pubsub) receive() {
	for fails := 0; ; {
		m, err := p.conn.Receive(p.hub.ctx)
		if p.hub.ctx.Err() != nil || errors.Is(err, redis.ErrClosed) {
			return
		}
		if err != nil {
			fails++
			p.hub.pause(fails)
			continue
		}
		fails = 0
		if m, ok := m.(*redis.Message); ok {
			p.take(m)
		}
	}
}

func (p *pubsub) take(m *redis.Message) {
	if m.Channel == p.node(p.hub.o.NodeID) {
		p.takeNote(m.Payload)
		return
	}
	namespace, msg, err := decodeMessage([]byte(m.Payload))
	if err != nil {
		p.hub.log.Warn("a message of another node cannot be read and is left out", "channel", m.Channel, "error", err)
		return
	}
	if msg == nil || msg.From == p.hub.o.NodeID || !strings.HasPrefix(m.Channel, p.public(namespace)) {
		return
	}
	p.mu.Lock()
	d := p.drivers[namespace]
	p.mu.Unlock()
	if d != nil {
		d.adapter.Receive(msg)
	}
}

func (p *pubsub) publish(ctx context.Context, channel string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return p.hub.redis.Publish(ctx, channel, payload).Err()
}

func (p *pubsub) close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	return p.conn.Close()
}

// count returns how many nodes are subscribed to a channel, in every part of a Redis
// Cluster.
func (p *pubsub) count(ctx context.Context, channel string) (int, error) {
	ask := func(ctx context.Context, c redis.Cmdable) (int64, error) {
		n, err := c.PubSubNumSub(ctx, channel).Result()
		return n[channel], err
	}
	cluster, ok := p.hub.redis.(*redis.ClusterClient)
	if !ok {
		n, err := ask(ctx, p.hub.redis)
		return int(n), err
	}
	var total atomic.Int64
	err := cluster.ForEachShard(ctx, func(ctx context.Context, c *redis.Client) error {
		n, err := ask(ctx, c)
		total.Add(n)
		return err
	})
	return int(total.Load()), err
}

// driver carries the messages of one namespace that do not belong into the log.
type driver struct {
	p         *pubsub
	namespace string
	adapter   *cluster.Adapter
}

var _ cluster.Driver = (*driver)(nil)

func (p *pubsub) open(namespace string, a *cluster.Adapter) *driver {
	d := &driver{p: p, namespace: namespace, adapter: a}
	p.mu.Lock()
	p.drivers[namespace] = d
	p.mu.Unlock()
	p.hub.wg.Go(func() { p.subscribe(p.public(namespace), p.private(namespace, p.hub.o.NodeID)) })
	return d
}

// Publish sends a question to every other node.
func (d *driver) Publish(m *cluster.Message) error {
	payload, err := encodeMessage(d.namespace, m)
	if err != nil {
		return err
	}
	return d.p.publish(d.p.hub.ctx, d.p.public(d.namespace), payload)
}

// Reply sends an answer to one node.
func (d *driver) Reply(to string, m *cluster.Message) error {
	payload, err := encodeMessage(d.namespace, m)
	if err != nil {
		return err
	}
	return d.p.publish(d.p.hub.ctx, d.p.private(d.namespace, to), payload)
}

// Count returns the number of nodes.
func (d *driver) Count(ctx context.Context) (int, error) {
	n, err := d.p.count(ctx, d.p.public(d.namespace))
	return max(n, 1), err
}

// Missing names nodes that have not answered.
func (d *driver) Missing(answered map[string]bool) []string {
	if f := d.p.hub.o.Missing; f != nil {
		return f(answered)
	}
	return nil
}

// Close ends the driver.
func (d *driver) Close() error {
	p := d.p
	p.mu.Lock()
	if p.drivers[d.namespace] == d {
		delete(p.drivers, d.namespace)
	}
	closed := p.closed
	p.mu.Unlock()
	if closed || p.hub.ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(p.hub.ctx, publishTimeout)
	defer cancel()
	_ = p.conn.Unsubscribe(ctx, p.public(d.namespace), p.private(d.namespace, p.hub.o.NodeID)) // Redis may be away
	return nil
}

// note is what one node says to another about a session. Unknown fields and kinds are
// left alone, so that nodes of different versions get on.
type note struct {
	V    int    `json:"v"`
	Kind string `json:"kind"` // "evict": end the session, it is mine now; "evicted": done
	From string `json:"from"`
	ID   uint64 `json:"id"`
	NSP  string `json:"nsp,omitempty"`
	PID  string `json:"pid,omitempty"`
	// Claim is the number of the claim that ends it: one with a larger number stands.
	Claim uint64 `json:"claim,omitempty"`
}

const noteVersion = 1

// evict has another node end the socket of a session, and waits until it has. A node
// that is gone is not waited for.
func (p *pubsub) evict(ctx context.Context, node string, n note) {
	id, done := p.last.Add(1), make(chan struct{})
	p.mu.Lock()
	p.evicted[id] = done
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.evicted, id)
		p.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, evictPatience)
	defer cancel()
	if n, err := p.count(ctx, p.node(node)); err != nil || n == 0 {
		return // it is gone, or nobody can be reached
	}
	n.Kind, n.ID = "evict", id
	if p.send(ctx, node, n) != nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
		p.hub.log.Warn("a node did not answer that it ended a session which is taken over", "node", node)
	}
}

func (p *pubsub) send(ctx context.Context, node string, n note) error {
	n.V, n.From = noteVersion, p.hub.o.NodeID
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return p.publish(ctx, p.node(node), b)
}

func (p *pubsub) takeNote(payload string) {
	var n note
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		p.hub.log.Warn("a note of another node cannot be read and is left out", "error", err)
		return
	}
	switch n.Kind {
	case "evict":
		p.hub.wg.Go(func() { p.end(n) })
	case "evicted":
		p.mu.Lock()
		if done := p.evicted[n.ID]; done != nil {
			delete(p.evicted, n.ID)
			close(done)
		}
		p.mu.Unlock()
	}
}

// end ends the socket of a session that another node has taken over.
func (p *pubsub) end(n note) {
	if a := p.hub.adapter(n.NSP); a != nil && len(n.PID) >= sidLen {
		a.giveUp(p.hub.ctx, n.PID, n.Claim)
	}
	if err := p.send(p.hub.ctx, n.From, note{Kind: "evicted", ID: n.ID}); err != nil {
		p.hub.log.Debug("an answer did not reach its node", "node", n.From, "error", err)
	}
}

// takeServerSide calls the listeners of a server-side event that a program wrote into
// the stream.
func (a *Adapter) takeServerSide(e *entry) {
	event, args, err := decodeServerSide(e.data)
	if err != nil {
		a.leaveOut(e, err)
		return
	}
	a.hub.aside.add(func() { a.ServerSide(event, args, nil) })
}
