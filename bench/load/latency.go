package load

import (
	"math/bits"
	"time"
)

// subBits gives 2^subBits buckets per power of two: a value is known to 1/64.
const subBits = 6

// latencies is a histogram of durations with buckets whose width grows with the
// value. Adding costs a few instructions and no allocation. Not safe for
// concurrent use.
type latencies struct {
	counts [(64 - subBits) << subBits]uint32
	n      uint64
	max    time.Duration
}

func (l *latencies) add(d time.Duration) {
	d = max(d, 0)
	l.counts[bucketOf(uint64(d))]++
	l.n++
	l.max = max(l.max, d)
}

// quantile returns the upper edge of the bucket that holds the q-th part of all
// values (0 < q ≤ 1), and never more than the largest value; 0 when empty.
func (l *latencies) quantile(q float64) time.Duration {
	if l.n == 0 {
		return 0
	}
	rank := max(uint64(q*float64(l.n)+0.5), 1)
	var seen uint64
	for i, c := range l.counts {
		seen += uint64(c)
		if seen >= rank {
			return min(bucketEnd(i), l.max)
		}
	}
	return l.max
}

func bucketOf(v uint64) int {
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return shift<<subBits + int(v>>shift)
}

func bucketEnd(i int) time.Duration {
	if i < 1<<(subBits+1) {
		return time.Duration(i)
	}
	shift := i>>subBits - 1
	mantissa := i - shift<<subBits
	return time.Duration((mantissa+1)<<shift - 1)
}
