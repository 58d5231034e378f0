package redisstreams

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// recordVersion is the version of the shape of a saved session.
const recordVersion = "1"

// renewEvery is how often the sessions of this node are renewed. A record outlives
// its node by the window of recovery, and by this much.
const renewEvery = 5 * time.Second

// sidLen is the length of a socket's id, with which its private id begins.
const sidLen = 20

// Fields of a saved session, see script.go.
const (
	fieldV, fieldPID                      = "v", "pid"
	fieldNode, fieldPrev                  = "node", "prev"
	fieldClaim                            = "claim"
	fieldUserData                         = "data"
	fieldStart, fieldLast, fieldUpTo      = "start", "last", "upto"
	roomPrefix                            = "r:"
	answerSaved, answerMissing, answerNot = 1, 0, -1
)

func (a *Adapter) key(pid string) string { return a.hub.session(pid[:min(sidLen, len(pid))]) }

// ttl is how long a session lives that nobody renews.
func (a *Adapter) ttl() time.Duration {
	r := a.recovery.Load()
	if r == nil {
		return 0
	}
	return r.MaxDisconnection + renewEvery
}

// Open saves a new session. A client that was here before may have seen what this node
// has not come to: it begins after that.
func (a *Adapter) Open(ctx context.Context, st *socketio.Session) bool {
	if !a.hub.Up() || st.Returned && !a.hub.catchUp(ctx) {
		return false
	}
	at := a.hub.at.Load().offset()
	st.Start = at
	args := []any{
		a.hub.o.NodeID, a.ttl().Milliseconds(), 0,
		fieldV, recordVersion, fieldPID, st.PID, fieldNSP, a.name,
		fieldStart, at, fieldLast, at, fieldUpTo, at,
	}
	if data, ok := a.encodeData(st.Data); ok {
		args = append(args, fieldUserData, data)
	}
	for _, room := range st.Rooms {
		h := socketio.RoomHistory{Room: room, In: true}
		for _, c := range st.Changed {
			if c.Room == room {
				h.Changes = append(h.Changes, c)
			}
		}
		args = append(args, roomPrefix+room, encodeHistory(h))
	}
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	_, err := a.hub.saver.do(ctx, command{script: openScript, key: a.key(st.PID), args: args})
	return err == nil
}

// openScript saves a session that is new. KEYS and ARGV are those of saveScript.
var openScript = redis.NewScript(`
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'node', ARGV[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`)

func (a *Adapter) encodeData(v any) (string, bool) {
	if v == nil {
		return "", false
	}
	b, err := json.Marshal(v)
	if err != nil {
		a.hub.log.Warn("the data of a socket cannot be saved as JSON: it is not recovered", "namespace", a.name, "error", err)
		return "", false
	}
	return string(b), true
}

// SaveData saves the data of a session.
func (a *Adapter) SaveData(pid string, v any) {
	data, ok := a.encodeData(v)
	args := []any{a.hub.o.NodeID, 0, 1, fieldUserData}
	if ok {
		args = []any{a.hub.o.NodeID, 0, 0, fieldUserData, data}
	}
	a.save(pid, args, nil)
}

// SaveRooms saves joins and leaves of a session.
func (a *Adapter) SaveRooms(pid string, rooms []socketio.RoomHistory, wait bool) bool {
	var drop, set []any
	for _, h := range rooms {
		if !h.In && len(h.Changes) == 0 {
			drop = append(drop, roomPrefix+h.Room)
		} else {
			set = append(set, roomPrefix+h.Room, encodeHistory(h))
		}
	}
	args := append(append([]any{a.hub.o.NodeID, 0, len(drop)}, drop...), set...)
	if !wait {
		a.save(pid, args, nil)
		return true
	}
	if !a.hub.Up() {
		a.Forsake(pid)
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	cmd, err := a.hub.saver.do(ctx, command{script: saveScript, key: a.key(pid), args: args})
	if err == nil {
		if n, err := cmd.Int(); err == nil && n == answerSaved {
			return true
		}
	}
	a.Forsake(pid)
	return false
}

// Forsake deletes a session that must not be recovered.
func (a *Adapter) Forsake(pid string) {
	a.hub.saver.add(command{script: endScript, key: a.key(pid), args: []any{a.hub.o.NodeID}, done: a.retryEnd(pid)})
}

// save changes a session without waiting. A session that is not there any more cannot
// be recovered, and one that another node has taken ends here.
func (a *Adapter) save(pid string, args []any, then func()) {
	a.hub.saver.add(command{script: saveScript, key: a.key(pid), args: args, done: func(cmd *redis.Cmd) {
		a.saved(pid, cmd)
		if then != nil {
			then()
		}
	}})
}

// saved looks at the answer to a change of a live session.
func (a *Adapter) saved(pid string, cmd *redis.Cmd) {
	n, err := cmd.Int()
	switch {
	case err != nil || n == answerMissing:
		// Without what was to be saved, or with nothing at all, it is not recovered.
		a.Forsake(pid)
		a.hub.ends.Go(func() { a.LoseSession(pid) })
	case n == answerNot:
		a.hub.ends.Go(func() { a.Replace(context.Background(), pid) })
	}
}

// encodeHistory and decodeHistory are the value of a field r:ROOM.
func encodeHistory(h socketio.RoomHistory) string {
	var b strings.Builder
	if h.In {
		b.WriteByte('+')
	} else {
		b.WriteByte('-')
	}
	for _, c := range h.Changes {
		sign := " -"
		if c.Joined {
			sign = " +"
		}
		b.WriteString(sign + c.After + "/" + c.Until)
	}
	return b.String()
}

func decodeHistory(room, text string) (h socketio.RoomHistory, ok bool) {
	h.Room = room
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != "+" && words[0] != "-" {
		return h, false
	}
	h.In = words[0] == "+"
	for _, w := range words[1:] {
		after, until, found := strings.Cut(w[1:], "/")
		if !found || w[0] != '+' && w[0] != '-' {
			return h, false
		}
		h.Changes = append(h.Changes, socketio.RoomChange{Room: room, Joined: w[0] == '+', After: after, Until: until})
	}
	return h, true
}

// Begin makes a new socket live between two deliveries.
func (a *Adapter) Begin(_ *socketio.Socket, live func(position string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	live(a.hub.at.Load().offset())
}

// Position returns up to where everything was delivered, and the entry that is being
// delivered.
func (a *Adapter) Position() (delivered, assigned string) {
	d := a.hub.at.Load()
	return d.offset(), a.hub.current.Load().offset()
}

// Forgotten reports whether every packet up to a position is gone.
func (a *Adapter) Forgotten(at string) bool {
	p, ok := parseOffset(at)
	return ok && time.UnixMilli(int64(p.id.ms)).Before(a.hub.clock().Add(-a.keeps())) //nolint:gosec // a time
}

// Persist notes that a socket was cut off, or forgets its session.
func (a *Adapter) Persist(snapshot func() (*socketio.Session, bool)) {
	a.mu.Lock()
	st, keep := snapshot()
	at := a.hub.at.Load().offset()
	if st == nil {
		a.mu.Unlock()
		return
	}
	number := a.claims.gone(st.SID)
	a.mu.Unlock()
	if !keep {
		a.Forsake(st.PID)
		return
	}
	r := a.recovery.Load()
	args := []any{a.hub.o.NodeID, number, r.MaxDisconnection.Milliseconds()}
	if !st.Broken {
		args = append(args, fieldLast, st.Last, fieldUpTo, at)
	}
	a.hub.saver.add(command{script: releaseScript, key: a.key(st.PID), args: args})
}

// retryEnd tries once more, when Redis is back, to delete a session that must not be
// recovered. Until then the client's offset says so.
func (a *Adapter) retryEnd(pid string) func(cmd *redis.Cmd) {
	return func(cmd *redis.Cmd) {
		if cmd.Err() != nil && !errors.Is(cmd.Err(), redis.Nil) {
			a.hub.owed.add(command{script: endScript, key: a.key(pid), args: []any{a.hub.o.NodeID}})
		}
	}
}

// owed holds deletions that Redis has not heard of, a bounded number of them: each is
// for a session that would expire by itself.
type owed struct{ commands chan command }

const maxOwed = 100_000

func (o *owed) add(c command) {
	select {
	case o.commands <- c:
	default: // it expires
	}
}

func (o *owed) pay(s *saver) {
	for {
		select {
		case c := <-o.commands:
			s.add(c)
		default:
			return
		}
	}
}

// renew keeps the sessions of this node alive, and notes from time to time what their
// clients were given.
func (h *Hub) renew() {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		if !h.Up() {
			continue
		}
		for _, a := range h.all() {
			a.renew()
		}
	}
}

func (a *Adapter) renew() {
	if a.recovery.Load() == nil {
		return
	}
	type live struct {
		pid, last string
		complete  bool
	}
	var all []live
	a.mu.Lock()
	a.EachSession(func(pid, last string, complete bool) { all = append(all, live{pid, last, complete}) })
	at := a.hub.at.Load().offset()
	a.mu.Unlock()
	ttl := a.ttl().Milliseconds()
	for _, s := range all {
		args := []any{a.hub.o.NodeID, ttl, 0}
		if s.complete {
			args = append(args, fieldLast, s.last, fieldUpTo, at)
		}
		a.hub.saver.add(command{script: saveScript, key: a.key(s.pid), args: args, done: func(cmd *redis.Cmd) {
			if cmd.Err() == nil { // a renewal that fails is made up for by the next one
				a.saved(s.pid, cmd)
			}
		}})
	}
}

// ms writes milliseconds as Redis reads them.
func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
