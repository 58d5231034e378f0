package redisstreams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// readCount is how many entries are read at once, and readBytes how many bytes about.
	readCount = 500
	readBytes = 4 << 20
	// readBlock is how long a read waits for entries: it cannot be ended earlier, when
	// the hub closes or the log turns out to be another one.
	readBlock = 250 * time.Millisecond
	// checkEvery is after how long without entries Redis is asked whether the log is
	// still the same.
	checkEvery = 2 * time.Second
)

// read is the goroutine that reads the log and delivers, for all namespaces.
func (h *Hub) read() {
	fails := 0
	joined := false
	var p pace
	var since time.Time // of the first failure
	for h.ctx.Err() == nil {
		var err error
		if !joined || !h.Up() {
			if err = h.join(); err == nil {
				joined, fails = true, 0
				continue
			}
		} else if err = h.readOnce(&p); err == nil {
			fails = 0
			continue
		}
		if h.ctx.Err() != nil {
			return
		}
		joined = false
		if fails == 0 {
			since = time.Now()
		}
		fails++
		if time.Since(since) >= h.o.Hold || !h.everUp() {
			h.lost(fmt.Errorf("reading the log: %w", err))
		}
		h.pause(fails)
	}
}

func (h *Hub) everUp() bool { return !h.at.Load().zero() }

// pause waits before another try, longer each time, with jitter.
func (h *Hub) pause(fails int) {
	d := min(20*time.Millisecond<<min(fails, 6), time.Second)
	d += rand.N(d) //nolint:gosec // jitter needs no secrecy
	select {
	case <-time.After(d):
	case <-h.ctx.Done():
	}
}

// join finds out where the log is, after the start and after each loss of the
// connection, and settles what happened meanwhile before anything is delivered.
func (h *Hub) join() error {
	was := *h.at.Load()
	now, err := h.hello(h.ctx)
	if err != nil {
		return err
	}
	// Histories begin before anybody is given an offset here: another node's would begin later.
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	h.histories.begin(ctx, h, &now)
	cancel()
	switch {
	case was.zero():
		// Who connected before heard nothing of other nodes.
		h.endAll()
		h.moveTo(now)
	case was.epoch != now.epoch:
		h.gap("Redis lost the log")
		h.moveTo(now)
	default:
		trimmed, err := h.outrun(was)
		if err != nil {
			return err
		}
		if trimmed {
			h.gap("other programs trimmed the stream before this node had read it")
			h.moveTo(now)
		}
		h.endUnlogged()
	}
	if err := h.readable(); err != nil {
		return err
	}
	h.recent.begin(*h.at.Load())
	h.owed.pay(h.saver)
	h.found()
	return nil
}

// outrun reports whether the stream begins behind a position with an entry of a program
// that is no Sockeye. Those have no numbers, so that nobody can tell what was before it
// and is gone. Missing entries of Sockeye's are noticed when the next one is read.
func (h *Hub) outrun(p position) (bool, error) {
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	first, err := h.redis.XRangeN(ctx, h.stream(), "-", "+", 1).Result()
	if err != nil || len(first) == 0 {
		return false, err
	}
	e, ok := readEntry(first[0])
	return p.id.before(e.id) && (!ok || !e.ours()), nil
}

// readable makes sure that the log can be read, before anybody is told so: who may only
// write would be deaf.
func (h *Hub) readable() error {
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	err := h.redis.XRead(ctx, &redis.XReadArgs{Streams: []string{h.stream(), h.at.Load().id.String()}, Count: 1, Block: -1}).Err()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

// endUnlogged ends the connections of those who got packets that are not in the log:
// what they get next would be out of order, or a gap.
func (h *Hub) endUnlogged() {
	n := 0
	for _, a := range h.all() {
		a.mu.Lock()
		n += a.EndUnlogged()
		a.mu.Unlock()
	}
	if n > 0 {
		h.log.Warn("clients that got packets which are not in the log are disconnected, to start anew", "sockets", n)
	}
}

// gap tells of a hole in the log, and ends the connections of everybody.
func (h *Hub) gap(why string) {
	h.recent.forget()
	h.endAll()
	h.notify(socketio.AdapterEvent{Kind: socketio.AdapterGap, Why: why}, nil)
}

func (h *Hub) endAll() {
	for _, a := range h.all() {
		a.mu.Lock()
		a.EndAll()
		a.mu.Unlock()
	}
}

// readOnce reads what comes next and delivers it.
func (h *Hub) readOnce(p *pace) error {
	if h.rejoin.Swap(false) {
		return errOtherLog
	}
	ctx, cancel := context.WithTimeout(h.ctx, readBlock+appendTimeout)
	defer cancel()
	at := h.at.Load()
	h.histories.begin(ctx, h, at)
	streams, err := h.redis.XRead(ctx, &redis.XReadArgs{
		Streams: []string{h.stream(), at.id.String()}, Count: p.count(readCount), Block: readBlock,
	}).Result()
	if errors.Is(err, redis.Nil) {
		h.histories.flush(ctx, h)
		if time.Since(h.checked) < checkEvery {
			return nil
		}
		return h.stillThere()
	}
	if err != nil {
		return err
	}
	h.checked = time.Now()
	for _, s := range streams {
		p.took(s.Messages, readBytes)
		h.o.Observer.Received(cluster.Log, len(s.Messages))
		for _, m := range s.Messages {
			if !h.take(m) {
				return nil
			}
		}
	}
	h.histories.flush(ctx, h)
	return nil
}

var errOtherLog = errors.New("redisstreams: Redis has another log")

// stillThere makes sure, when nothing came for a while, that the log was not lost.
func (h *Hub) stillThere() error {
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	epoch, err := h.redis.HGet(ctx, h.logKey(), "epoch").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return err
	}
	if epoch != h.at.Load().epoch {
		return errOtherLog
	}
	h.checked = time.Now()
	return nil
}

// take delivers one entry. It reports false if there was a hole before it.
func (h *Hub) take(m redis.XMessage) bool {
	at := *h.at.Load()
	e, ok := readEntry(m)
	if !ok {
		h.o.Observer.NotUnderstood(cluster.Log)
		h.log.Warn("an entry of the stream cannot be read and is left out", "id", m.ID)
		if id, ok := parseID(m.ID); ok {
			at.id = id
			h.moveTo(at)
		}
		return true
	}
	next := position{id: e.id, n: at.n, epoch: at.epoch}
	if e.ours() {
		if e.epoch == at.epoch && e.n <= at.n && h.rename(at.epoch) == nil {
			h.rejoin.Store(true)
			return false
		}
		if e.epoch != at.epoch || e.n != at.n+1 {
			why := fmt.Sprintf("entry %d of the log follows entry %d", e.n, at.n)
			if e.epoch != at.epoch {
				why = "Redis lost the log"
			}
			h.gap(why)
			next.n, next.epoch = e.n, e.epoch
			h.moveTo(next)
			return false
		}
		next.n = e.n
	} else {
		h.histories.others = true
		if !h.foreign.Swap(true) {
			h.log.Info("other programs write to the stream, too", "uid", e.uid)
		}
	}
	h.deliver(&e, next)
	return true
}

// rename gives the log another epoch, as a number that was given out a second time shows
// that it has lost its end: nodes that were behind see no hole.
func (h *Hub) rename(epoch string) error {
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	err := renameScript.Run(ctx, h.redis, []string{h.logKey()}, epoch, newEpoch()).Err()
	if err != nil {
		h.log.Warn("the log has lost its end, which other nodes may not notice", "error", err)
	}
	return err
}

// deliver brings an entry to the sockets of this node.
func (h *Hub) deliver(e *entry, next position) {
	own := e.uid == h.o.NodeID
	var j *job
	if own && e.kind == typeBroadcast {
		j = h.append.claim(e.seq)
	}
	a := h.adapter(e.nsp)
	if a == nil || e.nsp == "" {
		h.keepUnopened(e, next)
		h.moveTo(next)
	} else {
		a.take(e, next, own, j)
	}
	if j != nil {
		j.finish(nil)
	}
}
