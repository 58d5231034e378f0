package carry

import (
	"context"
	"time"

	"github.com/sockeye-io/sockeye/server/pace"
)

// Drain is the quiet beginning of a stop; Close follows it. The WebSockets of other
// nodes' sessions, which would be cut all at once by Close, are ended one after the
// other, evenly over a time: their owners are asked to end the sessions, so that nothing
// is cut off and the clients come back by another way. Everything is carried as ever
// meanwhile; WebSockets that begin then, because a balancer has not noticed, are ended
// last. It returns nil after the last, or as soon as none is left, and the context's
// error when ctx is done first. It is called once.
func (c *Carrier) Drain(ctx context.Context, over time.Duration) error {
	all, asking := c.openRelays(), context.WithoutCancel(ctx)
	end := func(x *relay) { c.tasks.Go(func() { c.endRelay(asking, x) }) }
	err := pace.Evenly(ctx, len(all), over, func(i int) { end(all[i]) }, func() bool { return c.Relays() > 0 })
	if err == nil {
		for _, x := range c.openRelays() {
			end(x) // once more, where it is under way
		}
	}
	return err
}

// openRelays returns the WebSockets of other nodes' sessions, in random order, as maps
// have it.
func (c *Carrier) openRelays() []*relay {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*relay, 0, len(c.relays))
	for x := range c.relays {
		all = append(all, x)
	}
	return all
}

// Relays returns how many WebSockets of other nodes' sessions are open.
func (c *Carrier) Relays() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.relays)
}

// endRelay has the owner end the session of a WebSocket, or cuts it where the owner
// cannot.
func (c *Carrier) endRelay(ctx context.Context, x *relay) {
	if x.ending.Load() {
		return
	}
	if err := c.ask(ctx, x.peer, askEnd, x.sid); err != nil {
		x.close()
	}
}
