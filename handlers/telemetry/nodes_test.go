package telemetry_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster/clustertest"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestReadingsReachDashboardsOfOtherNodes(t *testing.T) {
	level := 5.0
	bus := clustertest.New()
	start := func(name string) *node {
		return serveOn(t, bus.Factory(name), telemetry.Options{
			Node: name, Interval: time.Millisecond, Thresholds: []telemetry.Threshold{{Devices: "*", Metric: "m", Above: &level}},
		})
	}
	one, two := start("one"), start("two")
	dashboard := two.come(t, "")
	ask(t, dashboard, "subscribe")
	device := one.come(t, "")
	ask(t, device, "reading", object{"device": "a", "metric": "m", "value": 7})
	awaitValue(t, dashboard, "a m", "7")
	if got := decoded[telemetry.Alert](t, dashboard.Next("alert").Args); got.State != "raised" || got.Device != "a" {
		t.Errorf("%+v", got)
	}
	if got := ask(t, dashboard, "series", object{"device": "a", "metric": "m"}).Points; len(got) != 1 {
		t.Errorf("the other node keeps %s", got)
	}
	many := make([]object, 999)
	for i := range many {
		many[i] = object{"device": fmt.Sprintf("d%d", i), "metric": "x", "value": i}
	}
	ask(t, device, "readings", many)
	ask(t, device, "reading", object{"device": "z", "metric": "x", "value": 1})
	// A node that comes later learns what there is, in pages.
	three := start("three")
	late := three.come(t, "")
	sockettest.Eventually(t, "the new node knows all", func() bool {
		got := ask(t, late, "subscribe")
		return len(got.Readings) == 1001 && len(got.Alerts) == 1
	})
}
