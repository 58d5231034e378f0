package engineio

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio/ready"
)

// What idle mode must do like the other is what all the other tests are about, with
// SOCKEYE_TEST_IDLE. These are about what is its own.

func inIdleMode(t *testing.T, o Options) *Options {
	t.Helper()
	if runtime.GOOS != "linux" {
		if _, err := NewServer(&opener{}, &Options{IdleMode: true}); !errors.Is(err, ready.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
		t.Skip("idle mode is for Linux")
	}
	o.IdleMode = true
	return &o
}

// parked waits until nothing but the poller waits for the clients. Tests that use it are
// not parallel: others have readers.
func parked(t *testing.T) {
	t.Helper()
	eventually(t, "no goroutine is left", func() bool {
		watchers, readers := reading()
		return watchers == 0 && readers == 0
	})
}

func TestInIdleModeWhoIsSilentHasNoGoroutine(t *testing.T) {
	f := serve(t, inIdleMode(t, Options{}), echo)
	s := f.ws(4)
	for range 3 {
		parked(t)
		s.send("4hello")
		s.want("4hello")
	}
	frame := whole(ws.OpText, "4in two halves")
	s.write(frame[:5])
	eventually(t, "a reader waits for the rest", func() bool {
		_, readers := reading()
		return readers == 1
	})
	s.write(frame[5:])
	s.want("4in two halves")
	parked(t)
	if err := s.side(f).Send(says("from the server"), 0); err != nil {
		t.Fatal(err)
	}
	s.want("4from the server")
	parked(t)
}

func TestInIdleModeEveryEndIsSeen(t *testing.T) {
	for name, end := range map[string]func(f *fixture, s *socket) (Reason, Detail){
		"the client goes": func(_ *fixture, s *socket) (Reason, Detail) {
			_ = s.conn.Close()
			return ReasonTransportClose, DetailConnectionLost
		},
		"the client says goodbye": func(_ *fixture, s *socket) (Reason, Detail) {
			s.write(whole(ws.OpClose, "\x03\xe8"))
			return ReasonTransportClose, DetailCloseFrame
		},
		"the server closes": func(f *fixture, s *socket) (Reason, Detail) {
			s.side(f).Close(ReasonForcedServer, DetailServerDisconnect, nil)
			if code := s.closes(); code != closeNormal {
				s.t.Errorf("close code %d", code)
			}
			return ReasonForcedServer, DetailServerDisconnect
		},
		"the server cuts": func(f *fixture, s *socket) (Reason, Detail) {
			s.side(f).Abort(ReasonTransportClose, DetailOutboxOverflow, nil)
			return ReasonTransportClose, DetailOutboxOverflow
		},
	} {
		f := serve(t, inIdleMode(t, Options{}), echo)
		s := f.ws(4)
		parked(t)
		p := s.side(f)
		reason, detail := end(f, s)
		if e := await(t, "Closed", p.closed); e.Reason != reason || e.Detail != detail {
			t.Errorf("%s: %v", name, e)
		}
		_ = s.conn.Close()
		parked(t)
	}
}

func TestInIdleModeAPingTimeoutEndsWhoIsSilent(t *testing.T) {
	f := serve(t, inIdleMode(t, Options{PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond}), nil)
	s := f.ws(4)
	s.want("2")
	s.side(f).ended(t, ReasonPingTimeout, DetailNoPong)
	parked(t)
}

func TestInIdleModeAnUpgradedSessionIsParked(t *testing.T) {
	f := serve(t, inIdleMode(t, Options{}), echo)
	c := f.poll(4)
	s := c.probe()
	c.complete(s)
	parked(t)
	s.send("4x")
	s.want("4x")
	parked(t)
}

func TestInIdleModeStreamsAndPlainWebSocketsAreParked(t *testing.T) {
	f := guests(t, inIdleMode(t, Options{}), TransportEventStream, mannerPlain)
	r := f.read()
	p := f.only()
	parked(t)
	if err := p.Send(rawFrame([]byte("data: 1\n\n")), 0); err != nil {
		t.Fatal(err)
	}
	if got := r.line(t); got != "data: 1" {
		t.Errorf("got %q", got)
	}
	r.leave()
	p.ended(t, ReasonTransportClose, DetailConnectionLost)

	f = guests(t, inIdleMode(t, Options{}), TransportPlainWebSocket, mannerPlain)
	s := f.upgrade("")
	p = f.only()
	parked(t)
	s.send("hello")
	if got := await(t, "the message", p.in); got.data != "hello" {
		t.Errorf("got %q", got.data)
	}
	parked(t)
	_ = s.conn.Close()
	p.ended(t, ReasonTransportClose, DetailConnectionLost)
}

// A closed server leaves nothing behind, whoever is parked; goleak sees the poller.
func TestInIdleModeAServerCloses(t *testing.T) {
	f := serve(t, inIdleMode(t, Options{}), nil)
	all := make([]*socket, 20)
	for i := range all {
		all[i] = f.ws(4)
	}
	parked(t)
	if err := f.srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, s := range all {
		if code := s.closes(); code != closeGoingAway {
			t.Errorf("close code %d", code)
		}
	}
	parked(t)
}
