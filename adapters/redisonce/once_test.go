package redisonce_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/adapters/redisonce"
	"github.com/sockeye-io/sockeye/server/once"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func open(t *testing.T, url, prefix string) *redisonce.Store {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return redisonce.New(c, prefix)
}

func TestAKeyOfOneNodeIsKnownToAnother(t *testing.T) {
	t.Parallel()
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	one, other := open(t, url, prefix), open(t, url, prefix)
	a, b := once.Claim{Key: "k", Sum: "a"}, once.Claim{Key: "k", Sum: "b"}
	check := func(what string, s *redisonce.Store, claims []once.Claim, want ...once.Outcome) {
		t.Helper()
		got, err := s.Claim(t.Context(), claims)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, want)
		}
	}
	check("at first", one, []once.Claim{a, a, {Key: "l", Sum: "a"}}, once.Fresh, once.Repeated, once.Fresh)
	check("on another node", other, []once.Claim{a, b}, once.Repeated, once.Reused)
	check("in another cluster", open(t, url, prefix+"2"), []once.Claim{b}, once.Fresh)
	one.GiveBack(t.Context(), []once.Claim{a})
	check("given back", other, []once.Claim{b}, once.Fresh)
}

// half lets through the first command of each pipeline.
type half struct{ on bool }

func (h *half) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (h *half) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (h *half) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, all []redis.Cmder) error {
		if !h.on || len(all) == 1 {
			return next(ctx, all)
		}
		for _, c := range all[1:] {
			c.SetErr(errors.New("away"))
		}
		return next(ctx, all[:1])
	}
}

// Of a batch that was refused because a part of Redis was away, the events whose keys were
// claimed were taken for emitted when it was sent again.
func TestWhatIsClaimedInVainIsGivenBack(t *testing.T) {
	t.Parallel()
	c, err := redisclient.Open(redistest.Single(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	h := &half{on: true}
	c.AddHook(h)
	s := redisonce.New(c, redistest.Prefix(t))
	claims := []once.Claim{{Key: "k", Sum: "a"}, {Key: "l", Sum: "a"}}
	if got, err := s.Claim(t.Context(), claims); err == nil {
		t.Errorf("half of it was claimed: %v", got)
	}
	h.on = false
	if got, err := s.Claim(t.Context(), claims); err != nil || !reflect.DeepEqual(got, []once.Outcome{once.Fresh, once.Fresh}) {
		t.Errorf("sent again: %v, %v", got, err)
	}
}

// again sends every pipeline twice, as the client of Redis does when the connection breaks
// before the answer.
type again struct{ half }

func (*again) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, all []redis.Cmder) error {
		_ = next(ctx, all)
		for _, c := range all {
			c.SetErr(nil)
		}
		return next(ctx, all)
	}
}

// The second time a key was found that the first had left, and the event was taken for
// emitted.
func TestACommandThatIsSentAgainFindsItsOwn(t *testing.T) {
	t.Parallel()
	c, err := redisclient.Open(redistest.Single(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.AddHook(&again{})
	s := redisonce.New(c, redistest.Prefix(t))
	claims := []once.Claim{{Key: "k", Sum: "a"}, {Key: "k", Sum: "a"}, {Key: "k", Sum: "b"}, {Key: "l", Sum: "a"}}
	for _, want := range [][]once.Outcome{{once.Fresh, once.Repeated, once.Reused, once.Fresh}, {once.Repeated, once.Repeated, once.Reused, once.Repeated}} {
		if got, err := s.Claim(t.Context(), claims); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
}

func TestNobodyGuessesWithoutRedis(t *testing.T) {
	t.Parallel()
	if _, err := open(t, "redis://127.0.0.1:1", "x").Claim(t.Context(), []once.Claim{{Key: "k", Sum: "a"}}); err == nil {
		t.Error("Redis is away, and there is an answer")
	}
}
