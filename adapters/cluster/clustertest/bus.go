package clustertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Bus connects nodes.
type Bus struct {
	mu    sync.Mutex
	ports map[string]map[string]*port // by namespace and node
}

// New returns a bus without nodes.
func New() *Bus { return &Bus{ports: make(map[string]map[string]*port)} }

// Factory returns the adapter factory of a node, which is named differently from all
// others.
func (b *Bus) Factory(node string) socketio.AdapterFactory {
	return func(l *socketio.Local) (socketio.Adapter, error) {
		return cluster.New(l, func(a *cluster.Adapter) (cluster.Driver, error) { return b.join(a), nil }, cluster.Options{NodeID: node})
	}
}

// Kill ends a node for the others, as if its machine had lost power: nothing that it
// says comes anywhere any more, and it hears nothing.
func (b *Bus) Kill(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ports := range b.ports {
		delete(ports, node)
	}
}

func (b *Bus) join(a *cluster.Adapter) *port {
	p := &port{bus: b, a: a, namespace: a.Namespace().Name()}
	p.awake = sync.NewCond(&p.mu)
	p.running.Go(p.run)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ports[p.namespace] == nil {
		b.ports[p.namespace] = make(map[string]*port)
	}
	b.ports[p.namespace][a.NodeID()] = p
	return p
}

// port is the driver of one namespace of one node.
type port struct {
	bus       *Bus
	a         *cluster.Adapter
	namespace string
	running   sync.WaitGroup

	mu     sync.Mutex
	awake  *sync.Cond
	queue  []*cluster.Message
	closed bool
}

var _ cluster.Driver = (*port)(nil)

// run hands on what came, in order.
func (p *port) run() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.queue) == 0 && !p.closed {
			p.awake.Wait()
		}
		if p.closed {
			return
		}
		m := p.queue[0]
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.a.Receive(m)
		p.mu.Lock()
	}
}

// Publish brings m to all other nodes.
func (p *port) Publish(m *cluster.Message) error {
	return p.tell(m, func(string) bool { return true })
}

// Reply brings m to one node.
func (p *port) Reply(to string, m *cluster.Message) error {
	return p.tell(m, func(node string) bool { return node == to })
}

func (p *port) tell(m *cluster.Message, to func(node string) bool) error {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	nodes := p.bus.ports[p.namespace]
	if nodes[p.a.NodeID()] != p {
		return errors.New("clustertest: this node is gone")
	}
	for id, other := range nodes {
		if other == p || !to(id) {
			continue
		}
		c, err := p.carried(m)
		if err != nil {
			return err
		}
		other.mu.Lock()
		other.queue = append(other.queue, c)
		other.mu.Unlock()
		other.awake.Signal()
	}
	return nil
}

// carried is what arrives of a message: values have become MessagePack, as with Node's
// adapter.
func (p *port) carried(m *cluster.Message) (*cluster.Message, error) {
	c := *m
	if m.Packet != nil {
		args, err := encoded(m.Packet.Args())
		if err != nil {
			return nil, err
		}
		if c.Packet, err = socketio.NewPacket(p.namespace, m.Packet.Event(), args); err != nil {
			return nil, err
		}
	}
	if m.Args != nil {
		args, err := encoded(m.Args)
		if err != nil {
			return nil, err
		}
		c.Args = []any{args}
	}
	return &c, nil
}

func encoded(values []any) (socketio.Args, error) {
	body, n, err := wire.AppendMsgpackValues(nil, values)
	if err != nil {
		return socketio.Args{}, err
	}
	args, _, err := wire.ParseMsgpackList(append(wire.AppendMsgpackArray(nil, n), body...))
	return args, err
}

// Count returns the number of nodes.
func (p *port) Count(context.Context) (int, error) {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	return len(p.bus.ports[p.namespace]), nil
}

// Missing names the nodes that did not answer.
func (p *port) Missing(answered map[string]bool) []string {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	ids := slices.Sorted(maps.Keys(p.bus.ports[p.namespace]))
	return slices.DeleteFunc(ids, func(id string) bool { return id == p.a.NodeID() || answered[id] })
}

// Close leaves the cluster.
func (p *port) Close() error {
	p.bus.mu.Lock()
	if nodes := p.bus.ports[p.namespace]; nodes[p.a.NodeID()] == p {
		delete(nodes, p.a.NodeID())
	}
	p.bus.mu.Unlock()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.awake.Broadcast()
	p.running.Wait()
	return nil
}
