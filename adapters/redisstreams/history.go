package redisstreams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// elementID is the length of the place at the beginning of an element: see keep.go.
	elementID = msDigits + seqDigits
	msDigits  = 16
	seqDigits = 10
	// minPage is how many bytes of one room an answer may have in any case. Of many rooms an
	// answer has no more of each: nobody may have this node read all that is kept at once.
	minPage = 64 << 10
	// maxForeign bounds the messages of other programs that wait to be kept.
	maxForeign = 5000
	// maxAhead is how far an offset may be ahead of this node's clock; one that is further
	// was never given out.
	maxAhead = time.Minute
)

var errBehind = errors.New("redisstreams: the log is not there yet")

// keptRoom is a room whose history is kept, by its name in Redis.
type keptRoom struct {
	name   string
	limits socketio.HistoryLimits
}

// append adds what the scripts want to know of a room.
func (r keptRoom) append(args []any) []any {
	return append(args, r.name, r.limits.Length, r.limits.Age.Milliseconds(), r.limits.Bytes)
}

var escaper = strings.NewReplacer("%", "%25", "#", "%23")

// roomKey is the name of a room in Redis, which no room of another namespace has.
func roomKey(namespace, room string) string { return escaper.Replace(namespace) + "#" + room }

// foreign is a message of another program that is to be kept. Sockeye's own are kept by
// the script that appends them.
type foreign struct {
	position

	nsp, data string
	rooms     []keptRoom
}

// histories is what a hub knows of the histories of its rooms.
type histories struct {
	bytes atomic.Int64 // what all may take together in Redis; 0 while none is kept
	keeps atomic.Pointer[func(namespace, room string) (socketio.HistoryLimits, bool)]
	looks looks

	// Owned by the reader.
	began  string // the epoch in which begin was last done
	others bool   // what other programs wrote was read since the last flush

	mu      sync.Mutex
	waiting []foreign // what was delivered and is not known to be in Redis; only the reader changes it
	dropped entryID   // the last that will never be
}

// EnableHistory turns history on.
func (a *Adapter) EnableHistory(keeps func(namespace, room string) (socketio.HistoryLimits, bool), bytes int64) error {
	hs := &a.hub.histories
	hs.keeps.Store(&keeps) // all namespaces of a server have the same
	hs.bytes.Store(bytes)
	return nil
}

// keptRooms lists the rooms of a target whose history is kept.
func (h *Hub) keptRooms(namespace string, t *socketio.Target) []keptRoom {
	keeps := h.histories.keeps.Load()
	if keeps == nil || t.Flags.Volatile {
		return nil
	}
	var rooms []keptRoom
	for _, room := range t.Rooms {
		if limits, ok := (*keeps)(namespace, room); ok {
			rooms = append(rooms, keptRoom{roomKey(namespace, room), limits})
		}
	}
	return rooms
}

// keepForeign has an entry of another program kept, before it is delivered.
func (h *Hub) keepForeign(e *entry, at position, t *socketio.Target) {
	rooms := h.keptRooms(e.nsp, t)
	if len(rooms) == 0 {
		return
	}
	hs := &h.histories
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.waiting = append(hs.waiting, foreign{position: at, nsp: e.nsp, data: e.data, rooms: rooms})
	if len(hs.waiting) > maxForeign {
		hs.dropped = hs.waiting[0].id
		hs.waiting = hs.waiting[1:]
	}
}

// keepUnopened is keepForeign of an entry for a namespace that nobody here is in.
func (h *Hub) keepUnopened(e *entry, at position) {
	if e.ours() || e.kind != typeBroadcast || h.histories.keeps.Load() == nil {
		return
	}
	if _, t, err := decodeBroadcast(e.nsp, e.data); err == nil {
		h.keepForeign(e, at, &t)
	}
}

// begin sees to it, once for each log, that histories have a beginning before there is
// anything to be kept.
func (hs *histories) begin(ctx context.Context, h *Hub, at *position) {
	if hs.bytes.Load() == 0 || hs.began == at.epoch {
		return
	}
	if err := beginScript.Run(ctx, h.redis, []string{h.historyKey()}, at.id.place()).Err(); err == nil {
		hs.began = at.epoch // else who asks will be told that less is known
		hs.looks.from(*at)
	}
}

// flush writes what waits to be kept, and how far this node has read what other programs
// wrote. Every node does so: each message is there once.
func (hs *histories) flush(ctx context.Context, h *Hub) {
	hs.mu.Lock()
	waiting := hs.waiting
	hs.mu.Unlock()
	if len(waiting) == 0 && !hs.others || hs.keeps.Load() == nil {
		return
	}
	args := []any{hs.bytes.Load(), h.at.Load().id.place()}
	for _, f := range waiting {
		for _, r := range f.rooms {
			args = append(r.append(args), f.id.String(), f.n, f.data)
		}
	}
	if err := keepScript.Run(ctx, h.redis, []string{h.historyKey(), h.stream()}, args...).Err(); err != nil {
		h.log.Debug("what other programs said is not in the histories yet", "error", err)
		return
	}
	hs.others = false
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.waiting = hs.waiting[len(waiting):]
}

// sweep drops rooms in which everything is too old.
func (hs *histories) sweep(ctx context.Context, h *Hub) error {
	if hs.bytes.Load() == 0 {
		return nil
	}
	at := h.at.Load().id.place() // before it is seen that nothing waits
	if waiting, _ := hs.snapshot(); len(waiting) == 0 && hs.looks.done() {
		if err := keepScript.Run(ctx, h.redis, []string{h.historyKey(), h.stream()}, hs.bytes.Load(), at).Err(); err != nil {
			return err
		}
	}
	return sweepScript.Run(ctx, h.redis, []string{h.historyKey(), h.stream()}).Err()
}

// snapshot returns what waits to be kept, and the last that never will be.
func (hs *histories) snapshot() ([]foreign, entryID) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.waiting[:len(hs.waiting):len(hs.waiting)], hs.dropped
}

// Between runs f between two deliveries, once this node has come to an offset.
func (a *Adapter) Between(ctx context.Context, since string, f func(position string)) error {
	err := a.comeTo(ctx, since)
	a.Begin(nil, f)
	return err
}

func (a *Adapter) comeTo(ctx context.Context, since string) error {
	h := a.hub
	if h.at.Load().zero() && !h.await(ctx) {
		return errBehind
	}
	p, ok := parseOffset(since)
	if !ok || p.epoch != h.at.Load().epoch || p.tooFarAhead() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	return h.reach(ctx, p.id)
}

func (p *position) tooFarAhead() bool {
	return p.id.ms > uint64(time.Now().Add(maxAhead).UnixMilli())
}

// History reads what is kept of rooms.
func (a *Adapter) History(ctx context.Context, r *socketio.HistoryRange) (*socketio.History, error) {
	h := a.hub
	until, ok := parseOffset(r.Until)
	if !ok || !h.await(ctx) {
		return nil, errBehind
	}
	q := query{a: a, HistoryRange: r, until: until}
	if since, ok := parseOffset(r.Since); ok && since.epoch == until.epoch && !since.tooFarAhead() {
		q.since, q.known = since.id, true
	}
	if err := h.lookForGap(ctx, until.epoch); err != nil {
		return nil, fmt.Errorf("redisstreams: reading the history: %w", err)
	}
	waiting, dropped := h.histories.snapshot() // before Redis is asked: what is in neither is not kept
	if err := q.ask(ctx); err != nil {
		return nil, fmt.Errorf("redisstreams: reading the history: %w", err)
	}
	for i := range waiting {
		q.addWaiting(&waiting[i])
	}
	complete := r.Newest && q.unknown <= q.start || q.known && q.unknown <= q.since.place()
	return r.Answer(q.found, complete && !q.since.before(dropped))
}

// query is a question about rooms, and what was found.
type query struct {
	*socketio.HistoryRange

	a     *Adapter
	since entryID
	known bool // since is a place in this log
	until position

	start   string // where histories begin
	unknown string // up to there messages of some room are gone
	found   []socketio.HistoryEntry
}

func (q *query) ask(ctx context.Context) error {
	h := q.a.hub
	since := q.since.place()
	if q.Newest {
		since = ""
	}
	args := []any{since, q.until.id.place(), q.Limit, max(q.Bytes/len(q.Rooms), min(q.Bytes, minPage))}
	for _, room := range q.Rooms {
		args = append(args, roomKey(q.a.name, room.Name), room.Limits.Age.Milliseconds())
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	res, err := tellScript.Run(ctx, h.redis, []string{h.historyKey(), h.stream()}, args...).Slice()
	if err != nil {
		return err
	}
	if len(res) != 1+3*len(q.Rooms) {
		return fmt.Errorf("the script answered %d values for %d rooms", len(res), len(q.Rooms))
	}
	q.start, _ = res[0].(string)
	for i, room := range q.Rooms {
		unknown, _ := res[1+3*i].(string)
		q.unknown = max(q.unknown, unknown)
		elements, _ := res[2+3*i].([]any)
		cut, _ := res[3+3*i].(int64)
		before := len(q.found)
		for _, e := range elements {
			text, _ := e.(string)
			if at, data, ok := readElement(text); ok {
				q.add(room.Name, at, data)
			}
		}
		if n := len(q.found); cut > 0 && n > before {
			q.found[n-1].Cut = true
		}
	}
	return nil
}

// addWaiting adds a message of another program that is not known to be in Redis.
func (q *query) addWaiting(f *foreign) {
	if f.nsp != q.a.name || !q.Newest && !q.since.before(f.id) || q.until.id.before(f.id) {
		return
	}
	for _, room := range q.Rooms {
		for _, to := range f.rooms {
			if to.name == roomKey(q.a.name, room.Name) {
				q.add(room.Name, f.position, f.data)
				return
			}
		}
	}
}

// add adds a message. Its offset is one of the log as it is now, also where it is from
// before the log was lost.
func (q *query) add(room string, at position, data string) {
	p, _, err := decodeBroadcast(q.a.name, data)
	if err != nil {
		return // nobody got it
	}
	at.epoch = q.until.epoch
	p.SetOffset(at.offset())
	q.found = append(q.found, socketio.HistoryEntry{
		At: [2]uint64{at.id.ms, at.id.seq}, Room: room, Size: len(data), Time: time.UnixMilli(int64(at.id.ms)), Packet: p, //nolint:gosec // a time
	})
}

// readElement is the inverse of what keepLib writes; the epoch is missing.
func readElement(text string) (at position, data string, ok bool) {
	var err error
	place, rest, ok := strings.Cut(text, ":")
	if !ok {
		return position{}, "", false
	}
	n, data, ok := strings.Cut(rest, ":")
	if !ok {
		return position{}, "", false
	}
	if at.id, ok = parsePlace(place); !ok {
		return position{}, "", false
	}
	at.n, err = strconv.ParseUint(n, 10, 64)
	return at, data, err == nil
}
