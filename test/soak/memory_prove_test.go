//go:build prove

package main

import (
	"testing"
	"time"
)

// With GOMEMLIMIT and no other bound of the heap (GOGC=off) the memory that Go holds stays
// under the limit, within a tenth, while clients come and go and talk, and nothing is lost.
func TestMemoryLimitIsRespected(t *testing.T) {
	const limit = 48 << 20
	t.Setenv("GOMEMLIMIT", "48MiB")
	t.Setenv("GOGC", "off")
	srv, err := start(t.Context(), binaryOf(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
		srv.meter.web.CloseIdleConnections()
	})
	var c counts
	done := make(chan error, 1)
	go func() {
		r := round{base: srv.Target.URL, counts: &c}
		done <- r.run(t.Context(), 20*time.Second)
	}()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	var most, allocated int64
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		case <-every.C:
		}
		text, err := srv.meter.get(t.Context(), "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		sum := sums(text)
		if got := sum["go_gc_gomemlimit_bytes"]; got != limit {
			t.Fatalf("the limit is %d", got)
		}
		most = max(most, sum["go_memstats_sys_bytes"]-sum["go_memstats_heap_released_bytes"])
		allocated = sum["go_memstats_alloc_bytes_total"]
	}
	t.Logf("at most %.1f MiB held, %.0f MiB allocated, %d messages heard", float64(most)/(1<<20), float64(allocated)/(1<<20), c.heard.Load())
	if c.faults() > 0 {
		t.Errorf("faults: %v", c.notes)
	}
	if most > limit+limit/10 {
		t.Errorf("%d bytes were held", most)
	}
	if allocated < 2*limit {
		t.Errorf("only %d bytes were allocated: this shows nothing", allocated)
	}
}
