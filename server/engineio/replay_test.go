package engineio

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// pages is a replay of n numbered messages of a size; it fails the test when it
// is called by two at once, or again after its end.
func pages(t *testing.T, name string, n, size int, given *atomic.Int64) func() *Message {
	t.Helper()
	var busy atomic.Bool
	next := 0
	return func() *Message {
		if busy.Swap(true) {
			t.Error("next is called by two at once")
		}
		defer busy.Store(false)
		if next == n {
			next++
			return nil
		}
		if next > n {
			t.Error("next is called after its end")
			return nil
		}
		m := says(fmt.Sprint(name, next, ":", strings.Repeat("r", size)))
		next++
		if given != nil {
			given.Store(int64(next))
		}
		return m
	}
}

// numbers strips a payload down to the names of its messages.
func numbers(body string) []string {
	var all []string
	for packet := range strings.SplitSeq(body, "\x1e") {
		name, _, _ := strings.Cut(packet, ":")
		all = append(all, name)
	}
	return all
}

func TestAReplayKeepsItsPlaceOverWebSocket(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	s := f.ws(4)
	p := s.side(f)
	var want []string
	for i := range 3 {
		name := string(rune('a' + i))
		if err := p.Send(says("before-"+name), 0); err != nil {
			t.Fatal(err)
		}
		if err := p.SendPaged(pages(t, name, 50, 10, nil)); err != nil {
			t.Fatal(err)
		}
		if err := p.Send(says("after-"+name), 0); err != nil {
			t.Fatal(err)
		}
		want = append(want, "4before-"+name)
		for k := range 50 {
			want = append(want, fmt.Sprint("4", name, k))
		}
		want = append(want, "4after-"+name)
	}
	for _, w := range want {
		name, _, _ := strings.Cut(s.text(), ":")
		if name != w {
			t.Fatalf("got %q, want %q", name, w)
		}
	}
}

func TestAReplayKeepsItsPlaceOverPolling(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	p := c.side()
	_ = p.Send(says("before"), 0)
	_ = p.SendPaged(pages(t, "r", 20, 30_000, nil))
	_ = p.SendPaged(func() *Message { return nil }) // an empty one
	_ = p.Send(says("after"), 0)
	var got []string
	for len(got) == 0 || got[len(got)-1] != "4after" {
		a := c.get()
		if len(a.body) > maxReplayAnswer+40_000 {
			t.Errorf("a page of %d bytes", len(a.body))
		}
		for _, n := range numbers(a.body) {
			if n != "6" {
				got = append(got, n)
			}
		}
	}
	if len(got) != 22 || got[0] != "4before" || got[1] != "4r0" || got[20] != "4r19" {
		t.Errorf("got %q", got)
	}
}

func TestAReplayGoesOnAcrossAnUpgrade(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	p := c.side()
	_ = p.SendPaged(pages(t, "r", 100, 10_000, nil))
	_ = p.Send(says("after"), 0)
	var got []string
	got = append(got, numbers(c.get().body)...)
	s := c.probe()
	got = append(got, numbers(c.get().body)...)
	c.complete(s)
	for got[len(got)-1] != "4after" {
		got = append(got, numbers(s.text())...)
	}
	for i, n := range got[:len(got)-1] {
		if n != fmt.Sprint("4r", i) {
			t.Fatalf("message %d is %q", i, n)
		}
	}
	if len(got) != 101 {
		t.Errorf("%d messages", len(got))
	}
}

// A replay may be far longer than any limit of the outbox; it is pulled only as
// the reader takes it.
func TestAReplayIsNotCountedAndNotPulledAhead(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 10_000, OutboxMax: 20_000, SlowReaderGrace: 50 * time.Millisecond}, nil)
	c := f.poll(4)
	var given atomic.Int64
	if err := c.side().SendPaged(pages(t, "r", 1000, 10_000, &given)); err != nil {
		t.Fatal(err)
	}
	if given.Load() != 0 {
		t.Error("pulled before anybody asked")
	}
	c.get()
	if n := given.Load(); n > 30 {
		t.Errorf("one poll pulled %d messages", n)
	}

	s := f.ws(4)
	given.Store(0)
	const total = 10_000 // a hundred megabytes, which no connection's buffers hold
	if err := s.side(f).SendPaged(pages(t, "r", total, 10_000, &given)); err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	eventually(t, "the connection is full", func() bool {
		now := given.Load()
		full := now == last && now > 0
		last = now
		return full
	})
	if last >= total {
		t.Error("all was pulled though nobody reads")
	}
	select {
	case e := <-s.side(f).closed:
		t.Fatalf("a replay made the session slow: %v", e)
	case <-time.After(100 * time.Millisecond):
	}
	for i := range 100 {
		if name := numbers(s.text())[0]; name != fmt.Sprint("4r", i) {
			t.Fatalf("message %d is %q", i, name)
		}
	}
}

func TestSendPagedAfterTheEnd(t *testing.T) {
	t.Parallel()
	c := serve(t, nil, nil).poll(4)
	c.side().Close(ReasonForcedClose, DetailNone, nil)
	if err := c.side().SendPaged(func() *Message { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := c.side().Send(says("x"), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	c.get().want(t, http.StatusOK, "1")
	c.side().ended(t, ReasonForcedClose, DetailNone)
	if err := c.side().Send(says("x"), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
