package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Events is how many events came and went until now, on all namespaces together: one that was sent
// counts once for each recipient.
func (m *Metrics) Events() float64 { return total(m.received) + total(m.sent) }

// total is the sum of a counter over its labels.
func total(of *prometheus.CounterVec) (sum float64) {
	metrics := make(chan prometheus.Metric)
	go func() {
		of.Collect(metrics)
		close(metrics)
	}()
	for one := range metrics {
		var written dto.Metric
		if err := one.Write(&written); err == nil {
			sum += written.GetCounter().GetValue()
		}
	}
	return sum
}
