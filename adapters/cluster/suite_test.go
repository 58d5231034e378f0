package cluster_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(*testing.T) func(int) socketio.AdapterFactory {
			return clusterOf(newBus())
		},
		Nodes: true,
	})
}

// TestSuiteOfNodesWithoutNames has answers that do not say who they are of, which is
// how Node's classic adapter answers.
func TestSuiteOfNodesWithoutNames(t *testing.T) {
	adaptertest.Run(t, adaptertest.Suite{
		Cluster: func(*testing.T) func(int) socketio.AdapterFactory {
			b := newBus()
			b.nameless, b.anonymous = true, true
			return clusterOf(b)
		},
		Nodes: true,
	})
}
