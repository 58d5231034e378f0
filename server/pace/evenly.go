package pace

import (
	"context"
	"time"
)

// Bounds of the time between two looks at the clock: below the first, several things are
// done at once; above the second, the end of all of them would be noticed late.
const (
	shortest = 20 * time.Millisecond
	longest  = 250 * time.Millisecond
)

// Evenly calls do for 0 to n-1, for each i when i/n of the time has passed: the first at
// once. It returns nil after the last, or as soon as left reports that nothing is left to
// do; or the context's error. do must not wait.
func Evenly(ctx context.Context, n int, over time.Duration, do func(i int), left func() bool) error {
	if n == 0 {
		return ctx.Err()
	}
	start := time.Now()
	tick := time.NewTicker(min(max(over/time.Duration(n), shortest), longest))
	defer tick.Stop()
	for i := 0; ; {
		due := n
		if passed := time.Since(start); passed < over {
			due = min(n, 1+int(float64(n)*passed.Seconds()/over.Seconds()))
		}
		for ; i < due; i++ {
			do(i)
		}
		if i == n || !left() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
