package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/auth"
)

// readings counts what devices send.
type readings struct {
	taken, refused, conflated, alerts *prometheus.CounterVec
	devices, keys, dashboards         prometheus.Gauge
	codes                             labels
}

var _ telemetry.Observer = (*Metrics)(nil)

func newReadings() readings {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "sockeye", Name: name, Help: help})
	}
	return readings{
		taken:      counters("telemetry_readings_total", "Readings taken, by the way they came: event, http, server (its own) or node (another one's).", "door"),
		refused:    counters("telemetry_refused_total", "Requests and events with readings that were refused, by the error's code.", "code"),
		conflated:  counters("telemetry_conflated_total", "Readings that were not sent because a later one of the same key was: interval counts once for all dashboards, slow for each that was not ready.", "why"),
		alerts:     counters("telemetry_alerts_total", "Alerts that were raised and cleared, by severity.", "severity", "state"),
		devices:    gauge("telemetry_devices", "Devices that are known."),
		keys:       gauge("telemetry_keys", "Metrics of devices that are known."),
		dashboards: gauge("telemetry_dashboards", "Sockets of this node that hear readings."),
		codes:      labels{max: maxDoorLabels},
	}
}

func (r *readings) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.taken, r.refused, r.conflated, r.alerts, r.devices, r.keys, r.dashboards}
}

func (r *readings) preset() {
	for _, door := range telemetry.Doors() {
		r.taken.WithLabelValues(door)
	}
	for _, code := range append(telemetry.Codes(), string(auth.CodeForbidden)) {
		r.refused.WithLabelValues(r.codes.of(code))
	}
	for _, why := range telemetry.Conflations() {
		r.conflated.WithLabelValues(why)
	}
	for _, severity := range telemetry.Severities() {
		r.alerts.WithLabelValues(severity, "raised")
		r.alerts.WithLabelValues(severity, "cleared")
	}
}

// ReadingsTaken counts readings by the way they came.
func (m *Metrics) ReadingsTaken(door string, n int) {
	m.readings.taken.WithLabelValues(door).Add(float64(n))
}

// ReadingsRefused counts a request or event of which no reading was taken.
func (m *Metrics) ReadingsRefused(code string) {
	m.readings.refused.WithLabelValues(m.readings.codes.of(code)).Inc()
}

// ReadingsConflated counts readings that a later one stood for.
func (m *Metrics) ReadingsConflated(why string, n int) {
	m.readings.conflated.WithLabelValues(why).Add(float64(n))
}

// AlertChanged counts an alert that was raised or cleared.
func (m *Metrics) AlertChanged(severity string, raised bool) {
	state := "cleared"
	if raised {
		state = "raised"
	}
	m.readings.alerts.WithLabelValues(severity, state).Inc()
}

// TelemetrySize notes how much is known, and how many hear of it.
func (m *Metrics) TelemetrySize(devices, keys, dashboards int) {
	m.readings.devices.Set(float64(devices))
	m.readings.keys.Set(float64(keys))
	m.readings.dashboards.Set(float64(dashboards))
}
