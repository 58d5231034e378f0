package redisonce

import (
	"context"
	"errors"
	"fmt"
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

// Claim claims keys in one round trip.
func (s *Store) Claim(ctx context.Context, claims []once.Claim) ([]once.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	was := make([]*redis.StatusCmd, len(claims))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range claims {
			was[i] = p.SetArgs(ctx, s.prefix+c.Key, c.Sum, redis.SetArgs{Mode: "NX", Get: true, TTL: once.For})
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("redisonce: %w", err)
	}
	out := make([]once.Outcome, len(claims))
	for i, c := range claims {
		switch sum, err := was[i].Result(); {
		case errors.Is(err, redis.Nil):
			out[i] = once.Fresh
		case err != nil:
			return nil, fmt.Errorf("redisonce: %w", err)
		case sum == c.Sum:
			out[i] = once.Repeated
		default:
			out[i] = once.Reused
		}
	}
	return out, nil
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
