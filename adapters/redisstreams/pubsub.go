package redisstreams

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
)

// evictPatience bounds how long a node that takes a session over waits for the node
// that had it: one that does not answer has no say, as the record is not its any more.
const evictPatience = 2 * time.Second

// pubsub is what the namespaces of a hub share of Pub/Sub.
type pubsub struct {
	hub   *Hub
	in    *redisclient.Subscription
	out   *redisclient.Publisher
	count *redisclient.Counter
	last  atomic.Uint64 // request of evict

	mu      sync.Mutex
	evicted map[uint64]chan struct{} // who waits for the answers
}

func newPubSub(h *Hub) (*pubsub, error) {
	p := &pubsub{
		hub: h, in: redisclient.Subscribe(h.redis), out: redisclient.NewPublisher(h.redis, redisclient.PublisherOptions{
			OnSent: func(sent, failed int, took time.Duration) {
				cluster.Sent(h.o.Observer, cluster.PubSub, sent, failed, took)
			},
		}),
		count: redisclient.NewCounter(h.redis), evicted: make(map[uint64]chan struct{}),
	}
	err := p.in.Add(&redisclient.Topic{
		Channels: []string{p.node(h.o.NodeID)},
		Receive:  func(_ string, payload []byte) { p.takeNote(payload) },
		Up:       func(bool) {}, Lost: func(error) {}, // what is asked again finds out
	})
	return p, err
}

func (p *pubsub) public(namespace string) string { return p.hub.o.Prefix + "#" + namespace + "#" }
func (p *pubsub) private(namespace, node string) string {
	return p.public(namespace) + node + "#"
}

// node is the channel on which nodes speak to one another, whatever the namespace.
func (p *pubsub) node(id string) string { return p.hub.o.Prefix + "-sockeye#" + id + "#" }

func (p *pubsub) close() {
	p.in.Close()
	p.out.Close()
}

// driver carries the messages of one namespace that do not belong into the log.
type driver struct {
	p         *pubsub
	namespace string
	adapter   *cluster.Adapter
	topic     *redisclient.Topic
	roster    *redisclient.Roster
}

var _ cluster.Roster = (*driver)(nil)

// open opens the driver of a namespace. One that was there before is empty, or would not
// be opened again: it is about to be closed.
func (p *pubsub) open(namespace string, a *cluster.Adapter) (*driver, error) {
	d := &driver{p: p, namespace: namespace, adapter: a}
	d.roster = redisclient.NewRoster(p.count, p.public(namespace), p.hub.o.NodeID)
	d.topic = &redisclient.Topic{ // of which no loss matters: questions time out
		Channels: []string{p.public(namespace), p.private(namespace, p.hub.o.NodeID)},
		Receive:  d.receive,
	}
	return d, p.in.Take(d.topic)
}

func (d *driver) receive(channel string, payload []byte) {
	o := d.p.hub.o.Observer
	o.Received(cluster.PubSub, 1)
	namespace, m, err := decodeMessage(payload)
	switch {
	case err != nil:
		o.NotUnderstood(cluster.PubSub)
		d.p.hub.log.Warn("a message of another node cannot be read and is left out", "channel", channel, "error", err)
	case m != nil && namespace == d.namespace && m.From != d.p.hub.o.NodeID:
		d.adapter.Receive(m)
	}
}

// Publish sends a question to every other node.
func (d *driver) Publish(m *cluster.Message) error { return d.send(d.p.public(d.namespace), m) }

// Reply sends an answer to one node.
func (d *driver) Reply(to string, m *cluster.Message) error {
	return d.send(d.p.private(d.namespace, to), m)
}

func (d *driver) send(channel string, m *cluster.Message) error {
	payload, err := encodeMessage(d.namespace, m)
	if err != nil {
		return err
	}
	return d.p.out.Publish(channel, payload)
}

var errNotHeard = errors.New("redisstreams: other nodes are not heard")

// Count returns the number of nodes. A node that hears no answers, and is not counted
// itself, must not take the others for none.
func (d *driver) Count(ctx context.Context) (int, error) {
	if err := d.p.in.Await(ctx, d.topic); err != nil {
		return 0, err
	}
	if !d.p.in.Up(d.topic) {
		return 0, errNotHeard
	}
	n, err := d.p.count.Subscribers(ctx, d.p.public(d.namespace))
	return max(n, 1), err
}

// Nodes returns the ids of the other nodes: each hears answers on a channel that has
// its id.
func (d *driver) Nodes(ctx context.Context) ([]string, error) { return d.roster.Nodes(ctx) }

// Missing names the nodes that were there a moment ago and have not answered.
func (d *driver) Missing(answered map[string]bool) []string { return d.roster.Missing(answered) }

// Close ends the driver.
func (d *driver) Close() error {
	d.p.in.Remove(d.topic)
	d.topic.Wait()
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
	if n, err := p.count.Subscribers(ctx, p.node(node)); err != nil || n == 0 {
		return // it is gone, or nobody can be reached
	}
	n.Kind, n.ID = "evict", id
	if p.send(node, n) != nil { //nolint:contextcheck // publishing is bounded by the client's time-outs
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
		p.hub.log.Warn("a node did not answer that it ended a session which is taken over", "node", node)
	}
}

func (p *pubsub) send(node string, n note) error {
	n.V, n.From = noteVersion, p.hub.o.NodeID
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return p.out.Publish(p.node(node), b)
}

func (p *pubsub) takeNote(payload []byte) {
	p.hub.o.Observer.Received(cluster.PubSub, 1)
	var n note
	if err := json.Unmarshal(payload, &n); err != nil {
		p.hub.o.Observer.NotUnderstood(cluster.PubSub)
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
	if err := p.send(n.From, note{Kind: "evicted", ID: n.ID}); err != nil {
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
	a.Soon(func() { a.ServerSide(event, args, nil) })
}
