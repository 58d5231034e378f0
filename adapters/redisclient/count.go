package redisclient

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// serversFor is how long the servers of a Redis Cluster are taken to be the same.
const serversFor = 5 * time.Second

// Counter counts who is subscribed, on all servers of a Redis Cluster: each knows its
// own connections only. Its methods may be called from any goroutine.
type Counter struct {
	client redis.UniversalClient

	mu      sync.Mutex
	servers []clusterServer
	at      time.Time
}

type clusterServer struct {
	*redis.Client
	replica bool
}

// NewCounter returns a Counter.
func NewCounter(c redis.UniversalClient) *Counter { return &Counter{client: c} }

// Subscribers returns how many connections are subscribed to a channel by its name.
func (k *Counter) Subscribers(ctx context.Context, channel string) (int, error) {
	var mu sync.Mutex
	total := 0
	err := k.each(ctx, func(c *redis.Client) error {
		n, err := c.PubSubNumSub(ctx, channel).Result()
		mu.Lock()
		defer mu.Unlock()
		total += int(n[channel])
		return err
	})
	return total, err
}

// Channels returns the channels of a pattern that somebody is subscribed to. It costs
// Redis a look at every channel there is.
func (k *Counter) Channels(ctx context.Context, pattern string) ([]string, error) {
	var mu sync.Mutex
	names := make(map[string]struct{})
	err := k.each(ctx, func(c *redis.Client) error {
		found, err := c.PubSubChannels(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		for _, name := range found {
			names[name] = struct{}{}
		}
		return err
	})
	return slices.Sorted(maps.Keys(names)), err
}

// each asks every server at once. A replica that does not answer is left out: what is
// subscribed there is not heard either.
func (k *Counter) each(ctx context.Context, f func(c *redis.Client) error) error {
	cluster, ok := k.client.(*redis.ClusterClient)
	if !ok {
		c, err := server(ctx, k.client, "", 0)
		if err != nil {
			return err
		}
		return f(c)
	}
	servers, err := k.all(ctx, cluster)
	if err != nil {
		return err
	}
	failures := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			if err := f(s.Client); err != nil && !s.replica {
				failures[i] = fmt.Errorf("redis at %s: %w", s.Options().Addr, err)
			}
		})
	}
	wg.Wait()
	for _, err := range failures {
		if err != nil {
			k.forget()
			return err
		}
	}
	return nil
}

// all returns the servers of a Redis Cluster.
func (k *Counter) all(ctx context.Context, c *redis.ClusterClient) ([]clusterServer, error) {
	k.mu.Lock()
	if time.Since(k.at) < serversFor {
		defer k.mu.Unlock()
		return k.servers, nil
	}
	k.mu.Unlock()
	var mu sync.Mutex
	var servers []clusterServer
	add := func(replica bool) func(context.Context, *redis.Client) error {
		return func(_ context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			servers = append(servers, clusterServer{c, replica})
			return nil
		}
	}
	if err := c.ForEachMaster(ctx, add(false)); err != nil {
		return nil, err
	}
	if err := c.ForEachSlave(ctx, add(true)); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.servers, k.at = servers, time.Now()
	return servers, nil
}

// forget has the servers looked up again.
func (k *Counter) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.servers, k.at = nil, time.Time{}
}
