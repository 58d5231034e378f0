package clustertest_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(*testing.T) func(int) socketio.AdapterFactory {
			bus := clustertest.New()
			return func(node int) socketio.AdapterFactory { return bus.Factory(fmt.Sprint("node", node)) }
		},
		Nodes: true,
	})
}
