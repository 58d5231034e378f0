package carry

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

func TestPollsAndPostsReachTheirSessionThroughAnyNode(t *testing.T) {
	t.Parallel()
	c := start(t, 3, setup{})
	s := c.open(0)
	const messages = 60
	got := make(chan []string, 1)
	poller := &session{cluster: &cluster{t: t, nodes: c.nodes, web: c.web, next: 1}, sid: s.sid, turn: 1000}
	go func() {
		var all []string
		for len(all) < messages+1 {
			a := poller.get(poller.url() + poller.query())
			if a.err != nil || a.status != http.StatusOK {
				t.Errorf("poll: %d %q %v", a.status, a.body, a.err)
				break
			}
			for p := range strings.SplitSeq(a.body, "\x1e") {
				if p != "6" {
					all = append(all, p)
				}
			}
		}
		got <- all
	}()
	for i := range messages {
		s.post(s.url()+s.query(), fmt.Sprintf("4message %d", i)).want(t, http.StatusOK, "ok")
	}
	s.post(s.url()+s.query(), "bAQIDBA==").want(t, http.StatusOK, "ok") // binary
	all := await(t, "all messages", got)
	for i := range messages {
		if i < len(all) && all[i] != fmt.Sprintf("4message %d", i) {
			t.Fatalf("message %d is %q", i, all[i])
		}
	}
	if len(all) != messages+1 || all[messages] != "bAQIDBA==" {
		t.Errorf("%d messages, the last is %q", len(all), all[len(all)-1])
	}
	own, sent := c.nodes[0], c.nodes[1].of("sent post")+c.nodes[2].of("sent post")
	if got := own.of("received post"); got != sent || got < 30 || own.of("sent post") != 0 {
		t.Errorf("%d POSTs were sent and %d received", sent, got)
	}
	if own.of("received poll") == 0 {
		t.Error("no poll was received")
	}
}

// What the owner decides by, and tells its handlers, is the client's, not that of the
// node between.
func TestTheOwnerSeesTheRequestAsTheClientMadeIt(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	conn := c.nodes[1].dialRaw()
	say(t, conn, "POST /socket.io/?x=%%20y&EIO=4&transport=polling&t=a&sid=%s HTTP/1.1\r\nHost: app.example\r\nOrigin: http://app.example\r\n"+
		"Cookie: a=b\r\nCookie: c=d\r\nKeep-Alive: 5\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nX-Forwarded-For: 192.0.2.1\r\n"+
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 3\r\n\r\n4hi", s.sid)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || string(body) != "ok" {
		t.Fatalf("%d %q %v", resp.StatusCode, body, err)
	}
	r := c.nodes[0].last()
	if r.RemoteAddr != conn.LocalAddr().String() || r.TLS != nil || r.Host != "app.example" || r.RequestURI != "/socket.io/?x=%20y&EIO=4&transport=polling&t=a&sid="+s.sid {
		t.Errorf("from %s, TLS %v, to %s %s", r.RemoteAddr, r.TLS != nil, r.Host, r.RequestURI)
	}
	for name, want := range map[string]string{
		"Origin": "http://app.example", "Cookie": "a=b|c=d", "X-Forwarded-For": "192.0.2.1", "Content-Type": "text/plain;charset=UTF-8",
		"Keep-Alive": "", "X-Secret": "", "Connection": "", headerCarried: "",
	} {
		if got := strings.Join(r.Header[name], "|"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestTheOwnerAnswersForOriginsAndUnknownSessions(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{engine: func(o *engineio.Options) { o.Origins = onlyOrigin("http://good.example") }})
	s := c.open(0)
	for name, q := range map[string]struct {
		sid, origin string
		status      int
		body        string
	}{
		"allowed":           {s.sid, "http://good.example", 200, "ok"},
		"another origin":    {s.sid, "http://bad.example", 403, `{"code":4,"message":"not this origin"}`},
		"an unknown one":    {c.nodes[0].id + "xxxxxxxxxxxxxxxxxxxxxxxx", "http://good.example", 400, `{"code":1,"message":"Session ID unknown"}`},
		"of no known node":  {"NODE___9" + "xxxxxxxxxxxxxxxxxxxxxxxx", "http://good.example", 400, `{"code":1,"message":"Session ID unknown"}`},
		"none of a cluster": {"short", "http://good.example", 400, `{"code":1,"message":"Session ID unknown"}`},
	} {
		a := c.do(t.Context(), http.MethodPost, c.nodes[1].url+"?EIO=4&transport=polling&sid="+q.sid, "4x", http.Header{"Origin": {q.origin}})
		t.Log(name)
		a.want(t, q.status, q.body)
		if got := a.header["Access-Control-Allow-Origin"]; len(got) != 1 || got[0] != q.origin {
			t.Errorf("Access-Control-Allow-Origin: %q", got)
		}
	}
}

// onlyOrigin lets one origin in.
type onlyOrigin string

func (o onlyOrigin) CheckOrigin(r *http.Request) error {
	if r.Header.Get("Origin") != string(o) {
		return fmt.Errorf("not this origin")
	}
	return nil
}

// A middleware that both nodes have sets its headers twice; a client gets them once.
func TestHeadersOfBothNodesAreNotDoubled(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{front: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Frame-Options", "DENY")
			w.Header().Add("Vary", "One")
			w.Header().Add("Vary", "Two")
			h.ServeHTTP(w, r)
		})
	}})
	s := c.open(0)
	a := s.post(s.at(1), "4x").want(t, http.StatusOK, "ok")
	if got := strings.Join(a.header["Vary"], ","); got != "One,Two" || len(a.header["X-Frame-Options"]) != 1 {
		t.Errorf("Vary %q, X-Frame-Options %q", got, a.header["X-Frame-Options"])
	}
}

func TestAPollThatItsClientAbortsEndsTheSessionWithinASecond(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	poll := later(func() answered { return s.do(ctx, http.MethodGet, s.at(1), "", nil) })
	c.nodes[0].awaits("received poll", 1)
	cut := time.Now()
	cancel()
	if a := await(t, "the poll", poll); a.err == nil {
		t.Error("it was answered")
	}
	c.nodes[0].ended(engineio.ReasonTransportError, engineio.DetailPollAborted)
	if took := time.Since(cut); took > time.Second {
		t.Errorf("after %v", took)
	}
	if n := c.nodes[1].of("sent failed: broken"); n != 0 {
		t.Errorf("%d failures were counted", n)
	}
}

// awaits waits until something was counted so often.
func (n *node) awaits(key string, times int) {
	n.t.Helper()
	eventually(n.t, key+" is counted", func() bool { return n.of(key) >= times })
}

// A poll may take as long as it takes: its owner is asked whether it is there, and is.
func TestAPollMayWaitLongerThanASilentOwner(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	poll := later(func() answered { return s.get(s.at(1)) })
	c.nodes[0].awaits("received poll", 1)
	asked := c.nodes[1].carrier.peerOfTest(c.nodes[0].id)
	eventually(t, "the owner was asked twice", func() bool {
		first := asked.heard.Load()
		if first == 0 {
			return false
		}
		eventually(t, "the owner was asked again", func() bool { return asked.heard.Load() > first })
		return true
	})
	s.post(s.at(0), "4at last").want(t, http.StatusOK, "ok")
	await(t, "the poll", poll).want(t, http.StatusOK, "4at last")
}

func (c *Carrier) peerOfTest(id string) *peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peers[id]
}

// An owner that closes connections which rest crosses with a request now and then.
// What it knows by its t is sent again.
func TestARequestOnAConnectionThatTheOwnerHasClosedIsSentAgain(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	s.post(s.at(1), "4x").want(t, http.StatusOK, "ok")
	p := c.nodes[1].carrier.peerOfTest(c.nodes[0].id)
	p.mu.Lock()
	idle := len(p.idle)
	for _, k := range p.idle {
		_ = k.Conn.(halfCloser).CloseWrite() // the owner closes it then; this node does not know
	}
	p.mu.Unlock()
	if idle != 1 {
		t.Fatalf("%d connections rest", idle)
	}
	s.post(s.at(1), "4y").want(t, http.StatusOK, "ok")
	s.get(s.at(1)).want(t, http.StatusOK, "4x\x1e4y")
}

type halfCloser interface{ CloseWrite() error }

func TestConnectionsToAnOwnerAreUsedAgain(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	for range 20 {
		s.post(s.at(1), "4x").want(t, http.StatusOK, "ok")
	}
	p := c.nodes[1].carrier.peerOfTest(c.nodes[0].id)
	eventually(t, "the connection rests", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.idle) == 1 })
	p.sweep(time.Now().Add(maxRest))
	p.mu.Lock()
	idle := len(p.idle)
	p.mu.Unlock()
	if idle != 0 {
		t.Errorf("%d connections rest for good", idle)
	}
	s.post(s.at(1), "4x").want(t, http.StatusOK, "ok") // by another peer, if the first was swept away
}
