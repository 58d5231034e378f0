package redisstreams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// reachPatience bounds how long a returning client waits for this node to read what
	// the client has seen on another.
	reachPatience = 2 * time.Second
	// pageCount is how many entries of the log are read at once for a replay.
	pageCount = 200
	// pageTimeout bounds the reading of a page.
	pageTimeout = 3 * time.Second
)

// claim is a session that this node has taken over, until it is live or let go.
type claim struct {
	pid  string
	from position // what the client has
	lost bool     // somebody else took it; guarded by claims.mu
}

// claims are the sessions that are being taken over here.
type claims struct {
	mu   sync.Mutex
	bySI map[string]*claim // by the socket's id
}

func (c *claims) add(sid string, cl *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bySI == nil {
		c.bySI = make(map[string]*claim)
	}
	if old := c.bySI[sid]; old != nil {
		old.lost = true
	}
	c.bySI[sid] = cl
}

// end takes a claim out, and reports whether it still holds.
func (c *claims) end(sid string, cl *claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bySI[sid] == cl {
		delete(c.bySI, sid)
	}
	return !cl.lost
}

// lose ends a claim because another node has the session now.
func (c *claims) lose(sid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cl := c.bySI[sid]; cl != nil {
		cl.lost = true
	}
}

func (c *claims) has(sid string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bySI[sid] != nil
}

// Restore takes a session over from wherever it is, if its client can be given all
// it missed. The old socket, if it still lives, ends first.
func (a *Adapter) Restore(ctx context.Context, pid, offset string) (*socketio.Session, error) {
	h := a.hub
	if len(pid) < sidLen || !h.Up() {
		return nil, nil //nolint:nilnil // no session is no error
	}
	var seen position
	if offset != "" {
		var ok bool
		if seen, ok = parseOffset(offset); !ok {
			h.saver.add(command{script: claimScript, key: a.key(pid), args: []any{h.o.NodeID, pid, a.name, "1"}})
			return nil, nil //nolint:nilnil // the client has what is not in the log
		}
	}
	rec, err := a.claimRecord(ctx, pid)
	if rec == nil || err != nil {
		return nil, err
	}
	st, cl, ok := rec.session(pid, seen)
	if !ok {
		a.drop(pid)
		return nil, nil //nolint:nilnil // what the client has is not known
	}
	if err := a.ready(ctx, cl.from); err != nil {
		if !errors.Is(err, errHole) {
			return nil, err
		}
		a.drop(pid)
		return nil, nil //nolint:nilnil // it must start anew
	}
	st.Kept = cl
	a.claims.add(st.SID, cl)
	return st, nil
}

// claimRecord claims the record of a session and has its old socket ended.
func (a *Adapter) claimRecord(ctx context.Context, pid string) (record, error) {
	h := a.hub
	wait, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	cmd, err := h.saver.do(wait, command{
		script: claimScript, key: a.key(pid), args: []any{h.o.NodeID, pid, a.name, ms(a.ttl())},
	})
	if err != nil {
		if errors.Is(err, redis.Nil) {
			return nil, nil //nolint:nilnil // none
		}
		return nil, fmt.Errorf("redisstreams: taking a session over: %w", err)
	}
	fields, err := cmd.StringSlice()
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	rec := make(record, len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		rec[fields[i]] = fields[i+1]
	}
	owner := rec[fieldNode]
	if owner == h.o.NodeID {
		a.claims.lose(pid[:sidLen])
		a.Replace(ctx, pid)
		owner = rec[fieldPrev] // the answer to a first claim may have been lost
	}
	if owner != "" && owner != h.o.NodeID {
		h.pubsub.evict(ctx, owner, a.name, pid)
	}
	return rec, nil
}

// drop deletes the record of a session that this node has.
func (a *Adapter) drop(pid string) {
	a.hub.saver.add(command{script: endScript, key: a.key(pid), args: []any{a.hub.o.NodeID}})
}

// record is a saved session.
type record map[string]string

// session reads it, and finds out what the client has. ok is false where that is not
// certain.
func (rec record) session(pid string, seen position) (*socketio.Session, *claim, bool) {
	if rec[fieldV] != recordVersion {
		return nil, nil, false
	}
	start, ok := parseOffset(rec[fieldStart])
	if !ok {
		return nil, nil, false
	}
	st := &socketio.Session{SID: pid[:sidLen], PID: pid, Start: rec[fieldStart], Last: rec[fieldLast]}
	cl := &claim{pid: pid, from: start}
	// The official client keeps its offset when it gets a new session: one from before
	// the start says nothing.
	if !seen.zero() && start.id.before(seen.id) {
		if seen.epoch != start.epoch {
			return nil, nil, false
		}
		cl.from = seen
	}
	if last, ok := parseOffset(rec[fieldLast]); ok && !cl.from.id.before(last.id) {
		if upTo, ok := parseOffset(rec[fieldUpTo]); ok && cl.from.id.before(upTo.id) {
			cl.from = upTo // it has all there was for it up to there
		}
	}
	if data := rec[fieldUserData]; data != "" {
		var raw socketio.Raw
		if err := json.Unmarshal([]byte(data), &raw); err != nil {
			return nil, nil, false
		}
		st.Data = raw
	}
	for field, value := range rec {
		room, ok := strings.CutPrefix(field, roomPrefix)
		if !ok {
			continue
		}
		h, ok := decodeHistory(room, value)
		if !ok {
			return nil, nil, false
		}
		if h.In {
			st.Rooms = append(st.Rooms, room)
		}
		st.Changed = append(st.Changed, h.Changes...)
	}
	return st, cl, true
}

// errHole says that the log does not reach back far enough.
var errHole = errors.New("redisstreams: the log does not hold everything since then")

// ready waits until this node is as far as the client, and makes sure that the log
// holds everything since.
func (a *Adapter) ready(ctx context.Context, from position) error {
	h := a.hub
	wait, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	if h.at.Load().epoch != from.epoch {
		return errHole
	}
	if err := h.reach(wait, from.id); err != nil {
		return err
	}
	if start, ok := h.recent.start(); ok && !from.id.before(start.id) {
		return nil
	}
	return h.holds(ctx, from)
}

// holds asks Redis whether the log has everything after a position.
func (h *Hub) holds(ctx context.Context, from position) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	first, err := h.redis.XRangeN(ctx, h.stream(), "-", "+", 1).Result()
	if err != nil {
		return fmt.Errorf("redisstreams: reading the log: %w", err)
	}
	if len(first) == 0 {
		if at := h.at.Load(); at.n == from.n && !h.foreign.Load() {
			return nil
		}
		return errHole
	}
	e, ok := readEntry(first[0])
	switch {
	case !ok:
		return errHole
	case !from.id.before(e.id):
		return nil
	case e.ours() && e.epoch == from.epoch && e.n == from.n+1 && !h.foreign.Load():
		return nil
	}
	return errHole
}

// Resume makes a restored socket live between two deliveries. What it missed is read
// as the client takes it.
func (a *Adapter) Resume(st *socketio.Session, live func(last string, missed func() (*socketio.Packet, error))) error {
	cl, ok := st.Kept.(*claim)
	if !ok || !a.claims.end(st.SID, cl) {
		return errHole
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	upTo := *a.hub.at.Load()
	if upTo.epoch != cl.from.epoch {
		return errHole
	}
	r := &replay{a: a, from: cl.from, upTo: upTo, who: historyOf(st)}
	live(cl.from.offset(), r.next)
	return nil
}

// Release lets a session go that was not resumed. Its record stays for its time.
func (a *Adapter) Release(st *socketio.Session) {
	if cl, ok := st.Kept.(*claim); ok && a.claims.end(st.SID, cl) {
		a.hub.saver.add(command{script: saveScript, key: a.key(st.PID), args: []any{a.hub.o.NodeID, 0, 0, fieldNode, ""}})
	}
}

// Away reports whether a session of that id is kept anywhere.
func (a *Adapter) Away(sid string) bool {
	if a.claims.has(sid) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	nsp, err := a.hub.redis.HGet(ctx, a.hub.session(sid), fieldNSP).Result()
	if errors.Is(err, redis.Nil) {
		return false
	}
	return err != nil || nsp == a.name // while Redis is away nobody can tell
}
