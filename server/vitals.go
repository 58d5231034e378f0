package server

import (
	"context"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/server/processor"
	"github.com/sockeye-io/sockeye/server/trim"
)

// vitals measures this process for dashboards. It is used by one goroutine.
type vitals struct {
	app    *App
	at     time.Time // of the last measure
	used   time.Duration
	events float64 // until then
}

func (a *App) newVitals() *vitals {
	return &vitals{app: a, at: time.Now(), used: processor.Time(), events: a.metrics.Events()}
}

// measure returns what the process takes: the processor since the last call, as per cent
// of one core, what it holds, and the events that it took and sent.
func (v *vitals) measure() []telemetry.Vital {
	now, used := time.Now(), processor.Time()
	busy := 0.0
	if elapsed := now.Sub(v.at); elapsed > 0 {
		busy = 100 * float64(used-v.used) / float64(elapsed)
	}
	events, rate := v.app.metrics.Events(), 0.0
	if elapsed := now.Sub(v.at).Seconds(); elapsed > 0 {
		rate = (events - v.events) / elapsed
	}
	v.at, v.used, v.events = now, used, events
	return []telemetry.Vital{
		{Metric: "cpu", Value: round(busy), Unit: "%"},
		{Metric: "memory", Value: round(float64(resident()) / (1 << 20)), Unit: "MiB"},
		{Metric: "events", Value: round(rate), Unit: "/s"},
		{Metric: "connections", Value: float64(v.app.io.Engine().Stats().Sessions)},
	}
}

// trimMemory gives memory back whenever the program has become quiet, until the returned
// function is called, which waits.
func (a *App) trimMemory(ctx context.Context) (stop func()) {
	t := &trim.Trimmer{Sessions: a.io.Engine().Len, Processor: processor.Time, Logger: a.log}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		t.Run(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
	}
}

// round keeps a tenth.
func round(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// resident returns the bytes of memory that the process holds: what Linux says, or
// elsewhere what Go has of the system.
func resident() uint64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				return pages * uint64(os.Getpagesize()) //nolint:gosec // a size is not negative
			}
		}
	}
	of := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(of)
	return of[0].Value.Uint64() - of[1].Value.Uint64()
}
