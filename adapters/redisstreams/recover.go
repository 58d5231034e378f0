package redisstreams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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

// claim is a session that this node takes over, until it is live or let go.
type claim struct {
	pid  string
	from position // what the client has

	number uint64 // of the claim, 0 until that is known; guarded by claims.mu
	beaten uint64 // the largest number of another's claim that was heard of; likewise
}

// claims are the sessions that are being taken over here, and those that were and are
// live.
type claims struct {
	mu      sync.Mutex
	pending map[string]map[*claim]struct{} // by the socket's id
	live    map[string]uint64              // the claim's number, by the socket's id
}

// begin registers a claim before Redis is asked, so that who makes a later one can beat
// it at any time.
func (c *claims) begin(pid string) *claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	sid, cl := pid[:sidLen], &claim{pid: pid}
	if c.pending == nil {
		c.pending = make(map[string]map[*claim]struct{})
		c.live = make(map[string]uint64)
	}
	if c.pending[sid] == nil {
		c.pending[sid] = make(map[*claim]struct{})
	}
	c.pending[sid][cl] = struct{}{}
	return cl
}

// end takes a claim out, which becomes that of the live socket if it still holds.
func (c *claims) end(cl *claim, live bool) (holds bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sid := cl.pid[:sidLen]
	if _, ok := c.pending[sid][cl]; !ok {
		return false
	}
	delete(c.pending[sid], cl)
	if len(c.pending[sid]) == 0 {
		delete(c.pending, sid)
	}
	if holds = cl.beaten <= cl.number; holds && live { // equal: its own
		c.live[sid] = cl.number
	}
	return holds
}

// beat ends the claims with lower numbers. It reports whether the live socket's is one.
func (c *claims) beat(sid string, number uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cl := range c.pending[sid] {
		cl.beaten = max(cl.beaten, number)
	}
	return c.live[sid] < number
}

// won notes the number of a claim, which beats the others of this node.
func (c *claims) won(cl *claim, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl.number = number
	for other := range c.pending[cl.pid[:sidLen]] {
		if other != cl {
			other.beaten = max(other.beaten, number)
		}
	}
}

// gone forgets a live socket, and returns the number of its claim, 0 for none.
func (c *claims) gone(sid string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	number := c.live[sid]
	delete(c.live, sid)
	return number
}

func (c *claims) has(sid string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending[sid]) > 0
}

// Restore takes a session over from wherever it is, if its client can be given all
// it missed. The old socket, if it still lives, ends first.
func (a *Adapter) Restore(ctx context.Context, pid, offset string) (*socketio.Session, error) {
	h := a.hub
	if len(pid) < sidLen {
		return nil, socketio.MissMalformed
	}
	if !h.await(ctx) {
		a.anew("Redis is away")
		return nil, socketio.MissAway
	}
	cl := a.claims.begin(pid)
	st, err := a.restore(ctx, cl, offset)
	if st == nil {
		a.claims.end(cl, false)
		return nil, err
	}
	st.Kept = cl
	return st, nil
}

func (a *Adapter) restore(ctx context.Context, cl *claim, offset string) (*socketio.Session, error) {
	rec, err := a.claimRecord(ctx, cl)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		a.anew("there is no such session")
		return nil, socketio.MissUnknown
	}
	st, from, ok := rec.session(cl.pid, offset)
	if !ok {
		a.drop(cl.pid)
		a.anew("what the client has is not known")
		return nil, socketio.MissIncomplete
	}
	cl.from = from
	if err := a.ready(ctx, from); err != nil {
		if !errors.Is(err, errHole) {
			return nil, err
		}
		a.drop(cl.pid)
		a.anew("the log does not hold all it missed")
		return nil, socketio.MissIncomplete
	}
	return st, nil
}

// anew notes why a client that asked for its session gets another one.
func (a *Adapter) anew(why string) {
	a.hub.log.Debug("a client that came back starts anew", "why", why, "namespace", a.name)
}

// claimRecord claims the record of a session and has its old socket ended.
func (a *Adapter) claimRecord(ctx context.Context, cl *claim) (record, error) {
	h, pid := a.hub, cl.pid
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
	number, err := strconv.ParseUint(rec[fieldClaim], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("redisstreams: taking a session over: %w", err)
	}
	a.claims.won(cl, number)
	owner := rec[fieldNode]
	if owner == h.o.NodeID {
		a.giveUp(ctx, pid, number)
		owner = rec[fieldPrev] // the answer to a first claim may have been lost
	}
	if owner != "" && owner != h.o.NodeID {
		h.pubsub.evict(ctx, owner, note{NSP: a.name, PID: pid, Claim: number})
	}
	return rec, nil
}

// giveUp ends what this node has of a session, because somebody else has it now.
func (a *Adapter) giveUp(ctx context.Context, pid string, claim uint64) {
	a.mu.Lock()
	beaten := a.claims.beat(pid[:sidLen], claim)
	a.mu.Unlock()
	if beaten {
		a.Replace(ctx, pid)
	}
}

// drop deletes the record of a session that this node has.
func (a *Adapter) drop(pid string) {
	a.hub.saver.add(command{script: endScript, key: a.key(pid), args: []any{a.hub.o.NodeID}})
}

// record is a saved session.
type record map[string]string

// session reads it, and finds out what the client has. ok is false where that is not
// certain.
func (rec record) session(pid, offset string) (st *socketio.Session, from position, ok bool) {
	if rec[fieldV] != recordVersion {
		return nil, from, false
	}
	start, ok := parseOffset(rec[fieldStart])
	if !ok {
		return nil, from, false
	}
	st = &socketio.Session{SID: pid[:sidLen], PID: pid, Start: rec[fieldStart], Last: rec[fieldLast]}
	from = start
	if offset != "" && offset != socketio.OffsetUnlogged+nowhere {
		text, unlogged := strings.CutPrefix(offset, socketio.OffsetUnlogged)
		seen, ok := parseOffset(text)
		// The official client keeps its offset when it gets a new session: one from before
		// the start says nothing.
		switch {
		case !ok, unlogged && !seen.id.before(start.id), start.id.before(seen.id) && seen.epoch != start.epoch:
			return nil, from, false
		case start.id.before(seen.id):
			from = seen
		}
	}
	if last, ok := parseOffset(rec[fieldLast]); ok && !from.id.before(last.id) {
		if upTo, ok := parseOffset(rec[fieldUpTo]); ok && from.id.before(upTo.id) {
			from = upTo // it has all there was for it up to there
		}
	}
	if data := rec[fieldUserData]; data != "" {
		var raw socketio.Raw
		if err := json.Unmarshal([]byte(data), &raw); err != nil {
			return nil, from, false
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
			return nil, from, false
		}
		if h.In {
			st.Rooms = append(st.Rooms, room)
		}
		st.Changed = append(st.Changed, h.Changes...)
	}
	return st, from, true
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
	if start, ok := a.inMemory(); ok && !from.id.before(start) {
		return nil
	}
	return h.holds(ctx, from)
}

// inMemory returns from where on the entries of this namespace are held in memory, if any are. What
// was read before the namespace was there, or had recovery, is not.
func (a *Adapter) inMemory() (entryID, bool) {
	start, ok := a.hub.recent.start()
	own := a.heldFrom.Load()
	switch {
	case !ok || own == nil:
		return entryID{}, false
	case start.id.before(own.id):
		return own.id, true
	}
	return start.id, true
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
	if !ok {
		return errHole
	}
	// Under the delivery lock: who is told to give the session up finds either the claim
	// or the live socket.
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.claims.end(cl, true) {
		a.anew("another claim came after this one")
		return errHole
	}
	upTo := *a.hub.at.Load()
	if upTo.epoch != cl.from.epoch {
		a.anew("Redis lost the log meanwhile")
		return errHole
	}
	r := &replay{a: a, from: cl.from, upTo: upTo, who: historyOf(st), last: cl.from.offset()}
	// Until the client has been given everything, one that is cut off again has only what
	// it says it has.
	live(upTo.offset(), r.next)
	return nil
}

// Release lets a session go that was not resumed. Its record stays for its time.
func (a *Adapter) Release(st *socketio.Session) {
	if cl, ok := st.Kept.(*claim); ok && a.claims.end(cl, false) {
		a.hub.saver.add(command{script: releaseScript, key: a.key(st.PID), args: []any{a.hub.o.NodeID, cl.number, 0}})
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
