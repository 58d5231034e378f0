package main

import (
	"fmt"
	"strings"
)

// row is a heading and the panels below it.
type row struct {
	title  string
	panels []panel
}

// panel is a diagram.
type panel struct {
	title, about string
	unit         string // in Grafana's words: see its list of units
	width        int    // of 24
	stacked      bool
	queries      []query
}

type query struct{ expr, legend string }

// The units.
const (
	count     = "short"
	perSecond = "ops"
	byteCount = "bytes"
	byteRate  = "Bps"
	seconds   = "s"
	share     = "percentunit"
)

// of selects a metric on the instances that are chosen.
func of(metric string) string {
	return metric + `{job=~"$job",instance=~"$instance"}`
}

// total adds up a metric over the instances, for each value of some labels.
func total(metric string, labels ...string) query {
	return query{"sum" + by(labels) + " (" + of(metric) + ")", legend(metric, labels)}
}

// rate is how much a counter grows in a second.
func rate(metric string, labels ...string) query {
	return query{"sum" + by(labels) + " (rate(" + of(metric) + "[$__rate_interval]))", legend(metric, labels)}
}

// quantile estimates one of a histogram.
func quantile(q float64, metric string, labels ...string) query {
	expr := fmt.Sprintf("histogram_quantile(%g, sum%s (rate(%s[$__rate_interval])))", q, by(append([]string{"le"}, labels...)), of(metric+"_bucket"))
	name := fmt.Sprintf("p%g", 100*q)
	if len(labels) > 0 {
		name += " " + legend("", labels)
	}
	return query{expr, name}
}

// named gives a query another legend; labels of its values may stand in {{ }}.
func (q query) named(legend string) query {
	q.legend = legend
	return q
}

func by(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return " by (" + strings.Join(labels, ", ") + ")"
}

// legend names what is shown: the values of the labels, or the metric.
func legend(metric string, labels []string) string {
	if len(labels) == 0 {
		return strings.TrimSuffix(strings.TrimPrefix(metric, "sockeye_"), "_total")
	}
	return "{{" + strings.Join(labels, "}} {{") + "}}"
}

// rows is the dashboard.
func rows() []row {
	return []row{
		{"Connections", connections()},
		{"Traffic", traffic()},
		{"Delivery", delivery()},
		{"Cluster", cluster()},
		{"Limits and doors", doors()},
		{"Webhooks", webhooks()},
		{"Telemetry", telemetry()},
		{"Process", process()},
	}
}

func connections() []panel {
	return []panel{
		{
			title: "Open sessions", about: "Engine.IO sessions by transport and protocol. A session that upgrades changes its transport.", unit: count, width: 8, stacked: true,
			queries: []query{total("sockeye_sessions", "transport", "protocol")},
		},
		{
			title: "Sockets", about: "Sockets by namespace: a session has one in each namespace it joined.", unit: count, width: 8, stacked: true,
			queries: []query{total("sockeye_sockets", "namespace")},
		},
		{
			title: "Handshakes", about: "Sessions opened, and requests that Engine.IO refused.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_sessions_opened_total", "transport", "protocol"), rate("sockeye_requests_refused_total").named("refused")},
		},
		{
			title: "Requests refused", about: "By reason. Unknown sid right after a restart is normal.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_requests_refused_total", "code", "reason")},
		},
		{
			title: "Sessions ended", about: "By reason (Node's words) and detail (Sockeye's). Slow reader, outbox overflow and handler stall mean trouble.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_sessions_closed_total", "reason", "detail")},
		},
		{
			title: "Connects and disconnects", about: "Sockets that joined and left namespaces, and connects that were refused.", unit: perSecond, width: 8,
			queries: []query{
				rate("sockeye_sockets_opened_total", "recovered").named("connected, recovered {{recovered}}"),
				rate("sockeye_sockets_closed_total", "reason").named("{{reason}}"),
				rate("sockeye_connects_refused_total", "why").named("refused: {{why}}"),
			},
		},
		{
			title: "Upgrades", about: "WebSockets that took over from polling, or tried to.", unit: perSecond, width: 12,
			queries: []query{
				rate("sockeye_upgrades_tried_total").named("tried"), rate("sockeye_upgrades_total").named("done"),
				rate("sockeye_upgrades_failed_total", "reason").named("failed: {{reason}}"),
				rate("sockeye_upgrades_withheld_total").named("withheld"), rate("sockeye_websockets_died_young_total").named("died young"),
			},
		},
		{
			title: "Strict proxies", about: "Addresses where something cuts connections, and what Sockeye does about it.", unit: count, width: 12,
			queries: []query{
				total("sockeye_upgrades_withheld_addresses").named("addresses without upgrades"),
				total("sockeye_keepalive_addresses").named("addresses with WebSocket pings"),
				total("sockeye_poll_hold_addresses").named("addresses with shorter polls"),
				rate("sockeye_keepalives_learned_total").named("learned of idle WebSockets, per second"),
				rate("sockeye_poll_holds_shortened_total").named("shorter polls, per second"),
			},
		},
	}
}

func traffic() []panel {
	return []panel{
		{title: "Events in", unit: perSecond, width: 6, stacked: true, queries: []query{rate("sockeye_events_received_total", "namespace")}},
		{title: "Events out", about: "One for each recipient.", unit: perSecond, width: 6, stacked: true, queries: []query{rate("sockeye_events_sent_total", "namespace")}},
		{title: "Bytes of events in", unit: byteRate, width: 6, stacked: true, queries: []query{rate("sockeye_event_bytes_received_total", "namespace")}},
		{title: "Bytes of events out", about: "To all recipients together.", unit: byteRate, width: 6, stacked: true, queries: []query{rate("sockeye_event_bytes_sent_total", "namespace")}},
		{
			title: "Engine.IO messages", about: "Everything that is packed into frames and polls: events, acknowledgements, connects.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_messages_received_total").named("in"), rate("sockeye_messages_sent_total").named("out")},
		},
		{
			title: "Bytes of frames and bodies", about: "After compression of polls, before TLS.", unit: byteRate, width: 8,
			queries: []query{rate("sockeye_bytes_received_total").named("in"), rate("sockeye_bytes_sent_total").named("out")},
		},
		{
			title: "Events nobody wanted", about: "Events without a listener or a relay rule, and acknowledgements nobody had asked for.", unit: perSecond, width: 8,
			queries: []query{
				rate("sockeye_events_unhandled_total", "namespace").named("unhandled in {{namespace}}"),
				rate("sockeye_relay_unknown_events_total", "namespace").named("no rule in {{namespace}}"),
				rate("sockeye_relay_forbidden_total", "namespace").named("forbidden in {{namespace}}"),
				rate("sockeye_acks_unknown_total", "namespace").named("unknown acks in {{namespace}}"),
			},
		},
		{
			title: "Notifications", about: "By user: new ones, and those that were known by their key.", unit: perSecond, width: 24, stacked: true,
			queries: []query{rate("sockeye_notifications_total", "outcome")},
		},
		{
			title: "Comments", about: "By what became of them: seen at once, held for a moderator, refused.", unit: perSecond, width: 24, stacked: true,
			queries: []query{rate("sockeye_comments_total", "outcome")},
		},
	}
}

func delivery() []panel {
	mean := func(histogram string) query {
		r := func(part string) string { return "sum (rate(" + of(histogram+part) + "[$__rate_interval]))" }
		return query{r("_sum") + " / " + r("_count"), "mean"}
	}
	return []panel{
		{
			title: "Recipients of a broadcast", about: "On one node.", unit: count, width: 8,
			queries: []query{quantile(0.5, "sockeye_fanout_recipients"), quantile(0.99, "sockeye_fanout_recipients"), mean("sockeye_fanout_recipients")},
		},
		{
			title: "Time to hand out a broadcast", about: "From the first recipient on one node to the last. Writing to the network comes after.", unit: seconds, width: 8,
			queries: []query{quantile(0.5, "sockeye_fanout_seconds"), quantile(0.99, "sockeye_fanout_seconds"), mean("sockeye_fanout_seconds")},
		},
		{
			title: "Waiting in outboxes", about: "Bytes for clients that have not taken them yet. A broadcast counts for each recipient, though its bytes are held once.", unit: byteCount, width: 8,
			queries: []query{total("sockeye_outbox_bytes", "instance")},
		},
		{
			title: "Slow readers", about: "Clients above --outbox-limit now.", unit: count, width: 8,
			queries: []query{total("sockeye_slow_readers", "instance")},
		},
		{
			title: "Dropped, full and panicked", about: "Volatile messages that were dropped, readings paused because handlers were behind, handlers that panicked.", unit: perSecond, width: 8,
			queries: []query{
				rate("sockeye_messages_dropped_total").named("volatile messages dropped"),
				rate("sockeye_inbox_full_total", "namespace").named("inbox full in {{namespace}}"),
				rate("sockeye_handler_panics_total", "namespace").named("panics in {{namespace}}"),
			},
		},
		{
			title: "Recovery", about: "Clients that came back and asked for their session.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_recoveries_total", "outcome")},
		},
	}
}

func cluster() []panel {
	return []panel{
		{
			title: "Nodes", about: "How many nodes each one knows, and whether its adapter reaches them.", unit: count, width: 8,
			queries: []query{
				total("sockeye_nodes", "instance").named("known to {{instance}}"),
				{"min by (instance) (" + of("sockeye_adapter_up") + ")", "adapter up at {{instance}}"},
			},
		},
		{
			title: "Messages between nodes", unit: perSecond, width: 8,
			queries: []query{
				rate("sockeye_adapter_published_total", "way").named("published, {{way}}"),
				rate("sockeye_adapter_received_total", "way").named("received, {{way}}"),
			},
		},
		{
			title: "Time to publish", about: "Of one call to Redis, which takes all messages that wait.", unit: seconds, width: 8,
			queries: []query{quantile(0.5, "sockeye_adapter_publish_seconds", "way"), quantile(0.99, "sockeye_adapter_publish_seconds", "way")},
		},
		{
			title: "Losses", about: "What was not published or not understood, and how often the other nodes were lost or may have been missed.", unit: perSecond, width: 8,
			queries: []query{
				rate("sockeye_adapter_errors_total", "way", "operation").named("{{operation}} failed, {{way}}"),
				rate("sockeye_adapter_lost_total").named("connection lost"), rate("sockeye_adapter_gaps_total").named("gaps"),
			},
		},
		{
			title: "Carried requests", about: "Requests that came to another node than that of their session.", unit: perSecond, width: 8,
			queries: []query{rate("sockeye_carried_requests_total", "role", "kind"), rate("sockeye_carry_failures_total", "role", "reason").named("{{role}} failed: {{reason}}")},
		},
		{title: "Carried WebSockets", unit: count, width: 8, queries: []query{total("sockeye_carried_websockets", "role")}},
	}
}

func doors() []panel {
	return []panel{
		{title: "Limits hit", unit: perSecond, width: 6, queries: []query{rate("sockeye_limits_hit_total", "limit", "effect")}},
		{
			title: "Authentication", about: "Who came, whose token was refreshed, and who was ended.", unit: perSecond, width: 6,
			queries: []query{
				rate("sockeye_auth_total", "method", "outcome"), rate("sockeye_auth_refreshes_total", "outcome").named("refresh: {{outcome}}"),
				rate("sockeye_auth_ended_total", "code").named("ended: {{code}}"),
			},
		},
		{title: "HTTP requests", about: "1xx is a WebSocket.", unit: perSecond, width: 6, queries: []query{rate("sockeye_http_requests_total", "route", "status")}},
		{
			title: "Time of HTTP requests, p99", about: "Polls wait for something to say, for up to 20 s.", unit: seconds, width: 6,
			queries: []query{quantile(0.99, "sockeye_http_request_seconds", "route").named("{{route}}")},
		},
	}
}

func webhooks() []panel {
	return []panel{
		{
			title: "Requests to backends", about: "By how they came out. Anything but ok and refused is a failure of the backend.", unit: perSecond, width: 8, stacked: true,
			queries: []query{rate("sockeye_webhook_requests_total", "webhook", "call", "outcome")},
		},
		{
			title: "Time of a request", about: "With the time until its turn. Events of one client wait for one another.", unit: seconds, width: 8,
			queries: []query{quantile(0.5, "sockeye_webhook_request_seconds", "webhook"), quantile(0.99, "sockeye_webhook_request_seconds", "webhook")},
		},
		{title: "Requests under way", about: "Those that wait for their turn included.", unit: count, width: 8, queries: []query{total("sockeye_webhook_requests", "webhook")}},
	}
}

func telemetry() []panel {
	return []panel{
		{
			title: "Readings", about: "By the way they came; node is another node, which has counted them too.", unit: perSecond, width: 6,
			queries: []query{rate("sockeye_telemetry_readings_total", "door"), rate("sockeye_telemetry_refused_total", "code").named("refused: {{code}}")},
		},
		{
			title: "Conflated readings", about: "Not sent because a later one of the same key was. Slow means dashboards that do not keep up.", unit: perSecond, width: 6,
			queries: []query{rate("sockeye_telemetry_conflated_total", "why")},
		},
		{
			title: "Devices and dashboards", about: "Every node knows all devices and keys; dashboards are its own.", unit: count, width: 6,
			queries: []query{
				total("sockeye_telemetry_devices", "instance").named("devices at {{instance}}"), total("sockeye_telemetry_keys", "instance").named("keys at {{instance}}"),
				total("sockeye_telemetry_dashboards").named("dashboards"),
			},
		},
		{
			title: "Alerts", about: "Raised and cleared; every node counts each.", unit: perSecond, width: 6,
			queries: []query{rate("sockeye_telemetry_alerts_total", "severity", "state")},
		},
	}
}

func process() []panel {
	return []panel{
		{title: "CPU", about: "1 is one core.", unit: share, width: 6, queries: []query{rate("process_cpu_seconds_total", "instance")}},
		{
			title: "Memory", unit: byteCount, width: 6,
			queries: []query{
				total("process_resident_memory_bytes", "instance").named("resident, {{instance}}"),
				total("go_memstats_heap_inuse_bytes", "instance").named("heap in use, {{instance}}"),
			},
		},
		{
			title: "Goroutines and file descriptors", about: "A WebSocket has one of each, a waiting poll one of each and its buffers.", unit: count, width: 6,
			queries: []query{
				total("go_goroutines", "instance").named("goroutines, {{instance}}"),
				total("process_open_fds", "instance").named("open files, {{instance}}"),
			},
		},
		{title: "Versions", about: "Nodes by version.", unit: count, width: 6, queries: []query{total("sockeye_build_info", "version")}},
	}
}
