package carry

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// A node may speak HTTP/2 to its clients, and TLS to the others.
func TestPollingOverHTTP2IsCarried(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{secure: true})
	c.web.Transport = &http.Transport{ForceAttemptHTTP2: true, DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(c.web.CloseIdleConnections)
	s := c.open(0)
	poll := later(func() answered { return s.get(s.at(1)) })
	c.nodes[0].awaits("received poll", 1)
	for _, body := range []string{"4x", "4" + strings.Repeat("y", 200_000)} {
		s.post(s.at(1), body).want(t, http.StatusOK, "ok")
		await(t, "the poll", poll).want(t, http.StatusOK, body)
		url := s.at(1)
		poll = later(func() answered { return s.get(url) })
	}
	if r := c.nodes[0].last(); r.ProtoMajor != 1 || r.TLS == nil {
		t.Errorf("the owner saw %s, TLS %v", r.Proto, r.TLS != nil)
	}
	// A body of unknown length.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.at(1), io.MultiReader(strings.NewReader("4a\x1e"), strings.NewReader("4b")))
	if err != nil {
		t.Fatal(err)
	}
	s.send(r).want(t, http.StatusOK, "ok")
	await(t, "the poll", poll).want(t, http.StatusOK, "4a\x1e4b")
	// An abort is a reset stream, and not the end of the connection.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	url := s.at(1)
	aborted := later(func() answered { return s.do(ctx, http.MethodGet, url, "", nil) })
	c.nodes[0].awaits("received poll", 4)
	cancel()
	if a := await(t, "the poll", aborted); a.err == nil {
		t.Error("it was answered")
	}
	c.nodes[0].ended(engineio.ReasonTransportError, engineio.DetailPollAborted)
}

// net/http leaves the field in the headers of a request of HTTP/2 that has both.
func TestAHostBesideTheAuthorityOfHTTP2IsNotSentTwice(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{front: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header["Host"] = []string{r.Host}
			h.ServeHTTP(w, r)
		})
	}})
	s := c.open(0)
	s.post(s.at(1), "4x").want(t, http.StatusOK, "ok")
	s.get(s.at(1)).want(t, http.StatusOK, "4x")
}

func TestAWebSocketIsCarriedBetweenNodesThatSpeakTLS(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{secure: true})
	c.web.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(c.web.CloseIdleConnections)
	k := c.open(0).upgrade(1, 1)
	big := strings.Repeat("sockeye!", 20_000)
	if err := wsutil.WriteClientText(k.conn, []byte("4"+big)); err != nil {
		t.Fatal(err)
	}
	k.expect("4" + big)
	c.nodes[0].session().Close(engineio.ReasonForcedServer, "", nil)
	if _, _, err := k.read(); err == nil {
		t.Error("the connection is open")
	}
}

// A node that stops lets the clients of other nodes' sessions go: those that poll ask
// elsewhere and notice nothing.
func TestANodeThatStopsLosesNoPollOfOthers(t *testing.T) {
	t.Parallel()
	c := start(t, 3, setup{})
	s := c.open(0)
	poll := later(func() answered { return s.get(s.at(1)) })
	c.nodes[0].awaits("received poll", 1)
	k := c.open(0).upgrade(1, 2)
	k.send("4x")
	k.expect("4x")
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	began := time.Now()
	if err := c.nodes[1].carrier.Close(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > releaseTime {
		t.Errorf("it took %v", took)
	}
	await(t, "the poll", poll).want(t, http.StatusOK, "6")
	if _, _, err := k.read(); err == nil {
		t.Error("the WebSocket is open")
	}
	s.get(s.at(1)).want(t, http.StatusServiceUnavailable, `{"code":1,"message":"Session unavailable: this node is stopping"}`)
	s.post(s.at(2), "4x").want(t, http.StatusOK, "ok")
	s.get(s.at(2)).want(t, http.StatusOK, "4x")
	if err := c.nodes[1].carrier.Close(ctx); err != nil {
		t.Errorf("once more: %v", err)
	}
}
