package socketio_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// A server without an adapter passes the suite of adapters, too.
func TestLocalPassesTheSuiteOfAdapters(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(*testing.T) func(int) socketio.AdapterFactory {
			return func(int) socketio.AdapterFactory { return nil }
		},
	})
}
