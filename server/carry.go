package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisnodes"
	"github.com/sockeye-io/sockeye/server/carry"
	"github.com/sockeye-io/sockeye/server/nodes"
)

// nodeParts is what lets any node serve the clients of any other. The zero value is a
// node alone.
type nodeParts struct {
	redis    redis.UniversalClient
	registry *redisnodes.Registry
	carrier  *carry.Carrier
	found    string // how the address of this node was
	greeter  *greeter
}

// openNodes opens the registry of the nodes, if there may be others. This node gets an
// id even with the adapter of a single one.
func (a *App) openNodes() error {
	c := &a.cfg
	if c.RedisURL == "" {
		a.metrics.Nodes(func() int { return 1 })
		return nil
	}
	a.metrics.Nodes(func() int { return len(a.nodes.registry.Nodes()) })
	if a.cluster.node == "" {
		a.cluster.node = nodes.NewID()
	}
	hosts, err := redisclient.Hosts(c.RedisURL)
	if err != nil {
		return fmt.Errorf("--redis-url: %w", err)
	}
	url, found, err := c.nodeURL(a.scheme(), a.Addr(), hosts)
	if err != nil {
		return err
	}
	if onlyHere(url) {
		if _, elsewhere := toward(hosts); elsewhere {
			a.log.Warn("other nodes are told a loopback address: only nodes on this machine can reach it", "url", url, "found_by", found, "remedy", "set --node-url to where the others reach this one")
		}
	}
	a.nodes.found = found
	if a.nodes.redis, err = redisclient.Open(c.RedisURL); err != nil {
		return fmt.Errorf("--redis-url: %w", err)
	}
	o := redisnodes.Options{
		Self: nodes.Node{
			ID: a.cluster.node, URL: url, Version: a.release, Started: time.Now(),
			Adapter: c.AdapterName(), Path: c.BasePath(),
		},
		Prefix: c.RedisPrefix, Logger: a.log,
	}
	if c.ClusterSecret != "" {
		o.Secret = []byte(c.ClusterSecret)
	}
	a.nodes.registry = redisnodes.New(a.nodes.redis, o)
	return nil
}

// openCarrier puts what carries requests before the Socket.IO server.
func (a *App) openCarrier() (err error) {
	if a.nodes.registry == nil {
		return nil
	}
	engine := a.io.Engine()
	o := carry.Options{
		Local: a.io, Unavailable: engine.Unavailable, Release: engine.ReleasePoll, End: engine.ReleaseSession,
		Nodes: a.nodes.registry, Secrets: a.nodes.registry, Path: a.cfg.BasePath(),
		Genuine: a.genuine,
		Logger:  a.log, Observer: a.metrics,
	}
	if a.certs != nil {
		o.TLS = a.certs.Peer
	}
	a.nodes.carrier, err = carry.New(&o)
	return err
}

// front is what serves the Socket.IO endpoint.
func (a *App) front() http.Handler {
	if a.nodes.carrier != nil {
		return a.nodes.carrier
	}
	return a.io
}

// joinNodes makes this node known to the others, before it takes its first client. If
// Redis cannot be reached it goes on alone, and is joined to them later.
func (a *App) joinNodes(ctx context.Context) {
	if a.nodes.registry == nil {
		return
	}
	self := a.nodes.registry.Self()
	a.log.Info("other nodes reach this one", "node", self.ID, "url", self.URL, "found_by", a.nodes.found)
	a.greetNodes(ctx)
	if err := a.nodes.registry.Start(ctx); err != nil {
		a.log.Warn("the other nodes are not known yet: requests for their sessions are refused until Redis is reached", "error", err)
	}
}

// leaveNodes makes this node unknown to the others.
func (a *App) leaveNodes(ctx context.Context) error {
	if a.nodes.registry == nil {
		return nil
	}
	a.nodes.greeter.end()
	err := a.nodes.registry.Close(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Info("this node could not be taken out of Redis: its entry expires by itself", "error", err)
		return nil
	}
	return err
}

// stopRequests closes the main address and waits for its requests, those that are
// carried to other nodes included.
func (a *App) stopRequests(ctx context.Context, main *http.Server) error {
	if a.nodes.carrier == nil {
		return main.Shutdown(ctx)
	}
	// Not before nothing new is accepted: a client that is let go must find another node.
	carried := make(chan error, 1)
	main.RegisterOnShutdown(func() { carried <- a.nodes.carrier.Close(ctx) })
	err := main.Shutdown(ctx)
	return errors.Join(err, <-carried, a.nodes.redis.Close())
}

// closeNodes ends what openNodes and openCarrier have opened, of an App that is not run.
func (a *App) closeNodes() error {
	var errs []error
	if a.nodes.carrier != nil {
		errs = append(errs, a.nodes.carrier.Close(context.Background()))
	}
	if a.nodes.redis != nil {
		errs = append(errs, a.nodes.redis.Close())
	}
	return errors.Join(errs...)
}
