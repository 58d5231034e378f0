package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	masters = 3
	slots   = 16384
)

// RedisCluster is a Redis Cluster of three masters.
type RedisCluster struct{ Servers []*Server }

// StartCluster starts a Redis Cluster that ends with the test.
func StartCluster(t testing.TB) *RedisCluster {
	t.Helper()
	dirs := make([]string, masters)
	for i := range dirs {
		dirs[i] = t.TempDir()
	}
	c, err := startCluster(dirs)
	if c != nil {
		t.Cleanup(c.end)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func startCluster(dirs []string) (*RedisCluster, error) {
	c := &RedisCluster{}
	buses := make([]int, 0, len(dirs))
	for _, dir := range dirs {
		bus, err := freePort()
		if err != nil {
			return c, err
		}
		s, err := start(dir, []string{
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000",
		})
		if err != nil {
			return c, err
		}
		c.Servers = append(c.Servers, s)
		buses = append(buses, bus)
	}
	return c, c.form(buses)
}

// form gives each server its slots and introduces them to each other.
func (c *RedisCluster) form(buses []int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, s := range c.Servers {
		client := s.client()
		defer func() { _ = client.Close() }() // nothing of it is kept
		first, last := slots*i/len(c.Servers), slots*(i+1)/len(c.Servers)-1
		for _, cmd := range [][]any{
			{"cluster", "set-config-epoch", i + 1},
			{"cluster", "addslotsrange", first, last},
			{"cluster", "meet", "127.0.0.1", c.Servers[0].port, buses[0]},
		} {
			if i == 0 && cmd[1] == "meet" {
				continue
			}
			if err := client.Do(ctx, cmd...).Err(); err != nil {
				return fmt.Errorf("redistest: %v: %w", cmd, err)
			}
		}
	}
	return c.ready(ctx)
}

// ready waits until every server sees all of them.
func (c *RedisCluster) ready(ctx context.Context) error {
	for _, s := range c.Servers {
		client := s.client()
		defer func() { _ = client.Close() }() // nothing of it is kept
		var info string
		var err error
		if poll(ctx, func() bool {
			info, err = client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(c.Servers)))
		}) != nil {
			return fmt.Errorf("redistest: the Redis Cluster does not come up: %s, %w", info, err)
		}
	}
	return nil
}

// poll asks until done, or until ctx ends.
func poll(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// URL is the address as redisclient.Open takes it.
func (c *RedisCluster) URL() string {
	addrs := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		addrs[i] = s.Addr()
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// CutClients cuts the connections of one type on every server.
func (c *RedisCluster) CutClients(t testing.TB, kind string) {
	t.Helper()
	for _, s := range c.Servers {
		s.CutClients(t, kind)
	}
}

func (c *RedisCluster) end() {
	for _, s := range c.Servers {
		s.end()
	}
}
