package engineio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// releasing starts a Release and returns its error, later.
func (f *fixture) releasing(ctx context.Context, over time.Duration) <-chan error {
	f.t.Helper()
	done := make(chan error, 1)
	go func() { done <- f.srv.Release(ctx, over) }()
	eventually(f.t, "new sessions are refused", f.srv.closing)
	return done
}

func TestReleaseEndsEverySessionWithoutAWordAndInOrder(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	polls := []*pollClient{f.poll(4), f.poll(3)}
	waits := []*waiting{polls[0].hold(""), polls[1].hold("&t=a")}
	sockets := []*socket{f.ws(4), f.ws(3)}
	queued := f.poll(4) // with something to say when it comes
	if err := queued.side().Send(says("one"), 0); err != nil {
		t.Fatal(err)
	}
	codes := make(chan int, len(sockets))
	for _, s := range sockets {
		go func() { codes <- s.closes() }()
	}
	done := f.releasing(t.Context(), 100*time.Millisecond)
	await(t, "poll", waits[0].answer).want(t, http.StatusOK, "1")
	await(t, "poll", waits[1].answer).want(t, http.StatusOK, "1:1")
	for range sockets {
		if code := await(t, "close frame", codes); code != closeGoingAway {
			t.Errorf("close code %d", code)
		}
	}
	eventually(t, "closing", func() bool { return queued.side().Send(says("x"), 0) != nil })
	if a := queued.get(); a.status != http.StatusOK || strings.ReplaceAll(a.body, "\x1e4x", "") != "4one" { // and what was sent before the end was noticed
		t.Errorf("got %d %q", a.status, a.body)
	}
	queued.get().want(t, http.StatusOK, "1")
	if err := await(t, "Release", done); err != nil {
		t.Error(err)
	}
	for _, p := range []*peer{polls[0].side(), polls[1].side(), sockets[0].side(f), sockets[1].side(f), queued.side()} {
		p.ended(t, ReasonShutdown, DetailDrain)
	}
}

// Who is not due yet notices nothing, and nobody new is let in: they are told when to
// come back, also pages of another origin.
func TestSessionsGoOnUntilTheyAreReleased(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Origins: onlyOrigin("http://good.example"), AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Has("late") {
			return errors.New("asked in vain")
		}
		return nil
	}}, echo)
	clients := []*pollClient{f.poll(4), f.poll(4), f.poll(4)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := f.releasing(ctx, time.Hour)
	var stay []*pollClient
	eventually(t, "the first is released", func() bool {
		stay = slices.DeleteFunc(slices.Clone(clients), func(c *pollClient) bool {
			c.side().mu.Lock()
			defer c.side().mu.Unlock()
			return c.side().state != stateOpen
		})
		return len(stay) == 2
	})
	stay[0].post("4hello").want(t, http.StatusOK, "ok")
	stay[0].get().want(t, http.StatusOK, "4hello")
	s := stay[1].probe()
	stay[1].complete(s)
	s.send("4upgraded")
	s.want("4upgraded")

	origin := http.Header{"Origin": {"http://good.example"}}
	a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling&late", "", origin)
	a.refused(t, http.StatusServiceUnavailable, 3, "Server is shutting down")
	for name, want := range map[string]string{
		"Retry-After": "2", "Access-Control-Allow-Origin": "http://good.example", "Access-Control-Expose-Headers": "Retry-After",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	cancel()
	if err := await(t, "Release", done); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReleaseTakesARandomOrder(t *testing.T) {
	t.Parallel()
	const n = 30
	f := serve(t, nil, nil)
	var mu sync.Mutex
	var order []int
	var all sync.WaitGroup
	for i := range n {
		s := f.ws(4)
		all.Go(func() {
			s.closes()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
	}
	if err := f.srv.Release(t.Context(), 300*time.Millisecond); err != nil {
		t.Error(err)
	}
	all.Wait()
	if slices.IsSorted(order) || len(order) != n {
		t.Errorf("released as they came: %v", order)
	}
}

// Clients that leave by themselves are not waited for.
func TestReleaseEndsWithTheLastSession(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	sockets := []*socket{f.ws(4), f.ws(4), f.ws(4)}
	done := f.releasing(t.Context(), time.Hour)
	for _, s := range sockets {
		_ = s.conn.Close()
	}
	if err := await(t, "Release", done); err != nil {
		t.Error(err)
	}
	if err := serve(t, nil, nil).srv.Release(t.Context(), time.Hour); err != nil {
		t.Errorf("of nobody: %v", err)
	}
}

func TestCloseGoesOnWhereReleaseStopped(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	var waits []*waiting
	for i := range 4 {
		waits = append(waits, f.poll(4).hold(fmt.Sprint("&t=", i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := f.releasing(ctx, time.Hour)
	cancel()
	await(t, "Release", done)
	if err := f.srv.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, w := range waits {
		await(t, "poll", w.answer).want(t, http.StatusOK, "1")
	}
}

// One that is sent away because the way of its WebSocket closes comes back by itself.
func TestASingleSessionIsReleased(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	s, other := f.ws(4), f.poll(4)
	f.srv.ReleaseSession("unknown")
	f.srv.ReleaseSession(s.side(f).ID())
	if code := s.closes(); code != closeGoingAway {
		t.Errorf("close code %d", code)
	}
	s.side(f).ended(t, ReasonShutdown, DetailDrain)
	other.post("4x").want(t, http.StatusOK, "ok")
	f.poll(4) // others still come
}
