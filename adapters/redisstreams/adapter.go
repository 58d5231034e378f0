package redisstreams

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// ErrUnavailable is returned by Emit when the log cannot be written and as much as
// Options.UnloggedMax has gone out without it: the event reached nobody.
var ErrUnavailable = errors.New("redisstreams: the event reached nobody: the log cannot be written, and no more may go out without it")

// Adapter is the adapter of one namespace.
type Adapter struct {
	*cluster.Adapter

	hub  *Hub
	name string

	recovery atomic.Pointer[socketio.Recovery]
	claims   claims
	// heldFrom is where the first entry came that this adapter kept in memory; those before are in
	// Redis, whatever the hub's recent entries begin with. Only the reader sets it.
	heldFrom atomic.Pointer[position]

	mu     sync.Mutex // the delivery lock
	closed bool
}

var (
	_ socketio.ClusterAdapter = (*Adapter)(nil)
	_ socketio.SessionSaver   = (*Adapter)(nil)
	_ socketio.HistoryAdapter = (*Adapter)(nil)
)

func (h *Hub) open(l *socketio.Local) (*Adapter, error) {
	a := &Adapter{hub: h, name: l.Namespace().Name()}
	var err error
	a.Adapter, err = cluster.New(l, func(c *cluster.Adapter) (cluster.Driver, error) {
		return h.pubsub.open(a.name, c)
	}, cluster.Options{NodeID: h.o.NodeID, RequestsTimeout: h.o.RequestsTimeout, Logger: h.log})
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errGone
	}
	h.adapters[a.name] = a
	if h.up { // else it is about to be said how it is
		l.Opened(socketio.AdapterEvent{Kind: socketio.AdapterState, Up: true})
	}
	return a, nil
}

// EnableRecovery turns recovery on.
func (a *Adapter) EnableRecovery(r socketio.Recovery) error {
	a.recovery.Store(&r)
	return nil
}

// keeps is how long what is emitted here must be kept: a cut is noticed late, and the
// client may have missed packets since then, too.
func (a *Adapter) keeps() time.Duration {
	r := a.recovery.Load()
	if r == nil {
		return 0
	}
	return r.MaxDisconnection + a.Namespace().Server().HeartbeatSpan() + renewEvery
}

// Broadcast delivers p to the sockets t names, on all nodes. In a namespace with
// recovery it returns when p is in the log and was delivered here; without, when it
// was delivered here and is on its way. If Redis is lost at that moment, the log line
// and the event adapter:state say so.
func (a *Adapter) Broadcast(p *socketio.Packet, t *socketio.Target) error {
	switch {
	case t.Flags.Local:
		return a.direct(p, t)
	case a.recovery.Load() == nil:
		if err := a.Local.Broadcast(p, t); err != nil {
			return err
		}
		return a.publish(p, t)
	case t.Flags.Volatile:
		if err := a.direct(p, t); err != nil {
			return err
		}
		return a.publish(p, t)
	}
	return a.logged(p, t, func(track bool) (func(), error) { return a.Deliver(p, t, track) })
}

// EmitTo delivers p to one socket of this node.
func (a *Adapter) EmitTo(s *socketio.Socket, p *socketio.Packet, f socketio.Flags) error {
	t := &socketio.Target{Rooms: []string{s.ID()}, Flags: f}
	deliver := func(track bool) (func(), error) { return a.DeliverTo(s, p, f, track) }
	if f.Local || f.Volatile {
		return a.between(p, deliver)
	}
	if !s.Connected() {
		return socketio.ErrDisconnected
	}
	return a.logged(p, t, deliver)
}

// direct delivers to this node alone, between two entries of the log.
func (a *Adapter) direct(p *socketio.Packet, t *socketio.Target) error {
	return a.between(p, func(bool) (func(), error) { return a.Deliver(p, t, false) })
}

// between delivers what is not in the log: clients see where it stands.
func (a *Adapter) between(p *socketio.Packet, deliver deliverFunc) error {
	a.mu.Lock()
	if a.recovery.Load() != nil {
		p.SetOffset(a.hub.at.Load().offset())
	}
	after, err := deliver(false)
	a.mu.Unlock()
	if after != nil {
		after()
	}
	return err
}

// publish tells the other nodes of what was delivered here. It does not wait until they
// can know: one event after the other would take a round trip to Redis each.
func (a *Adapter) publish(p *socketio.Packet, t *socketio.Target) error {
	data, err := encodeBroadcast(p, t)
	if err != nil {
		return err
	}
	return thisNodeOnly(a.hub.append.enqueue(&job{nsp: a.name, kind: typeBroadcast, data: data}))
}

// append tells the other nodes of what was done here, and waits until they can know.
func (a *Adapter) append(kind int, data string) error {
	return thisNodeOnly(a.hub.append.do(&job{nsp: a.name, kind: kind, data: data}))
}

// thisNodeOnly says of what could not be appended that it was done here.
func thisNodeOnly(err error) error {
	if errors.Is(err, errAway) {
		return fmt.Errorf("%w: %w", socketio.ErrThisNodeOnly, err)
	}
	return err
}

// logged appends a packet to the log, from which it is delivered.
func (a *Adapter) logged(p *socketio.Packet, t *socketio.Target, deliver deliverFunc) error {
	if _, err := p.Freeze(); err != nil {
		return err
	}
	data, err := encodeBroadcast(p, t)
	if err != nil {
		return err
	}
	j := &job{nsp: a.name, kind: typeBroadcast, data: data, packet: p, target: t, deliver: deliver, rooms: a.hub.keptRooms(a.name, t)}
	if err = a.hub.append.do(j); !errors.Is(err, errAway) {
		return err
	}
	if !a.hub.takeUnlogged(len(data)) {
		return ErrUnavailable
	}
	a.mu.Lock()
	p.SetOffset(socketio.OffsetUnlogged + cmp.Or(a.hub.at.Load().offset(), nowhere))
	after, err := deliver(true)
	a.mu.Unlock()
	if after != nil {
		after()
	}
	return err
}

// JoinSockets makes the sockets that t names enter rooms, on every node.
func (a *Adapter) JoinSockets(t *socketio.Target, rooms []string) error {
	return a.move(t, rooms, typeJoin, a.Local.JoinSockets)
}

// LeaveSockets makes the sockets that t names leave rooms, on every node.
func (a *Adapter) LeaveSockets(t *socketio.Target, rooms []string) error {
	return a.move(t, rooms, typeLeave, a.Local.LeaveSockets)
}

func (a *Adapter) move(t *socketio.Target, rooms []string, kind int, here func(*socketio.Target, []string) error) error {
	if err := here(t, rooms); err != nil || t.Flags.Local {
		return err
	}
	data, err := encodeMoves(kind, t, rooms, false)
	if err != nil {
		return err
	}
	return a.append(kind, data)
}

// DisconnectSockets disconnects the sockets that t names, on every node.
func (a *Adapter) DisconnectSockets(t *socketio.Target, closeTransport bool) error {
	if err := a.Local.DisconnectSockets(t, closeTransport); err != nil || t.Flags.Local {
		return err
	}
	data, err := encodeMoves(typeDisconnect, t, nil, closeTransport)
	if err != nil {
		return err
	}
	return a.append(typeDisconnect, data)
}

// Close ends the adapter of the namespace. The hub goes on.
func (a *Adapter) Close() error {
	h := a.hub
	h.mu.Lock()
	if h.adapters[a.name] == a {
		delete(h.adapters, a.name)
	}
	h.mu.Unlock()
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	return a.Adapter.Close()
}
