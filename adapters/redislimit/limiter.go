package redislimit

import (
	"context"
	"math"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/limit"
)

// Limiter counts with the generic cell rate algorithm of redis_rate: one key for each
// address and user, "rate:" and the prefix and ":limit:" before it, of some ten bytes,
// which expires when it says nothing any more.
type Limiter struct {
	rates  *redis_rate.Limiter
	prefix string
}

var _ limit.Shared = (*Limiter)(nil)

// New returns a Limiter. Clusters that share a Redis must differ in prefix.
func New(client redis.UniversalClient, prefix string) *Limiter {
	return &Limiter{rates: redis_rate.NewLimiter(client), prefix: prefix + ":limit:"}
}

// Take takes one of a rate.
func (l *Limiter) Take(ctx context.Context, key string, r limit.Rate) (retryAfter time.Duration, err error) {
	res, err := l.rates.Allow(ctx, l.prefix+key, limitOf(r))
	if err != nil {
		return 0, err
	}
	if res.Allowed > 0 {
		return 0, nil
	}
	return max(res.RetryAfter, time.Millisecond), nil
}

// limitOf is a rate in whole numbers: so many in a period of at least a second.
func limitOf(r limit.Rate) redis_rate.Limit {
	period := time.Second
	n := r.PerSecond
	for n != math.Trunc(n) && period < time.Hour {
		n *= 60
		period *= 60
	}
	return redis_rate.Limit{Rate: max(int(math.Round(n)), 1), Period: period, Burst: max(r.Burst, 1)}
}
