package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(*testing.T) func(int) socketio.AdapterFactory {
			return func(int) socketio.AdapterFactory { return memory.New() }
		},
		Recovery: true,
		History:  true,
	})
}
