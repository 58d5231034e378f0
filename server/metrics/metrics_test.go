package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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

func TestEveryEventIsCountedUnderItsLabels(t *testing.T) {
	m := New("v1")
	m.SessionOpened(engineio.TransportPolling, 4)
	m.SessionOpened(engineio.TransportPolling, 4)
	m.SessionUpgraded()
	m.SessionClosed(engineio.TransportWebSocket, &engineio.CloseError{Reason: engineio.ReasonPingTimeout, Detail: engineio.DetailNoPong})
	m.RequestRefused(4)
	m.MessageDropped(3)
	m.WebSocketDiedYoung()
	m.UpgradeWithheld()
	m.KeepAliveLearned()
	m.SocketOpened("/", true)
	m.SocketOpened("/", false)
	m.SocketClosed("/", socketio.DisconnectReason{Reason: "ping timeout", Detail: "no pong"})
	m.ConnectRefused("/secret", "middleware")
	m.EventReceived("/")
	m.EventSent("/", 5)
	m.EventUnhandled("/", "whatever the client likes")
	m.AckUnknown("/")
	m.HandlerPanicked("/")
	m.InboxFull("/")
	m.UnknownEvent("/")
	m.Engine(func() engineio.Stats {
		return engineio.Stats{MessagesIn: 11, MessagesOut: 12, BytesIn: 13, BytesOut: 14, UpgradesWithheld: 15, KeptAlive: 16}
	})

	got := scrape(t, m)
	for _, want := range []string{
		`sockeye_build_info{version="v1"} 1`,
		`sockeye_sessions{transport="polling"} 1`,
		`sockeye_sessions{transport="websocket"} 0`,
		`sockeye_sessions_opened_total{protocol="4",transport="polling"} 2`,
		`sockeye_sessions_closed_total{detail="no pong",reason="ping timeout",transport="websocket"} 1`,
		`sockeye_upgrades_total 1`,
		`sockeye_requests_refused_total{code="4"} 1`,
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
	for _, unwanted := range []string{"whatever", "secret"} {
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
	if n := strings.Count(got, "sockeye_sockets_closed_total{"); n != maxCodes+4 {
		t.Errorf("%d series, want %d", n, maxCodes+4)
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
		m.EventReceived(fmt.Sprintf("/room-%d", i))
	}
	got := scrape(t, m)
	if n := strings.Count(got, "sockeye_events_received_total{"); n != maxNamespaces+1 {
		t.Errorf("%d labels, want %d", n, maxNamespaces+1)
	}
	if want := fmt.Sprintf(`sockeye_events_received_total{namespace="other"} %d`, 9*maxNamespaces); !strings.Contains(got, want) {
		t.Errorf("the scrape lacks %s", want)
	}
}

func TestLimitsAndAuthenticationAreCountedUnderFewLabels(t *testing.T) {
	m := New("v1")
	m.LimitHit("events", "refused")
	m.LimitHit("events", "refused")
	m.Authenticated("jwt", "expired")
	for i := range 10 * maxDoorLabels {
		m.LimitHit(fmt.Sprintf("made up %d", i), "refused")
	}
	got := scrape(t, m)
	for _, want := range []string{
		`sockeye_limits_hit_total{effect="refused",limit="events"} 2`,
		`sockeye_limits_hit_total{effect="refused",limit="other"} ` + fmt.Sprint(9*maxDoorLabels+1),
		`sockeye_auth_total{method="jwt",outcome="expired"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the scrape lacks %s", want)
		}
	}
}
