package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/server/carry"
)

// carried counts requests that nodes hand to each other.
type carried struct {
	requests, failures *prometheus.CounterVec
	webSockets         *prometheus.GaugeVec
}

var _ carry.Observer = (*Metrics)(nil)

func newCarried() carried {
	return carried{
		requests:   counters("carried_requests_total", "Requests carried to the node of their session (role sent), or taken as that node (received).", "role", "kind"),
		failures:   counters("carry_failures_total", "Requests that could not be carried (role sent), or were not accepted from another node (received).", "role", "reason"),
		webSockets: gauges("carried_websockets", "Open WebSockets of sessions on another node (role sent), or that came through another node (received).", "role"),
	}
}

func (c *carried) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.requests, c.failures, c.webSockets}
}

// Carried counts a request.
func (m *Metrics) Carried(role carry.Role, kind carry.Kind) {
	m.carried.requests.WithLabelValues(string(role), string(kind)).Inc()
}

// CarryFailed counts a request that could not be carried, or was not accepted.
func (m *Metrics) CarryFailed(role carry.Role, why carry.Reason) {
	m.carried.failures.WithLabelValues(string(role), string(why)).Inc()
}

// CarriedWebSockets counts those that are open.
func (m *Metrics) CarriedWebSockets(role carry.Role, more int) {
	m.carried.webSockets.WithLabelValues(string(role)).Add(float64(more))
}
