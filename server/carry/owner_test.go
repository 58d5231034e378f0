package carry

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// sidOn is the id of a session that a node with this id would have made.
func sidOn(id string) string { return id + strings.Repeat("s", 24) }

// pretend makes all nodes believe that there is another one, at an address.
func (c *cluster) pretend(id, url string) *session {
	for _, n := range c.nodes {
		n.registry.Add(nodes.Node{ID: id, URL: url})
	}
	return &session{cluster: c, sid: sidOn(id)}
}

func TestAnOwnerThatRefusesTheConnectionIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, 1, setup{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := c.pretend("gone___1", "http://"+l.Addr().String())
	l.Close()
	began := time.Now()
	s.get(s.at(0)).unavailable(t)
	s.post(s.at(0), "4x").unavailable(t)
	if _, err := s.dialSocket(0); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("an upgrade: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("after %v", took)
	}
	if n := c.nodes[0].of("sent failed: unreachable"); n != 3 {
		t.Errorf("%d failures were counted", n)
	}
	if log := c.nodes[0].logged(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, "gone___1") {
		t.Errorf("the log: %s", log)
	}
}

// A process that was stopped, not ended, still has its connections taken by the kernel.
func TestASilentOwnerIsAnErrorWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	c := start(t, 1, setup{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := c.pretend("mute___1", "http://"+l.Addr().String())
	began := time.Now()
	var waiting sync.WaitGroup
	for i := range 6 {
		url := s.at(0)
		waiting.Go(func() {
			a := answered{}
			switch i % 3 {
			case 0:
				a = s.get(url)
			case 1:
				a = s.post(url, "4x")
			default:
				a = s.post(url, strings.Repeat("4", 200_000))
			}
			if a.err != nil || a.status != http.StatusServiceUnavailable {
				t.Errorf("request %d: %d %q %v", i, a.status, a.body, a.err)
			}
		})
	}
	waiting.Go(func() {
		if _, err := s.dialSocket(0); err == nil {
			t.Error("a WebSocket was opened")
		}
	})
	waiting.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("after %v", took)
	}
	if n := c.nodes[0].of("sent failed: silent"); n != 7 {
		t.Errorf("%d of 7 failures were counted", n)
	}
}

// An owner that dies while requests wait for it.
func TestAnOwnerThatDiesFailsWhatWasCarriedToItAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	poll := later(func() answered { return s.get(s.at(1)) })
	c.nodes[0].awaits("received poll", 1)
	died := time.Now()
	c.nodes[0].http.Listener.Close()
	c.nodes[0].http.CloseClientConnections()
	await(t, "the poll", poll).unavailable(t)
	s.post(s.at(1), "4x").unavailable(t)
	if took := time.Since(died); took > time.Second {
		t.Errorf("after %v", took)
	}
}

// Another program, or a node that started anew, may answer at the owner's address, and
// a wrong --node-url leads to a load balancer.
func TestAStrangerAtTheOwnersAddressIsNotBelieved(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer stranger.Close()
	c := start(t, 2, setup{})
	foreign := c.pretend("other__1", stranger.URL)
	foreign.get(foreign.at(0)).unavailable(t)
	if _, err := foreign.dialSocket(0); err == nil {
		t.Error("a WebSocket was opened")
	}
	anew := c.pretend("other__2", strings.TrimSuffix(c.nodes[1].url, "/socket.io/"))
	anew.get(anew.at(0)).unavailable(t)
	if n := c.nodes[0].of("sent failed: stranger"); n != 3 {
		t.Errorf("%d failures were counted", n)
	}
	if log := c.nodes[0].logged(); !strings.Contains(log, "no node of this cluster") || !strings.Contains(log, "node___1 answers at the address of node other__2") {
		t.Errorf("the log: %s", log)
	}
}

// Two nodes that each take the other for the owner must not send a request to and fro.
func TestACarriedRequestIsNotCarriedAgain(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	for i, n := range c.nodes {
		other := strings.TrimSuffix(c.nodes[1-i].url, "/socket.io/")
		n.registry.Add(nodes.Node{ID: "loop___1", URL: other})
	}
	s := &session{cluster: c, sid: sidOn("loop___1")}
	for i := range 2 {
		s.get(s.at(i)).unavailable(t)
	}
	for i, n := range c.nodes {
		if n.of("sent poll") != 1 || n.of("received poll") != 1 {
			t.Errorf("node %d: %v", i, n.all)
		}
	}
}

// The nodes prove themselves to each other with a secret.
func TestNodesOfAnotherClusterAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{secret: func(i int) []byte { return fmt.Appendf(nil, "the secret of %d, of the right length", i) }})
	s := c.open(0)
	s.post(s.at(1), "4x").unavailable(t)
	if c.nodes[1].of("sent failed: refused") != 1 || c.nodes[0].of("received failed: signature") != 1 {
		t.Errorf("counted: %v, %v", c.nodes[1].all, c.nodes[0].all)
	}
	if log := c.nodes[1].logged(); !strings.Contains(log, "different cluster secrets") {
		t.Errorf("the log: %s", log)
	}
}

func TestWithoutASecretNothingIsCarried(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{secret: func(i int) []byte {
		if i == 0 {
			return testSecret
		}
		return nil
	}})
	s := c.open(0)
	s.post(s.at(1), "4x").unavailable(t)
	if c.nodes[1].of("sent failed: no secret") != 1 {
		t.Errorf("counted: %v", c.nodes[1].all)
	}
	s.post(s.at(0), "4x").want(t, http.StatusOK, "ok")
}
