package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/adapters/redislimit"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/clientip"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// limitParts is what stands between the network and the rest of the program.
type limitParts struct {
	door    *limit.Door // nil: nothing is limited
	trusted *clientip.Networks
	hinted  atomic.Bool // a proxy that is not trusted was logged
}

// openLimits makes the limits that the configuration asks for. It comes after openNodes,
// whose Redis they are counted in.
func (a *App) openLimits() (err error) {
	c := &a.cfg
	if a.limits.trusted, err = clientip.Parse(c.TrustedProxies); err != nil {
		return fmt.Errorf("--trusted-proxies: %w", err)
	}
	except, err := clientip.Parse(c.LimitsExcept)
	if err != nil {
		return fmt.Errorf("--limits-except: %w", err)
	}
	o := limit.Options{
		Connections:   int(c.MaxConnections),
		IPConnections: int(c.IPConnections), UserConnections: int(c.UserConnections),
		IPHandshakes: limit.Rate(c.IPHandshakes), UserHandshakes: limit.Rate(c.UserHandshakes),
		Events: limit.Rate(c.EventRate), Bytes: limit.Rate(c.ByteRate),
		// A proxy that names no client stands for all of its clients.
		Except: func(ip netip.Addr) bool { return except.Has(ip) || a.limits.trusted.Has(ip) },
		Logger: a.log,
	}
	if o.Off() {
		return nil
	}
	if a.nodes.redis != nil {
		o.Shared = redislimit.New(a.nodes.redis, c.RedisPrefix)
	}
	o.Observer, _ = any(a.metrics).(limit.Observer)
	a.limits.door = limit.New(&o)
	return nil
}

// guard puts limits and the PROXY protocol before the connections of the main address.
func (a *App) guard(l net.Listener) net.Listener {
	l = a.watchFiles(l)
	if a.limits.door != nil {
		l = a.limits.door.Listen(l, a.limits.trusted.Has)
	}
	switch a.cfg.ProxyProtocol {
	case protocolRequired:
		l = clientip.Listen(l, clientip.ListenOptions{Trusted: a.limits.trusted})
	case protocolOptional:
		l = clientip.Listen(l, clientip.ListenOptions{Trusted: a.limits.trusted, Presence: clientip.Optional})
	}
	return l
}

// behindProxies finds the client of each request before anything else sees it.
func (a *App) behindProxies(next http.Handler) http.Handler {
	header := clientip.NoHeader
	switch a.cfg.ProxyHeader {
	case headerForwardedFor:
		header = clientip.XForwardedFor
	case headerForwarded:
		header = clientip.Forwarded
	}
	if a.limits.door != nil {
		next = heard(next)
	}
	return clientip.Handler(next, clientip.Options{Trusted: a.limits.trusted, Header: header, Untrusted: a.hintAtProxy})
}

// private are addresses at which a proxy may be that nobody has named.
var private = func() *clientip.Networks {
	n, err := clientip.Parse([]string{"private"})
	if err != nil {
		panic(err) // it is a word that Parse knows
	}
	return n
}()

// hintAtProxy logs once that a proxy may have been forgotten. What it names is not
// believed: it may as well be a client that lies.
func (a *App) hintAtProxy(r *http.Request) {
	if a.limits.hinted.Load() {
		return
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !private.Has(peer.Addr()) || r.Header.Get("Sockeye-Carried") != "" || !a.limits.hinted.CompareAndSwap(false, true) {
		return
	}
	a.log.Info("a proxy seems to be in front that is not trusted, so that its address stands for all of its clients (logged once)",
		"remote", r.RemoteAddr, "remedy", "name it: --trusted-proxies "+peer.Addr().Unmap().String())
}

// enter asks the limits about a handshake.
func (a *App) enter(r *http.Request) (engineio.Pass, error) {
	p, err := a.limits.door.Enter(r.Context(), r.RemoteAddr)
	if err != nil {
		return nil, refusalOf(err)
	}
	return p, nil
}

// refusedForLimit is the name in the context of a refused request.
const refusedForLimit = "RATE_LIMITED"

// refusalOf says in the words of HTTP what is over a limit.
func refusalOf(err error) error {
	var x *limit.Exceeded
	if !errors.As(err, &x) {
		return err
	}
	status := http.StatusTooManyRequests
	if x.Limit == limit.NodeConnections {
		status = http.StatusServiceUnavailable
	}
	return &engineio.Refusal{Status: status, Message: x.Error(), RetryAfter: x.RetryAfter, Name: refusedForLimit}
}

// refusedRequest tells the limits of a request that was refused.
func (a *App) refusedRequest(e *engineio.ConnectionError) {
	switch {
	case a.limits.door == nil || e.Context["name"] == refusedForLimit || a.draining.Load():
	case e.Context["name"] == engineio.RefusedOutboxTotal:
		if o, ok := any(a.metrics).(limit.Observer); ok {
			o.LimitHit("outbox-total", string(limit.Refused))
		}
	default:
		a.limits.door.Misbehaved(e.Request.RemoteAddr)
	}
}

// limitUser counts a connection as one of its user, once it is known whose it is.
func (a *App) limitUser(ctx context.Context, s *socketio.Socket) error {
	pass, ok := s.Conn().Pass().(*limit.Pass)
	p := auth.Of(s)
	if !ok || p.ID == "" {
		return nil
	}
	user := "user:" + p.ID
	if p.Method == auth.MethodKey {
		user = "key:" + p.ID
	}
	err := a.limits.door.EnterUser(ctx, pass, user)
	var x *limit.Exceeded
	if errors.As(err, &x) {
		return &socketio.ConnectError{Message: x.Error(), Data: map[string]any{
			"code": socketio.CodeRateLimited, "message": x.Error(), "limit": string(x.Limit), "retryAfter": x.RetryAfter.Milliseconds(),
		}}
	}
	return err
}

// connKey is where a request's context has its connection, if that is counted.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if counted := limit.ConnOf(c); counted != nil {
		return context.WithValue(ctx, connKey{}, counted)
	}
	return ctx
}

// heard tells the limits that a connection has brought a request.
func heard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*limit.Conn); ok {
			c.Heard()
		}
		next.ServeHTTP(w, r)
	})
}

// genuine is told of a request that another node carried: its connection is no client's.
func (a *App) genuine(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*limit.Conn); ok {
		c.LetOff()
	}
}
