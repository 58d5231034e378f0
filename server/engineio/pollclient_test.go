package engineio

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// pollClient speaks long-polling, raw.
type pollClient struct {
	*fixture
	handshake

	protocol int
	query    string // of every request; ends in the sid
}

// poll opens a polling session; extra is added to the query of every request.
func (f *fixture) poll(protocol int, extra ...string) *pollClient {
	f.t.Helper()
	q := "EIO=" + strconv.Itoa(protocol) + "&transport=polling"
	for _, e := range extra {
		q += "&" + e
	}
	a := f.get(q)
	if a.status != http.StatusOK {
		f.t.Fatalf("handshake: %d %s", a.status, a.body)
	}
	body := a.body
	if protocol == 3 {
		n, rest, _ := strings.Cut(body, ":")
		if got := strconv.Itoa(len(utf16.Encode([]rune(rest)))); got != n {
			f.t.Fatalf("%q says length %s, has %s", body, n, got)
		}
		body = rest
	}
	h := parseOpen(f.t, body)
	return &pollClient{fixture: f, handshake: h, protocol: protocol, query: q + "&sid=" + h.SID}
}

// side is the server's side of the session.
func (c *pollClient) side() *peer { c.t.Helper(); return c.peer(c.SID) }

// get polls once; post sends a body; both insist on an answer.
func (c *pollClient) get() answer             { c.t.Helper(); return c.fixture.get(c.query) }
func (c *pollClient) post(body string) answer { c.t.Helper(); return c.fixture.post(c.query, body) }

// getT and postT do so with a cache buster.
func (c *pollClient) getT(t string) answer { c.t.Helper(); return c.fixture.get(c.query + "&t=" + t) }

func (c *pollClient) postT(t, body string) answer {
	c.t.Helper()
	return c.fixture.post(c.query+"&t="+t, body)
}

// waiting is a GET under way.
type waiting struct {
	answer chan answer
	cut    context.CancelFunc
}

// hold starts a GET and returns once the server holds it.
func (c *pollClient) hold(extra string) *waiting {
	c.t.Helper()
	before := c.waitingPoll()
	w := c.start(http.MethodGet, extra, "")
	eventually(c.t, "the poll waits", func() bool {
		now := c.waitingPoll()
		return now != nil && now != before
	})
	return w
}

// start starts a request and does not wait.
func (c *pollClient) start(method, extra, body string) *waiting {
	ctx, cancel := context.WithCancel(context.Background())
	w := &waiting{make(chan answer, 1), cancel}
	c.t.Cleanup(cancel)
	go func() { w.answer <- c.do(ctx, method, c.query+extra, body, nil) }()
	return w
}

func (c *pollClient) waitingPoll() *waitingPoll {
	s := c.side().Session
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poll.waiting
}

// gone fails unless the server has forgotten the session.
func (c *pollClient) gone(t testing.TB) {
	t.Helper()
	eventually(t, "the session is forgotten", func() bool {
		c.srv.mu.RLock()
		defer c.srv.mu.RUnlock()
		return c.srv.sessions[c.SID] == nil
	})
	c.get().refused(t, http.StatusBadRequest, codeUnknownSID, "Session ID unknown")
}
