package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Defaults and bounds of history.
const (
	DefaultHistoryLength    = 1000           // messages of one room
	DefaultHistoryAge       = 24 * time.Hour // of one room
	DefaultHistoryRoomBytes = 1 << 20        // of one room
	DefaultHistoryBytes     = 64 << 20       // of all rooms together
	DefaultHistoryLimit     = 100            // messages of one answer
	MaxHistoryLimit         = 1000
	MaxHistoryRooms         = 100 // that one question may name
	// MaxOffset is the length of an offset, in bytes.
	MaxOffset = 64
	// maxHistoryAnswer bounds one answer, in bytes of the messages' arguments; one message
	// is in it in any case.
	maxHistoryAnswer = 512 << 10
)

var (
	// ErrNoHistory is returned where none of the rooms keeps what is said in it.
	ErrNoHistory = errors.New("socketio: no history is kept of these rooms")
	// ErrHistoryUnsupported is returned by EnableRecovery when Options.History is set and
	// the adapter keeps none.
	ErrHistoryUnsupported = errors.New("socketio: the adapter keeps no history; use adapters/memory or adapters/redisstreams")
	// ErrHistoryQuery is returned for a question that cannot be: its text says why.
	ErrHistoryQuery = errors.New("socketio: history")
)

// HistoryLimits bound what is kept of one room: the oldest messages go first. A zero
// field means its default.
type HistoryLimits struct {
	Length int           // messages (1000)
	Age    time.Duration // of the oldest (24 h)
	Bytes  int64         // of all of them, with what each takes besides its arguments (1 MiB)
}

func (l HistoryLimits) withDefaults() HistoryLimits {
	return HistoryLimits{
		Length: cmp.Or(max(l.Length, 0), DefaultHistoryLength),
		Age:    cmp.Or(max(l.Age, 0), DefaultHistoryAge),
		Bytes:  cmp.Or(max(l.Bytes, 0), DefaultHistoryRoomBytes),
	}
}

// HistoryMessage is one event that was sent to a room. As JSON its arguments are the list
// data.
type HistoryMessage struct {
	// Offset is what clients got with the event as its last argument.
	Offset string `json:"offset"`
	// Room is the room that was asked for; of several, the first one.
	Room  string `json:"room"`
	Event string `json:"event"`
	Args  Args   `json:"data"`
	// Time is when it was sent, in milliseconds since 1970.
	Time int64 `json:"time"`
}

// History is what was said in rooms, oldest first. It can be an argument of Emit or Ack.
type History struct {
	Messages []HistoryMessage `json:"messages"` // never nil
	// Offset is up to where this is all there is: what to ask for next time, or to go on
	// from if there is more.
	Offset string `json:"offset"`
	// Complete says that nothing is missing between where the question began and Offset.
	// Without Since it says that this is all that was ever said.
	Complete bool `json:"complete"`
	// More says that there is more than was asked for: newer messages, to be had with
	// Offset as Since; without Since, older ones.
	More bool `json:"more"`
}

// HistoryQuery asks for what was said in rooms.
type HistoryQuery struct {
	// Rooms are at most MaxHistoryRooms.
	Rooms []string
	// Since is an offset: the answer begins with the oldest message after it. If it is
	// empty the answer is the newest messages. With an offset of which nothing is known any
	// more the answer begins with the oldest message that is kept, and is not complete.
	Since string
	// Limit bounds the messages of the answer (100, at most 1000), which is also bounded to
	// about 512 KiB.
	Limit int
}

// HistoryAdapter is a RecoveryAdapter that keeps what is said in rooms: what Broadcast
// delivers to a room whose history is kept, unless it is volatile or local.
type HistoryAdapter interface {
	RecoveryAdapter
	// EnableHistory turns history on. It is called once, after EnableRecovery and before the
	// first socket connects. keeps says which rooms have a history, of any namespace, also of
	// one that is not open; it is quick. All rooms of all namespaces together hold at most so
	// many bytes.
	EnableHistory(keeps func(namespace, room string) (HistoryLimits, bool), bytes int64) error
	// Between runs f between two deliveries; position is that of the last one. It waits
	// until this node has come to an offset that a client has from another node. An error
	// says that it could not be found out whether it has; f was called all the same.
	Between(ctx context.Context, since string, f func(position string)) error
	// History reads what is kept of rooms.
	History(ctx context.Context, r *HistoryRange) (*History, error)
}

// HistoryRange is a HistoryQuery for an adapter.
type HistoryRange struct {
	Rooms  []HistoryRoom // that keep a history
	Since  string        // exclusive; empty asks for the newest
	Until  string        // inclusive; a position that Between gave
	Limit  int           // above 0
	Bytes  int           // above 0
	Newest bool          // Since is empty
}

// HistoryRoom is a room with its limits, of which every field is above 0.
type HistoryRoom struct {
	Name   string
	Limits HistoryLimits
}

// HistoryEntry is a message that an adapter has found.
type HistoryEntry struct {
	At     [2]uint64 // its place among all of the namespace
	Room   string
	Size   int // of its arguments, in bytes
	Time   time.Time
	Packet *Packet
	// Cut says that its room has more in the range beyond it, which was not looked for.
	Cut bool
}

// Answer makes the answer of what was found in all rooms: every message of the range, or
// some of each room from the end that was asked for, of which the last is Cut; at least one,
// where there is any. complete says that nothing before them is gone.
func (r *HistoryRange) Answer(found []HistoryEntry, complete bool) (*History, error) {
	slices.SortStableFunc(found, func(a, b HistoryEntry) int {
		return cmp.Or(cmp.Compare(a.At[0], b.At[0]), cmp.Compare(a.At[1], b.At[1]))
	})
	found = compact(found)
	h := &History{Offset: r.Until, Complete: complete}
	if n, more := r.fitting(found); more {
		h.More = true
		if r.Newest {
			found, h.Complete = found[len(found)-n:], false
		} else {
			found = found[:n]
			h.Offset = found[n-1].Packet.Offset()
		}
	}
	h.Messages = make([]HistoryMessage, len(found))
	for i, e := range found {
		args, err := argsOf(e.Packet.Args())
		if err != nil {
			return nil, fmt.Errorf("socketio: history: %q: %w", e.Packet.Event(), err)
		}
		h.Messages[i] = HistoryMessage{
			Offset: e.Packet.Offset(), Room: e.Room, Event: e.Packet.Event(), Args: args, Time: e.Time.UnixMilli(),
		}
	}
	return h, nil
}

// compact leaves one of each message that was found in several rooms.
func compact(found []HistoryEntry) []HistoryEntry {
	kept := found[:0]
	for _, e := range found {
		if last := len(kept) - 1; last >= 0 && kept[last].At == e.At {
			kept[last].Cut = kept[last].Cut || e.Cut
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// fitting returns how many messages the answer may have, and whether there are more. What
// is beyond a Cut one may have others of its room before it.
func (r *HistoryRange) fitting(found []HistoryEntry) (n int, more bool) {
	bytes := 0
	for ; n < len(found); n++ {
		i := n
		if r.Newest {
			i = len(found) - 1 - n
		}
		if bytes += found[i].Size; n == r.Limit || bytes > r.Bytes && n > 0 {
			return n, true
		}
		if found[i].Cut {
			return n + 1, true
		}
	}
	return n, false
}

// argsOf returns arguments as they would be received.
func argsOf(values []any) (Args, error) {
	if len(values) == 1 {
		if args, ok := values[0].(Args); ok {
			return args, nil
		}
	}
	text, binary, err := wire.AppendJSONList(nil, values)
	if err != nil {
		return Args{}, err
	}
	if !binary {
		return wire.ParseJSONList(text)
	}
	packed, n, err := wire.AppendMsgpackValues(nil, values)
	if err != nil {
		return Args{}, err
	}
	args, _, err := wire.ParseMsgpackList(append(wire.AppendMsgpackArray(nil, n), packed...))
	return args, err
}

// enableHistory turns history on where recovery is, whose offsets it has.
func (n *Namespace) enableHistory() error {
	o := &n.srv.opts
	if o.History == nil {
		return nil
	}
	h, ok := n.adapter.(HistoryAdapter)
	if !ok {
		return ErrHistoryUnsupported
	}
	return h.EnableHistory(o.keeps, o.HistoryBytes)
}

// keeps says whether the history of a room is kept.
func (o *Options) keeps(namespace, room string) (HistoryLimits, bool) {
	if room == "" || ReservedRoom(room) || isID(room) {
		return HistoryLimits{}, false
	}
	l, ok := o.History(namespace, room)
	return l.withDefaults(), ok
}

func (n *Namespace) keeps(room string) (HistoryLimits, bool) { return n.srv.opts.keeps(n.name, room) }

// historian returns the adapter if history is kept in this namespace, otherwise nil.
func (n *Namespace) historian() HistoryAdapter {
	if n.srv.opts.History == nil || n.recovery.Load() == nil {
		return nil
	}
	h, _ := n.adapter.(HistoryAdapter) // enableHistory made sure that it is one
	return h
}

// KeepsHistory reports whether what is said in a room is kept.
func (n *Namespace) KeepsHistory(room string) bool {
	if n.historian() == nil {
		return false
	}
	_, ok := n.keeps(room)
	return ok
}

// History returns what was said in rooms, in one order. The errors are ErrNoHistory,
// ErrHistoryQuery, and those of an adapter whose other nodes are away.
//
// Who asks again with Offset as Since, until More is false and from then on now and then,
// gets every message once, on any node, for as long as the answers are complete. Of rooms
// that keep no history nothing is known, so that the answer about them and others is not
// complete.
func (n *Namespace) History(ctx context.Context, q HistoryQuery) (*History, error) {
	r, err := n.rangeOf(q)
	if err != nil {
		return nil, err
	}
	if len(r.Rooms) == 0 {
		return nil, ErrNoHistory
	}
	err = n.historian().Between(ctx, r.Since, func(position string) { r.Until = position })
	if err != nil {
		return nil, err
	}
	return n.read(ctx, r, q)
}

// rangeOf checks a query. Its rooms are those that keep a history.
func (n *Namespace) rangeOf(q HistoryQuery) (*HistoryRange, error) {
	switch {
	case len(q.Rooms) == 0 || len(q.Rooms) > MaxHistoryRooms:
		return nil, fmt.Errorf("%w: %d rooms are named; name 1 to %d", ErrHistoryQuery, len(q.Rooms), MaxHistoryRooms)
	case len(q.Since) > MaxOffset:
		return nil, fmt.Errorf("%w: since has %d bytes; an offset has at most %d", ErrHistoryQuery, len(q.Since), MaxOffset)
	case q.Limit < 0 || q.Limit > MaxHistoryLimit:
		return nil, fmt.Errorf("%w: the limit is %d; the most is %d", ErrHistoryQuery, q.Limit, MaxHistoryLimit)
	}
	r := &HistoryRange{
		Since: strings.TrimPrefix(q.Since, OffsetUnlogged), Newest: q.Since == "",
		Limit: cmp.Or(q.Limit, DefaultHistoryLimit), Bytes: maxHistoryAnswer,
	}
	if n.historian() == nil {
		return r, nil
	}
	for _, room := range q.Rooms {
		if l, ok := n.keeps(room); ok && !slices.ContainsFunc(r.Rooms, func(h HistoryRoom) bool { return h.Name == room }) {
			r.Rooms = append(r.Rooms, HistoryRoom{room, l})
		}
	}
	return r, nil
}

// read asks the adapter. Who has an offset of what could not be kept may have missed more
// of that, and who asks for rooms that keep nothing may have missed anything.
func (n *Namespace) read(ctx context.Context, r *HistoryRange, q HistoryQuery) (*History, error) {
	h, err := n.historian().History(ctx, r)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(q.Since, OffsetUnlogged) || slices.ContainsFunc(q.Rooms, func(room string) bool {
		_, ok := n.keeps(room)
		return !ok
	}) {
		h.Complete = false
	}
	return h, nil
}

// JoinSince enters rooms, and returns what was said in them before: up to the place, between two
// events, at which the socket entered, so that with what it is sent from then on nothing is
// missing and nothing doubled. since and limit are those of HistoryQuery. The socket may be
// sent events before the caller has the answer: a client that shows both waits with those until it
// has the answer. Of a room in which it was already, it may have been sent some of the answer.
//
// Without an error the socket is in the rooms. Where nothing is kept of them, or it
// cannot be read now, there are no messages, and Complete is false; Offset is then since,
// to try again with. ErrTooEarly is returned before the socket is connected.
func (s *Socket) JoinSince(ctx context.Context, since string, limit int, rooms ...string) (*History, error) {
	n := s.ns
	q := HistoryQuery{Rooms: rooms, Since: since, Limit: limit}
	r, err := n.rangeOf(q)
	if err != nil {
		return nil, err
	}
	if s.state.Load() == stateConnecting {
		return nil, ErrTooEarly // what comes before it is connected would be missing
	}
	if len(r.Rooms) == 0 {
		return unknownSince(since), s.Join(rooms...)
	}
	m := moves{s: s}
	unsure := n.historian().Between(ctx, r.Since, func(position string) {
		r.Until = position
		err = m.join(rooms)
	})
	m.tell()
	m.save(true)
	if err != nil {
		return nil, err
	}
	var h *History
	if unsure == nil {
		h, unsure = n.read(ctx, r, q)
	}
	if unsure != nil {
		n.srv.opts.Logger.Debug("a socket entered rooms whose history cannot be read now", slog.String("namespace", n.name), slog.Any("error", unsure))
		return unknownSince(since), nil
	}
	return h, nil
}

// unknownSince is the answer where it cannot be said what was missed.
func unknownSince(since string) *History {
	return &History{Messages: []HistoryMessage{}, Offset: since}
}
