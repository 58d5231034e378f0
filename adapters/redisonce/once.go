package redisonce

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/once"
)

// timeout bounds one question.
const timeout = 2 * time.Second

// Store is a Once of all nodes that share a Redis.
type Store struct {
	client redis.UniversalClient
	prefix string
}

var _ once.Keeper = (*Store)(nil)

// New returns a Store. Clusters that share a Redis must differ in prefix.
func New(client redis.UniversalClient, prefix string) *Store {
	return &Store{client: client, prefix: prefix + ":once:"}
}

// Claim claims keys in one round trip. If some could not be asked for, such as in a part of
// a Redis Cluster that is away, those that were claimed are given back: nothing comes of
// them, and who sends it all again would be told that it was there.
func (s *Store) Claim(ctx context.Context, claims []once.Claim) ([]once.Outcome, error) {
	out, err := s.claim(ctx, claims)
	if err == nil {
		return out, nil
	}
	var back []once.Claim
	for i, outcome := range out {
		if outcome == once.Fresh {
			back = append(back, claims[i])
		}
	}
	if len(back) > 0 {
		s.GiveBack(context.WithoutCancel(ctx), back)
	}
	return nil, err
}

// unasked is the outcome of a claim of which nothing is known.
const unasked = once.Outcome(0xff)

// claim returns what is known also with an error. What is kept says whose it is: a command
// that is sent again, because the connection broke before its answer, finds its own.
func (s *Store) claim(ctx context.Context, claims []once.Claim) (out []once.Outcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	was, mine := make([]*redis.StatusCmd, len(claims)), ":"+rand.Text()
	_, _ = s.client.Pipelined(ctx, func(p redis.Pipeliner) error { // each says what became of it
		for i, c := range claims {
			was[i] = p.SetArgs(ctx, s.prefix+c.Key, c.Sum+mine, redis.SetArgs{Mode: "NX", Get: true, TTL: once.For})
		}
		return nil
	})
	out = make([]once.Outcome, len(claims))
	fresh := make(map[string]bool) // keys of this call
	for i, c := range claims {
		kept, failure := was[i].Result()
		sum, _, _ := strings.Cut(kept, ":")
		switch {
		case errors.Is(failure, redis.Nil), failure == nil && kept == c.Sum+mine && !fresh[c.Key]:
			out[i], fresh[c.Key] = once.Fresh, true
		case failure != nil:
			out[i], err = unasked, fmt.Errorf("redisonce: %w", failure)
		case sum == c.Sum:
			out[i] = once.Repeated
		default:
			out[i] = once.Reused
		}
	}
	return out, err
}

// GiveBack deletes keys. What cannot be deleted expires.
func (s *Store) GiveBack(ctx context.Context, claims []once.Claim) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, _ = s.client.Pipelined(ctx, func(p redis.Pipeliner) error { // see above
		for _, c := range claims {
			p.Del(ctx, s.prefix+c.Key)
		}
		return nil
	})
}
