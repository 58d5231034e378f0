package redisnodes

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// Defaults of Options.
const (
	DefaultPrefix = "socket.io"
	DefaultLease  = 10 * time.Second
)

// Bounds of looking things up.
const (
	roundTimeout = 3 * time.Second        // for one reading of everything
	roundPause   = 100 * time.Millisecond // between the beginnings of two that were asked for
	lookupWait   = time.Second            // for news of an unknown id
	missingFor   = 2 * time.Second        // an id that was not found is not looked for again
	maxMissing   = 4096                   // such ids that are remembered
	maxBackoff   = 3 * time.Second        // between two tries while Redis is away
	minBackoff   = 200 * time.Millisecond
)

// Options configure a Registry. New copies them.
type Options struct {
	// Self is this node: its ID is that of nodes.NewID, its URL where others reach it.
	Self nodes.Node
	// Prefix begins the names of all keys, in braces ("socket.io").
	Prefix string
	// Secret is what the nodes prove themselves with. Nil: one is made up by the first
	// node and kept in Redis.
	Secret []byte
	// Lease is how long a node that says nothing is taken for there (10 s). It renews
	// its lease three times in that time.
	Lease  time.Duration
	Logger *slog.Logger
}

// Registry is what this node knows of the others. Start begins it, Close ends it.
type Registry struct {
	client redis.UniversalClient
	opts   Options
	keys   keys

	table   atomic.Pointer[map[string]nodes.Node] // immutable; self is in it
	secrets atomic.Pointer[[][]byte]              // immutable; the one in use first
	away    atomic.Bool                           // Redis could not be read last time
	looked  atomic.Int64                          // when the last round began that could, Unix nanoseconds

	kick  chan struct{} // holds one token: somebody waits for news
	stop  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine has ended
	begun atomic.Bool

	mu        sync.Mutex
	waiters   []chan struct{} // closed when the next round is over
	missing   map[string]time.Time
	listeners []*listener
	closed    bool

	// Owned by the goroutine.
	known    map[string]*entry
	reported map[string]string
	fresh    []byte // the secret that is made up unless there is one
}

type listener struct{ f func(c nodes.Change) }

type keys struct{ index, node, secret string }

// entry is another node, as it was read last.
type entry struct {
	node  nodes.Node
	until time.Time // the end of its lease, by this node's clock
}

var (
	_ nodes.Registry = (*Registry)(nil)
	_ nodes.Secrets  = (*Registry)(nil)
)

// New returns a registry that knows this node only. The client is the caller's, who
// closes it after Close.
func New(client redis.UniversalClient, o Options) *Registry {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	tag := "{" + o.Prefix + "}:"
	n := &Registry{
		client: client, opts: o, keys: keys{index: tag + "nodes", node: tag + "node:", secret: tag + "secret"},
		kick: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
		missing: make(map[string]time.Time), known: make(map[string]*entry), reported: make(map[string]string),
	}
	n.table.Store(&map[string]nodes.Node{o.Self.ID: o.Self})
	if o.Secret != nil {
		n.secrets.Store(&[][]byte{slices.Clone(o.Secret)})
	}
	return n
}

// Start enters this node and reads the others, within 3 seconds, and goes on doing so
// until Close. An error says that this did not succeed yet; it is tried again.
func (n *Registry) Start(ctx context.Context) error {
	if n.begun.Swap(true) {
		return errors.New("redisnodes: started twice")
	}
	err := n.round(ctx)
	go n.run(context.WithoutCancel(ctx))
	return err
}

// Close takes this node out and ends. What it knows can still be asked for. It is
// idempotent.
func (n *Registry) Close(ctx context.Context) error {
	n.mu.Lock()
	first := !n.closed
	n.closed = true
	n.mu.Unlock()
	if !n.begun.Load() {
		return nil
	}
	if first {
		close(n.stop)
	}
	select {
	case <-n.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !first {
		return nil
	}
	return n.leave(ctx)
}

// Self returns this node.
func (n *Registry) Self() nodes.Node { return n.opts.Self }

// Nodes returns all that are there.
func (n *Registry) Nodes() []nodes.Node { return nodes.Sorted(*n.table.Load()) }

// Lookup returns the node of an id. For one that it does not know it reads Redis once
// more, with everybody who asks meanwhile, and at most ten times a second; it waits a
// second at most, and not at all while Redis is away, or for an id that it has looked
// for in the last two seconds.
func (n *Registry) Lookup(ctx context.Context, id string) (nodes.Node, bool) {
	if node, ok := (*n.table.Load())[id]; ok {
		return node, true
	}
	if n.away.Load() {
		return nodes.Node{}, false
	}
	now := time.Now()
	n.mu.Lock()
	if now.Sub(n.missing[id]) < missingFor {
		n.mu.Unlock()
		return nodes.Node{}, false
	}
	n.mu.Unlock()
	if !n.await(ctx) {
		return nodes.Node{}, false
	}
	if node, ok := (*n.table.Load())[id]; ok {
		return node, true
	}
	n.mu.Lock()
	if len(n.missing) >= maxMissing {
		clear(n.missing)
	}
	n.missing[id] = now
	n.mu.Unlock()
	return nodes.Node{}, false
}

// await waits for the end of a round that begins from now on, and reports whether
// there was one.
func (n *Registry) await(ctx context.Context) bool {
	over := make(chan struct{})
	n.mu.Lock()
	if n.closed || !n.begun.Load() {
		n.mu.Unlock()
		return false
	}
	n.waiters = append(n.waiters, over)
	n.mu.Unlock()
	select {
	case n.kick <- struct{}{}:
	default:
	}
	timer := time.NewTimer(lookupWait)
	defer timer.Stop()
	select {
	case <-over:
		return !n.away.Load()
	case <-timer.C:
	case <-ctx.Done():
	case <-n.stop:
	}
	return false
}

// OnChange adds a listener. It is called from one goroutine and must not wait.
func (n *Registry) OnChange(f func(c nodes.Change)) (remove func()) {
	l := &listener{f}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners = append(slices.Clone(n.listeners), l)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.listeners = slices.DeleteFunc(slices.Clone(n.listeners), func(x *listener) bool { return x == l })
	}
}

// run reads again and again, until Close.
func (n *Registry) run(ctx context.Context) {
	defer close(n.ended)
	ctx, cancel := context.WithCancel(ctx)
	var stopping sync.WaitGroup
	defer stopping.Wait()
	stopping.Go(func() {
		<-n.stop
		cancel()
	})
	timer := time.NewTimer(n.pause(minBackoff))
	defer timer.Stop()
	backoff := minBackoff
	for {
		select {
		case <-n.stop:
			return
		case <-timer.C:
		case <-n.kick:
			if !n.breathe() {
				return
			}
		}
		if n.round(ctx) == nil {
			backoff = minBackoff
		} else {
			backoff = min(2*backoff, maxBackoff)
		}
		timer.Reset(n.pause(backoff))
	}
}

// breathe keeps rounds that are asked for apart. It reports false at the end.
func (n *Registry) breathe() bool {
	wait := roundPause - time.Since(time.Unix(0, n.looked.Load()))
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-n.stop:
		return false
	}
}

// pause is how long to wait for the next round: a third of the lease, give or take a
// tenth of that, or less if the lease of a node whose record is missing ends earlier.
func (n *Registry) pause(backoff time.Duration) time.Duration {
	if n.away.Load() {
		return backoff
	}
	d := n.opts.Lease / 3
	d += rand.N(d/5+1) - d/10 //nolint:gosec // spreading needs no secrecy
	now := time.Now()
	for _, e := range n.known {
		if left := e.until.Sub(now); left < d {
			d = max(left, 0) + time.Millisecond
		}
	}
	return d
}

// publish makes what was read what can be asked for, and tells the listeners.
func (n *Registry) publish(changes []nodes.Change) {
	if len(changes) > 0 {
		table := map[string]nodes.Node{n.opts.Self.ID: n.opts.Self}
		for id, e := range n.known {
			table[id] = e.node
		}
		n.table.Store(&table)
	}
	for _, c := range changes {
		log := n.opts.Logger.With("node", c.Node.ID, "url", c.Node.URL, "version", c.Node.Version)
		if c.Gone {
			log.Info("another node is gone")
		} else {
			log.Info("another node is there")
		}
	}
	n.mu.Lock()
	listeners := n.listeners
	n.mu.Unlock()
	for _, c := range changes {
		for _, l := range listeners {
			l.f(c)
		}
	}
}

// others returns the ids of the nodes that are known, in order.
func (n *Registry) others() []string { return slices.Sorted(maps.Keys(n.known)) }
