package redistest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func TestSharedServersAreOneEach(t *testing.T) {
	single, cluster := redistest.Single(t), redistest.Cluster(t)
	if single != redistest.Single(t) || cluster != redistest.Cluster(t) {
		t.Error("a second one was started")
	}
	if a, b := redistest.Prefix(t), redistest.Prefix(t); a == b {
		t.Errorf("%q twice", a)
	}
	for _, url := range []string{single.URL(), cluster.URL()} {
		c, err := redisclient.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Set(t.Context(), "key", "value", time.Minute).Err(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if got, err := c.Get(t.Context(), "key").Result(); err != nil || got != "value" {
			t.Errorf("%s: %q, %v", url, got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerEndsAndStartsAgain(t *testing.T) {
	s := redistest.Start(t)
	c := s.Client(t)
	ping := func() error { return c.Ping(t.Context()).Err() }
	if err := ping(); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "set", "key", "value")
	s.FlushAll(t)
	if n := s.Do(t, "dbsize"); n != int64(0) {
		t.Errorf("%v keys after FlushAll", n)
	}
	for _, end := range []func(testing.TB){s.Stop, s.Kill} {
		end(t)
		if err := ping(); err == nil {
			t.Error("it answers although it was ended")
		}
		s.Start(t)
		if err := ping(); err != nil {
			t.Errorf("started again: %v", err)
		}
	}
	s.Pause(t)
	answered := make(chan error, 1)
	go func() { answered <- ping() }()
	select {
	case err := <-answered:
		t.Errorf("it answers although it is paused: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.Resume(t)
	if err := <-answered; err != nil {
		t.Errorf("resumed: %v", err)
	}
}
