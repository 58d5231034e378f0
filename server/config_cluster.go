package server

import (
	"net/url"
	"strings"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
)

// minSecret is the least length of --cluster-secret, in bytes.
const minSecret = 16

// The adapters a configuration can name.
const (
	adapterAuto    = "auto"
	adapterMemory  = "memory"
	adapterRedis   = "redis"
	adapterStreams = "redis-streams"
)

// AdapterName is the adapter that Adapter and RedisURL choose together.
func (c *Config) AdapterName() string {
	switch {
	case c.Adapter != adapterAuto && c.Adapter != "":
		return c.Adapter
	case c.RedisURL != "":
		return adapterStreams
	}
	return adapterMemory
}

// validateCluster checks the options of several nodes.
func (c *Config) validateCluster(fail func(option, format string, args ...any)) {
	name := c.AdapterName()
	if name != adapterMemory && c.RedisURL == "" {
		fail("adapter", "%s needs --redis-url, such as redis://127.0.0.1:6379", name)
	}
	if c.RedisURL != "" {
		if err := redisclient.Check(c.RedisURL); err != nil {
			fail("redis-url", "%w", err)
		}
	}
	if c.RedisURL != "" && c.RedisPrefix == "" {
		fail("redis-prefix", "it is empty: write a name, such as socket.io")
	}
	if strings.ContainsAny(c.RedisPrefix, "{}*?[]\\ ") {
		fail("redis-prefix", "%q has a character that means something to Redis: leave out {}*?[]\\ and spaces", c.RedisPrefix)
	}
	if c.ClusterSecret != "" && len(c.ClusterSecret) < minSecret {
		fail("cluster-secret", "it has %d bytes: take at least %d", len(c.ClusterSecret), minSecret)
	}
	if c.NodeURL == "" {
		return
	}
	u, err := url.Parse(c.NodeURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		fail("node-url", "%q is no address of a node: write scheme, host and port, such as http://10.0.0.5:3000", c.NodeURL)
	}
}
