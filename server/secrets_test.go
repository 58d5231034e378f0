package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

// intruder is a client whose every request is full of secrets, and what it was told
// that is one.
type intruder struct {
	t       *testing.T
	secrets map[string]string // by what they are
}

// The secrets that each request carries.
const (
	inQuery  = "query-hush"
	inCookie = "cookie-hush"
	inHeader = "header-hush"
	inAuth   = "auth-hush"
	inEvent  = "event-hush"
)

func newIntruder(t *testing.T) *intruder {
	t.Helper()
	return &intruder{t: t, secrets: map[string]string{
		"query": inQuery, "cookie": inCookie, "header": inHeader, "auth": inAuth, "event": inEvent,
	}}
}

// keep notes what the server told.
func (i *intruder) keep(text string) {
	for _, m := range regexp.MustCompile(`"(sid|pid)":"([^"]+)"`).FindAllStringSubmatch(text, -1) {
		i.secrets[m[1]+" "+m[2]] = m[2]
	}
}

func (i *intruder) do(r *running, method, query, body string) string {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, r.url+"/socket.io/?"+query+"&token="+inQuery, strings.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	i.header(req.Header)
	res, err := r.client.Do(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	i.keep(string(text))
	return string(text)
}

func (*intruder) header(h http.Header) {
	h.Set("Cookie", "session="+inCookie)
	h.Set("Authorization", "Bearer "+inHeader)
	h.Set("X-Api-Key", inHeader)
}

// poll opens a session by polling at one node and uses it at the other.
func (i *intruder) poll(at, other *running) {
	i.t.Helper()
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(i.do(at, http.MethodGet, "EIO=4&transport=polling", ""), "0")), &open); err != nil {
		i.t.Fatal(err)
	}
	i.secrets["end of the sid"] = open.SID[8:] // without the name of its node
	q := "EIO=4&transport=polling&sid=" + open.SID
	i.do(other, http.MethodPost, q+"&t=1", `40{"token":"`+inAuth+`"}`)
	if text := i.do(at, http.MethodGet, q+"&t=2", ""); !strings.Contains(text, `"pid"`) {
		i.t.Fatalf("no session: %s", text)
	}
	i.do(at, http.MethodPost, q+"&t=3", `42["of no rule","`+inEvent+`"]`)
	i.do(at, http.MethodGet, strings.Replace(q, "polling", "websocket", 1), "") // refused
	i.do(at, http.MethodPost, q+"&t=4", "4"+inEvent)                            // no packet: it ends the session
	i.do(other, http.MethodGet, q+"&t=5", "")                                   // which is unknown now
}

// webSocket opens a session, asks for another's, and breaks the rules.
func (i *intruder) webSocket(at *running, auth string) {
	i.t.Helper()
	h := http.Header{}
	i.header(h)
	d := ws.Dialer{Header: ws.HandshakeHeaderHTTP(h)}
	conn, early, _, err := d.Dial(i.t.Context(), strings.Replace(at.url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket&token="+inQuery)
	if err != nil {
		i.t.Fatal(err)
	}
	defer conn.Close()
	rw := struct {
		io.Reader
		io.Writer
	}{conn, conn}
	if early != nil {
		rw.Reader = early
	}
	i.says(rw, "40"+auth, `"pid"`)
	i.says(rw, `420["echo","`+inEvent+`"]`, inEvent)
	i.says(rw, "4"+inEvent, "")
}

// says sends a packet and reads until one comes that has a text, or the end.
func (i *intruder) says(rw io.ReadWriter, packet, until string) {
	i.t.Helper()
	if err := wsutil.WriteClientText(rw, []byte(packet)); err != nil {
		i.t.Fatal(err)
	}
	for {
		text, err := wsutil.ReadServerText(rw)
		if err != nil && until == "" {
			return
		}
		if err != nil {
			i.t.Fatal(err)
		}
		i.keep(string(text))
		if until != "" && strings.Contains(string(text), until) {
			return
		}
	}
}

// noise sends what is no request, or none that is served.
func (i *intruder) noise(at *running) {
	i.t.Helper()
	for _, request := range []string{
		"GET /socket.io/?EIO=4&transport=polling&token=%s HTTP/1.1\r\nAuthorization %[1]s\r\n\r\n",
		"GET /socket.io/?EIO=4&transport=websocket&token=%s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ,,\r\nConnection: close\r\n\r\n",
		"GET /nowhere?token=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"BREW /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", at.Addr().String())
		if err != nil {
			i.t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, request, inQuery); err != nil {
			i.t.Fatal(err)
		}
		if half, ok := conn.(*net.TCPConn); ok {
			_ = half.CloseWrite() // what matters is what the server says
		}
		_, _ = io.Copy(io.Discard, bufio.NewReader(conn))
		conn.Close()
	}
}

// At the most talkative level, with everything going wrong that can, no line of the log
// has a token, a session's id or what a client said.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	s := redistest.Start(t)
	all := startNodes(t, 2, s.URL(), func(c *Config) {
		c.LogLevel, c.Recovery = "debug", OrDuration{Duration: 60e9}
	})
	a, b := all[0], all[1]
	for _, r := range all {
		r.eventually(t, "the log of the cluster is there", r.cluster.hub.Up)
	}
	i := newIntruder(t)
	i.poll(a, b)
	i.webSocket(a, `{"token":"`+inAuth+`"}`)
	pid := ""
	for what, secret := range i.secrets {
		if strings.HasPrefix(what, "pid") {
			pid = secret
			i.webSocket(b, fmt.Sprintf(`{"token":%q,"pid":%q}`, inAuth, pid))
		}
	}
	i.webSocket(b, fmt.Sprintf(`{"token":%q,"pid":%q,"offset":%q}`, inAuth, pid[20:]+pid[:20], inAuth))
	i.secrets["a pid that is none"] = pid[20:] + pid[:20]
	i.noise(a)
	s.Stop(t)
	i.webSocket(a, fmt.Sprintf(`{"token":%q,"pid":%q}`, inAuth, pid))
	const ended = `msg="client disconnected"`
	a.eventually(t, "the ends are logged", func() bool {
		return strings.Count(a.log.String(), ended) >= 3 && strings.Count(b.log.String(), ended) >= 2
	})
	a.eventually(t, "the loss of Redis is logged", func() bool { return strings.Contains(a.log.String(), "level=ERROR") })
	log := a.log.String() + b.log.String()
	for _, line := range []string{"msg=request ", `msg="request refused"`, "starts anew", `msg="unknown event`} {
		if !strings.Contains(log, line) {
			t.Errorf("nothing was logged with %s", line)
		}
	}
	for what, secret := range i.secrets {
		if at := strings.Index(log, secret); at >= 0 {
			t.Errorf("the log has the %s: …%s…", what, log[max(0, at-200):min(len(log), at+100)])
		}
	}
	if len(i.secrets) < 10 {
		t.Errorf("only %d secrets were there to be told: %v", len(i.secrets), i.secrets)
	}
}

func TestEndsOfConnectionsAreLoggedUnlessSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		r := start(t, func(c *Config) { c.LogConnections = on })
		q := r.opened(t)
		r.post(t, q+"1", "1")
		r.eventually(t, "the session has ended", func() bool { return r.IO().Engine().Len() == 0 })
		r.stop()
		r.eventually(t, "it has stopped", func() bool { return strings.Contains(r.log.String(), "msg=stopped") })
		if said := strings.Contains(r.log.String(), "client disconnected"); said != on {
			t.Errorf("--log-connections=%v: %s", on, r.log)
		}
	}
}
