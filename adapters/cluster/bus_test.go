package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// bus is a backend within one process. What a node publishes is brought to each
// other one by a goroutine of the receiver, in order. Its fields change how it
// fails; set them before it is used, or use the methods.
type bus struct {
	anonymous bool // answers do not say who they are of
	nameless  bool // drivers are no rosters

	mu     sync.Mutex
	nodes  map[string]map[string]*port // by namespace and node
	down   error                       // what publishing and counting return
	onTell func(from, to string, m *cluster.Message) []*cluster.Message
}

func newBus() *bus { return &bus{nodes: make(map[string]map[string]*port)} }

// factory returns the factory of a node.
func (b *bus) factory(node string, o cluster.Options) socketio.AdapterFactory {
	o.NodeID = node
	return func(l *socketio.Local) (socketio.Adapter, error) {
		return cluster.New(l, func(a *cluster.Adapter) (cluster.Driver, error) {
			if b.nameless {
				return struct{ cluster.Driver }{b.join(a)}, nil
			}
			return b.join(a), nil
		}, o)
	}
}

func (b *bus) join(a *cluster.Adapter) *port {
	p := &port{bus: b, a: a, namespace: a.Namespace().Name(), wake: make(chan struct{}, 1), end: make(chan struct{}), ended: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nodes[p.namespace] == nil {
		b.nodes[p.namespace] = make(map[string]*port)
	}
	b.nodes[p.namespace][a.NodeID()] = p
	go p.run()
	return p
}

// kill makes a node's messages go nowhere from now on, and the others see it gone.
func (b *bus) kill(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, in := range b.nodes {
		delete(in, node)
	}
}

func (b *bus) setDown(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = err
}

// intercept has f decide what comes of a message between two nodes.
func (b *bus) intercept(f func(from, to string, m *cluster.Message) []*cluster.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.onTell = f
}

// port is one node's driver of one namespace.
type port struct {
	bus       *bus
	a         *cluster.Adapter
	namespace string

	mu    sync.Mutex
	queue []*cluster.Message
	wake  chan struct{}
	end   chan struct{}
	ended chan struct{}
	once  sync.Once
}

var _ cluster.Roster = (*port)(nil)

func (p *port) run() {
	defer close(p.ended)
	for {
		select {
		case <-p.end:
			return
		case <-p.wake:
		}
		for {
			p.mu.Lock()
			if len(p.queue) == 0 {
				p.mu.Unlock()
				break
			}
			m := p.queue[0]
			p.queue = p.queue[1:]
			p.mu.Unlock()
			p.a.Receive(m)
		}
	}
}

func (p *port) push(m *cluster.Message) {
	p.mu.Lock()
	p.queue = append(p.queue, m)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// tell sends a message to the nodes for which to returns true.
func (p *port) tell(m *cluster.Message, to func(node string) bool) error {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	if p.bus.down != nil {
		return p.bus.down
	}
	if p.bus.nodes[p.namespace][p.a.NodeID()] != p {
		return errors.New("this node is gone")
	}
	for id, other := range p.bus.nodes[p.namespace] {
		if other == p || !to(id) {
			continue
		}
		c, err := carried(p.namespace, m)
		if err != nil {
			return err
		}
		all := []*cluster.Message{c}
		if p.bus.onTell != nil {
			all = p.bus.onTell(p.a.NodeID(), id, c)
		}
		for _, m := range all {
			other.push(m)
		}
	}
	return nil
}

func (p *port) Publish(m *cluster.Message) error {
	return p.tell(m, func(string) bool { return true })
}

func (p *port) Reply(to string, m *cluster.Message) error {
	c := *m
	if p.bus.anonymous {
		c.From = ""
	}
	return p.tell(&c, func(node string) bool { return node == to })
}

func (p *port) Count(context.Context) (int, error) {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	return len(p.bus.nodes[p.namespace]), p.bus.down
}

func (p *port) Nodes(context.Context) ([]string, error) {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	var ids []string
	for id, other := range p.bus.nodes[p.namespace] {
		if other != p {
			ids = append(ids, id)
		}
	}
	return ids, p.bus.down
}

func (p *port) Missing(answered map[string]bool) []string {
	p.bus.mu.Lock()
	defer p.bus.mu.Unlock()
	ids := slices.Sorted(maps.Keys(p.bus.nodes[p.namespace]))
	return slices.DeleteFunc(ids, func(id string) bool { return id == p.a.NodeID() || answered[id] })
}

func (p *port) Close() error {
	p.bus.mu.Lock()
	if p.bus.nodes[p.namespace][p.a.NodeID()] == p {
		delete(p.bus.nodes[p.namespace], p.a.NodeID())
	}
	p.bus.mu.Unlock()
	p.once.Do(func() { close(p.end) })
	<-p.ended
	return nil
}

// carried is what arrives of a message: values have become MessagePack.
func carried(namespace string, m *cluster.Message) (*cluster.Message, error) {
	c := *m
	var err error
	if m.Packet != nil {
		args, err := list(m.Packet.Args())
		if err != nil {
			return nil, err
		}
		if c.Packet, err = socketio.NewPacket(namespace, m.Packet.Event(), args); err != nil {
			return nil, err
		}
	}
	if m.Args != nil {
		args, e := list(m.Args)
		c.Args, err = []any{args}, e
	}
	return &c, err
}

func list(values []any) (socketio.Args, error) {
	body, n, err := wire.AppendMsgpackValues(nil, values)
	if err != nil {
		return socketio.Args{}, err
	}
	args, _, err := wire.ParseMsgpackList(append(wire.AppendMsgpackArray(nil, n), body...))
	return args, err
}

// nodeName is what a node of a test is called.
func nodeName(i int) string { return fmt.Sprintf("node-%d", i) }

func clusterOf(b *bus) func(int) socketio.AdapterFactory {
	return func(i int) socketio.AdapterFactory { return b.factory(nodeName(i), cluster.Options{}) }
}
