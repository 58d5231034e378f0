package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/server/nodes"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// clusterParts is what joins this node to others. The zero value is a node alone.
type clusterParts struct {
	node  string // this node's id
	redis goredis.UniversalClient
	hub   hub
}

// hub is the adapter of all namespaces.
type hub interface {
	Factory() socketio.AdapterFactory
	Up() bool
	Close() error
}

// openCluster opens the adapter that the configuration names.
func (a *App) openCluster() (socketio.AdapterFactory, error) {
	c := &a.cfg
	name := c.AdapterName()
	a.warnOfNoEffect(name)
	if name == adapterMemory {
		return memory.New(), nil
	}
	a.cluster.node = nodes.NewID()
	client, err := redisclient.Open(c.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("--redis-url: %w", err)
	}
	a.cluster.redis = client
	goredis.SetLogger(redisLog{a.log})
	hosts, err := redisclient.Hosts(c.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("--redis-url: %w", err)
	}
	log := a.log.With("redis", strings.Join(hosts, ","))
	switch name {
	case adapterStreams:
		a.cluster.hub, err = redisstreams.New(client, redisstreams.Options{
			NodeID: a.cluster.node, Prefix: c.RedisPrefix, RequestsTimeout: c.RedisRequestsTimeout,
			MaxBytes: int64(c.RecoveryBytes), Logger: log, Observer: a.metrics,
		})
	case adapterRedis:
		a.cluster.hub, err = redis.New(client, redis.Options{
			NodeID: a.cluster.node, Prefix: c.RedisPrefix, RequestsTimeout: c.RedisRequestsTimeout, Logger: log, Observer: a.metrics,
		})
	default:
		err = errors.New("there is no adapter of this name")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--adapter %s: %w", name, err), a.closeCluster())
	}
	return a.cluster.hub.Factory(), nil
}

// warnOfNoEffect tells who sets an option of several nodes for one that is alone.
func (a *App) warnOfNoEffect(adapter string) {
	c := &a.cfg
	if c.RedisURL != "" {
		if adapter == adapterMemory {
			a.log.Warn("--adapter memory keeps events on this node: with --redis-url only requests are carried between nodes", "remedy", "leave --adapter out")
		}
		return
	}
	for option, set := range map[string]bool{
		"--node-url": c.NodeURL != "", "--cluster-secret": c.ClusterSecret != "", "--ready-needs-redis": c.ReadyNeedsRedis,
	} {
		if set {
			a.log.Warn("an option has no effect without --redis-url: this node is alone", "option", option, "remedy", "set --redis-url to the Redis that joins the nodes")
		}
	}
}

// redisLog takes what go-redis has to say, which is about single connections: the
// adapters log the state of Redis themselves.
type redisLog struct{ log *slog.Logger }

// Printf logs at level debug.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "go-redis", "said", fmt.Sprintf(format, v...))
}

// recovery is --recovery, as far as the adapter can.
func (a *App) recovery() socketio.Recovery {
	c := &a.cfg
	if c.AdapterName() != adapterRedis {
		return socketio.Recovery{MaxDisconnection: c.Recovery.Duration, MaxBytes: int64(c.RecoveryBytes)}
	}
	if c.Recovery.Duration > 0 {
		a.log.Warn("--recovery has no effect with --adapter redis: classic Pub/Sub keeps nothing, so namespaces have no recovery", "remedy", "use --adapter redis-streams on all nodes")
	}
	return socketio.Recovery{}
}

// closeCluster ends what openCluster opened, after the last socket has gone.
func (a *App) closeCluster() error {
	var errs []error
	if a.cluster.hub != nil {
		errs = append(errs, a.cluster.hub.Close())
	}
	if a.cluster.redis != nil {
		errs = append(errs, a.cluster.redis.Close())
	}
	return errors.Join(errs...)
}

// redisAway reports whether /readyz should say no, because Redis is away.
func (a *App) redisAway() bool {
	return a.cfg.ReadyNeedsRedis && a.cluster.hub != nil && !a.cluster.hub.Up()
}

// stopCluster is closeCluster within a time.
func (a *App) stopCluster(ctx context.Context) error {
	if a.cluster.hub == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- a.closeCluster() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
