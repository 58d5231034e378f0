package carry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// A long poll may wait for its answer for a long time, so silence says nothing about
// its owner. One that has said nothing for a while, to any request, is asked whether
// it is there; if it does not say so in time, everything that waits for it fails.
// Together the times stay below two seconds.
const (
	silence    = 800 * time.Millisecond
	askTimeout = 900 * time.Millisecond
	watchEvery = 100 * time.Millisecond
)

// watchOn is how long the watch goes on when no request is under way, and sweepEvery
// how often idle connections are looked through.
const (
	watchOn    = 2 * time.Second
	sweepEvery = 5 * time.Second
)

// releaseTime bounds how long Close waits for the polls that it lets go.
const releaseTime = 1500 * time.Millisecond

// watch runs until Close.
func (c *Carrier) watch() {
	timer := time.NewTimer(sweepEvery)
	defer timer.Stop()
	var busy, swept time.Time
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		case <-timer.C:
		}
		now := time.Now()
		if c.flights.Load() > 0 {
			busy = now
		}
		on := now.Sub(busy) < watchOn
		c.ticking.Store(on)
		if !on && c.flights.Load() > 0 { // began in between, and may have found the watch ticking
			on = true
			c.ticking.Store(on)
		}
		if on {
			timer.Reset(watchEvery)
			c.lookAfter(now)
		} else {
			timer.Reset(sweepEvery)
		}
		if now.Sub(swept) >= sweepEvery {
			swept = now
			c.sweep(now)
		}
	}
}

func (c *Carrier) owners() []*peer {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*peer, 0, len(c.peers))
	for _, p := range c.peers {
		all = append(all, p)
	}
	return all
}

func (c *Carrier) sweep(now time.Time) {
	for _, p := range c.owners() {
		if p.sweep(now) {
			c.forget(p)
		}
	}
}

// lookAfter asks the owners that are silent.
func (c *Carrier) lookAfter(now time.Time) {
	for _, p := range c.owners() {
		if p.silentSince(now.Add(-silence)) && p.probing.CompareAndSwap(false, true) {
			c.tasks.Go(func() {
				defer p.probing.Store(false)
				c.probe(p)
			})
		}
	}
}

// silentSince reports whether a request has been waiting since t, and nothing was
// heard.
func (p *peer) silentSince(t time.Time) bool {
	if p.heard.Load() > t.UnixNano() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first != nil && p.first.began.Before(t)
}

func (p *peer) hear() { p.heard.Store(time.Now().UnixNano()) }

// probe asks an owner whether it is there.
func (c *Carrier) probe(p *peer) {
	began := time.Now()
	err := c.ask(context.Background(), p, askAlive, "")
	if err == nil {
		p.hear()
		return
	}
	if n := p.abortBefore(began, errSilent); n > 0 && c.said.may(p.node.ID+"probe", began) {
		c.opts.Logger.Warn("a node does not answer: what was carried to it has failed (logged at most every 10s)",
			"node", p.node.ID, "url", p.node.URL, "requests", n, "error", err)
	}
}

// Check asks a node whether it is there and takes this one for a node of its cluster, and
// says why it does not. It waits 900 ms at most.
func (c *Carrier) Check(ctx context.Context, n nodes.Node) (Reason, error) {
	p, err := newPeer(n, c.opts.TLS)
	if err != nil {
		return ReasonUnreachable, err
	}
	defer p.close()
	err = c.ask(ctx, p, askAlive, "")
	if f, ok := errors.AsType[*failure](err); ok {
		return f.reason, err
	}
	if err != nil {
		return ReasonSilent, err
	}
	return "", nil
}

// ask asks a question of a node, and returns nil when it was that node that answered.
func (c *Carrier) ask(ctx context.Context, p *peer, question, sid string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	uri := c.opts.Path
	if sid != "" {
		uri += "?sid=" + url.QueryEscape(sid)
	}
	var room [256]byte
	sealed, ok := c.seal.append(room[:0], http.MethodGet, uri, &credentials{from: c.self, at: time.Now().Unix(), addr: "node", ask: question})
	if !ok {
		return errNoSecret
	}
	b := getBuffer()
	defer b.free()
	b.b = fmt.Appendf(b.b, "GET %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\n\r\n", uri, p.addr, headerCarried, sealed)
	for fresh := false; ; fresh = true {
		conn, err := p.connect(ctx, fresh)
		if err != nil {
			return err
		}
		answered, err := p.asked(ctx, conn, b.b)
		if err == nil || answered || !conn.reused {
			return err
		}
	}
}

// asked sends a question on a connection and reads the answer.
func (p *peer) asked(ctx context.Context, c *conn, question []byte) (answered bool, err error) {
	kept := false
	defer func() {
		if !kept {
			_ = c.Close() // it is of no use any more
		}
	}()
	at, _ := ctx.Deadline() // ask sets one
	if err := c.SetDeadline(at); err != nil {
		return false, err
	}
	if _, err := c.Write(question); err != nil {
		return false, err
	}
	a, begun, err := c.readAnswer()
	if err != nil {
		return begun, err
	}
	defer a.free()
	switch {
	case a.why != "":
		return true, &failure{ReasonRefused, errors.New(a.why)}
	case a.node != p.node.ID:
		return true, stranger(p, &a)
	case a.status != http.StatusNoContent:
		return true, errQuestion
	}
	if err := c.SetDeadline(time.Time{}); err == nil && a.length == int64(len(a.rest())) && !a.last {
		kept = true
		p.rest(c)
	}
	return true, nil
}

// errQuestion is the failure of a question to a node that is too old for it.
var errQuestion = &failure{ReasonVersion, errors.New("the node does not know the question")}

// stranger is the failure of an answer that is not the owner's.
func stranger(p *peer, a *answer) error {
	if a.node != "" {
		return &failure{ReasonStranger, fmt.Errorf("node %s answers at the address of node %s: it started anew, or both say that they are at this address, or it is that of a load balancer: see --node-url", a.node, p.node.ID)}
	}
	return &failure{ReasonStranger, fmt.Errorf("what answers at %s with status %d is no node of this cluster", p.node.URL, a.status)}
}

// release has the owners of waiting polls let them go, and waits until they are
// answered, for a moment.
func (c *Carrier) release(ctx context.Context, peers []*peer) {
	ctx, cancel := context.WithTimeout(ctx, releaseTime)
	defer cancel()
	var asking sync.WaitGroup
	for _, p := range peers {
		sids := p.waitingPolls()
		asking.Go(func() {
			for _, sid := range sids {
				if ctx.Err() != nil || c.ask(ctx, p, askRelease, sid) != nil {
					return // they are cut
				}
			}
		})
	}
	asking.Wait()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.flights.Load() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
