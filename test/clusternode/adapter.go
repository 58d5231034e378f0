package main

import (
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/adapters/redis"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisstreams"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// open opens the adapter that the settings name.
func open(s *settings) (factory socketio.AdapterFactory, closeIt func() error, err error) {
	client, err := redisclient.Open(s.url)
	if err != nil {
		return nil, nil, err
	}
	var hub interface {
		Factory() socketio.AdapterFactory
		Close() error
	}
	// The name is that of a process: a node that is started again is another one.
	id := fmt.Sprintf("%s-%08d", s.name, s.pid)
	switch s.adapter {
	case "redis":
		hub, err = redis.New(client, redis.Options{
			NodeID: id, Prefix: s.prefix, RequestsTimeout: s.requestsTimeout, Logger: s.logger,
		})
	case "redis-streams":
		hub, err = redisstreams.New(client, redisstreams.Options{
			NodeID: id, Prefix: s.prefix, RequestsTimeout: s.requestsTimeout, Logger: s.logger,
		})
	default:
		err = fmt.Errorf("unknown adapter %q", s.adapter)
	}
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return hub.Factory(), func() error { return errors.Join(hub.Close(), client.Close()) }, nil
}
