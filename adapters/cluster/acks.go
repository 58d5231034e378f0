package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// goneAfter is how many looks in a row must miss a node before its clients count as
// lost: one whose connection to the backend was cut is back soon.
const goneAfter = 2

// slowLook is how often nodes are looked for while only clients are waited for, who
// may take as long as they like.
const slowLook = time.Second

// BroadcastAck delivers p to the sockets that t names, on every node, and tells sink
// of their answers.
func (a *Adapter) BroadcastAck(ctx context.Context, p *socketio.Packet, t *socketio.Target, sink socketio.AckSink) (stop func(), err error) {
	if t.Flags.Local {
		return a.Local.BroadcastAck(ctx, p, t, sink)
	}
	n, err := a.ServerCount(ctx)
	if err != nil { // the clients of this node still get it
		sink.Fail(err)
		return a.Local.BroadcastAck(ctx, p, t, sink)
	}
	r := &ackRequest{sink: sink, heads: headcount{want: n - 1}}
	id := a.asked.add(r)
	sink.Servers(n)
	stopHere, err := a.Local.BroadcastAck(ctx, p, t, sink)
	if err != nil {
		a.asked.remove(id)
		return stopHere, err
	}
	m := &Message{Kind: KindBroadcast, From: a.o.NodeID, Request: id, Packet: p, Target: *t}
	if err := a.publish(m); err != nil {
		r.giveUp(err)
	}
	limit := a.o.RequestsTimeout
	if t.Flags.Timeout > 0 {
		limit = 0 // ctx ends then
	}
	stopWatching := a.watch(r, limit) //nolint:contextcheck // who looks looks for all questions, see lookout
	return func() {
		stopWatching()
		a.asked.remove(id)
		stopHere()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.heads.missing() > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			sink.Fail(a.timeout("broadcast", &r.heads))
		}
	}, nil
}

// watch looks after the nodes that have not counted their clients, for limit unless
// it is 0, and after those whose clients have not answered.
func (a *Adapter) watch(r *ackRequest, limit time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var late <-chan time.Time
		if limit > 0 {
			t := time.NewTimer(limit)
			defer t.Stop()
			late = t.C
		}
		began := time.Now()
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		var l *look
		var looked <-chan struct{}
		for {
			select {
			case <-end:
				return
			case <-a.closing:
				r.abandon()
				return
			case <-late:
				r.giveUpLate(a)
			case <-tick.C:
				if time.Since(began) > DefaultRequestsTimeout {
					tick.Reset(slowLook)
				}
				l = a.census.look()
				looked = l.done
			case <-looked:
				looked = nil
				if l.err == nil {
					r.look(l)
				}
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// ackRequest is a broadcast whose clients answer.
type ackRequest struct {
	sink socketio.AckSink

	mu    sync.Mutex
	heads headcount // of the nodes that count their clients
	peers map[string]*peer
}

var _ listener = (*ackRequest)(nil)

// peer is what one node said; the peer "" are all that did not say who they are.
type peer struct {
	counted  bool
	expected int // clients
	heard    int // of them
	absent   int // looks in a row
	gone     bool
}

func (r *ackRequest) peerLocked(id string) *peer {
	p := r.peers[id]
	if p == nil {
		p = &peer{}
		if r.peers == nil {
			r.peers = make(map[string]*peer)
		}
		r.peers[id] = p
	}
	return p
}

func (r *ackRequest) hear(m *Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peerLocked(m.From)
	if p.gone {
		return
	}
	switch m.Kind {
	case KindClientCount:
		if m.Count < 0 || !r.heads.answered(m.From) {
			return
		}
		p.counted = true
		p.expected += m.Count
		r.sink.Expect(m.Count)
	case KindClientAck:
		if r.hearClientLocked(p, m.From) {
			r.sink.Acked(argsOf(m))
		}
	case KindClientLost:
		if r.hearClientLocked(p, m.From) {
			r.sink.Lost()
		}
	default:
	}
}

// hearClientLocked counts what is heard of a client. It reports false where a node
// speaks for more clients than it has.
func (r *ackRequest) hearClientLocked(p *peer, from string) bool {
	if from != "" && p.counted && p.heard >= p.expected {
		return false
	}
	p.heard++
	return true
}

// look takes note of who is there.
func (r *ackRequest) look(l *look) {
	r.mu.Lock()
	defer r.mu.Unlock()
	heard := 0 // nodes that may be gone, whose clients answered before they were counted
	for id, p := range r.peers {
		switch {
		case id == "" || l.ids == nil || p.gone:
			continue
		case l.ids[id]:
			p.absent = 0
			continue
		}
		if p.absent++; p.absent >= goneAfter {
			r.loseLocked(id, p)
		} else if !p.counted && p.heard > 0 {
			heard++
		}
	}
	r.heads.look(l)
	r.sink.Servers(1 + max(r.heads.want, r.heads.got+heard))
}

// loseLocked says that a node's clients will not answer any more.
func (r *ackRequest) loseLocked(id string, p *peer) {
	p.gone = true
	if !p.counted && p.heard > 0 && r.heads.answered(id) { // its count was lost with it
		p.expected = p.heard
		r.sink.Expect(p.expected)
	}
	for ; p.heard < p.expected; p.heard++ {
		r.sink.Lost()
	}
}

// giveUp stops waiting for nodes that have not counted their clients.
func (r *ackRequest) giveUp(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUpLocked(err)
}

func (r *ackRequest) giveUpLocked(err error) {
	r.sink.Fail(err)
	r.heads.want = r.heads.got
	r.sink.Servers(1 + r.heads.want)
}

func (r *ackRequest) giveUpLate(a *Adapter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heads.missing() > 0 {
		r.giveUpLocked(a.timeout("broadcast", &r.heads))
	}
}

// abandon stops waiting for anything of other nodes.
func (r *ackRequest) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.giveUpLocked(socketio.ErrServerClosed)
	for id, p := range r.peers {
		r.loseLocked(id, p)
	}
}

// argsOf returns the arguments of a received message: none, if the driver gave
// something else.
func argsOf(m *Message) socketio.Args {
	if len(m.Args) == 0 {
		return socketio.Args{}
	}
	args, _ := m.Args[0].(socketio.Args)
	return args
}
