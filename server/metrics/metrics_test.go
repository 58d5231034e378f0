package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// someEngine has something to say of everything.
type someEngine struct{}

func (someEngine) Stats() engineio.Stats {
	return engineio.Stats{MessagesIn: 11, MessagesOut: 12, BytesIn: 13, BytesOut: 14, UpgradesWithheld: 15, KeptAlive: 16, HoldsShortened: 17}
}

func (someEngine) Outboxes() (bytes int64, above int) { return 18, 19 }

func TestEveryEventIsCountedUnderItsLabels(t *testing.T) {
	m := New("v1")
	m.SessionOpened(engineio.TransportPolling, 4)
	m.SessionOpened(engineio.TransportPolling, 4)
	m.UpgradeTried()
	m.UpgradeTried()
	m.SessionUpgraded(4)
	m.UpgradeFailed(engineio.UpgradeTimeout)
	m.SessionClosed(engineio.TransportWebSocket, 4, &engineio.CloseError{Reason: engineio.ReasonPingTimeout, Detail: engineio.DetailNoPong})
	m.RequestRefused(4, "origin refused")
	m.MessageDropped(3)
	m.WebSocketDiedYoung()
	m.UpgradeWithheld()
	m.KeepAliveLearned()
	m.PollHoldShortened()
	m.SocketOpened("/", true)
	m.SocketOpened("/", false)
	m.SocketClosed("/", socketio.DisconnectReason{Reason: "ping timeout", Detail: "no pong"})
	m.ConnectRefused("/hidden", "middleware")
	m.EventReceived("/", 30)
	m.EventSent("/", 5, 100)
	if got := m.Events(); got != 6 {
		t.Errorf("%v events on all namespaces, want 6", got)
	}
	m.FannedOut("/", 5, 3*time.Millisecond)
	m.RecoveryTried("/", socketio.MissUnknown)
	m.Published(cluster.Log, 7, 2*time.Millisecond)
	m.NotPublished(cluster.PubSub, 2)
	m.Received(cluster.PubSub, 3)
	m.NotUnderstood(cluster.Log)
	m.Answered("/x", http.StatusNotFound, 2*time.Millisecond)
	m.EventUnhandled("/", "whatever the client likes")
	m.AckUnknown("/")
	m.HandlerPanicked("/")
	m.InboxFull("/")
	m.UnknownEvent("/")
	m.Forbidden("/")
	m.TokenRefreshed("")
	m.TokenRefreshed(auth.CodeTokenExpired)
	m.ClientEnded(auth.CodeBlocked)
	m.Engine(someEngine{})

	got := scrape(t, m)
	for _, want := range []string{
		`sockeye_build_info{version="v1"} 1`,
		`sockeye_sessions{protocol="4",transport="polling"} 1`,
		`sockeye_sessions{protocol="4",transport="websocket"} 0`,
		`sockeye_sessions{protocol="3",transport="websocket"} 0`,
		"sockeye_upgrades_tried_total 2\n",
		`sockeye_upgrades_failed_total{reason="timeout"} 1`,
		`sockeye_upgrades_failed_total{reason="bad probe"} 0`,
		"sockeye_poll_holds_shortened_total 1\n",
		"sockeye_poll_hold_addresses 17\n",
		"sockeye_outbox_bytes 18\n",
		"sockeye_slow_readers 19\n",
		`sockeye_event_bytes_received_total{namespace="/"} 30`,
		`sockeye_event_bytes_sent_total{namespace="/"} 100`,
		`sockeye_fanout_recipients_bucket{le="2"} 0`,
		`sockeye_fanout_recipients_bucket{le="5"} 1`,
		`sockeye_fanout_seconds_bucket{le="0.005"} 1`,
		`sockeye_recoveries_total{namespace="/",outcome="unknown session"} 1`,
		`sockeye_recoveries_total{namespace="/",outcome="recovered"} 0`,
		`sockeye_adapter_published_total{way="log"} 7`,
		`sockeye_adapter_received_total{way="pubsub"} 3`,
		`sockeye_adapter_errors_total{operation="publish",way="pubsub"} 2`,
		`sockeye_adapter_errors_total{operation="receive",way="log"} 1`,
		`sockeye_adapter_publish_seconds_count{way="log"} 1`,
		`sockeye_http_requests_total{route="/x",status="4xx"} 1`,
		`sockeye_http_request_seconds_count{route="/x"} 1`,
		`sockeye_sessions_opened_total{protocol="4",transport="polling"} 2`,
		`sockeye_sessions_closed_total{detail="no pong",reason="ping timeout",transport="websocket"} 1`,
		`sockeye_upgrades_total 1`,
		`sockeye_requests_refused_total{code="4",reason="origin refused"} 1`,
		`sockeye_requests_refused_total{code="4",reason="forbidden"} 0`,
		`sockeye_messages_dropped_total 3`,
		`sockeye_websockets_died_young_total 1`,
		`sockeye_upgrades_withheld_total 1`,
		`sockeye_keepalives_learned_total 1`,
		"sockeye_upgrades_withheld_addresses 15\n",
		"sockeye_keepalive_addresses 16\n",
		`sockeye_sockets{namespace="/"} 1`,
		`sockeye_sockets_opened_total{namespace="/",recovered="true"} 1`,
		`sockeye_sockets_closed_total{detail="no pong",namespace="/",reason="ping timeout"} 1`,
		`sockeye_connects_refused_total{why="middleware"} 1`,
		`sockeye_events_received_total{namespace="/"} 1`,
		`sockeye_events_sent_total{namespace="/"} 5`,
		`sockeye_relay_forbidden_total{namespace="/"} 1`,
		`sockeye_auth_refreshes_total{outcome="ok"} 1`,
		`sockeye_auth_refreshes_total{outcome="token_expired"} 1`,
		`sockeye_auth_ended_total{code="blocked"} 1`,
		`sockeye_events_unhandled_total{namespace="/"} 1`,
		`sockeye_acks_unknown_total{namespace="/"} 1`,
		`sockeye_handler_panics_total{namespace="/"} 1`,
		`sockeye_inbox_full_total{namespace="/"} 1`,
		`sockeye_relay_unknown_events_total{namespace="/"} 1`,
		"sockeye_messages_received_total 11\n",
		"sockeye_messages_sent_total 12\n",
		"sockeye_bytes_received_total 13\n",
		"sockeye_bytes_sent_total 14\n",
		`go_goroutines `,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
	for _, unwanted := range []string{"whatever", "hidden"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("a client's word is a label: %s", unwanted)
		}
	}
}

// The application makes the codes of Socket.End up; Sockeye's own details are few.
func TestCodesBeyondTheLimitShareALabel(t *testing.T) {
	m := New("v1")
	ended := func(detail string) {
		m.SocketClosed("/", socketio.DisconnectReason{Reason: socketio.ReasonServerDisconnect, Detail: detail})
	}
	ended("caf\xe9") // a label must be UTF-8
	for i := range 10*maxCodes - 1 {
		ended(fmt.Sprintf("user %d was rude", i))
	}
	ended("user 0 was rude")
	ended("handler panic")
	ended("")
	m.SocketClosed("/", socketio.DisconnectReason{Reason: "transport close", Detail: "slow reader"})
	got := scrape(t, m)
	if n := strings.Count(got, `,namespace="/",reason="server namespace disconnect"`); n != maxCodes+3 {
		t.Errorf("%d series, want %d", n, maxCodes+3)
	}
	for _, want := range []string{
		fmt.Sprintf(`{detail="other",namespace="/",reason="server namespace disconnect"} %d`, 9*maxCodes),
		`{detail="caf�",namespace="/",reason="server namespace disconnect"} 1`,
		`{detail="user 0 was rude",namespace="/",reason="server namespace disconnect"} 2`,
		`{detail="handler panic",namespace="/",reason="server namespace disconnect"} 1`,
		`{detail="",namespace="/",reason="server namespace disconnect"} 1`,
		`{detail="slow reader",namespace="/",reason="transport close"} 1`,
	} {
		if !strings.Contains(got, "sockeye_sockets_closed_total"+want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
}

func TestNamespacesBeyondTheLimitShareALabel(t *testing.T) {
	m := New("v1")
	for i := range 10 * maxNamespaces {
		m.EventReceived(fmt.Sprintf("/room-%d", i), 1)
	}
	got := scrape(t, m)
	if n := strings.Count(got, "sockeye_events_received_total{"); n != maxNamespaces+1 {
		t.Errorf("%d labels, want %d", n, maxNamespaces+1)
	}
	// "/" has a label from the start.
	if want := fmt.Sprintf(`sockeye_events_received_total{namespace="other"} %d`, 9*maxNamespaces+1); !strings.Contains(got, want) {
		t.Errorf("the scrape lacks %s", want)
	}
}

func TestLimitsAndAuthenticationAreCountedUnderFewLabels(t *testing.T) {
	m := New("v1")
	known := len(m.doors.limits.known)
	m.LimitHit("events", "refused")
	m.LimitHit("events", "refused")
	m.Authenticated("token", "token_expired")
	for i := range 10 * maxDoorLabels {
		m.LimitHit(fmt.Sprintf("made up %d", i), "refused")
	}
	got := scrape(t, m)
	for _, want := range []string{
		`sockeye_limits_hit_total{effect="refused",limit="events"} 2`,
		`sockeye_limits_hit_total{effect="refused",limit="other"} ` + fmt.Sprint(9*maxDoorLabels+known),
		`sockeye_auth_total{method="token",outcome="token_expired"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
}
