package engineio

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// These tests run on a bubble's clock, with the default intervals.

func TestAClientThatAnswersPingsStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		c := f.poll(4)
		since := time.Now()
		for range 5 {
			for a := c.get(); a.body != "2"; a = c.get() {
				a.want(t, http.StatusOK, "6")
			}
			c.post("3").want(t, http.StatusOK, "ok")
		}
		if d := time.Since(since).Round(time.Second); d != 125*time.Second {
			t.Errorf("five pings took %v", d)
		}
	})
}

func TestAClientThatDoesNotAnswerIsTimedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{AllowEIO3: true}, nil)
		for _, protocol := range []int{4, 3} {
			c := f.poll(protocol)
			since := time.Now()
			e := <-c.side().closed
			if e.Reason != ReasonPingTimeout || e.Detail != DetailNoPong {
				t.Errorf("ended with %v", e)
			}
			if d := time.Since(since).Round(time.Second); d != 45*time.Second {
				t.Errorf("protocol %d: timed out after %v", protocol, d)
			}
		}
	})
}

// In protocol 3 the client pings; each ping is answered and starts the time anew.
func TestProtocol3TimesTheClientsPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, &Options{AllowEIO3: true}, nil)
		c := f.poll(3)
		for range 4 {
			<-time.After(40 * time.Second)
			c.post("1:2").want(t, http.StatusOK, "ok")
			c.get().want(t, http.StatusOK, "1:3")
		}
		since := time.Now()
		<-c.side().closed
		if d := time.Since(since).Round(time.Second); d != 45*time.Second {
			t.Errorf("timed out after %v", d)
		}
	})
}

// A message while the pong is awaited extends the time, once: the pong may be
// behind it.
func TestAMessageExtendsThePingTimeoutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		c := f.poll(4)
		<-time.After(40 * time.Second) // the ping went at 25 s, the pong is due at 45 s
		c.post("4x").want(t, http.StatusOK, "ok")
		<-time.After(15 * time.Second)
		c.post("4y").want(t, http.StatusOK, "ok")
		since := time.Now()
		e := <-c.side().closed
		if d := time.Since(since).Round(time.Second); e.Reason != ReasonPingTimeout || d != 5*time.Second {
			t.Errorf("%v after %v", e, d)
		}
	})
}

// While Receive blocks, the pong cannot be read, so its absence means nothing.
func TestThePingTimeoutWaitsWhileReceiveBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, protocol := range []int{4, 3} {
			f := serveInMemory(t, &Options{AllowEIO3: true}, func(*peer, []byte, bool) error {
				<-time.After(100 * time.Second)
				return nil
			})
			c := f.poll(protocol)
			body := map[int]string{4: "4x", 3: "2:4x"}[protocol]
			c.post(body).want(t, http.StatusOK, "ok")
			since := time.Now()
			e := <-c.side().closed
			// Then the client gets its time anew.
			want := map[int]time.Duration{4: 20 * time.Second, 3: 45 * time.Second}[protocol]
			if d := time.Since(since).Round(time.Second); e.Reason != ReasonPingTimeout || d != want {
				t.Errorf("protocol %d: %v after %v", protocol, e, d)
			}
		}
	})
}

func TestAHandlerThatStallsEndsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, func(p *peer, _ []byte, _ bool) error {
			<-p.Done()
			return nil
		})
		c := f.poll(4)
		since := time.Now()
		w := c.start(http.MethodPost, "", "4x")
		e := <-c.side().closed
		if e.Reason != ReasonTransportError || e.Detail != DetailHandlerStall {
			t.Errorf("ended with %v", e)
		}
		// The pong was due at 45 s; the handler may then stall for a minute.
		if d := time.Since(since).Round(time.Second); d != 105*time.Second {
			t.Errorf("after %v", d)
		}
		(<-w.answer).refused(t, http.StatusBadRequest, 3, "Bad request: handler stall")
	})
}

func TestWebSocketHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, echo)
		s := f.wsInMemory()
		for range 3 {
			s.patientWant("2")
			s.send("3")
		}
		since := time.Now()
		s.patientWant("2")
		e := <-f.peer(s.SID).closed
		if d := time.Since(since).Round(time.Second); e.Reason != ReasonPingTimeout || d != 45*time.Second {
			t.Errorf("%v after %v", e, d)
		}
		_ = s.conn.Close()
	})
}

func TestAHeartbeatInTheWrongDirectionEndsTheSession(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	for protocol, packet := range map[int]string{4: "2", 3: "3"} {
		s := f.ws(protocol)
		s.send(packet)
		if code := s.closes(); code != closeProtocolError {
			t.Errorf("protocol %d: close code %d", protocol, code)
		}
		s.side(f).ended(t, ReasonTransportError, DetailHeartbeat)
	}
}

// A pong that nobody asked for changes nothing.
func TestAnUnaskedPongIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		c := f.poll(4)
		<-time.After(24 * time.Second)
		c.post("3\x1e3").want(t, http.StatusOK, "ok")
		since := time.Now()
		c.get().want(t, http.StatusOK, "2")
		if d := time.Since(since).Round(time.Second); d != time.Second {
			t.Errorf("the ping came after %v", d)
		}
	})
}
