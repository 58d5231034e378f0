package metrics

import (
	"strconv"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/carry"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// A series that appears with its first event hides that event from rate(): Prometheus
// sees no change, only a beginning. So every series whose labels are known is made at
// the start, with the value 0.

// preset makes the series of closed sets, and of the namespace that is always there.
func (m *Metrics) preset() {
	for transport, protocols := range map[string][]int{
		engineio.TransportPolling: {3, 4}, engineio.TransportWebSocket: {3, 4},
		engineio.TransportPlainWebSocket: {0}, engineio.TransportEventStream: {0},
	} {
		for _, p := range protocols {
			m.sessions.WithLabelValues(transport, protocolLabel(p))
			m.sessionsOpened.WithLabelValues(transport, protocolLabel(p))
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
	m.Notified(0, 0)
	m.commented.WithLabelValues("published")
	m.presetDoors()
	m.readings.preset()
	m.Namespace("/")
}

// presetDoors makes those of who is stopped and who comes in.
func (m *Metrics) presetDoors() {
	d := &m.doors
	for name, effects := range map[limit.Name][]limit.Effect{
		limit.NodeConnections: {limit.Refused},
		limit.IPConnections:   {limit.Refused, limit.Shut},
		limit.IPHandshakes:    {limit.Refused},
		limit.UserConnections: {limit.Refused},
		limit.UserHandshakes:  {limit.Refused},
		limit.Events:          {limit.Refused, limit.Disconnected},
		limit.Bytes:           {limit.Paused},
		limit.APIRequests:     {limit.Refused},
		limit.APIOpen:         {limit.Refused},
	} {
		for _, effect := range effects {
			d.limitsHit.WithLabelValues(d.limits.of(string(name)), d.effects.of(string(effect)))
		}
	}
	codes := []auth.Code{
		outcomeOK, auth.CodeUnauthorized, auth.CodeInvalidToken, auth.CodeTokenExpired, auth.CodeForbidden, auth.CodeBlocked,
		auth.CodeUnavailable,
	}
	for _, code := range codes {
		for _, method := range []auth.Method{auth.MethodAnonymous, auth.MethodToken, auth.MethodSession, auth.MethodKey, auth.MethodTicket} {
			d.auth.WithLabelValues(d.ways.of(string(method)), d.outcomes.of(string(code)))
		}
		d.refreshes.WithLabelValues(string(code))
	}
	d.refreshes.WithLabelValues(string(auth.CodeOtherUser))
	for _, code := range []auth.Code{auth.CodeTokenExpired, auth.CodeBlocked} {
		d.ended.WithLabelValues(string(code))
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
	m.forbidden.WithLabelValues(label)
	m.adapterLost.WithLabelValues(label)
	m.adapterGaps.WithLabelValues(label)
}
