package metrics

import "github.com/prometheus/client_golang/prometheus"

// maxDoorLabels bounds each label below. Their values are words of the program, of
// which there are few; the bound is for the day that somebody passes another's.
const maxDoorLabels = 50

// doors counts who was stopped, and who came in.
type doors struct {
	limitsHit, auth                 *prometheus.CounterVec
	limits, effects, ways, outcomes labels
}

func newDoors() doors {
	return doors{
		limitsHit: counters("limits_hit_total", "Times that a limit was hit, by the limit and by what followed.", "limit", "effect"),
		auth:      counters("auth_total", "Attempts to authenticate, by the method and how they came out.", "method", "outcome"),
		limits:    labels{max: maxDoorLabels}, effects: labels{max: maxDoorLabels},
		ways: labels{max: maxDoorLabels}, outcomes: labels{max: maxDoorLabels},
	}
}

func (d *doors) collectors() []prometheus.Collector {
	return []prometheus.Collector{d.limitsHit, d.auth}
}

// LimitHit counts a limit that was hit, such as "events", and what followed, such as
// "refused" or "disconnected". Both are words of the program, never a client's.
func (m *Metrics) LimitHit(limit, effect string) {
	m.doors.limitsHit.WithLabelValues(m.doors.limits.of(limit), m.doors.effects.of(effect)).Inc()
}

// Authenticated counts an attempt to authenticate by a method, such as "jwt", and its
// outcome, such as "ok" or "expired". Both are words of the program, never a client's.
func (m *Metrics) Authenticated(method, outcome string) {
	m.doors.auth.WithLabelValues(m.doors.ways.of(method), m.doors.outcomes.of(outcome)).Inc()
}
