package server

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/carry"
	"github.com/sockeye-io/sockeye/server/nodes"
)

// A node that comes to a cluster may just be starting: it is asked a few times whether
// it is there.
const (
	greetTries = 4
	greetPause = time.Second
)

// greeter looks at every node that comes, so that what is set wrong is told at the start
// and not when clients fail.
type greeter struct {
	stop context.CancelFunc

	mu    sync.Mutex
	idle  *sync.Cond // signalled when nobody is looked at
	tasks int        // nodes that are looked at
	ended bool
}

// look looks at a node on a goroutine of its own, unless the end has begun.
func (g *greeter) look(at func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	g.tasks++
	go func() {
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.tasks--
			g.idle.Broadcast()
		}()
		at()
	}()
}

// wait waits until nobody is looked at.
func (g *greeter) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.tasks > 0 {
		g.idle.Wait()
	}
}

// greetNodes begins to look at the nodes that come, until end.
func (a *App) greetNodes(ctx context.Context) {
	g := &greeter{}
	g.idle = sync.NewCond(&g.mu)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	remove := a.nodes.registry.OnChange(func(c nodes.Change) {
		if !c.Gone {
			g.look(func() { a.greet(ctx, c.Node) })
		}
	})
	g.stop = func() {
		remove()
		cancel()
	}
	a.nodes.greeter = g
}

// end waits until nobody is looked at any more.
func (g *greeter) end() {
	if g != nil {
		g.mu.Lock()
		g.ended = true
		g.mu.Unlock()
		g.stop()
		g.wait()
	}
}

// greet warns of a node that this one cannot work with.
func (a *App) greet(ctx context.Context, n nodes.Node) {
	log := a.log.With("node", n.ID, "url", n.URL)
	self := a.nodes.registry.Self()
	if n.Adapter != "" && n.Adapter != self.Adapter {
		log.Warn("another node has another --adapter: what is said on one does not reach the clients of the other",
			"its", n.Adapter, "ours", self.Adapter, "remedy", "give all nodes the same --adapter")
	}
	if n.Path != "" && n.Path != self.Path {
		log.Warn("another node has another --path: requests for sessions of the other cannot be carried",
			"its", n.Path, "ours", self.Path, "remedy", "give all nodes the same --path")
	}
	if n.URL == self.URL {
		log.Warn("another node says that it is reached where this one is: requests for its sessions cannot be carried",
			"remedy", "set --node-url on each node to where the others reach it")
		return
	}
	why, err := a.reach(ctx, n)
	switch {
	case err == nil, ctx.Err() != nil:
	case why == carry.ReasonRefused:
		log.Warn("another node does not take this one for a node of its cluster: requests for its sessions cannot be carried",
			"error", err, "remedy", "give all nodes the same --cluster-secret, or none")
	default:
		log.Warn("another node cannot be reached: requests for its sessions cannot be carried",
			"error", err, "remedy", "see that this node can connect to that address, or set --node-url there to one where it can")
	}
}

// reach asks a node whether it is there, some times.
func (a *App) reach(ctx context.Context, n nodes.Node) (why carry.Reason, err error) {
	for try := 1; ; try++ {
		if why, err = a.nodes.carrier.Check(ctx, n); err == nil || try == greetTries {
			return why, err
		}
		pause := time.NewTimer(greetPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return why, err
		}
		if _, there := a.nodes.registry.Lookup(ctx, n.ID); !there {
			return "", nil
		}
	}
}

// toward returns the address of this machine on the way to the first of some hosts that
// is on another machine: no packet is sent for that.
func toward(hosts []string) (netip.Addr, bool) {
	for _, host := range hosts {
		d := net.Dialer{Timeout: time.Second}
		conn, err := d.DialContext(context.Background(), "udp", host)
		if err != nil {
			continue // its name is not known, or there is no way
		}
		local, ok := conn.LocalAddr().(*net.UDPAddr)
		_ = conn.Close() // nothing was sent
		if ip := local.AddrPort().Addr().Unmap(); ok && ip.IsGlobalUnicast() {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// onlyHere reports whether a URL leads to the machine it is used on.
func onlyHere(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
