package engineio

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseSaysWhatIsQueuedFirst(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	cause := errors.New("cause")
	c, s := f.poll(4), f.ws(4)
	for _, p := range []*peer{c.side(), s.side(f)} {
		for range 50 {
			if err := p.Send(says("x"), 0); err != nil {
				t.Fatal(err)
			}
		}
		p.Close(ReasonForcedServer, DetailServerDisconnect, cause)
		p.Close(ReasonForcedClose, DetailShutdown, nil) // only the first counts
	}
	for range 50 {
		s.want("4x")
	}
	if code := s.closes(); code != closeNormal {
		t.Errorf("close code %d", code)
	}
	if e := s.side(f).ended(t, ReasonForcedServer, DetailServerDisconnect); !errors.Is(e, cause) {
		t.Errorf("cause %v", e.Err)
	}
	c.get().want(t, http.StatusOK, strings.TrimSuffix(strings.Repeat("4x\x1e", 50), "\x1e"))
	c.get().want(t, http.StatusOK, "1")
	c.side().ended(t, ReasonForcedServer, DetailServerDisconnect)
	c.gone(t)
}

func TestCloseAnswersAWaitingPoll(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	w := c.hold("&t=a")
	if err := c.side().Send(says("bye"), 0); err != nil {
		t.Fatal(err)
	}
	c.side().Close(ReasonForcedClose, DetailNone, nil)
	await(t, "the poll", w.answer).want(t, http.StatusOK, "4bye")
	c.getT("b").want(t, http.StatusOK, "1")
	c.side().ended(t, ReasonForcedClose, DetailNone)

	c = c.poll(4)
	w = c.hold("")
	c.side().Close(ReasonForcedClose, DetailNone, nil)
	await(t, "the poll", w.answer).want(t, http.StatusOK, "1")
	c.side().ended(t, ReasonForcedClose, DetailNone)
}

// The GET that a polling client sent just before its goodbye may arrive after it.
func TestAPollThatArrivesAfterTheGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serveInMemory(t, nil, nil)
		c := f.poll(4)
		bye := c.start(http.MethodPost, "", "1")
		synctest.Wait()
		c.get().want(t, http.StatusOK, "6")
		(<-bye.answer).want(t, http.StatusOK, "ok")
		c.side().ended(t, ReasonTransportClose, DetailClosePacket)

		f.poll(4).post("1").want(t, http.StatusOK, "ok") // nor is it insisted on
	})
}

// A client that never comes for the rest is given up after CloseTimeout.
func TestCloseWaitsForTheClientOnlySoLong(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{CloseTimeout: 100 * time.Millisecond, OutboxMax: 64 << 20, SlowReaderGrace: time.Hour}, nil)
	c, s := f.poll(4), f.ws(4)
	stuff(t, s.side(f), 8<<20)
	for _, p := range []*peer{c.side(), s.side(f)} {
		select {
		case <-p.Done():
			t.Fatal("done before the close")
		default:
		}
		if p.Err() != nil {
			t.Errorf("Err is %v", p.Err())
		}
		p.Close(ReasonForcedClose, DetailServerDisconnect, nil)
		p.ended(t, ReasonForcedClose, DetailServerDisconnect)
		await(t, "Done", p.Done())
	}
	c.gone(t)
}

func TestWhatAClosingClientStillSaysIsNotHeard(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	c.side().Close(ReasonForcedClose, DetailNone, nil)
	c.post("4x").want(t, http.StatusOK, "ok")
	c.get().want(t, http.StatusOK, "1")
	c.side().ended(t, ReasonForcedClose, DetailNone)
	if len(c.side().in) != 0 {
		t.Error("heard")
	}
}

func TestReceiveMayEndItsSession(t *testing.T) {
	t.Parallel()
	named := &CloseError{Reason: ReasonForcedServer, Detail: DetailServerDisconnect}
	for _, c := range []struct {
		err     error
		reason  Reason
		detail  Detail
		message string
	}{
		{errors.New("what is this"), ReasonParseError, DetailBadMessage, "Bad request: bad message: what is this"},
		{named, ReasonForcedServer, DetailServerDisconnect, "Bad request"},
	} {
		f := serve(t, nil, func(*peer, []byte, bool) error { return c.err })
		p := f.poll(4)
		p.post("4x\x1e4y").refused(t, http.StatusBadRequest, 3, c.message)
		if e := p.side().ended(t, c.reason, c.detail); !errors.Is(e, c.err) {
			t.Errorf("the cause is %v", e.Err)
		}
		s := f.ws(4)
		s.send("4x")
		s.closes()
		s.side(f).ended(t, c.reason, c.detail)
	}
}

func TestTheCloseFrameSaysWhatWasWrong(t *testing.T) {
	t.Parallel()
	cause := errors.New(strings.Repeat("é", 100))
	for want, c := range map[string]*CloseError{
		"":             {Detail: DetailServerDisconnect, Err: cause},
		"rate limited": {Detail: DetailRateLimited, Err: cause},
		"bad message: " + strings.Repeat("é", 55): {Detail: DetailBadMessage, Err: cause},
	} {
		if got := closeText(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Closed comes last: never while Receive runs, never twice, and no Receive
// follows.
func TestClosedComesAfterReceive(t *testing.T) {
	t.Parallel()
	for range 20 {
		var inside, calls atomic.Int32
		f := serve(t, nil, func(p *peer, _ []byte, _ bool) error {
			if inside.Add(1) != 1 {
				t.Error("Receive calls overlap")
			}
			defer inside.Add(-1)
			calls.Add(1)
			<-p.Done()
			return nil
		})
		s := f.ws(4)
		s.send("4x")
		s.send("4y")
		eventually(t, "Receive runs", func() bool { return inside.Load() == 1 })
		p := s.side(f)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { p.end(&CloseError{Reason: ReasonForcedClose}) })
		}
		all.Wait()
		p.ended(t, ReasonForcedClose, DetailNone)
		if inside.Load() != 0 || calls.Load() != 1 {
			t.Errorf("%d inside, %d calls", inside.Load(), calls.Load())
		}
		_ = s.conn.Close()
	}
}

// An end that falls between the flusher's writes used to leave the connection
// open for good.
func TestAnEndAmidWritesClosesTheConnection(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 1 << 30, OutboxMax: 1 << 30}, nil) // it sends as fast as it can
	for range 20 {
		s := f.ws(4)
		p := s.side(f)
		go func() {
			for {
				if p.Send(says("x"), 0) != nil {
					return
				}
			}
		}()
		s.want("4x")
		go p.end(&CloseError{Reason: ReasonForcedClose})
		s.closes()
		p.ended(t, ReasonForcedClose, DetailNone)
	}
}
