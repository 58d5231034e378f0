package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/server/auth"
)

// maxDoorLabels bounds each label below. Their values are words of the program, of
// which there are few; the bound is for the day that somebody passes another's.
const maxDoorLabels = 50

// doorCounts counts who was stopped, and who came in.
type doorCounts struct {
	limitsHit, auth                 *prometheus.CounterVec
	refreshes, ended                *prometheus.CounterVec
	limits, effects, ways, outcomes labels
}

func newDoors() doorCounts {
	return doorCounts{
		limitsHit: counters("limits_hit_total", "Times that a limit was hit, by the limit and by what followed.", "limit", "effect"),
		auth:      counters("auth_total", "Attempts to authenticate, by the method and how they came out.", "method", "outcome"),
		refreshes: counters("auth_refreshes_total", "Tokens shown in auth:refresh: ok, or why one did not hold.", "outcome"),
		ended:     counters("auth_ended_total", "Sockets ended because a token expired, or somebody was blocked.", "code"),
		limits:    labels{max: maxDoorLabels}, effects: labels{max: maxDoorLabels},
		ways: labels{max: maxDoorLabels}, outcomes: labels{max: maxDoorLabels},
	}
}

func (d *doorCounts) collectors() []prometheus.Collector {
	return []prometheus.Collector{d.limitsHit, d.auth, d.refreshes, d.ended}
}

// LimitHit counts a limit that was hit, such as "events", and what followed, such as
// "refused" or "disconnected". Both are words of the program, never a client's.
func (m *Metrics) LimitHit(limit, effect string) {
	m.doors.limitsHit.WithLabelValues(m.doors.limits.of(limit), m.doors.effects.of(effect)).Inc()
}

// Authenticated counts an attempt to authenticate by a method, such as "token", and
// its outcome, "ok" or the code of the refusal. Both are words of the program, never a client's.
func (m *Metrics) Authenticated(method, outcome string) {
	m.doors.auth.WithLabelValues(m.doors.ways.of(method), m.doors.outcomes.of(outcome)).Inc()
}

// TokenRefreshed counts a token shown in auth:refresh.
func (m *Metrics) TokenRefreshed(c auth.Code) {
	if c == "" {
		c = outcomeOK
	}
	m.doors.refreshes.WithLabelValues(string(c)).Inc()
}

// ClientEnded counts a socket that was ended for c.
func (m *Metrics) ClientEnded(c auth.Code) { m.doors.ended.WithLabelValues(string(c)).Inc() }

// outcomeOK is the outcome of what held.
const outcomeOK = "ok"
