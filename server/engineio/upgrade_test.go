package engineio

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// probe opens the WebSocket of an upgrade and probes it.
func (c *pollClient) probe() *socket {
	c.t.Helper()
	s := c.upgrade(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
	s.send("2probe")
	s.want("3probe")
	return s
}

// complete sends the last packet of the upgrade and waits for its effect.
func (c *pollClient) complete(s *socket) {
	c.t.Helper()
	s.send("5")
	eventually(c.t, "upgraded", func() bool { return c.side().Transport() == TransportWebSocket })
}

// Both sides send numbered messages all the while; the client does what the
// official one does: it lets its last poll and POST end before it sends "5".
func TestNothingIsLostOrReorderedByAnUpgrade(t *testing.T) {
	t.Parallel()
	const clients, messages = 100, 30
	f := serve(t, nil, nil)
	f.transport().MaxIdleConnsPerHost = 2 * clients
	var all sync.WaitGroup
	for range clients {
		c := f.poll(4)
		all.Go(func() {
			p := c.side()
			var sender sync.WaitGroup
			sender.Go(func() {
				for i := range messages {
					if err := p.Send(says(fmt.Sprint(i)), 0); err != nil {
						t.Errorf("message %d: %v", i, err)
						return
					}
				}
			})
			if err := upgradeUnderWay(c, messages); err != nil {
				t.Error(err)
			}
			sender.Wait()
			for i := range messages {
				if got := await(t, "a message", p.in); got.data != fmt.Sprint(i) {
					t.Errorf("the server got %q, want %d", got.data, i)
					return
				}
			}
		})
	}
	all.Wait()
}

// upgradeUnderWay is the client: it sends numbered messages, a third of them by
// POST, and expects as many, in order, from whichever transport they come.
func upgradeUnderWay(c *pollClient, messages int) error {
	expect := 0
	take := func(packet string) error {
		switch {
		case packet == "6":
		case packet == fmt.Sprint("4", expect):
			expect++
		default:
			return fmt.Errorf("the client got %q, want %d", packet, expect)
		}
		return nil
	}
	sent := make(chan error, 1)
	go func() {
		for i := range messages / 3 {
			if a := c.do(c.t.Context(), http.MethodPost, c.query, fmt.Sprint("4", i), nil); a.body != "ok" {
				sent <- fmt.Errorf("POST: %d %q %w", a.status, a.body, a.err)
				return
			}
		}
		sent <- nil
	}()
	probed, ready := make(chan error, 1), make(chan struct{})
	s, err := c.tryUpgrade(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
	if err != nil {
		return err
	}
	go func() {
		s.send("2probe")
		f, err := s.next()
		if err == nil && string(f.Payload) != "3probe" {
			err = fmt.Errorf("probe answered with %q", f.Payload)
		}
		close(ready)
		probed <- err
	}()
	for last := false; !last; {
		select {
		case <-ready:
			last = true // one more poll, which a noop releases
		default:
		}
		a := c.do(c.t.Context(), http.MethodGet, c.query, "", nil)
		if a.err != nil || a.status != http.StatusOK {
			return fmt.Errorf("poll: %d %q %w", a.status, a.body, a.err)
		}
		for packet := range strings.SplitSeq(a.body, "\x1e") {
			if err := take(packet); err != nil {
				return err
			}
		}
	}
	if err := <-probed; err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	s.send("5")
	for i := messages / 3; i < messages; i++ {
		s.send(fmt.Sprint("4", i))
	}
	for expect < messages {
		f, err := s.next()
		if err != nil {
			return fmt.Errorf("after %d messages: %w", expect, err)
		}
		if err := take(string(f.Payload)); err != nil {
			return err
		}
	}
	return nil
}

func TestMessagesQueuedDuringAnUpgradeWaitForTheWebSocket(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	w := c.hold("")
	s := c.probe()
	await(t, "the poll", w.answer).want(t, http.StatusOK, "6")
	for i := range 50 {
		if err := c.side().Send(says(fmt.Sprint(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	s.send("5")
	for i := range 50 {
		s.want(fmt.Sprint("4", i))
	}
}

// A poll during the probe takes what is queued, as at any other time.
func TestPollsGoOnDuringAProbe(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	s := c.probe()
	c.get().want(t, http.StatusOK, "6")
	if err := c.side().Send(says("x"), 0); err != nil {
		t.Fatal(err)
	}
	c.get().want(t, http.StatusOK, "4x")
	c.get().want(t, http.StatusOK, "6")
	c.complete(s)
}

// The upgrade is only tried: when it fails, polling goes on as before.
func TestPollingSurvivesAnUpgradeThatFails(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{UpgradeTimeout: 200 * time.Millisecond}, echo)
	for name, fail := range map[string]func(s *socket){
		"nothing is sent":         func(s *socket) { s.closes() },
		"probed, never completed": func(s *socket) { s.send("2probe"); s.closes() },
		"closed before the probe": func(s *socket) { _ = s.conn.Close() },
		"closed after the probe":  func(s *socket) { s.send("2probe"); s.want("3probe"); _ = s.conn.Close() },
		"close frame":             func(s *socket) { s.write(whole(8, "\x03\xe8")); s.closes() },
		"another first packet":    func(s *socket) { s.send("4hello"); s.closes() },
		"a ping that is no probe": func(s *socket) { s.send("2"); s.closes() },
		"another second packet":   func(s *socket) { s.send("2probe"); s.want("3probe"); s.send("4x"); s.closes() },
		"binary":                  func(s *socket) { s.sendBinary([]byte("2probe")); s.closes() },
		"no packet at all":        func(s *socket) { s.send("nonsense"); s.closes() },
		"a bad frame":             func(s *socket) { s.write([]byte{0xFF, 0x00}); s.closes() },
	} {
		c := f.poll(4)
		s := f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
		t.Log(name)
		fail(s)
		eventually(t, "the upgrade is given up", func() bool {
			p := c.side().Session
			p.mu.Lock()
			defer p.mu.Unlock()
			return !p.poll.upgrading
		})
		if got := c.side().Transport(); got != TransportPolling {
			t.Fatalf("%s: transport %s", name, got)
		}
		c.post("4x").want(t, http.StatusOK, "ok")
		c.get().want(t, http.StatusOK, "4x")
		again := c.probe() // and it may be tried again
		c.complete(again)
		again.send("4y")
		again.want("4y")
	}
}

func TestAProbeMayBeRepeatedOrLeftOut(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	c := f.poll(4)
	s := c.probe()
	s.send("2probe")
	s.want("3probe")
	c.complete(s)
	s.send("4x")
	s.want("4x")

	c = f.poll(4)
	s = f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	c.complete(s)
	s.send("4x")
	s.want("4x")
}

func TestASecondUpgradeIsOpenedAndClosed(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	c := f.poll(4)
	first := c.probe()
	second := f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	second.closes()
	c.complete(first)
	f.upgrade("EIO=4&transport=websocket&sid=" + c.SID).closes()
	first.send("4x")
	first.want("4x")
	// A session that began on WebSocket has nothing to upgrade.
	s := f.ws(4)
	f.upgrade("EIO=4&transport=websocket&sid=" + s.SID).closes()
	s.send("4x")
	s.want("4x")
}

func TestUpgradesMayBeSwitchedOff(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{DisableUpgrades: true}, echo)
	c := f.poll(4)
	f.upgrade("EIO=4&transport=websocket&sid=" + c.SID).closes()
	c.post("4x").want(t, http.StatusOK, "ok")
	c.get().want(t, http.StatusOK, "4x")
}

// A poll sent after the probe, and still waiting when the upgrade completes, is
// refused like one that comes later, and takes nothing along.
func TestAPollThatWaitsWhenTheUpgradeCompletes(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, echo).poll(4)
	s := c.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
	w := c.hold("")
	c.complete(s)
	await(t, "the poll", w.answer).want(t, http.StatusBadRequest, `{"code":3,"message":"Bad request"}`)
	s.send("4x")
	s.want("4x")
}

// The WebSocket's messages wait until the POST before them has been delivered.
func TestAPostUnderWayWhenTheUpgradeCompletes(t *testing.T) {
	t.Parallel()
	f, release := serveBlocked(t, nil)
	c := f.poll(4)
	s := c.probe()
	w := c.start(http.MethodPost, "", "4first\x1e4second")
	await(t, "first", c.side().in)
	s.send("5")
	s.send("4third")
	if got := c.side().Transport(); got != TransportPolling {
		t.Errorf("the upgrade did not wait: %s", got)
	}
	release()
	await(t, "the POST", w.answer).want(t, http.StatusOK, "ok")
	for _, want := range []string{"second", "third"} {
		if got := await(t, want, c.side().in); got.data != want {
			t.Errorf("got %q, want %q", got.data, want)
		}
	}
}

func TestASessionThatEndsDuringAProbeTakesTheWebSocketAlong(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{CloseTimeout: 100 * time.Millisecond}, nil)
	c := f.poll(4)
	s := c.probe()
	c.post("1").want(t, http.StatusOK, "ok")
	s.closes()
	c.side().ended(t, ReasonTransportClose, DetailClosePacket)

	c = f.poll(4) // closed by the server, while nobody polls
	s = c.probe()
	c.side().Close(ReasonForcedClose, DetailServerDisconnect, nil)
	s.closes()
	c.side().ended(t, ReasonForcedClose, DetailServerDisconnect)

	f, release := serveBlocked(t, nil) // while a POST holds up the completion
	c = f.poll(4)
	s = c.probe()
	w := c.start(http.MethodPost, "", "4first")
	await(t, "first", c.side().in)
	s.send("5")
	c.side().end(&CloseError{Reason: ReasonForcedClose})
	s.closes()
	release()
	await(t, "the POST", w.answer)
	c.side().ended(t, ReasonForcedClose, DetailNone)
}

// A session that is closed in order while it upgrades says what is queued on the
// WebSocket, and then goodbye there.
func TestAClosingSessionMayCompleteItsUpgrade(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	s := c.probe()
	c.get().want(t, http.StatusOK, "6")
	if err := c.side().Send(says("last"), 0); err != nil {
		t.Fatal(err)
	}
	c.side().Close(ReasonForcedServer, DetailServerDisconnect, nil)
	s.send("5")
	s.want("4last")
	if code := s.closes(); code != closeNormal {
		t.Errorf("close code %d", code)
	}
	c.side().ended(t, ReasonForcedServer, DetailServerDisconnect)
}

// The upgraded connection is bound by the heartbeat alone, not by the upgrade's
// time limit.
func TestAnUpgradedConnectionOutlivesTheUpgradeTimeout(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{UpgradeTimeout: 200 * time.Millisecond}, echo).poll(4)
	s := c.probe()
	c.complete(s)
	select {
	case <-time.After(400 * time.Millisecond):
	case e := <-c.side().closed:
		t.Fatal(e)
	}
	s.send("4x")
	s.want("4x")
}

// The Receiver hears of the upgrade between the last message by polling and the
// first by WebSocket, and what it says then goes out by WebSocket.
func TestTheReceiverIsToldOfAnUpgradeInOrder(t *testing.T) {
	t.Parallel()
	h := &opener{moved: func(p *peer) {
		p.in <- received{data: "upgraded to " + p.Transport()}
		if err := p.Send(says("welcome"), 0); err != nil {
			t.Error(err)
		}
	}}
	f := start(t, nil, h, false)
	c := f.poll(4)
	c.post("4before").want(t, http.StatusOK, "ok")
	s := c.probe()
	s.send("5")
	s.send("4after")
	for _, want := range []string{"before", "upgraded to websocket", "after"} {
		if got := await(t, want, c.side().in); got.data != want {
			t.Errorf("got %q, want %q", got.data, want)
		}
	}
	s.want("4welcome")

	direct := f.ws(4) // it has no upgrade to hear of
	direct.send("4x")
	if got := await(t, "x", direct.side(f).in); got.data != "x" {
		t.Errorf("got %q", got.data)
	}
}

// Closed is the last call even when the session ends inside Upgraded, which may
// take the session's lock.
func TestClosedComesAfterUpgraded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := &opener{moved: func(p *peer) {
		p.end(&CloseError{Reason: ReasonForcedClose})
		<-release
		p.in <- received{data: "returned"}
	}}
	c := start(t, nil, h, false).poll(4)
	s := c.probe()
	s.send("5")
	s.closes()
	select {
	case e := <-c.side().closed:
		t.Errorf("Closed(%v) overtook Upgraded", e)
	default:
	}
	close(release)
	c.side().ended(t, ReasonForcedClose, DetailNone)
	if len(c.side().in) != 1 {
		t.Error("Closed came before Upgraded had returned")
	}
}
