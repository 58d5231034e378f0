package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/adapters/cluster"
)

// between counts messages between nodes.
type between struct {
	published, received, errors *prometheus.CounterVec
	took                        *prometheus.HistogramVec

	ways map[cluster.Way]way // made once; a message needs no lookup by label
}

// way holds what is counted of one way between nodes.
type way struct {
	published, received, unpublished, unread prometheus.Counter
	took                                     prometheus.Observer
}

var _ cluster.Observer = (*Metrics)(nil)

func newBetween() between {
	b := between{
		published: counters("adapter_published_total", "Messages of this node that the adapter published, by the way they took: pubsub, or the log of redis-streams.", "way"),
		received:  counters("adapter_received_total", "Messages that the adapter received, those of this node included where they come back.", "way"),
		errors:    counters("adapter_errors_total", "Messages that could not be published (operation publish), or not be read (receive).", "way", "operation"),
		took: prometheus.NewHistogramVec(histogramOpts("adapter_publish_seconds", "Time of one call to Redis that published messages.",
			100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5), []string{"way"}),
		ways: make(map[cluster.Way]way),
	}
	for _, w := range cluster.Ways() {
		label := string(w)
		b.ways[w] = way{
			published: b.published.WithLabelValues(label), received: b.received.WithLabelValues(label),
			unpublished: b.errors.WithLabelValues(label, "publish"), unread: b.errors.WithLabelValues(label, "receive"),
			took: b.took.WithLabelValues(label),
		}
	}
	return b
}

func (b *between) collectors() []prometheus.Collector {
	return []prometheus.Collector{b.published, b.received, b.errors, b.took}
}

// Published counts messages that one call to the backend published.
func (m *Metrics) Published(w cluster.Way, n int, took time.Duration) {
	c := m.between.ways[w]
	c.published.Add(float64(n))
	c.took.Observe(took.Seconds())
}

// NotPublished counts messages that were not, or may not have been, published.
func (m *Metrics) NotPublished(w cluster.Way, n int) {
	m.between.ways[w].unpublished.Add(float64(n))
}

// Received counts messages that came.
func (m *Metrics) Received(w cluster.Way, n int) { m.between.ways[w].received.Add(float64(n)) }

// NotUnderstood counts a message that could not be read.
func (m *Metrics) NotUnderstood(w cluster.Way) { m.between.ways[w].unread.Inc() }
