package redisclient

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// listen hears a pattern and returns what comes, as channel and text, once it is
// subscribed.
func listen(t *testing.T, c redis.UniversalClient, pattern string) <-chan [2]string {
	t.Helper()
	got := make(chan [2]string, 1<<16)
	up := make(chan struct{}, 10)
	s := Subscribe(c)
	t.Cleanup(s.Close)
	err := s.Add(&Topic{
		Patterns: []string{pattern},
		Receive:  func(channel string, payload []byte) { got <- [2]string{channel, string(payload)} },
		Up:       func(bool) { up <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	sockettest.Receive(t, "the subscription", up)
	return got
}

func TestPublisherKeepsTheOrderAcrossChannels(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		c, prefix := open(t, url), redistest.Prefix(t)
		got := listen(t, c, prefix+"*")
		p := NewPublisher(c, PublisherOptions{})
		defer p.Close()
		const publishers, each = 8, 200
		var wg sync.WaitGroup
		for i := range publishers {
			wg.Go(func() {
				for n := range each {
					// The channels are in slots of different servers.
					if err := p.Publish(fmt.Sprintf("%s#%d", prefix, n%7), fmt.Appendf(nil, "%d %d", i, n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var next [publishers]int
		for range publishers * each {
			m := sockettest.Receive(t, "message", got)
			var i, n int
			if _, err := fmt.Sscanf(m[1], "%d %d", &i, &n); err != nil || n != next[i] {
				t.Fatalf("got %q, want %d of %d", m, next[i], i)
			}
			next[i]++
		}
		wg.Wait()
	})
}

func TestPublisherUsesOneConnection(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, s.URL())
	p := NewPublisher(c, PublisherOptions{})
	defer p.Close()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if err := p.Publish("x", []byte("y")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	list, _ := s.Do(t, "client", "list").(string)
	if n := strings.Count(list, "cmd=publish"); n != 1 {
		t.Errorf("%d connections: %s", n, list)
	}
}

func TestPublisherRepliesAreThoseOfEachCommand(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		key := redistest.Prefix(t)
		p := NewPublisher(open(t, url), PublisherOptions{Key: key})
		defer p.Close()
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if i%2 == 0 {
					cmd := redis.NewStringCmd(t.Context(), "xadd", key, fmt.Sprintf("%d-0", 5), "a", "b")
					if err := p.Do(cmd, 10); err != nil && !strings.Contains(err.Error(), "ID") {
						t.Error(err)
					}
					return
				}
				cmd := redis.NewStringCmd(t.Context(), "echo", fmt.Sprint(i))
				if err := p.Do(cmd, 10); err != nil || cmd.Val() != fmt.Sprint(i) {
					t.Errorf("%q, %v", cmd.Val(), err)
				}
			})
		}
		wg.Wait()
	})
}

// TestPublisherGoesOnAfterItsConnectionWasCut also sees that nothing is sent twice.
func TestPublisherGoesOnAfterItsConnectionWasCut(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, s.URL())
	got := listen(t, c, "*")
	p := NewPublisher(c, PublisherOptions{OnState: func(err error) {
		if err != nil {
			t.Errorf("away: %v", err)
		}
	}})
	defer p.Close()
	sent := make(map[string]bool)
	failures := 0
	for i := range 200 {
		if i%50 == 25 {
			s.CutClients(t, "normal")
		}
		text := fmt.Sprint(i)
		err := p.Publish("x", []byte(text))
		if err != nil {
			failures++
		}
		sent[text] = err == nil
	}
	if failures > 4 {
		t.Errorf("%d failed", failures)
	}
	if err := p.Publish("x", []byte("end")); err != nil {
		t.Fatal(err)
	}
	last := -1
	for {
		m := sockettest.Receive(t, "message", got)
		if m[1] == "end" {
			break
		}
		var n int
		if _, err := fmt.Sscan(m[1], &n); err != nil || n <= last {
			t.Fatalf("got %s after %d", m[1], last)
		}
		last = n
		delete(sent, m[1])
	}
	for text, ok := range sent {
		if ok {
			t.Errorf("%s was taken and did not arrive", text)
		}
	}
}

func TestPublisherFailsAtOnceWhileRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	states := make(chan error, 10)
	p := NewPublisher(open(t, s.URL()), PublisherOptions{OnState: func(err error) { states <- err }})
	defer p.Close()
	publish := func() error { return p.Publish("x", []byte("y")) }
	if err := publish(); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	if err := publish(); err == nil {
		t.Error("published to nobody")
	}
	if err := publish(); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	if err := sockettest.Receive(t, "the loss", states); err == nil {
		t.Error("no reason")
	}
	start := time.Now()
	for range 1000 {
		if err := publish(); !errors.Is(err, ErrAway) {
			t.Fatalf("got %v", err)
		}
	}
	if took := time.Since(start); took > time.Second || p.Away() == nil {
		t.Errorf("1000 took %s", took)
	}
	s.Start(t)
	if err := sockettest.Receive(t, "the return", states); err != nil {
		t.Error(err)
	}
	sockettest.Eventually(t, "publishing works again", func() bool { return publish() == nil })
	if err := p.Away(); err != nil || len(states) != 0 {
		t.Errorf("away: %v, %d more states", err, len(states))
	}
}

func TestPublisherStartsWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	s.Kill(t)
	p := NewPublisher(open(t, s.URL()), PublisherOptions{})
	if err := p.Publish("x", nil); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	s.Start(t)
	sockettest.Eventually(t, "publishing works", func() bool { return p.Publish("x", nil) == nil })
	p.Close()
	if err := p.Publish("x", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	p.Close()
}

func TestPublisherCloseWhileRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	s.Kill(t)
	p := NewPublisher(open(t, s.URL()), PublisherOptions{})
	if err := p.Publish("x", nil); !errors.Is(err, ErrAway) {
		t.Errorf("got %v", err)
	}
	start := time.Now()
	p.Close()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestPublisherQueueIsBounded has a server that does not answer: what waits stays
// below the bound, fails in the end, and later messages go on.
func TestPublisherQueueIsBounded(t *testing.T) {
	s := redistest.Start(t)
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1, DialerRetries: 1, ReadTimeout: 500 * time.Millisecond})
	defer c.Close()
	p := NewPublisher(c, PublisherOptions{MaxQueued: 1 << 20})
	defer p.Close()
	if err := p.Publish("x", nil); err != nil {
		t.Fatal(err)
	}
	s.Pause(t)
	payload := bytes.Repeat([]byte("x"), 100<<10)
	results := make(chan error, 30)
	for range 30 {
		go func() { results <- p.Publish("x", payload) }()
	}
	full := 0
	for range 20 {
		if err := sockettest.Receive(t, "refusal", results); errors.Is(err, ErrQueueFull) {
			full++
		}
	}
	if full < 19 { // 10 of about 100 KiB fit
		t.Errorf("%d were refused", full)
	}
	for range 10 {
		if err := sockettest.Receive(t, "time-out", results); err == nil {
			t.Error("published to a server that does not answer")
		}
	}
	s.Resume(t)
	sockettest.Eventually(t, "publishing works again", func() bool { return p.Publish("x", payload) == nil })
}

func TestClientsThatRetryAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		if err := CheckClient(open(t, url)); err != nil {
			t.Error(err)
		}
	})
	c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer c.Close()
	if err := CheckClient(c); err == nil {
		t.Error("a client that sends commands up to four times was taken")
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"127.0.0.1:1"}, MaxRetries: 3})
	defer cluster.Close()
	if err := CheckClient(cluster); err == nil {
		t.Error("a cluster's client that sends commands up to four times was taken")
	}
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer ring.Close()
	if err := CheckClient(ring); err == nil {
		t.Error("a ring was taken")
	}
}

// TestPostKeepsTheOrderAndTellsWhatBecameOfIt mixes what waits with what does not.
func TestPostKeepsTheOrderAndTellsWhatBecameOfIt(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, s.URL())
	got := listen(t, c, "*")
	p := NewPublisher(c, PublisherOptions{})
	const publishers, each = 4, 1000
	var told, failed atomic.Int64
	var wg sync.WaitGroup
	for i := range publishers {
		wg.Go(func() {
			for n := range each {
				payload := fmt.Appendf(nil, "%d %d", i, n)
				var err error
				if n%10 == 0 {
					told.Add(1)
					err = p.Publish("x", payload)
				} else {
					err = p.Post("x", payload, func(err error) {
						told.Add(1)
						if err != nil {
							failed.Add(1)
						}
					})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next [publishers]int
	for range publishers * each {
		m := sockettest.Receive(t, "message", got)
		var i, n int
		if _, err := fmt.Sscanf(m[1], "%d %d", &i, &n); err != nil || n != next[i] {
			t.Fatalf("got %q, want %d of %d", m, next[i], i)
		}
		next[i]++
	}
	wg.Wait()

	// What is on its way is told of at the end, also when it fails.
	s.Kill(t)
	lost := 0
	for range 100 {
		if p.Post("x", nil, func(err error) {
			told.Add(1)
			if err != nil {
				failed.Add(1)
			}
		}) == nil {
			lost++
		}
	}
	p.Close()
	if n := told.Load(); n != publishers*each+int64(lost) || failed.Load() != int64(lost) || lost == 0 {
		t.Errorf("%d were told of, %d failed, %d were lost", n, failed.Load(), lost)
	}
	if err := p.Post("x", nil, func(error) { t.Error("told of what was refused") }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
