package redisnodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// round renews this node's lease, reads all records, and wakes who waits for that.
func (n *Registry) round(ctx context.Context) error {
	n.mu.Lock()
	waiters := n.waiters
	n.waiters = nil
	n.mu.Unlock()
	defer func() {
		for _, w := range waiters {
			close(w)
		}
	}()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	ids, err := n.renew(ctx)
	var read map[string]reading
	if err == nil {
		read, err = n.read(ctx, ids)
	}
	if err != nil {
		n.lost(err)
		return err
	}
	back := n.away.Swap(false)
	n.looked.Store(began.UnixNano())
	changes, forget := n.settle(read, ids, back)
	n.publish(changes)
	if back {
		n.opts.Logger.Info("the table of nodes is read from Redis again", "nodes", len(n.known)+1)
	}
	if len(forget) > 0 {
		// Another node may do it too, and one that is there enters itself again.
		return n.client.SRem(ctx, n.keys.index, forget...).Err()
	}
	return nil
}

// lost notes that Redis could not be read.
func (n *Registry) lost(err error) {
	if !n.away.Swap(true) && !errors.Is(err, context.Canceled) {
		n.opts.Logger.Warn("the table of nodes cannot be read from Redis: the last one is kept", "nodes", len(n.known)+1, "error", err)
	}
}

// renew writes this node's record and the secret, and returns the ids of all nodes
// that may be there.
func (n *Registry) renew(ctx context.Context) ([]string, error) {
	text, err := encode(n.opts.Self, false)
	if err != nil {
		return nil, fmt.Errorf("redisnodes: %w", err)
	}
	p := n.client.Pipeline()
	set := p.Set(ctx, n.keys.node+n.opts.Self.ID, text, n.opts.Lease)
	enter := p.SAdd(ctx, n.keys.index, n.opts.Self.ID)
	members := p.SMembers(ctx, n.keys.index)
	secret := n.offerSecret(ctx, p)
	if err := cmp.Or(exec(ctx, p), set.Err(), enter.Err(), members.Err()); err != nil {
		return nil, fmt.Errorf("redisnodes: entering this node: %w", err)
	}
	if secret != nil {
		if err := secret.Err(); err != nil {
			return nil, fmt.Errorf("redisnodes: reading the cluster's secret: %w", err)
		}
		n.adoptSecret([]byte(secret.Val()))
	}
	return members.Val(), nil
}

// exec runs what was queued. Each command has an error of its own; what is returned is
// why none was sent, such as that the server does not know the user.
func exec(ctx context.Context, p redis.Pipeliner) error {
	commands, err := p.Exec(ctx)
	for _, c := range commands {
		if c.Err() != nil {
			return nil //nolint:nilerr // it is that command's
		}
	}
	return err
}

// reading is a record as it was read.
type reading struct {
	text string
	left time.Duration // of the lease
}

// read returns the records of the other nodes that have one.
func (n *Registry) read(ctx context.Context, ids []string) (map[string]reading, error) {
	type pending struct {
		text *redis.StringCmd
		left *redis.DurationCmd
	}
	p := n.client.Pipeline()
	asked := make(map[string]pending, len(ids))
	for _, id := range ids {
		if id != n.opts.Self.ID {
			asked[id] = pending{p.Get(ctx, n.keys.node+id), p.PTTL(ctx, n.keys.node+id)}
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	if err := exec(ctx, p); err != nil {
		return nil, fmt.Errorf("redisnodes: reading the other nodes: %w", err)
	}
	read := make(map[string]reading, len(asked))
	for id, a := range asked {
		text, err := a.text.Result()
		left, lerr := a.left.Result()
		switch {
		case errors.Is(err, redis.Nil) || err == nil && lerr == nil && left < 0:
			continue // it expired, now or between the two
		case err != nil || lerr != nil:
			return nil, fmt.Errorf("redisnodes: reading the other nodes: %w", cmp.Or(err, lerr))
		}
		read[id] = reading{text, left}
	}
	return read, nil
}

// settle brings what is known up to date, and returns what changed and which ids may
// be forgotten. back says that Redis could not be read before.
func (n *Registry) settle(read map[string]reading, ids []string, back bool) (changes []nodes.Change, forget []any) {
	now := time.Now()
	for id, r := range read {
		node, left, err := decode(r.text, id)
		if err != nil {
			n.report(id, r.text, err)
			continue
		}
		e := n.known[id]
		switch {
		case left && e != nil:
			delete(n.known, id)
			changes = append(changes, nodes.Change{Node: e.node, Gone: true})
		case left:
		case e == nil:
			n.known[id] = &entry{node: node, until: now.Add(r.left)}
			changes = append(changes, nodes.Change{Node: node})
		default:
			e.until = now.Add(r.left)
		}
	}
	for _, id := range n.others() {
		e := n.known[id]
		if _, ok := read[id]; ok {
			continue
		}
		if back { // it could not renew its lease either
			e.until = later(e.until, now.Add(n.opts.Lease))
		}
		if now.After(e.until) {
			delete(n.known, id)
			changes = append(changes, nodes.Change{Node: e.node, Gone: true})
		}
	}
	for _, id := range ids {
		_, there := read[id]
		if !there && n.known[id] == nil && id != n.opts.Self.ID {
			forget = append(forget, id)
			delete(n.reported, id)
		}
	}
	slices.SortStableFunc(changes, func(a, b nodes.Change) int { // who is gone first: it may be the same process anew
		switch {
		case a.Gone == b.Gone:
			return 0
		case a.Gone:
			return -1
		}
		return 1
	})
	return changes, forget
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// report logs a record that cannot be used, once.
func (n *Registry) report(id, text string, err error) {
	if n.reported[id] != text {
		n.reported[id] = text
		n.opts.Logger.Warn("a node is left out", "node", id, "error", err)
	}
}

// leave marks this node as gone.
func (n *Registry) leave(ctx context.Context) error {
	text, err := encode(n.opts.Self, true)
	if err == nil {
		err = n.client.Set(ctx, n.keys.node+n.opts.Self.ID, text, n.opts.Lease).Err()
	}
	if err != nil {
		return fmt.Errorf("redisnodes: taking this node out, whose lease ends by itself: %w", err)
	}
	return nil
}
