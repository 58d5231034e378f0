package telemetry_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// tally counts what was conflated.
type tally struct {
	mu   sync.Mutex
	slow int
}

func (*tally) ReadingsTaken(string, int)   {}
func (*tally) ReadingsRefused(string)      {}
func (*tally) AlertChanged(string, bool)   {}
func (*tally) TelemetrySize(int, int, int) {}

func (n *tally) ReadingsConflated(why string, count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if why == "slow" {
		n.slow += count
	}
}

func (n *tally) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slow
}

// TestADashboardThatTakesNothingGetsNoQueue: it used up what it was sent once, and all
// that is measured meanwhile is one reading when it goes on.
func TestADashboardThatTakesNothingGetsNoQueue(t *testing.T) {
	var n tally
	node := serve(t, telemetry.Options{Interval: time.Millisecond, Observer: &n})
	dashboard := sockettest.Dial(t, node.url)
	a := dashboard.Connect(telemetry.Namespace, "")
	dashboard.Send(`2/telemetry,1["subscribe"]`)
	if got := dashboard.Next().Text; !strings.HasPrefix(got, "3/telemetry,1[") {
		t.Fatalf("heard %s", got)
	}
	s, _ := node.io.Of(telemetry.Namespace).Socket(a.SID)
	dashboard.Stop()
	fill(t, s)
	device := node.come(t, "")
	sockettest.Eventually(t, "readings are conflated", func() bool {
		send(t, device, 1)
		return n.count() > 20
	})
	before := n.count()
	send(t, device, 2)
	if !s.Connected() || n.count() < before {
		t.Error("the slow dashboard was not left in peace")
	}
}

// fill keeps a connection busy that takes nothing.
func fill(t *testing.T, s *socketio.Socket) {
	t.Helper()
	for i := 0; i < 12 && s.Connected(); i++ {
		if err := s.Emit("busy", make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if s.Ready() {
		t.Fatal("the connection is ready")
	}
}

func send(t *testing.T, device *rawclient.Client, value float64) {
	t.Helper()
	if got := ask(t, device, "reading", object{"device": "a", "metric": "m", "value": value}); got.Accepted != 1 {
		t.Fatalf("%+v", got)
	}
}
