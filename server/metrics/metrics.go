package metrics

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// maxNamespaces is how many namespaces have a label of their own. Clients name
// dynamic namespaces, and a label for each would let them fill the memory.
const maxNamespaces = 100

// maxCodes is how many codes of Socket.End have a label of their own, for the same
// reason: an application may make them up as it goes.
const maxCodes = 50

// Metrics is the registry and the observer of both layers.
type Metrics struct {
	registry *prometheus.Registry

	sessions       *prometheus.GaugeVec
	sessionsOpened *prometheus.CounterVec
	sessionsClosed *prometheus.CounterVec
	upgrades       prometheus.Counter
	refused        *prometheus.CounterVec
	dropped        prometheus.Counter
	diedYoung      prometheus.Counter
	withheld       prometheus.Counter
	keepAlives     prometheus.Counter

	sockets         *prometheus.GaugeVec
	socketsOpened   *prometheus.CounterVec
	socketsClosed   *prometheus.CounterVec
	connectsRefused *prometheus.CounterVec
	received        *prometheus.CounterVec
	sent            *prometheus.CounterVec
	unhandled       *prometheus.CounterVec
	unknownAcks     *prometheus.CounterVec
	panics          *prometheus.CounterVec
	inboxFull       *prometheus.CounterVec
	unknownEvents   *prometheus.CounterVec
	adapterUp       *prometheus.GaugeVec
	adapterLost     *prometheus.CounterVec
	adapterGaps     *prometheus.CounterVec
	carried         carried
	doors           doors

	namespaces sync.Map // name → *namespace; events are counted without a lookup by label
	mu         sync.Mutex
	known      int    // guarded by mu: namespaces that have a label
	codes      labels // of Socket.End
}

// namespace holds the counters of one namespace that every event touches.
type namespace struct {
	label          string
	received, sent prometheus.Counter
}

var (
	_ engineio.Observer = (*Metrics)(nil)
	_ socketio.Observer = (*Metrics)(nil)
)

// New makes a registry with the collectors of Go, of the process and of
// Sockeye. release is the label of sockeye_build_info.
func New(release string) *Metrics {
	m := &Metrics{
		codes:          labels{max: maxCodes},
		registry:       prometheus.NewRegistry(),
		sessions:       gauges("sessions", "Open Engine.IO sessions.", "transport"),
		sessionsOpened: counters("sessions_opened_total", "Engine.IO sessions opened.", "transport", "protocol"),
		sessionsClosed: counters("sessions_closed_total", "Engine.IO sessions ended, by reason (Node's words) and detail (Sockeye's).", "transport", "reason", "detail"),
		upgrades:       prometheus.NewCounter(counterOpts("upgrades_total", "Sessions that moved from polling to WebSocket.")),
		refused:        counters("requests_refused_total", "Requests refused by Engine.IO, by its error code.", "code"),
		dropped:        prometheus.NewCounter(counterOpts("messages_dropped_total", "Volatile messages that were not delivered.")),
		diedYoung:      prometheus.NewCounter(counterOpts("websockets_died_young_total", "WebSockets of sessions that upgraded, or tried to, which were lost within 30 s.")),
		withheld:       prometheus.NewCounter(counterOpts("upgrades_withheld_total", "Handshakes that were offered no upgrade, because WebSockets of their address die young.")),
		keepAlives:     prometheus.NewCounter(counterOpts("keepalives_learned_total", "Times that an address was found to cut idle WebSockets, so that its new ones are pinged more often.")),

		sockets:         gauges("sockets", "Connected sockets.", "namespace"),
		socketsOpened:   counters("sockets_opened_total", "Sockets connected.", "namespace", "recovered"),
		socketsClosed:   counters("sockets_closed_total", "Sockets disconnected, by reason (Node's words) and detail (Sockeye's).", "namespace", "reason", "detail"),
		connectsRefused: counters("connects_refused_total", "Connects to a namespace refused.", "why"),
		received:        counters("events_received_total", "Events received.", "namespace"),
		sent:            counters("events_sent_total", "Events sent, one for each recipient.", "namespace"),
		unhandled:       counters("events_unhandled_total", "Events that no listener took.", "namespace"),
		unknownAcks:     counters("acks_unknown_total", "Acknowledgements nobody had asked for.", "namespace"),
		panics:          counters("handler_panics_total", "Handlers that panicked.", "namespace"),
		inboxFull:       counters("inbox_full_total", "Times that reading paused because handlers were behind.", "namespace"),
		adapterUp:       gauges("adapter_up", "1 while the namespace's adapter reaches the other nodes, 0 while it does not.", "namespace"),
		adapterLost:     counters("adapter_lost_total", "Times that the connection to the other nodes was lost.", "namespace"),
		carried:         newCarried(),
		doors:           newDoors(),
		adapterGaps:     counters("adapter_gaps_total", "Times that messages of other nodes may have been missed.", "namespace"),
		unknownEvents:   counters("relay_unknown_events_total", "Events that no relay rule takes.", "namespace"),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "sockeye", Name: "build_info", Help: "1, labelled with the version."}, []string{"version"})
	build.WithLabelValues(release).Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
		m.sessions, m.sessionsOpened, m.sessionsClosed, m.upgrades, m.refused, m.dropped,
		m.diedYoung, m.withheld, m.keepAlives,
		m.sockets, m.socketsOpened, m.socketsClosed, m.connectsRefused, m.received, m.sent,
		m.unhandled, m.unknownAcks, m.panics, m.inboxFull, m.unknownEvents,
		m.adapterUp, m.adapterLost, m.adapterGaps,
	)
	m.registry.MustRegister(m.carried.collectors()...)
	m.registry.MustRegister(m.doors.collectors()...)
	return m
}

func counterOpts(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: "sockeye", Name: name, Help: help}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(counterOpts(name, help), labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "sockeye", Name: name, Help: help}, labels)
}

// Registry takes the metrics of other parts.
func (m *Metrics) Registry() prometheus.Registerer { return m.registry }

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Engine adds what an Engine.IO server counts by itself. It is called once.
func (m *Metrics) Engine(stats func() engineio.Stats) {
	read := func(name, help string, value func(engineio.Stats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(counterOpts(name, help), func() float64 { return float64(value(stats())) })
	}
	gauge := func(name, help string, value func(engineio.Stats) int) prometheus.Collector {
		o := prometheus.GaugeOpts{Namespace: "sockeye", Name: name, Help: help}
		return prometheus.NewGaugeFunc(o, func() float64 { return float64(value(stats())) })
	}
	m.registry.MustRegister(
		gauge("upgrades_withheld_addresses", "Addresses that are offered no upgrade at the moment.", func(s engineio.Stats) int { return s.UpgradesWithheld }),
		gauge("keepalive_addresses", "Addresses whose new WebSockets are pinged more often at the moment.", func(s engineio.Stats) int { return s.KeptAlive }),
		read("messages_received_total", "Engine.IO messages received.", func(s engineio.Stats) uint64 { return s.MessagesIn }),
		read("messages_sent_total", "Engine.IO messages sent, one for each recipient.", func(s engineio.Stats) uint64 { return s.MessagesOut }),
		read("bytes_received_total", "Bytes of payloads received.", func(s engineio.Stats) uint64 { return s.BytesIn }),
		read("bytes_sent_total", "Bytes of frames and bodies sent.", func(s engineio.Stats) uint64 { return s.BytesOut }),
	)
}

// Nodes adds how many nodes of the cluster are known. It is called once.
func (m *Metrics) Nodes(count func() int) {
	o := prometheus.GaugeOpts{Namespace: "sockeye", Name: "nodes", Help: "Nodes of the cluster that this one knows, itself included."}
	m.registry.MustRegister(prometheus.NewGaugeFunc(o, func() float64 { return float64(count()) }))
}

// of returns the counters of a namespace.
func (m *Metrics) of(name string) *namespace {
	if n, ok := m.namespaces.Load(name); ok {
		return n.(*namespace) //nolint:errcheck // the map holds nothing else
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, ok := m.namespaces.Load(name); ok {
		return n.(*namespace) //nolint:errcheck // the map holds nothing else
	}
	label := name
	if m.known >= maxNamespaces {
		label = other
	}
	n := &namespace{label: label, received: m.received.WithLabelValues(label), sent: m.sent.WithLabelValues(label)}
	if label != other { // the others stay out, so that the map is bounded too
		m.known++
		m.namespaces.Store(name, n)
	}
	return n
}

// SessionOpened counts a session of Engine.IO.
func (m *Metrics) SessionOpened(transport string, protocol int) {
	m.sessions.WithLabelValues(transport).Inc()
	m.sessionsOpened.WithLabelValues(transport, strconv.Itoa(protocol)).Inc()
}

// SessionUpgraded moves a session from polling to WebSocket.
func (m *Metrics) SessionUpgraded() {
	m.upgrades.Inc()
	m.sessions.WithLabelValues(engineio.TransportPolling).Dec()
	m.sessions.WithLabelValues(engineio.TransportWebSocket).Inc()
}

// SessionClosed counts the end of a session.
func (m *Metrics) SessionClosed(transport string, c *engineio.CloseError) {
	m.sessions.WithLabelValues(transport).Dec()
	m.sessionsClosed.WithLabelValues(transport, string(c.Reason), string(c.Detail)).Inc()
}

// RequestRefused counts an error answer of Engine.IO.
func (m *Metrics) RequestRefused(code int) { m.refused.WithLabelValues(strconv.Itoa(code)).Inc() }

// MessageDropped counts volatile messages that were not delivered.
func (m *Metrics) MessageDropped(n int) { m.dropped.Add(float64(n)) }

// WebSocketDiedYoung counts a WebSocket that was lost soon after its upgrade.
func (m *Metrics) WebSocketDiedYoung() { m.diedYoung.Inc() }

// UpgradeWithheld counts a handshake that was offered no upgrade.
func (m *Metrics) UpgradeWithheld() { m.withheld.Inc() }

// KeepAliveLearned counts an address that was found to cut idle WebSockets.
func (m *Metrics) KeepAliveLearned() { m.keepAlives.Inc() }

// SocketOpened counts a socket that joined a namespace.
func (m *Metrics) SocketOpened(name string, recovered bool) {
	label := m.of(name).label
	m.sockets.WithLabelValues(label).Inc()
	m.socketsOpened.WithLabelValues(label, strconv.FormatBool(recovered)).Inc()
}

// SocketClosed counts a socket that left its namespace.
func (m *Metrics) SocketClosed(name string, r socketio.DisconnectReason) {
	label := m.of(name).label
	m.sockets.WithLabelValues(label).Dec()
	m.socketsClosed.WithLabelValues(label, r.Reason, m.detail(r)).Inc()
}

// detail returns the label of a detail. Those of the sets in engineio and socketio
// are few; what the application gives to Socket.End is bounded here.
func (m *Metrics) detail(r socketio.DisconnectReason) string {
	if r.Reason != socketio.ReasonServerDisconnect || r.Detail == "" || r.Detail == string(engineio.DetailHandlerPanic) {
		return r.Detail
	}
	return m.codes.of(r.Detail)
}

// ConnectRefused counts a CONNECT_ERROR. The namespace is the client's word
// and no label.
func (m *Metrics) ConnectRefused(_, why string) { m.connectsRefused.WithLabelValues(why).Inc() }

// EventReceived counts an event from a client.
func (m *Metrics) EventReceived(name string) { m.of(name).received.Inc() }

// EventSent counts deliveries.
func (m *Metrics) EventSent(name string, n int) { m.of(name).sent.Add(float64(n)) }

// EventUnhandled counts an event that nobody took. Its name is the client's
// word and no label.
func (m *Metrics) EventUnhandled(name, _ string) {
	m.unhandled.WithLabelValues(m.of(name).label).Inc()
}

// AckUnknown counts an acknowledgement nobody had asked for.
func (m *Metrics) AckUnknown(name string) { m.unknownAcks.WithLabelValues(m.of(name).label).Inc() }

// HandlerPanicked counts a panic.
func (m *Metrics) HandlerPanicked(name string) { m.panics.WithLabelValues(m.of(name).label).Inc() }

// InboxFull counts a pause of reading.
func (m *Metrics) InboxFull(name string) { m.inboxFull.WithLabelValues(m.of(name).label).Inc() }

// UnknownEvent counts an event that no rule of the relay takes, by the key of
// its rules.
func (m *Metrics) UnknownEvent(pattern string) {
	m.unknownEvents.WithLabelValues(m.of(pattern).label).Inc()
}

// AdapterEvent notes how a namespace's adapter fares.
func (m *Metrics) AdapterEvent(name string, e socketio.AdapterEvent) {
	label := m.of(name).label
	switch {
	case e.Kind == socketio.AdapterGap:
		m.adapterGaps.WithLabelValues(label).Inc()
	case e.Up:
		m.adapterUp.WithLabelValues(label).Set(1)
	default:
		m.adapterUp.WithLabelValues(label).Set(0)
		m.adapterLost.WithLabelValues(label).Inc()
	}
}
