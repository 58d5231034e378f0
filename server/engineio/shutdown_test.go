package engineio

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"
)

func TestServerCloseEndsEverySessionAndWaits(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	polls := []*pollClient{f.poll(4), f.poll(3)}
	waits := []*waiting{polls[0].hold(""), polls[1].hold("&t=a")}
	sockets := []*socket{f.ws(4), f.ws(3)}
	upgraded := f.poll(4)
	up := upgraded.probe()
	upgraded.complete(up)
	codes := make(chan int, 3)
	for _, s := range append(sockets, up) {
		go func() { codes <- s.closes() }()
	}
	var all sync.WaitGroup
	for range 3 { // it may be called by several, and again
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			if err := f.srv.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
			if n := f.srv.Len(); n != 0 {
				t.Errorf("%d sessions after Close", n)
			}
		})
	}
	await(t, "poll", waits[0].answer).want(t, http.StatusOK, "1")
	await(t, "poll", waits[1].answer).want(t, http.StatusOK, "1:1")
	for range 3 {
		if code := await(t, "close frame", codes); code != closeGoingAway {
			t.Errorf("close code %d", code)
		}
	}
	all.Wait()
	for _, p := range []*peer{polls[0].side(), polls[1].side(), sockets[0].side(f), sockets[1].side(f), upgraded.side()} {
		p.ended(t, ReasonShutdown, DetailShutdown)
		if len(p.closed) != 0 {
			t.Error("Closed came twice")
		}
	}
	if err := f.srv.Close(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestAClosedServerRefusesHandshakes(t *testing.T) {
	t.Parallel()
	var heard refusals
	f := serve(t, &Options{ConnectionError: heard.hear}, nil)
	if err := f.srv.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := f.get("EIO=4&transport=polling")
	a.refused(t, http.StatusServiceUnavailable, 3, "Server is shutting down")
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After: %q", got)
	}
	heard.last(t)
	conn := f.dial()
	conn.request(http.MethodGet, "EIO=4&transport=websocket", wsHeaders, "")
	conn.response().refused(t, http.StatusServiceUnavailable, 3, "Server is shutting down")
	heard.last(t)
}

// What was queued before still goes out.
func TestServerCloseSaysWhatIsQueuedFirst(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	c, s := f.poll(4), f.ws(4)
	for _, p := range []*peer{c.side(), s.side(f)} {
		for _, text := range []string{"one", "two"} {
			if err := p.Send(says(text), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	done := make(chan error, 1)
	go func() { done <- f.srv.Close(t.Context()) }()
	s.want("4one")
	s.want("4two")
	if code := s.closes(); code != closeGoingAway {
		t.Errorf("close code %d", code)
	}
	eventually(t, "closing", func() bool { return c.side().Send(says("x"), 0) != nil })
	c.get().want(t, http.StatusOK, "4one\x1e4two")
	c.get().want(t, http.StatusOK, "1") // alone, as the official client needs it
	if err := await(t, "Close", done); err != nil {
		t.Error(err)
	}
	c.gone(t)
}

// A client that never comes back holds Close up for two seconds, a context for
// less.
func TestServerCloseIsBound(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	c := f.poll(4)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.srv.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	c.side().ended(t, ReasonShutdown, DetailShutdown)

	g := serve(t, nil, nil)
	g.poll(4)
	s := g.ws(4) // it reads nothing and closes nothing
	since := time.Now()
	if err := g.srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(since); took > within/2 {
		t.Errorf("took %v", took)
	}
	_ = s.conn.Close()
}

// A stalled reader cannot hold it up either.
func TestServerCloseCutsStalledReaders(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxMax: 64 << 20, SlowReaderGrace: time.Hour}, nil)
	s := f.ws(4)
	stuff(t, s.side(f), 8<<20)
	since := time.Now()
	if err := f.srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(since); took > within {
		t.Errorf("took %v", took)
	}
	s.side(f).ended(t, ReasonShutdown, DetailShutdown)
}

func TestHandshakesDuringCloseAreAllOrNothing(t *testing.T) {
	t.Parallel()
	for range 10 {
		f := serve(t, nil, nil)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				if i%2 == 0 {
					a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling", "", nil)
					if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
						t.Errorf("%d %q %v", a.status, a.body, a.err)
					}
					if a.status == http.StatusOK { // it comes for its close packet
						f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling&sid="+parseOpen(t, a.body).SID, "", nil)
					}
				} else if s, err := f.tryUpgrade("EIO=4&transport=websocket"); err == nil {
					s.closes()
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), within)
		if err := f.srv.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		all.Wait()
		if n := f.srv.Len(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
	}
}

// Server.Close during a probe closes both sides of it.
func TestServerCloseDuringAProbe(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	c := f.poll(4)
	s := c.probe()
	c.get().want(t, http.StatusOK, "6")
	w := c.start(http.MethodGet, "", "")
	done := make(chan error, 1)
	go func() { done <- f.srv.Close(t.Context()) }()
	s.closes()
	if a := await(t, "the poll", w.answer); a.body != "1" && a.body != "6" {
		t.Errorf("got %q", a.body)
	}
	if err := await(t, "Close", done); err != nil {
		t.Error(err)
	}
}
