package main

import (
	"context"
	"fmt"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// open opens the adapter that the settings name.
func open(_ context.Context, s *settings) (socketio.AdapterFactory, func() error, error) {
	client, err := redisclient.Open(s.url)
	if err != nil {
		return nil, nil, err
	}
	_ = client
	return nil, nil, fmt.Errorf("unknown adapter %q", s.adapter)
}
