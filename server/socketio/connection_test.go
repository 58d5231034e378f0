package socketio_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// pollClient is a client that begins on polling, raw.
type pollClient struct {
	t   *testing.T
	url string // with the sid
}

func poll(t *testing.T, srv *sockettest.Server) *pollClient {
	t.Helper()
	c := &pollClient{t, srv.URL + "/?EIO=4&transport=polling"}
	_, rest, ok := strings.Cut(c.do(http.MethodGet, ""), `"sid":"`)
	if !ok {
		t.Fatal("no handshake")
	}
	sid, _, _ := strings.Cut(rest, `"`)
	c.url += "&sid=" + sid
	return c
}

func (c *pollClient) do(method, body string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), sockettest.Wait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	defer http.DefaultClient.CloseIdleConnections()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %d %s %v", method, resp.StatusCode, b, err)
	}
	return string(b)
}

// upgrade moves the client to WebSocket and then sends packets there at once.
func (c *pollClient) upgrade(packets ...string) {
	c.t.Helper()
	conn, _, _, err := ws.Dial(c.t.Context(), strings.NewReplacer("http://", "ws://", "polling", "websocket").Replace(c.url))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := wsutil.WriteClientText(conn, []byte("2probe")); err != nil {
		c.t.Fatal(err)
	}
	if b, err := wsutil.ReadServerText(conn); err != nil || string(b) != "3probe" {
		c.t.Fatalf("probe: %q, %v", b, err)
	}
	var out bytes.Buffer
	for _, p := range append([]string{"5"}, packets...) {
		if err := wsutil.WriteClientText(&out, []byte(p)); err != nil {
			c.t.Fatal(err)
		}
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		c.t.Fatal(err)
	}
}

// The listener runs like a handler: after the events that came by polling, before
// those that came by WebSocket. Its panic is its own.
func TestOnUpgradeIsCalledInOrder(t *testing.T) {
	srv := serve(t, nil)
	heard := make(chan string, 10)
	note := func(_ context.Context, e *socketio.Event) { heard <- e.Name() }
	srv.OnConnection(func(s *socketio.Socket) {
		heard <- s.Conn().Transport()
		s.On("before", note)
		s.On("after", note)
		s.Conn().OnUpgrade(func(string) { panic("at the upgrade") })
		s.Conn().OnUpgrade(func(string) { heard <- "removed" }).Off()
		s.Conn().OnUpgrade(func(transport string) { heard <- transport + " " + s.Conn().Transport() })
	})
	hear := func(wants ...string) {
		t.Helper()
		for _, want := range wants {
			if got := sockettest.Receive(t, want, heard); got != want {
				t.Errorf("heard %s, want %s", got, want)
			}
		}
	}
	c := poll(t, srv)
	c.do(http.MethodPost, "40")
	c.do(http.MethodGet, "") // what comes before CONNECT is answered would end the session
	hear("polling")          // a connection handler may be overtaken by the upgrade
	c.do(http.MethodPost, `42["before"]`)
	c.upgrade(`42["after"]`)
	hear("before", "websocket websocket", "after")
}

// A connection handler that saw "polling" hears of the upgrade even when that
// overtakes it.
func TestOnUpgradeIsNotMissedByAConnectionHandler(t *testing.T) {
	srv := serve(t, nil)
	saw, release, heard := make(chan string, 1), make(chan struct{}), make(chan string, 1)
	srv.OnConnection(func(s *socketio.Socket) {
		saw <- s.Conn().Transport()
		<-release
		s.Conn().OnUpgrade(func(transport string) { heard <- transport })
	})
	done := make(chan struct{})
	srv.Of("/x").OnConnection(func(*socketio.Socket) { close(done) })
	c := poll(t, srv)
	c.do(http.MethodPost, "40")
	if got := sockettest.Receive(t, "connection", saw); got != engineio.TransportPolling {
		t.Fatalf("connected over %s", got)
	}
	c.upgrade("40/x,")
	sockettest.Receive(t, "what came after the upgrade", done)
	close(release)
	if got := sockettest.Receive(t, "upgrade", heard); got != engineio.TransportWebSocket {
		t.Errorf("upgraded to %s", got)
	}
}

func TestAConnectionThatBeganOnWebSocketHearsOfNoUpgrade(t *testing.T) {
	srv := serve(t, nil)
	srv.OnConnection(func(s *socketio.Socket) {
		s.Conn().OnUpgrade(func(string) { t.Error("upgraded") })
	})
	c, _ := join(t, srv)
	c.Fence()
}

func TestTheRequestAndWhatWasAttachedReachTheSocket(t *testing.T) {
	type user struct{ Name string }
	srv := serve(t, &socketio.Options{Engine: engineio.Options{
		Attach: func(r *http.Request) any { return &user{"ann of " + r.Host} },
	}})
	var attached any
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		attached = s.Conn().Attached()
		return nil
	})
	_, a := join(t, srv)
	host := strings.TrimPrefix(srv.URL, "http://")
	if u, ok := attached.(*user); !ok || u.Name != "ann of "+host {
		t.Errorf("attached: %v", attached)
	}
	conn := socketOf(t, srv, a).Conn()
	r := conn.Request()
	if r.Host != host || r.Header.Get("Upgrade") != "websocket" || r.URL.Query().Get("EIO") != "4" || r.RemoteAddr != conn.RemoteAddr() {
		t.Errorf("request %+v", r)
	}
}

func TestEmitterTurnsToTheSocketAndToTheOthers(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	other, b := join(t, srv)
	s := socketOf(t, srv, a)
	if err := socketOf(t, srv, b).Join("r"); err != nil {
		t.Fatal(err)
	}
	e := s.Compress(false)
	for _, err := range []error{e.Send("hi"), e.In("r").Emit("in"), e.Local().Emit("local")} {
		if err != nil {
			t.Error(err)
		}
	}
	c.Expect(`2["message","hi"]`)
	c.Fence()
	other.Expect(`2["in"]`)
	other.Expect(`2["local"]`)
}
