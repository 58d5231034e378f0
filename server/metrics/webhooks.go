package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// webhooks counts requests to backends.
type webhooks struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	underWay *prometheus.GaugeVec
}

func newWebhooks() webhooks {
	return webhooks{
		requests: counters("webhook_requests_total", "Requests to backends that came to an end, by webhook (its key in the configuration), by what was asked and by how it came out.", "webhook", "call", "outcome"),
		took: prometheus.NewHistogramVec(histogramOpts("webhook_request_seconds", "Time of a request to a backend, with the time until its turn.",
			1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5, 5, 10), []string{"webhook", "call"}),
		underWay: gauges("webhook_requests", "Requests to backends that wait for their turn or their answer.", "webhook"),
	}
}

func (w *webhooks) collectors() []prometheus.Collector {
	return []prometheus.Collector{w.requests, w.took, w.underWay}
}

// Webhook makes the series of a webhook, so that they are there before the first request.
// calls and outcomes are all that there can be.
func (m *Metrics) Webhook(key string, calls, outcomes []string) {
	m.webhooks.underWay.WithLabelValues(key)
	for _, c := range calls {
		m.webhooks.took.WithLabelValues(key, c)
		for _, o := range outcomes {
			m.webhooks.requests.WithLabelValues(key, c, o)
		}
	}
}

// WebhookAsked counts a request that is under way.
func (m *Metrics) WebhookAsked(key string) { m.webhooks.underWay.WithLabelValues(key).Inc() }

// WebhookAnswered counts its end.
func (m *Metrics) WebhookAnswered(key, call, outcome string, took time.Duration) {
	m.webhooks.underWay.WithLabelValues(key).Dec()
	m.webhooks.requests.WithLabelValues(key, call, outcome).Inc()
	m.webhooks.took.WithLabelValues(key, call).Observe(took.Seconds())
}
