package redisstreams

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// pretender is a node that hears questions and says nothing.
func pretender(t *testing.T, r *redistest.Server, prefix, id string) *redisclient.Subscription {
	t.Helper()
	c, err := redisclient.Open(r.URL())
	must(t, err)
	s := redisclient.Subscribe(c)
	t.Cleanup(func() {
		s.Close()
		must(t, c.Close())
	})
	up := make(chan struct{}, 1)
	must(t, s.Add(&redisclient.Topic{
		Channels: []string{prefix + "#/#", prefix + "#/#" + id + "#"},
		Receive:  func(string, []byte) {}, Up: func(bool) { up <- struct{}{} }, Lost: func(error) {},
	}))
	sockettest.Receive(t, "the silent node's subscription", up)
	return s
}

func TestASilentNodeIsNamedAndOneThatGoesIsNotWaitedFor(t *testing.T) {
	r, prefix := redistest.Single(t), redistest.Prefix(t)
	short := func(o *Options) { o.RequestsTimeout = time.Second }
	a, _ := startPair(t, r, prefix, short)
	silent := pretender(t, r, prefix, "Xd83kq")
	sockettest.Eventually(t, "three nodes", func() bool {
		n, err := a.Of("/").ServerCount(t.Context())
		return err == nil && n == 3
	})

	_, err := a.FetchSockets(t.Context())
	var timeout *cluster.TimeoutError
	if !errors.As(err, &timeout) || timeout.Answered != 1 || timeout.Asked != 2 || !slices.Equal(timeout.Missing, []string{"Xd83kq"}) {
		t.Errorf("%v", err)
	}

	began := time.Now()
	go func() {
		<-time.After(200 * time.Millisecond)
		silent.Close()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), sockettest.Wait)
	defer cancel()
	if _, err := a.To().Timeout(sockettest.Wait).FetchSockets(ctx); err != nil {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// A node that hears no answers must not say that there is nobody else.
func TestQuestionsFailWhileAnswersAreNotHeard(t *testing.T) {
	r := redistest.Start(t)
	a, _ := startReader(t, r)
	startUp(t, r, "p", nil)
	counted := func(want int) func() bool {
		return func() bool {
			n, err := a.Of("/").ServerCount(t.Context())
			return n == want && err == nil
		}
	}
	sockettest.Eventually(t, "both are counted", counted(2))
	r.Do(t, "acl", "setuser", "reader", "-subscribe")
	r.CutClients(t, "pubsub")
	sockettest.Eventually(t, "questions to all nodes fail", func() bool {
		_, err := a.Of("/").FetchSockets(t.Context())
		return errors.Is(err, socketio.ErrThisNodeOnly)
	})
	if n, err := a.Of("/").ServerCount(t.Context()); err == nil {
		t.Errorf("%d nodes", n)
	}
	r.Do(t, "acl", "setuser", "reader", "+subscribe")
	sockettest.Eventually(t, "both are counted again", counted(2))
}
