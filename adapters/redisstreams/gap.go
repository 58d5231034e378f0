package redisstreams

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// lookPages bounds how much of the log is looked at for what nobody has kept.
	lookPages = 20
	// lookPatience bounds how long other nodes are waited for, who may be about to keep it.
	lookPatience = time.Second
)

// looks is how this node finds out, once for each log, whether other programs have said
// something while no node of Sockeye's was there to keep it.
type looks struct {
	mu     sync.Mutex
	start  position // from here on this node keeps what it reads
	looked string   // the epoch of the log that was looked at
}

// from notes where this node begins to keep what other programs say.
func (l *looks) from(at position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start = at
}

func (l *looks) begun() (start position, looked string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.start, l.looked
}

func (l *looks) finish(epoch string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looked = epoch
}

// done reports whether it was found out.
func (l *looks) done() bool {
	start, looked := l.begun()
	return looked != "" && looked == start.epoch
}

// lookForGap finds out whether something was said that nobody has kept, and says so in
// Redis, before the first question to this node is answered. Several at once do it alike.
func (h *Hub) lookForGap(ctx context.Context, epoch string) error {
	l := &h.histories.looks
	if _, looked := l.begun(); looked == epoch {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	start, _ := l.begun()
	for start.epoch != epoch { // until the reader has come to it
		if err := h.next(ctx); err != nil {
			return err
		}
		start, _ = l.begun()
	}
	for until := time.Now().Add(lookPatience); ; {
		missed, err := h.unkept(ctx, start.id)
		switch {
		case err != nil:
			return err
		case !missed:
			l.finish(epoch)
			return nil
		case time.Now().After(until):
			if err := gapScript.Run(ctx, h.redis, []string{h.historyKey()}, start.id.place()).Err(); err != nil {
				return err
			}
			l.finish(epoch)
			return nil
		}
		if err := h.next(ctx); err != nil {
			return err
		}
	}
}

// unkept reports whether there are messages of other programs, up to an entry, that no node
// has kept.
func (h *Hub) unkept(ctx context.Context, upTo entryID) (bool, error) {
	is, err := h.redis.HMGet(ctx, h.historyKey(), "read", "start", "gap").Result()
	if err != nil {
		return false, err
	}
	var from entryID
	for _, v := range is {
		text, _ := v.(string)
		if id, ok := parsePlace(text); ok && from.before(id) {
			from = id
		}
	}
	for range lookPages {
		if !from.before(upTo) {
			return false, nil
		}
		got, err := h.redis.XRangeN(ctx, h.stream(), "("+from.String(), upTo.String(), readCount).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return false, err
		}
		for _, m := range got {
			e, ok := readEntry(m)
			if ok && !e.ours() && e.kind == typeBroadcast {
				return true, nil
			}
			from = e.id
		}
		if len(got) < readCount {
			return false, nil
		}
	}
	return h.foreign.Load(), nil // nobody can tell
}
