package server

import (
	"context"
	"errors"
	"sync"
	"time"
)

// noticeShare is the part of the drain in which balancers may notice: an eighth.
const noticeShare = 8

// lookEvery is how often it is looked whether anybody is left.
const lookEvery = 100 * time.Millisecond

// drain sends the clients to other nodes; see shutdown for the order.
func (a *App) drain(ctx context.Context, cause error) {
	a.draining.Store(true)
	if a.cfg.Drain == 0 || errors.Is(cause, ErrAtOnce) || a.clients() == 0 {
		return
	}
	start, notice := time.Now(), a.cfg.Drain/noticeShare
	a.log.Info("draining: the clients are sent to other nodes", "clients", a.clients(), "over", a.cfg.Drain.String())
	a.letNotice(notice)
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Drain)
	defer cancel()
	var both sync.WaitGroup // what they leave is shutdown's business
	both.Go(func() { _ = a.io.Engine().Release(ctx, a.cfg.Drain-notice) })
	if a.nodes.carrier != nil {
		both.Go(func() { _ = a.nodes.carrier.Drain(ctx, a.cfg.Drain-notice) })
	}
	both.Wait()
	a.log.Info("drained", "left", a.clients(), "took", time.Since(start).Round(time.Millisecond).String())
}

// letNotice waits while balancers find out, unless there is nobody whom it concerns.
func (a *App) letNotice(notice time.Duration) {
	over := time.NewTimer(notice)
	defer over.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for a.clients() > 0 {
		select {
		case <-look.C:
		case <-over.C:
			return
		}
	}
}

// clients returns how many would notice the end of this node at once: its sessions, and
// the WebSockets of other nodes' sessions.
func (a *App) clients() int {
	n := a.io.Engine().Len()
	if a.nodes.carrier != nil {
		n += a.nodes.carrier.Relays()
	}
	return n
}
