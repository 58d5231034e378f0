package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// driver carries the messages of one namespace.
type driver struct {
	hub   *Hub
	a     *cluster.Adapter
	names channels
	topic *redisclient.Topic

	roster *redisclient.Roster

	telling sync.Mutex // held while the namespace is told; taken before mu

	mu   sync.Mutex
	up   bool // messages are heard
	told *bool
	why  error
}

var _ cluster.Roster = (*driver)(nil)

func newDriver(h *Hub, a *cluster.Adapter) *driver {
	d := &driver{hub: h, a: a, names: channelsOf(h.o.Prefix, a.Namespace().Name(), h.o.NodeID)}
	d.roster = redisclient.NewRoster(h.count, d.names.response, h.o.NodeID)
	d.topic = &redisclient.Topic{
		Patterns: []string{redisclient.Escape(d.names.broadcast) + "*"},
		Channels: []string{d.names.request, d.names.response, d.names.own},
		Receive:  d.receive, Up: d.heard, Lost: d.lost,
	}
	return d
}

// Publish sends m to every other node.
func (d *driver) Publish(m *cluster.Message) error {
	if m.Kind == cluster.KindBroadcast && m.Request == "" {
		payload, err := encodeBroadcast(d.hub.o.NodeID, d.namespace(), m)
		if err != nil {
			return err
		}
		return d.hub.post(d.names.of(&m.Target), payload)
	}
	payload, err := encodeRequest(d.namespace(), m)
	if err != nil {
		return err
	}
	return d.hub.send(d.names.request, payload)
}

// Reply answers the node that asked.
func (d *driver) Reply(to string, m *cluster.Message) error {
	payload, err := encodeResponse(m)
	if err != nil {
		return err
	}
	return d.respond(to, m.Request, payload)
}

// respond publishes an answer where the node that asked hears it.
func (d *driver) respond(to, request string, payload []byte) error {
	channel := d.names.response
	if to != "" && (d.hub.o.SpecificResponses || cluster.Ours(request)) {
		channel += to + "#"
	}
	return d.hub.send(channel, payload)
}

var errNotHeard = errors.New("other nodes are not heard")

// Count returns how many nodes hear questions, this one included.
func (d *driver) Count(ctx context.Context) (int, error) {
	if err := d.reachable(ctx); err != nil {
		return 0, err
	}
	n, err := d.hub.count.Subscribers(ctx, d.names.request)
	if err != nil {
		return 0, fmt.Errorf("counting the nodes: %w", err)
	}
	return n, nil
}

// reachable returns why other nodes cannot be asked, or nil.
func (d *driver) reachable(ctx context.Context) error {
	if err := d.hub.hear.Await(ctx, d.topic); err != nil {
		return err
	}
	d.mu.Lock()
	up, why := d.up, d.why
	d.mu.Unlock()
	switch {
	case up:
		return d.hub.cannotPublish()
	case why != nil:
		return fmt.Errorf("%w: %w", errNotHeard, why)
	}
	return errNotHeard
}

// Nodes returns the ids of the other nodes: each hears answers on a channel that has
// its id.
func (d *driver) Nodes(ctx context.Context) ([]string, error) {
	if err := d.reachable(ctx); err != nil {
		return nil, err
	}
	ids, err := d.roster.Nodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("naming the nodes: %w", err)
	}
	return ids, nil
}

// Missing names the nodes that were there a moment ago and have not answered. Node's
// answers do not say who they are of, so its nodes may be named although they have.
func (d *driver) Missing(answered map[string]bool) []string { return d.roster.Missing(answered) }

// Close stops hearing the namespace.
func (d *driver) Close() error {
	d.hub.remove(d)
	d.topic.Wait()
	return nil
}

func (d *driver) namespace() string { return d.a.Namespace().Name() }

// heard is called when everything of the namespace is heard.
func (d *driver) heard(again bool) {
	d.mu.Lock()
	d.up, d.why = true, nil
	d.mu.Unlock()
	d.hub.heard(nil, again)
	if again {
		d.a.NotifySoon(socketio.AdapterEvent{Kind: socketio.AdapterGap, Why: "the connection to Redis was cut: what other nodes published meanwhile was missed"})
	}
	d.settle()
}

// lost is called when it is not heard any more, or cannot be at the start.
func (d *driver) lost(err error) {
	d.mu.Lock()
	d.up, d.why = false, err
	d.mu.Unlock()
	d.hub.heard(err, false)
	d.settle()
}

// settle tells the namespace whether other nodes can be reached, where that changed.
func (d *driver) settle() {
	d.telling.Lock()
	defer d.telling.Unlock()
	if e, changed := d.state(); changed {
		d.a.NotifySoon(e)
	}
}

// state is what the namespace is to be told, if that is anything new.
func (d *driver) state() (e socketio.AdapterEvent, changed bool) {
	away := d.hub.cannotPublish()
	d.mu.Lock()
	defer d.mu.Unlock()
	up := d.up && away == nil
	if !d.up && d.why == nil || d.told != nil && *d.told == up {
		return e, false
	}
	d.told = &up
	e = socketio.AdapterEvent{Kind: socketio.AdapterState, Up: up, Why: "Redis is there"}
	if !up {
		e.Why = cmp.Or(d.why, away).Error()
	}
	return e, true
}

// receive takes what somebody published.
func (d *driver) receive(channel string, payload []byte) {
	d.hub.o.Observer.Received(cluster.PubSub, 1)
	var err error
	switch channel {
	case d.names.request:
		err = d.request(payload)
	case d.names.response, d.names.own:
		err = d.response(payload)
	default:
		err = d.broadcast(channel, payload)
	}
	if err != nil {
		d.hub.o.Observer.NotUnderstood(cluster.PubSub)
		d.hub.log.Debug("a message on a channel of the cluster was not understood", slog.String("channel", channel), slog.Any("error", err))
	}
}

// broadcast takes a packet of another node or of an emitter.
func (d *driver) broadcast(channel string, payload []byte) error {
	room := d.names.roomOf(channel)
	if room != "" && !d.a.Wanted([]string{room}) {
		return nil
	}
	m, err := decodeBroadcast(d.hub.o.NodeID, d.namespace(), payload, d.a.Wanted)
	if err != nil || m == nil {
		return err
	}
	d.a.Receive(m)
	return nil
}

// response takes an answer. Those to questions of other nodes come here, too, unless
// they have channels of their own.
func (d *driver) response(payload []byte) error {
	r, err := decodeResponse(payload, d.a.Asked)
	if err != nil || r == nil {
		return err
	}
	d.a.Receive(r)
	return nil
}
