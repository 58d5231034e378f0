package metrics

import (
	"strconv"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/carry"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// A series that appears with its first event hides that event from rate(): Prometheus
// sees no change, only a beginning. So every series whose labels are known is made at
// the start, with the value 0.

// preset makes the series of closed sets, and of the namespace that is always there.
func (m *Metrics) preset() {
	for _, transport := range []string{engineio.TransportPolling, engineio.TransportWebSocket} {
		for _, protocol := range []string{"3", "4"} {
			m.sessions.WithLabelValues(transport, protocol)
			m.sessionsOpened.WithLabelValues(transport, protocol)
		}
		for _, e := range engineio.Ends() {
			m.sessionsClosed.WithLabelValues(transport, string(e.Reason), string(e.Detail))
		}
	}
	for code, reasons := range engineio.Refusals() {
		for _, why := range reasons {
			m.refused.WithLabelValues(strconv.Itoa(code), m.refusals.of(why))
		}
	}
	for _, why := range engineio.UpgradeFailures() {
		m.upgrades.failed.WithLabelValues(string(why))
	}
	for _, why := range socketio.ConnectRefusals() {
		m.connectsRefused.WithLabelValues(why)
	}
	for role, reasons := range carry.Reasons() {
		m.carried.webSockets.WithLabelValues(string(role))
		for _, kind := range []carry.Kind{carry.Poll, carry.Post, carry.WebSocket} {
			m.carried.requests.WithLabelValues(string(role), string(kind))
		}
		for _, why := range reasons {
			m.carried.failures.WithLabelValues(string(role), string(why))
		}
	}
	m.presetDoors()
	m.Namespace("/")
}

// presetDoors makes those of who is stopped and who comes in.
func (m *Metrics) presetDoors() {
	for limit, effects := range map[string][]string{
		"connections": {"refused"}, "ip-connections": {"refused", "shut"}, "ip-handshakes": {"refused"},
		"user-connections": {"refused"}, "user-handshakes": {"refused"},
		"events": {"refused", "disconnected"}, "bytes": {"paused"},
	} {
		for _, effect := range effects {
			m.doors.limitsHit.WithLabelValues(m.doors.limits.of(limit), m.doors.effects.of(effect))
		}
	}
	for _, method := range []auth.Method{auth.MethodAnonymous, auth.MethodToken, auth.MethodSession, auth.MethodKey} {
		for _, outcome := range []string{
			"ok", string(auth.CodeUnauthorized), string(auth.CodeInvalidToken), string(auth.CodeTokenExpired),
			string(auth.CodeForbidden), string(auth.CodeBlocked), string(auth.CodeUnavailable),
		} {
			m.doors.auth.WithLabelValues(m.doors.ways.of(string(method)), m.doors.outcomes.of(outcome))
		}
	}
}

// Namespace makes the series of a namespace that the program has from its start.
func (m *Metrics) Namespace(name string) {
	label := m.of(name).label
	for _, e := range engineio.Ends() {
		m.socketsClosed.WithLabelValues(label, string(e.Reason), string(e.Detail))
	}
	for _, reason := range []string{socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect} {
		m.socketsClosed.WithLabelValues(label, reason, "")
	}
}

// presetNamespace makes those that every namespace has.
func (m *Metrics) presetNamespace(label string) {
	m.sockets.WithLabelValues(label)
	for _, recovered := range []bool{false, true} {
		m.socketsOpened.WithLabelValues(label, strconv.FormatBool(recovered))
	}
	for _, outcome := range socketio.RecoveryOutcomes() {
		m.recoveries.WithLabelValues(label, string(outcome))
	}
	m.unhandled.WithLabelValues(label)
	m.unknownAcks.WithLabelValues(label)
	m.panics.WithLabelValues(label)
	m.inboxFull.WithLabelValues(label)
	m.unknownEvents.WithLabelValues(label)
	m.adapterLost.WithLabelValues(label)
	m.adapterGaps.WithLabelValues(label)
}
