package redisclient

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// heard is what a topic's functions were called with.
type heard struct {
	messages chan string
	states   chan string
}

func topic(channels, patterns []string) (*Topic, heard) {
	h := heard{messages: make(chan string, 1<<16), states: make(chan string, 100)}
	return &Topic{
		Channels: channels, Patterns: patterns,
		Receive: func(channel string, payload []byte) { h.messages <- channel + "=" + string(payload) },
		Up:      func(again bool) { h.states <- fmt.Sprintf("up again=%t", again) },
		Lost:    func(err error) { h.states <- fmt.Sprintf("lost=%t", err != nil) },
	}, h
}

func (h heard) state(t *testing.T, want string) {
	t.Helper()
	if got := sockettest.Receive(t, want, h.states); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func (h heard) message(t *testing.T, want string) {
	t.Helper()
	if got := sockettest.Receive(t, want, h.messages); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func publish(t *testing.T, c redis.UniversalClient, channel, payload string) {
	t.Helper()
	if err := c.Publish(t.Context(), channel, payload).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestSubscriptionHearsChannelsAndPatterns(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		c, x := open(t, url), redistest.Prefix(t)
		s := Subscribe(c)
		defer s.Close()
		a, first := topic([]string{x + "a", x + "b"}, []string{x + "p*"})
		if err := s.Add(a); err != nil {
			t.Fatal(err)
		}
		first.state(t, "up again=false")
		if !s.Up(a) {
			t.Error("not up")
		}
		clash, _ := topic([]string{x + "b"}, nil)
		if err := s.Add(clash); err == nil {
			t.Error("a name was taken twice")
		}
		b, second := topic([]string{x + "p1"}, nil) // the pattern of a matches it, too
		if err := s.Add(b); err != nil {
			t.Fatal(err)
		}
		second.state(t, "up again=false")
		// One by one: a client of a Redis Cluster publishes on several servers, which
		// have no order between each other.
		publish(t, c, x+"a", "1")
		first.message(t, x+"a=1")
		publish(t, c, x+"b", "2\x00\xff")
		first.message(t, x+"b=2\x00\xff")
		publish(t, c, x+"p1", "3")
		first.message(t, x+"p1=3")
		second.message(t, x+"p1=3")

		s.Remove(b)
		if s.Up(b) {
			t.Error("a topic that was removed is up")
		}
		publish(t, c, x+"p1", "4")
		first.message(t, x+"p1=4")
		if len(second.messages) != 0 {
			t.Error("a topic that was removed is still heard")
		}
		again, third := topic([]string{x + "p1"}, nil)
		if err := s.Add(again); err != nil {
			t.Fatal(err)
		}
		third.state(t, "up again=false")
		publish(t, c, x+"p1", "5")
		third.message(t, x+"p1=5")
	})
}

func TestSubscriptionOfManyNames(t *testing.T) {
	c, x := open(t, redistest.Single(t).URL()), redistest.Prefix(t)
	s := Subscribe(c)
	defer s.Close()
	var all []heard
	const n = 500
	for i := range n {
		topic, h := topic([]string{fmt.Sprint(x, "c", i, "#")}, []string{fmt.Sprint(x, "p", i, "#*")})
		if err := s.Add(topic); err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	for i, h := range all {
		h.state(t, "up again=false")
		publish(t, c, fmt.Sprint(x, "p", i, "#x"), "hi")
		h.message(t, fmt.Sprint(x, "p", i, "#x=hi"))
	}
	redistest.Single(t).CutClients(t, "pubsub")
	for _, h := range all {
		h.state(t, "lost=true")
		h.state(t, "up again=true")
	}
	publish(t, c, fmt.Sprint(x, "c", n-1, "#"), "hi")
	all[n-1].message(t, fmt.Sprint(x, "c", n-1, "#=hi"))
}

func TestSubscriptionIsRestored(t *testing.T) {
	s := redistest.Start(t)
	c := open(t, s.URL())
	sub := Subscribe(c)
	defer sub.Close()
	a, h := topic([]string{"a"}, []string{"p*"})
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	h.state(t, "up again=false")
	for i := range 3 {
		s.CutClients(t, "pubsub")
		h.state(t, "lost=true")
		h.state(t, "up again=true")
		publish(t, c, "p", fmt.Sprint(i))
		h.message(t, fmt.Sprintf("p=%d", i))
	}
	s.Kill(t)
	h.state(t, "lost=true")
	b, other := topic([]string{"b"}, nil)
	if err := sub.Add(b); err != nil { // while Redis is away
		t.Fatal(err)
	}
	if sub.Up(a) || sub.Up(b) {
		t.Error("up while Redis is away")
	}
	other.state(t, "lost=true")
	<-time.After(200 * time.Millisecond) // several attempts fail
	if len(h.states) != 0 {
		t.Errorf("the loss was told again: %q", <-h.states)
	}
	s.Start(t)
	h.state(t, "up again=true")
	other.state(t, "up again=false")
	publish(t, c, "a", "back")
	h.message(t, "a=back")
}

func TestSubscriptionStartsWithoutRedis(t *testing.T) {
	s := redistest.Start(t)
	s.Stop(t)
	sub := Subscribe(open(t, s.URL()))
	a, h := topic([]string{"a"}, nil)
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	h.state(t, "lost=true")
	s.Start(t)
	h.state(t, "up again=false")
	sub.Close()
	sub.Close()
	if err := sub.Add(a); err == nil {
		t.Error("added after Close")
	}
}

func TestSubscriptionClosesWhileRedisIsAway(t *testing.T) {
	s := redistest.Start(t)
	s.Kill(t)
	sub := Subscribe(open(t, s.URL()))
	a, h := topic([]string{"a"}, nil)
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	h.state(t, "lost=true")
	start := time.Now()
	sub.Close()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestSubscriptionNoticesSilence has a server that neither answers nor closes.
func TestSubscriptionNoticesSilence(t *testing.T) {
	s := redistest.Start(t)
	sub := newSubscription(open(t, s.URL()))
	sub.quiet, sub.dead = 30*time.Millisecond, 200*time.Millisecond
	go sub.run()
	defer sub.Close()
	a, h := topic([]string{"a"}, nil)
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	h.state(t, "up again=false")
	<-time.After(300 * time.Millisecond) // it is asked and answers
	if len(h.states) != 0 {
		t.Fatalf("silence is taken for a loss: %s", <-h.states)
	}
	s.Pause(t)
	h.state(t, "lost=true")
	s.Resume(t)
	h.state(t, "up again=true")
}

// TestSubscriptionDropsNothingWhileItsTopicIsSlow takes each message late.
func TestSubscriptionDropsNothingWhileItsTopicIsSlow(t *testing.T) {
	c, x := open(t, redistest.Single(t).URL()), redistest.Prefix(t)
	sub := newSubscription(c)
	sub.quiet, sub.dead = 10*time.Millisecond, 10*time.Millisecond
	go sub.run()
	defer sub.Close()
	release := make(chan struct{})
	a, h := topic([]string{x}, nil)
	take := a.Receive
	a.Receive = func(channel string, payload []byte) {
		<-release
		take(channel, payload)
	}
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	h.state(t, "up again=false")
	const n = 5000
	for i := range n {
		publish(t, c, x, fmt.Sprint(i))
	}
	<-time.After(100 * time.Millisecond) // long for a connection that says nothing
	close(release)
	for i := range n {
		h.message(t, fmt.Sprintf("%s=%d", x, i))
	}
	if len(h.states) != 0 {
		t.Errorf("the connection was lost: %s", <-h.states)
	}
}

// TestSubscriptionIsNotTriedAgainAtOnceWhenRefused has a user who may not hear the
// channel.
func TestSubscriptionIsNotTriedAgainAtOnceWhenRefused(t *testing.T) {
	s := redistest.Start(t)
	s.Do(t, "acl", "setuser", "poor", "on", ">secret", "+@all", "~*", "resetchannels", "&allowed*")
	sub := newSubscription(open(t, strings.Replace(s.URL(), "redis://", "redis://poor:secret@", 1)))
	connections := make(chan struct{}, 1000)
	sub.connected = func() { connections <- struct{}{} }
	go sub.run()
	defer sub.Close()
	a, h := topic([]string{"forbidden"}, nil)
	failed := make(chan error, 100)
	a.Lost = func(err error) { failed <- err }
	if err := sub.Add(a); err != nil {
		t.Fatal(err)
	}
	if err := sockettest.Receive(t, "the refusal", failed); !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("got %v", err)
	}
	<-time.After(time.Second)
	if n := len(connections); n > 8 {
		t.Errorf("%d connections in a second", n)
	}
	s.Do(t, "acl", "setuser", "poor", "allchannels")
	h.state(t, "up again=false")
}

func TestCounterCountsOnAllServers(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		c, x := open(t, url), redistest.Prefix(t)
		k := NewCounter(c)
		const n = 6
		for i := range n {
			s := Subscribe(c)
			defer s.Close()
			a, h := topic([]string{x + "#all", fmt.Sprint(x, "#one#", i, "#")}, nil)
			if err := s.Add(a); err != nil {
				t.Fatal(err)
			}
			h.state(t, "up again=false")
		}
		if got, err := k.Subscribers(t.Context(), x+"#all"); err != nil || got != n {
			t.Errorf("%d subscribers, %v", got, err)
		}
		if got, err := k.Subscribers(t.Context(), x+"#nobody"); err != nil || got != 0 {
			t.Errorf("%d subscribers, %v", got, err)
		}
		names, err := k.Channels(t.Context(), x+"#one#*")
		var want []string
		for i := range n {
			want = append(want, fmt.Sprint(x, "#one#", i, "#"))
		}
		if err != nil || !slices.Equal(names, want) {
			t.Errorf("got %q, %v", names, err)
		}
	})
}

func TestCounterSaysWhenItCannotCount(t *testing.T) {
	cluster := redistest.StartCluster(t)
	k := NewCounter(open(t, cluster.URL()))
	if n, err := k.Subscribers(t.Context(), "x"); err != nil || n != 0 {
		t.Fatalf("%d, %v", n, err)
	}
	cluster.Servers[2].Kill(t)
	if _, err := k.Subscribers(t.Context(), "x"); err == nil {
		t.Error("counted without one of the servers")
	}
	single := redistest.Start(t)
	single.Kill(t)
	if _, err := NewCounter(open(t, single.URL())).Channels(t.Context(), "*"); err == nil {
		t.Error("counted without the server")
	}
}

func TestANameIsTakenOverOnlyWhereThatIsAskedFor(t *testing.T) {
	c, x := open(t, redistest.Single(t).URL()), redistest.Prefix(t)
	s := Subscribe(c)
	defer s.Close()
	first, h := topic([]string{x, x + "1"}, nil)
	second, g := topic([]string{x, x + "2"}, nil)
	if err := s.Add(first); err != nil {
		t.Fatal(err)
	}
	h.state(t, "up again=false")
	if err := s.Add(second); err == nil {
		t.Error("a name is in two topics")
	}
	if err := s.Take(second); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), second); err != nil || !s.Up(second) || s.Up(first) {
		t.Errorf("%v; the first is up: %v, the second %v", err, s.Up(first), s.Up(second))
	}
	g.state(t, "up again=false")
	for _, channel := range []string{x + "1", x, x + "2"} {
		if err := c.Publish(t.Context(), channel, "hello").Err(); err != nil {
			t.Fatal(err)
		}
	}
	g.message(t, x+"=hello")
	g.message(t, x+"2=hello")
	if len(h.messages) != 0 {
		t.Errorf("the first heard %q", <-h.messages)
	}
}
