package redisstreams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// trimEvery is how often a node looks after the length of the log.
	trimEvery = 10 * time.Second
	// trimShare is the part of the limit that is left when the log has outgrown it.
	trimShare = 0.9
	// foreignEvery is how often the log may say that somebody else trims the stream.
	foreignEvery = time.Minute
)

// trim is the goroutine that keeps the log short: every node does it, as any of them
// may be the last. Entries go when nobody can need them any more, or when the log has
// outgrown its limit.
func (h *Hub) trim() {
	var told time.Time
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-time.After(trimEvery + rand.N(trimEvery/5)): //nolint:gosec // jitter needs no secrecy
		}
		if !h.Up() {
			continue
		}
		if err := h.trimNow(); err != nil && h.ctx.Err() == nil {
			h.log.Warn("the log was not trimmed", "error", err)
		}
		if time.Since(told) < foreignEvery {
			continue
		}
		if why, err := h.trimmedByOthers(); err == nil && why != "" {
			told = time.Now()
			h.log.Warn("somebody else trims the stream: clients that were away for longer than it reaches back are not recovered; raise maxLen of the Node.js servers' adapter", "stream", h.stream(), "reach", why)
		}
	}
}

// clock is the time by this node's clock, but no later than the last entry that was read
// is by that of Redis: a node whose clock is fast must not drop what is needed.
func (h *Hub) clock() time.Time {
	now := time.Now()
	if at := h.at.Load(); !at.zero() {
		if last := time.UnixMilli(int64(at.id.ms)); last.Before(now) { //nolint:gosec // a time
			return last
		}
	}
	return now
}

// trimNow drops what is too old or too much.
func (h *Hub) trimNow() error {
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	if err := h.histories.sweep(ctx, h); err != nil {
		return err
	}
	oldest := entryID{ms: uint64(max(0, h.clock().Add(-h.retention()).UnixMilli()))}
	if err := h.redis.XTrimMinIDApprox(ctx, h.stream(), oldest.String(), 0).Err(); err != nil {
		return err
	}
	bytes, err := h.redis.MemoryUsage(ctx, h.stream()).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil || bytes <= h.o.MaxBytes {
		return err
	}
	n, err := h.redis.XLen(ctx, h.stream()).Result()
	if err != nil {
		return err
	}
	keep := int64(float64(n) * trimShare * float64(h.o.MaxBytes) / float64(bytes))
	if err := h.redis.XTrimMaxLenApprox(ctx, h.stream(), keep, 0).Err(); err != nil {
		return err
	}
	first, err := h.redis.XRangeN(ctx, h.stream(), "-", "+", 1).Result()
	if err != nil || len(first) == 0 {
		return err
	}
	// The others must not take this for somebody else's doing.
	return h.redis.HSet(ctx, h.logKey(), "trimmed", first[0].ID).Err()
}

// trimmedByOthers reports how far the log reaches back if Node.js servers take part
// and it is shorter than it should be.
func (h *Hub) trimmedByOthers() (reach string, err error) {
	if !h.foreign.Load() {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	info, err := h.redis.XInfoStream(ctx, h.stream()).Result()
	if err != nil {
		return "", err
	}
	first, ok := parseID(info.FirstEntry.ID)
	if !ok || info.EntriesAdded == info.Length {
		return "", nil // nothing was ever trimmed
	}
	mark, err := h.redis.HGet(ctx, h.logKey(), "trimmed").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", err
	}
	if ours, ok := parseID(mark); ok && !ours.before(first) {
		return "", nil
	}
	at := time.UnixMilli(int64(first.ms)) //nolint:gosec // a time
	if age := time.Since(at); age < h.retention()-trimEvery {
		return fmt.Sprintf("%v of %v", age.Round(time.Second), h.retention().Round(time.Second)), nil
	}
	return "", nil
}
