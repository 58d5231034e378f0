package limit

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Door. Zero is no limit everywhere.
type Options struct {
	// Connections bounds the sessions of this node.
	Connections int
	// IPConnections and IPHandshakes bound the sessions of an address, and how fast
	// they may follow each other; UserConnections and UserHandshakes those of a user.
	IPConnections, UserConnections int
	IPHandshakes, UserHandshakes   Rate
	// Events bounds the events of a connection, and Bytes what it sends.
	Events, Bytes Rate

	// Except are addresses that are not counted; nil is none.
	Except func(netip.Addr) bool
	// Shared counts handshakes together with other nodes; nil is this node alone.
	Shared Shared

	Logger   *slog.Logger
	Observer Observer
}

// Off reports whether nothing is limited.
func (o *Options) Off() bool {
	return o.Connections <= 0 && o.IPConnections <= 0 && o.UserConnections <= 0 &&
		o.IPHandshakes.Off() && o.UserHandshakes.Off() && o.Events.Off() && o.Bytes.Off()
}

// Door lets clients in.
type Door struct {
	opts   Options
	ips    *table[netip.Addr]
	users  *table[string]
	shared *breaker
	open   atomic.Int64 // sessions
	said   sayings
}

// New returns a Door.
func New(o *Options) *Door {
	d := &Door{opts: *o}
	if d.opts.Except == nil {
		d.opts.Except = func(netip.Addr) bool { return false }
	}
	if d.opts.Logger == nil {
		d.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if d.opts.Observer == nil {
		d.opts.Observer = noObserver{}
	}
	d.ips = newTable[netip.Addr](o.IPHandshakes, o.IPConnections)
	d.users = newTable[string](o.UserHandshakes, o.UserConnections)
	d.shared = newBreaker(o.Shared, d.opts.Logger)
	return d
}

// Enter lets a connection from an address (host:port) in, or returns an *Exceeded. The
// Pass must be given back with Leave.
func (d *Door) Enter(ctx context.Context, remote string) (*Pass, error) {
	n := d.open.Add(1)
	if limit := d.opts.Connections; limit > 0 && n > int64(limit) {
		d.open.Add(-1)
		return nil, d.refuse(&Exceeded{Limit: NodeConnections, RetryAfter: openRetry}, remote)
	}
	p := &Pass{door: d, remote: remote, share: 1}
	ip, ok := d.counted(remote)
	if !ok {
		return p, nil
	}
	share, x := d.ips.enter(ip, time.Now(), IPHandshakes, IPConnections)
	if x == nil {
		p.ip, p.share = ip, share
		if retry := d.shared.take(ctx, "ip:"+ip.String(), d.opts.IPHandshakes); retry > 0 {
			x = &Exceeded{Limit: IPHandshakes, RetryAfter: retry}
			d.Misbehaved(remote)
		}
	}
	if x != nil {
		p.Leave()
		return nil, d.refuse(x, remote)
	}
	return p, nil
}

// EnterUser counts a connection as one of a user, once, or returns an *Exceeded. It
// counts until the connection is over. Who asks the same meanwhile waits for the answer,
// or until ctx ends, whose error is returned then.
func (d *Door) EnterUser(ctx context.Context, p *Pass, user string) error {
	if user == "" || d.opts.UserConnections <= 0 && d.opts.UserHandshakes.Off() {
		return nil
	}
	t, mine := p.begin(user)
	switch {
	case t == nil:
		return nil
	case mine:
		err := d.countUser(ctx, user, p.remote)
		p.settle(t, err)
		return err
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Door) countUser(ctx context.Context, user, remote string) error {
	_, x := d.users.enter(user, time.Now(), UserHandshakes, UserConnections)
	if x == nil {
		retry := d.shared.take(ctx, "user:"+user, d.opts.UserHandshakes)
		if retry <= 0 {
			return nil
		}
		d.users.leave(user)
		x = &Exceeded{Limit: UserHandshakes, RetryAfter: retry}
	}
	return d.refuse(x, remote)
}

// Misbehaved is told of a request of an address that made no sense. Who sends many in a
// second is shunned: see Listener.
func (d *Door) Misbehaved(remote string) {
	if ip, ok := d.counted(remote); ok && !d.opts.IPHandshakes.Off() {
		now := time.Now()
		d.ips.at(ip, now, func(e *entry) { d.ips.misbehaved(e, now) })
	}
}

// counted returns the key of an address, unless it is an exception or none.
func (d *Door) counted(remote string) (netip.Addr, bool) {
	if d.opts.IPConnections <= 0 && d.opts.IPHandshakes.Off() {
		return netip.Addr{}, false
	}
	at, err := netip.ParseAddrPort(remote)
	if err != nil || d.opts.Except(at.Addr()) {
		return netip.Addr{}, false
	}
	return keyOf(at.Addr()), true
}

// translated are addresses of IPv4 as a machine without IPv4 sees them (RFC 6052): one /64
// has all of them.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// keyOf is what of an address is counted: all of IPv4, and the /64 of IPv6.
func keyOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() && !translated.Contains(a) {
		p, err := a.Prefix(64)
		if err == nil { // it has that many bits
			return p.Addr()
		}
	}
	return a
}

// refuse counts and logs an excess, and returns it.
func (d *Door) refuse(x *Exceeded, remote string) error {
	d.hit(x.Limit, Refused, remote)
	return x
}

// hit counts and logs a limit that was hit.
func (d *Door) hit(limit Name, effect Effect, remote string) {
	d.opts.Observer.LimitHit(string(limit), string(effect))
	if d.said.may(limit, effect, time.Now()) {
		d.opts.Logger.Warn("limit hit (each is logged at most every 10s)", "limit", string(limit), "effect", string(effect), "remote", remote)
	}
}

// sayInterval is how often a limit is logged.
const sayInterval = 10 * time.Second

// sayings keep the log readable: a flood is one line in a while.
type sayings struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *sayings) may(limit Name, effect Effect, now time.Time) bool {
	key := string(limit) + " " + string(effect)
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.last[key]; ok && now.Sub(at) < sayInterval {
		return false
	}
	if s.last == nil {
		s.last = make(map[string]time.Time)
	}
	s.last[key] = now
	return true
}
