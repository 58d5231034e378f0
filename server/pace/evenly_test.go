package pace

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func always() bool { return true }

func TestThingsAreDoneEvenlyAndInTime(t *testing.T) {
	for _, n := range []int{1, 2, 7, 80, 2000} {
		synctest.Test(t, func(t *testing.T) {
			const over = 20 * time.Second
			start := time.Now()
			var at []time.Duration
			if err := Evenly(t.Context(), n, over, func(i int) {
				if i != len(at) {
					t.Fatalf("%d was done when %d was due", i, len(at))
				}
				at = append(at, time.Since(start))
			}, always); err != nil {
				t.Fatal(err)
			}
			if len(at) != n {
				t.Fatalf("%d of %d were done", len(at), n)
			}
			for i, d := range at {
				due := over * time.Duration(i) / time.Duration(n)
				if late := d - due; late < 0 || late > longest {
					t.Errorf("%d of %d was done %v after it was due", i, n, late)
				}
			}
			if n > 100 {
				seconds := make([]int, 20)
				for _, d := range at {
					seconds[min(int(d.Seconds()), 19)]++
				}
				if slices.Max(seconds) > n/20+5 || slices.Min(seconds) < n/20-5 {
					t.Errorf("in single seconds: %v", seconds)
				}
			}
		})
	}
}

func TestNothingIsWaitedForWhenNothingIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, done := time.Now(), 0
		left := func() bool { return time.Since(start) < 3*time.Second }
		if err := Evenly(t.Context(), 10, time.Minute, func(int) { done++ }, left); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); done != 1 || took > 3*time.Second+longest {
			t.Errorf("%d were done in %v", done, took)
		}
	})
}

func TestItCanBeCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		done := 0
		if err := Evenly(ctx, 20, 20*time.Second, func(int) { done++ }, always); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if done < 7 || done > 8 {
			t.Errorf("%d were done", done)
		}
		if err := Evenly(t.Context(), 0, time.Hour, func(int) { t.Error("called") }, always); err != nil {
			t.Error(err)
		}
		if err := Evenly(t.Context(), 5, 0, func(int) { done++ }, always); err != nil || done < 12 {
			t.Errorf("%v, %d", err, done)
		}
	})
}
