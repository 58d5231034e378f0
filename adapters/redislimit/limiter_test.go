package redislimit

import (
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// node is a Limiter with a client of its own.
func node(t *testing.T, url, prefix string) *Limiter {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return New(c, prefix)
}

func TestNodesCountTogether(t *testing.T) {
	prefix := redistest.Prefix(t)
	for name, url := range map[string]string{"a single Redis": redistest.Single(t).URL(), "a Redis Cluster": redistest.Cluster(t).URL()} {
		a, b := node(t, url, prefix), node(t, url, prefix)
		r := limit.Rate{PerSecond: 1.0 / 60, Burst: 5}
		allowed := 0
		var retry time.Duration
		for i := range 12 {
			l := a
			if i%2 == 1 {
				l = b
			}
			after, err := l.Take(t.Context(), "ip:192.0.2.1", r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if after == 0 {
				allowed++
			} else {
				retry = after
			}
		}
		if allowed != 5 {
			t.Errorf("%s: %d of 5 are allowed", name, allowed)
		}
		if retry < 50*time.Second || retry > time.Minute {
			t.Errorf("%s: again after %v", name, retry)
		}
		if after, err := a.Take(t.Context(), "ip:192.0.2.2", r); err != nil || after != 0 {
			t.Errorf("%s: another address: %v, %v", name, after, err)
		}
		if after, err := node(t, url, prefix+"other").Take(t.Context(), "ip:192.0.2.1", r); err != nil || after != 0 {
			t.Errorf("%s: another cluster: %v, %v", name, after, err)
		}
	}
}

// Two nodes behind one Door each, as in the program; and Redis that goes away.
func TestDoorsOfTwoNodes(t *testing.T) {
	srv := redistest.Start(t)
	prefix := redistest.Prefix(t)
	o := limit.Options{IPHandshakes: limit.Rate{PerSecond: 0.001, Burst: 10}}
	doors := make([]*limit.Door, 2)
	for i := range doors {
		mine := o
		mine.Shared = node(t, srv.URL(), prefix)
		doors[i] = limit.New(&mine)
	}
	let := func(i int) bool {
		p, err := doors[i].Enter(t.Context(), "192.0.2.1:1")
		if err == nil {
			p.Leave()
		}
		return err == nil
	}
	in := 0
	for i := range 14 {
		if let(i % 2) {
			in++
		}
	}
	if in != 10 {
		t.Errorf("%d of 10 got in together", in)
	}
	srv.Stop(t)
	in = 0
	for i := range 40 { // each has 3 left of its own 10
		if let(i % 2) {
			in++
		}
	}
	if in != 6 {
		t.Errorf("%d got in while Redis is away, want what is left of both: 6", in)
	}
}

func TestRatesInWholeNumbers(t *testing.T) {
	t.Parallel()
	for r, want := range map[limit.Rate]redis_rate.Limit{
		{PerSecond: 50, Burst: 1000}:           {Rate: 50, Period: time.Second, Burst: 1000},
		{PerSecond: 0.5, Burst: 3}:             {Rate: 30, Period: time.Minute, Burst: 3},
		{PerSecond: 1.0 / 1200, Burst: 3}:      {Rate: 3, Period: time.Hour, Burst: 3},
		{PerSecond: 1.0 / 1_000_000, Burst: 0}: {Rate: 1, Period: time.Hour, Burst: 1},
	} {
		if got := limitOf(r); got != want {
			t.Errorf("%v: got %v, want %v", r, got, want)
		}
	}
}
