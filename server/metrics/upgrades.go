package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// upgrades counts moves from polling to WebSocket.
type upgrades struct {
	tried, done prometheus.Counter
	failed      *prometheus.CounterVec
}

func newUpgrades() upgrades {
	return upgrades{
		tried:  prometheus.NewCounter(counterOpts("upgrades_tried_total", "WebSockets that were to take over from polling.")),
		done:   prometheus.NewCounter(counterOpts("upgrades_total", "Sessions that moved from polling to WebSocket.")),
		failed: counters("upgrades_failed_total", "Upgrades that came to nothing, by reason.", "reason"),
	}
}

func (u *upgrades) collectors() []prometheus.Collector {
	return []prometheus.Collector{u.tried, u.done, u.failed}
}

// UpgradeTried counts a WebSocket that wants to take over from polling.
func (m *Metrics) UpgradeTried() { m.upgrades.tried.Inc() }

// UpgradeFailed counts one that did not.
func (m *Metrics) UpgradeFailed(why engineio.UpgradeFailure) {
	m.upgrades.failed.WithLabelValues(string(why)).Inc()
}

// SessionUpgraded moves a session from polling to WebSocket.
func (m *Metrics) SessionUpgraded(protocol int) {
	m.upgrades.done.Inc()
	p := strconv.Itoa(protocol)
	m.sessions.WithLabelValues(engineio.TransportPolling, p).Dec()
	m.sessions.WithLabelValues(engineio.TransportWebSocket, p).Inc()
}
