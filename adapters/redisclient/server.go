package redisclient

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bounds of the wait between two attempts to connect.
const (
	firstWait = 50 * time.Millisecond
	maxWait   = 2 * time.Second
)

// backoff is how long to wait before attempt n, counted from 0. Nodes that lost the
// same server do not come back all at once.
func backoff(n int) time.Duration {
	d := min(firstWait<<min(n, 10), maxWait)
	return d/2 + rand.N(d) //nolint:gosec // no secret
}

// turn is where a round through the servers of a Redis Cluster begins, so that not
// all nodes take the same.
func turn() int { return rand.IntN(1 << 16) } //nolint:gosec // no secret

// server returns the client of one server: in a Redis Cluster the master of key's
// slot, or some master that depends on turn if there is no key.
func server(ctx context.Context, c redis.UniversalClient, key string, turn int) (*redis.Client, error) {
	switch c := c.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		if key == "" {
			key = strconv.Itoa(turn)
		}
		return c.MasterForKey(ctx, key)
	}
	return nil, fmt.Errorf("redisclient: a %T is no client of one Redis, Sentinel or Redis Cluster", c)
}

// reload has a Redis Cluster asked soon who has which slot.
func reload(ctx context.Context, c redis.UniversalClient) {
	if cluster, ok := c.(*redis.ClusterClient); ok {
		cluster.ReloadState(ctx)
	}
}

// CheckClient reports what is wrong with a client that was not made by Open: a
// command that failed may have arrived, so go-redis must not send it again.
func CheckClient(c redis.UniversalClient) error {
	retries := 0
	switch c := c.(type) {
	case *redis.Client:
		retries = c.Options().MaxRetries
	case *redis.ClusterClient:
		retries = max(c.Options().MaxRetries, 0)
	default:
		return fmt.Errorf("redisclient: a %T is no client of one Redis, Sentinel or Redis Cluster", c)
	}
	if retries != 0 {
		return fmt.Errorf("redisclient: the client sends a command up to %d times more when it failed, which may be twice: set its MaxRetries to -1", retries)
	}
	return nil
}
