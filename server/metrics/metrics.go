package metrics

import (
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

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
	upgrades       upgrades
	refused        *prometheus.CounterVec
	refusals       labels
	dropped        prometheus.Counter
	diedYoung      prometheus.Counter
	withheld       prometheus.Counter
	keepAlives     prometheus.Counter
	holdsShortened prometheus.Counter

	sockets         *prometheus.GaugeVec
	socketsOpened   *prometheus.CounterVec
	socketsClosed   *prometheus.CounterVec
	connectsRefused *prometheus.CounterVec
	received        *prometheus.CounterVec
	receivedBytes   *prometheus.CounterVec
	sent            *prometheus.CounterVec
	sentBytes       *prometheus.CounterVec
	fanOut          prometheus.Histogram
	fanOutTook      prometheus.Histogram
	recoveries      *prometheus.CounterVec
	unhandled       *prometheus.CounterVec
	unknownAcks     *prometheus.CounterVec
	panics          *prometheus.CounterVec
	inboxFull       *prometheus.CounterVec
	unknownEvents   *prometheus.CounterVec
	forbidden       *prometheus.CounterVec
	notified        *prometheus.CounterVec
	commented       *prometheus.CounterVec
	adapterUp       *prometheus.GaugeVec
	adapterLost     *prometheus.CounterVec
	adapterGaps     *prometheus.CounterVec
	carried         carried
	between         between
	doors           doorCounts
	web             web
	readings        readings
	webhooks        webhooks

	namespaces sync.Map // name → *namespace; events are counted without a lookup by label
	mu         sync.Mutex
	known      int    // guarded by mu: namespaces that have a label
	codes      labels // of Socket.End
}

// namespace holds the counters of one namespace that every event touches.
type namespace struct {
	label                    string
	received, sent           prometheus.Counter
	receivedBytes, sentBytes prometheus.Counter
}

var (
	_ engineio.Observer = (*Metrics)(nil)
	_ socketio.Observer = (*Metrics)(nil)
)

// cpuClasses adds what of the CPU time goes into collecting garbage: the runtime counts it
// anew at the end of each collection.
var cpuClasses = collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
	Matcher: regexp.MustCompile(`^/cpu/classes/(gc/total|user|idle|total):cpu-seconds$`),
})

// New makes a registry with the collectors of Go, of the process and of
// Sockeye. release is the label of sockeye_build_info.
func New(release string) *Metrics {
	m := &Metrics{
		codes:          labels{max: maxCodes},
		registry:       prometheus.NewRegistry(),
		sessions:       gauges("sessions", "Open sessions: of Engine.IO, plain WebSockets (websocket-plain) and event streams (event-stream).", "transport", "protocol"),
		sessionsOpened: counters("sessions_opened_total", "Sessions opened, likewise.", "transport", "protocol"),
		sessionsClosed: counters("sessions_closed_total", "Sessions ended, by reason (Node's words) and detail (Sockeye's).", "transport", "reason", "detail"),
		upgrades:       newUpgrades(),
		refused:        counters("requests_refused_total", "Requests refused by Engine.IO, by its error code and why.", "code", "reason"),
		refusals:       labels{max: maxDoorLabels},
		dropped:        prometheus.NewCounter(counterOpts("messages_dropped_total", "Volatile messages that were not delivered.")),
		diedYoung:      prometheus.NewCounter(counterOpts("websockets_died_young_total", "WebSockets of sessions that upgraded, or tried to, which were lost within 30 s.")),
		withheld:       prometheus.NewCounter(counterOpts("upgrades_withheld_total", "Handshakes that were offered no upgrade, because WebSockets of their address die young.")),
		holdsShortened: prometheus.NewCounter(counterOpts("poll_holds_shortened_total", "Polls that were held for less than usual, because their address was found to cut waiting ones.")),
		keepAlives:     prometheus.NewCounter(counterOpts("keepalives_learned_total", "Times that an address was found to cut idle WebSockets, so that its new ones are pinged more often.")),

		sockets:         gauges("sockets", "Connected sockets.", "namespace"),
		socketsOpened:   counters("sockets_opened_total", "Sockets connected.", "namespace", "recovered"),
		socketsClosed:   counters("sockets_closed_total", "Sockets disconnected, by reason (Node's words) and detail (Sockeye's).", "namespace", "reason", "detail"),
		connectsRefused: counters("connects_refused_total", "Connects to a namespace refused.", "why"),
		received:        counters("events_received_total", "Events received.", "namespace"),
		receivedBytes:   counters("event_bytes_received_total", "Bytes of events received, attachments included, without the framing of the transport.", "namespace"),
		sent:            counters("events_sent_total", "Events sent, one for each recipient.", "namespace"),
		sentBytes:       counters("event_bytes_sent_total", "Bytes of events sent, attachments included, without the framing of the transport, to all recipients together.", "namespace"),
		fanOut:          histogram("fanout_recipients", "Recipients of each broadcast on this node.", 0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000),
		fanOutTook:      histogram("fanout_seconds", "Time to hand a broadcast to all its recipients on this node.", 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 1),
		recoveries:      counters("recoveries_total", "Clients that came back and asked for their session, by what came of it: recovered, or why not.", "namespace", "outcome"),
		unhandled:       counters("events_unhandled_total", "Events that no listener took.", "namespace"),
		unknownAcks:     counters("acks_unknown_total", "Acknowledgements nobody had asked for.", "namespace"),
		panics:          counters("handler_panics_total", "Handlers that panicked.", "namespace"),
		inboxFull:       counters("inbox_full_total", "Times that reading paused because handlers were behind.", "namespace"),
		adapterUp:       gauges("adapter_up", "1 while the namespace's adapter reaches the other nodes, 0 while it does not.", "namespace"),
		adapterLost:     counters("adapter_lost_total", "Times that the connection to the other nodes was lost.", "namespace"),
		carried:         newCarried(),
		between:         newBetween(),
		doors:           newDoors(),
		web:             newWeb(),
		readings:        newReadings(),
		webhooks:        newWebhooks(),
		adapterGaps:     counters("adapter_gaps_total", "Times that messages of other nodes may have been missed.", "namespace"),
		unknownEvents:   counters("relay_unknown_events_total", "Events that no relay rule takes.", "namespace"),
		notified:        counters("notifications_total", "Notifications by user, by what came of them: new, or repeated by their key.", "outcome"),
		commented:       counters("comments_total", "Comments that were sent, by what became of them: published, pending, rejected, or the code of a refusal.", "outcome"),
		forbidden:       counters("relay_forbidden_total", "Events that the relay did not pass on because their sender may not send them.", "namespace"),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "sockeye", Name: "build_info", Help: "1, labelled with the version."}, []string{"version"})
	build.WithLabelValues(release).Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(cpuClasses), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
		m.sessions, m.sessionsOpened, m.sessionsClosed, m.refused, m.dropped,
		m.diedYoung, m.withheld, m.keepAlives, m.holdsShortened,
		m.sockets, m.socketsOpened, m.socketsClosed, m.connectsRefused, m.received, m.receivedBytes, m.sent, m.sentBytes,
		m.fanOut, m.fanOutTook, m.recoveries,
		m.unhandled, m.unknownAcks, m.panics, m.inboxFull, m.unknownEvents, m.forbidden, m.notified, m.commented,
		m.adapterUp, m.adapterLost, m.adapterGaps,
	)
	for _, part := range [][]prometheus.Collector{
		m.upgrades.collectors(), m.carried.collectors(), m.between.collectors(), m.doors.collectors(), m.web.collectors(),
		m.readings.collectors(),
		m.webhooks.collectors(),
	} {
		m.registry.MustRegister(part...)
	}
	m.preset()
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

func histogramOpts(name, help string, buckets ...float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{Namespace: "sockeye", Name: name, Help: help, Buckets: buckets}
}

func histogram(name, help string, buckets ...float64) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, help, buckets...))
}

// Registry takes the metrics of other parts.
func (m *Metrics) Registry() prometheus.Registerer { return m.registry }

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
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
	n := &namespace{
		label: label, received: m.received.WithLabelValues(label), sent: m.sent.WithLabelValues(label),
		receivedBytes: m.receivedBytes.WithLabelValues(label), sentBytes: m.sentBytes.WithLabelValues(label),
	}
	m.presetNamespace(label)
	if label != other { // the others stay out, so that the map is bounded too
		m.known++
		m.namespaces.Store(name, n)
	}
	return n
}

// SessionOpened counts a session of Engine.IO.
func (m *Metrics) SessionOpened(transport string, protocol int) {
	p := protocolLabel(protocol)
	m.sessions.WithLabelValues(transport, p).Inc()
	m.sessionsOpened.WithLabelValues(transport, p).Inc()
}

// protocolLabel is the Engine.IO protocol of a session; guests speak none.
func protocolLabel(protocol int) string {
	if protocol == 0 {
		return "none"
	}
	return strconv.Itoa(protocol)
}

// SessionClosed counts the end of a session.
func (m *Metrics) SessionClosed(transport string, protocol int, c *engineio.CloseError) {
	m.sessions.WithLabelValues(transport, protocolLabel(protocol)).Dec()
	m.sessionsClosed.WithLabelValues(transport, string(c.Reason), string(c.Detail)).Inc()
}

// RequestRefused counts an error answer of Engine.IO.
func (m *Metrics) RequestRefused(code int, why string) {
	m.refused.WithLabelValues(strconv.Itoa(code), m.refusals.of(why)).Inc()
}

// MessageDropped counts volatile messages that were not delivered.
func (m *Metrics) MessageDropped(n int) { m.dropped.Add(float64(n)) }

// WebSocketDiedYoung counts a WebSocket that was lost soon after its upgrade.
func (m *Metrics) WebSocketDiedYoung() { m.diedYoung.Inc() }

// UpgradeWithheld counts a handshake that was offered no upgrade.
func (m *Metrics) UpgradeWithheld() { m.withheld.Inc() }

// PollHoldShortened counts a poll that is held for less than usual.
func (m *Metrics) PollHoldShortened() { m.holdsShortened.Inc() }

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
func (m *Metrics) EventReceived(name string, bytes int) {
	n := m.of(name)
	n.received.Inc()
	n.receivedBytes.Add(float64(bytes))
}

// EventSent counts deliveries.
func (m *Metrics) EventSent(name string, n, bytes int) {
	c := m.of(name)
	c.sent.Add(float64(n))
	c.sentBytes.Add(float64(bytes))
}

// FannedOut counts a broadcast. Histograms of every namespace would be too many.
func (m *Metrics) FannedOut(_ string, recipients int, took time.Duration) {
	m.fanOut.Observe(float64(recipients))
	m.fanOutTook.Observe(took.Seconds())
}

// RecoveryTried counts how a client's wish for its session came out.
func (m *Metrics) RecoveryTried(name string, outcome socketio.Miss) {
	m.recoveries.WithLabelValues(m.of(name).label, string(outcome)).Inc()
}

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

// Notified counts the users of a notification: to whom it is new, and who had it.
func (m *Metrics) Notified(users, repeated int) {
	m.notified.WithLabelValues(notifiedNew).Add(float64(users))
	m.notified.WithLabelValues(notifiedAgain).Add(float64(repeated))
}

// Commented counts a comment that was sent, by what became of it.
func (m *Metrics) Commented(outcome string) { m.commented.WithLabelValues(outcome).Inc() }

// The outcomes of a notification.
const (
	notifiedNew   = "new"
	notifiedAgain = "repeated"
)

// Forbidden counts an event whose sender may not send it, by the key of the relay's
// rules.
func (m *Metrics) Forbidden(pattern string) {
	m.forbidden.WithLabelValues(m.of(pattern).label).Inc()
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
