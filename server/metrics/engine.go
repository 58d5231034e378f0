package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Engine is what the metrics ask an Engine.IO server at each scrape.
type Engine interface {
	Stats() engineio.Stats
	// Outboxes returns the bytes that wait for clients, and how many clients are above
	// the limit.
	Outboxes() (bytes int64, above int)
}

// engine reads what an Engine.IO server counts by itself, all at one moment.
type engine struct {
	from Engine
	all  []figure
}

// figure is one value of many.
type figure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(s *snapshot) float64
}

type snapshot struct {
	engineio.Stats

	outbox int64
	above  int
}

// Engine adds what an Engine.IO server counts by itself. It is called once.
func (m *Metrics) Engine(from Engine) {
	e := &engine{from: from}
	add := func(kind prometheus.ValueType, name, help string, value func(s *snapshot) float64) {
		e.all = append(e.all, figure{prometheus.NewDesc("sockeye_"+name, help, nil, nil), kind, value})
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	add(gauge, "upgrades_withheld_addresses", "Addresses that are offered no upgrade at the moment.", func(s *snapshot) float64 { return float64(s.UpgradesWithheld) })
	add(gauge, "keepalive_addresses", "Addresses whose new WebSockets are pinged more often at the moment.", func(s *snapshot) float64 { return float64(s.KeptAlive) })
	add(gauge, "poll_hold_addresses", "Addresses whose polls are held for less than usual at the moment.", func(s *snapshot) float64 { return float64(s.HoldsShortened) })
	add(gauge, "outbox_bytes", "Bytes that wait in the outboxes of all clients, with 128 for each message. A shared message counts for each client.", func(s *snapshot) float64 { return float64(s.outbox) })
	add(gauge, "slow_readers", "Clients with more than --outbox-limit waiting for them at the moment.", func(s *snapshot) float64 { return float64(s.above) })
	add(counter, "messages_received_total", "Engine.IO messages received.", func(s *snapshot) float64 { return float64(s.MessagesIn) })
	add(counter, "messages_sent_total", "Engine.IO messages sent, one for each recipient.", func(s *snapshot) float64 { return float64(s.MessagesOut) })
	add(counter, "bytes_received_total", "Bytes of payloads received.", func(s *snapshot) float64 { return float64(s.BytesIn) })
	add(counter, "bytes_sent_total", "Bytes of frames and bodies sent.", func(s *snapshot) float64 { return float64(s.BytesOut) })
	m.registry.MustRegister(e)
}

// Describe says what Collect will give.
func (e *engine) Describe(ch chan<- *prometheus.Desc) {
	for i := range e.all {
		ch <- e.all[i].desc
	}
}

// Collect asks the server once.
func (e *engine) Collect(ch chan<- prometheus.Metric) {
	s := snapshot{Stats: e.from.Stats()}
	s.outbox, s.above = e.from.Outboxes()
	for _, f := range e.all {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&s))
	}
}
