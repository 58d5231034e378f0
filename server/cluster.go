package server

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// nodeIDBytes is the randomness of a node's id: 48 bits, 8 characters.
const nodeIDBytes = 6

// newNodeID makes the name of this process among the nodes of a cluster: another one
// after each start.
func newNodeID() string {
	var b [nodeIDBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// clusterParts is what joins this node to others. The zero value is a node alone.
type clusterParts struct {
	node  string // this node's id
	redis redis.UniversalClient
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
	if name == adapterMemory {
		return memory.New(), nil
	}
	a.cluster.node = newNodeID()
	client, err := redisclient.Open(c.RedisURL)
	if err != nil {
		return nil, fmt.Errorf("--redis-url: %w", err)
	}
	a.cluster.redis = client
	switch name {
	case adapterStreams:
		a.cluster.hub, err = redisstreams.New(client, redisstreams.Options{
			NodeID: a.cluster.node, Prefix: c.RedisPrefix, RequestsTimeout: c.RedisRequestsTimeout,
			MaxBytes: int64(c.RecoveryBytes), Logger: a.log,
		})
	default:
		err = errors.New("not in this build")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--adapter %s: %w", name, err), a.closeCluster())
	}
	return a.cluster.hub.Factory(), nil
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
