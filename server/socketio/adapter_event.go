package socketio

// AdapterEventKind says what an AdapterEvent is about.
type AdapterEventKind string

// The kinds, with the names they have in the log.
const (
	// AdapterState: the connection to the other nodes was lost, or is back.
	AdapterState AdapterEventKind = "adapter:state"
	// AdapterGap: messages of other nodes may have been missed.
	AdapterGap AdapterEventKind = "adapter:gap"
)

// AdapterEvent tells handlers how the adapter of a namespace fares.
type AdapterEvent struct {
	Kind AdapterEventKind
	// Up says, of AdapterState, that other nodes can be reached.
	Up bool
	// Why says what happened, for people.
	Why string
}

// OnAdapter adds a listener of the state of the adapter: a handler that needs the
// other nodes can stop, or say so to its clients. It is called on a goroutine of
// the adapter and must not wait. Adapters of one node have nothing to tell.
func (n *Namespace) OnAdapter(f func(e AdapterEvent)) Listener {
	return n.register(func(h *hooks, id uint32) { h.adapter = added(h.adapter, id, "", f) })
}

// Opened tells the observer, and nobody else, in what state the adapter of a namespace is
// that is being opened: it hears of changes only from then on.
func (l *Local) Opened(e AdapterEvent) { l.ns.srv.opts.Observer.AdapterEvent(l.ns.name, e) }

// Notify tells the observer and the listeners of the namespace. It is for adapters,
// which also log what happened, once for all namespaces.
func (l *Local) Notify(e AdapterEvent) {
	n := l.ns
	n.srv.opts.Observer.AdapterEvent(n.name, e)
	for _, h := range n.hooks.Load().adapter {
		n.srv.guarded(n.name, "adapter listener", func() { h.call(e) })
	}
}
