package load

import (
	"testing"
	"time"
)

func TestLatencyBuckets(t *testing.T) {
	for _, v := range []time.Duration{0, 1, 63, 64, 65, 127, 128, 1000, time.Millisecond, time.Second, time.Hour} {
		end := bucketEnd(bucketOf(uint64(v)))
		if end < v || end > v+v/64+1 {
			t.Errorf("%d: its bucket ends at %d", v, end)
		}
	}
	for i := range (64-subBits)<<subBits - 1 {
		if bucketEnd(i) >= bucketEnd(i+1) && bucketEnd(i+1) > 0 {
			t.Fatalf("bucket %d ends at %d, the next at %d", i, bucketEnd(i), bucketEnd(i+1))
		}
	}
}

func TestLatencyQuantiles(t *testing.T) {
	var l latencies
	if l.quantile(0.5) != 0 {
		t.Error("a quantile of nothing")
	}
	for i := range 1000 {
		l.add(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		got := l.quantile(q)
		if got < want || got > want+want/50 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if l.max != time.Millisecond {
		t.Errorf("max %v", l.max)
	}
}
