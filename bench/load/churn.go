package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// churnAtOnce is how many clients of a churn are on their way at once; what would
// exceed it is skipped and counted.
const churnAtOnce = 256

// churn opens and closes clients by a clock, on goroutines of its own. A nil churn
// does nothing.
type churn struct {
	d      *dialer
	stall  time.Duration
	cancel context.CancelFunc

	stopped  chan struct{} // closed when no more are to be opened
	stopOnce sync.Once
	ended    chan struct{} // closed when all are gone

	counted atomic.Int64
	skipped atomic.Int64
	kits    sync.Pool
}

// startChurn opens clients until stop, whatever becomes of ctx.
func startChurn(ctx context.Context, r *run) *churn {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &churn{d: r.dialer(), stall: r.work.Stall, cancel: cancel, stopped: make(chan struct{}), ended: make(chan struct{})}
	c.d.idle = true
	c.kits.New = func() any { return newTools(4 << 10) }
	go c.run(ctx, r.work.Churn, r.dialled)
	return c
}

func (c *churn) run(ctx context.Context, rate float64, first int) {
	defer close(c.ended)
	slots := make(chan struct{}, churnAtOnce)
	var tasks sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	start := time.Now()
	for n := 0; ; n++ {
		timer.Reset(time.Until(start.Add(time.Duration(float64(n) / rate * float64(time.Second)))))
		select {
		case <-timer.C:
		case <-c.stopped:
			c.rest(&tasks)
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			c.skipped.Add(1)
			continue
		}
		tasks.Go(func() {
			c.visit(ctx, first+n)
			<-slots
		})
	}
}

// rest waits for those that are on their way, as long as for a message.
func (c *churn) rest(tasks *sync.WaitGroup) {
	timer := time.AfterFunc(c.stall, c.cancel)
	defer timer.Stop()
	tasks.Wait()
}

var errNotInTime = errors.New("not connected when the run was over")

func (c *churn) visit(ctx context.Context, number int) {
	kit, _ := c.kits.Get().(*tools)
	defer c.kits.Put(kit)
	client := c.d.dialCounted(ctx, number, kit)
	if client == nil {
		if ctx.Err() != nil {
			c.d.mu.Lock()
			c.d.fail(number, errNotInTime)
			c.d.mu.Unlock()
		}
		return
	}
	client.leave(kit.buf)
	c.counted.Add(1)
}

func (c *churn) count() int64 {
	if c == nil {
		return 0
	}
	return c.counted.Load()
}

// stop has no more clients opened.
func (c *churn) stop() {
	if c != nil {
		c.stopOnce.Do(func() { close(c.stopped) })
	}
}

// busy reports whether clients are still on their way.
func (c *churn) busy() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// end waits for all clients and puts what went wrong into res.
func (c *churn) end(res *Result) {
	c.stop()
	<-c.ended
	c.cancel()
	res.FailedConnects += c.d.failed
	res.Skipped += c.skipped.Load()
	for _, e := range c.d.errs {
		res.note("churn: %v", e)
	}
}
