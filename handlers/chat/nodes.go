package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// eventName is the server-side event in which the nodes' chats speak with one another.
const eventName = "sockeye:chat"

// protocol is the version of the messages this node understands.
const protocol = 1

// The kinds of messages between nodes.
const (
	kindMessage = "message" // keep Messages, which Node tells as number Told
	kindBeat    = "beat"    // Node has told Told of these
	kindPrivate = "private" // From sent To a private message with Key, answered with Sent
	kindWant    = "want"    // node To: tell what there is of Room
	kindHave    = "have"    // node To: Messages of Room, more to come if More; a beat, too
)

// nodeMessage is the one argument of the event.
type nodeMessage struct {
	V        int        `json:"v"` // the lowest version that understands the message
	Kind     string     `json:"k"`
	Messages []*Message `json:"m,omitempty"`
	Told     uint64     `json:"t,omitempty"`

	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	Key  string `json:"key,omitempty"`
	Sent *sent  `json:"sent,omitempty"`

	Node     string `json:"n,omitempty"` // who asks or answers
	Request  string `json:"q,omitempty"`
	Room     string `json:"room,omitempty"`
	Floor    string `json:"floor,omitempty"`
	Complete bool   `json:"whole,omitempty"` // the node has asked others, too
	Part     int    `json:"part,omitempty"`
	More     bool   `json:"more,omitempty"`
}

// Bounds of what other nodes are believed.
const (
	maxKept   = 64 << 10 // bytes of a message
	maxNode   = 64       // bytes of a node's id
	maxHave   = 64       // parts of an answer
	partBytes = 32 << 10 // about the bytes of a part
)

// How long a connection that enters a room waits for the history of another node, and of
// how many.
const (
	askPatience  = 500 * time.Millisecond
	joinPatience = 2 * time.Second
	askNodes     = 8
)

// hear takes a message of another node.
func (h *hall) hear(args socketio.Args) {
	var m nodeMessage
	err := args.Bind(&m)
	switch {
	case err != nil, m.V < 1, m.V > protocol:
		h.opts.Logger.Debug("chat: message of another node ignored", slog.Int("version", m.V), slog.Any("error", err))
		return
	}
	if err := m.check(); err != nil {
		h.opts.Logger.Warn("chat: message of another node not understood", slog.Any("error", err))
		return
	}
	switch m.Kind {
	case kindMessage:
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, one := range m.Messages {
			h.keepForeignLocked(one)
		}
		h.followLocked(m.Node, m.Told)
	case kindBeat:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.compareLocked(m.Node, m.Told)
	case kindPrivate:
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ids.follow(m.Sent.ID, h.now())
		h.privates.keep(privateKey{m.From, m.To, m.Key}, *m.Sent)
	case kindWant:
		if m.To == h.people.Node() {
			h.answer(&m)
		}
	case kindHave:
		if m.To == h.people.Node() {
			h.answered(&m)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.compareLocked(m.Node, m.Told)
		}
	}
}

var errImpossible = errors.New("impossible values")

func (m *nodeMessage) check() error {
	for _, one := range m.Messages {
		if one == nil || len(one.ID) != idLen || timeOf(one.ID) == 0 || one.Room == "" || one.size() > maxKept || len(one.Room) > maxKept {
			return errImpossible
		}
	}
	bad := false
	switch m.Kind {
	case kindPrivate:
		bad = m.Sent == nil || m.Key == "" || len(m.Key) > maxKey || len(m.From) > socketio.MaxUserID || len(m.To) > socketio.MaxUserID || len(m.Sent.ID) != idLen
	case kindWant, kindHave:
		bad = m.Room == "" || m.Request == "" || m.Node == ""
	case kindMessage:
		bad = m.Node == "" || m.Told == 0
	case kindBeat:
		bad = m.Node == ""
	}
	bad = bad || len(m.Node) > maxNode
	if bad {
		return errImpossible
	}
	return nil
}

// keepForeignLocked keeps what was said on another node.
func (h *hall) keepForeignLocked(m *Message) {
	h.ids.follow(m.ID, h.now())
	r := h.rooms[m.Room]
	if r == nil {
		var err error
		if r, err = h.openLocked(m.Room, m.ID[:timeLen+seqLen]); err != nil {
			return // here all rooms have somebody; the other node keeps it
		}
	}
	h.keepLocked(r, m)
}

// answer tells another node what there is of a room.
func (h *hall) answer(q *nodeMessage) {
	log, floor, complete, told := h.kept(q.Room)
	for n := 0; ; n++ {
		part := firstPart(log)
		log = log[len(part):]
		err := h.voice.toNodes(&nodeMessage{
			V: protocol, Kind: kindHave, Node: h.people.Node(), To: q.Node, Request: q.Request, Room: q.Room, Told: told,
			Messages: part, Floor: floor, Complete: complete, Part: n, More: len(log) > 0,
		})
		if err != nil || len(log) == 0 { // who hears no answer asks another node
			return
		}
	}
}

// firstPart returns as many of some messages as one message between nodes takes.
func firstPart(all []*Message) []*Message {
	bytes := int64(0)
	for i, m := range all {
		if bytes += m.size(); bytes > partBytes && i > 0 {
			return all[:i]
		}
	}
	return all
}

func (h *hall) kept(room string) (log []*Message, floor string, complete bool, told uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[room]
	if r == nil {
		return nil, "", false, h.settled
	}
	return slices.Clone(r.log), r.floor, r.complete, h.settled
}

// answered hands an answer to who waits for it.
func (h *hall) answered(m *nodeMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.fetches[m.Request]; c != nil {
		select {
		case c <- m:
		default: // more parts than there can be
		}
	}
}

// complete asks other nodes for the history of a room, unless this one has heard all of
// it. It waits until there is an answer, or as long as an entering connection can wait.
func (h *hall) complete(ctx context.Context, r *room) {
	for {
		mine, wait := h.beginFetch(r)
		switch {
		case mine:
			h.endFetch(r, h.fetch(ctx, r.name))
			return
		case wait == nil:
			return
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return
		}
		if !h.askAgain(r) {
			return
		}
	}
}

// askAgain reports whether something was lost while others were asked. Where they did not
// answer in time, who joins next asks again.
func (h *hall) askAgain(r *room) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return r.missed
}

// beginFetch says whether the caller is to ask, or whom to wait for; neither, if there
// is nothing to ask.
func (h *hall) beginFetch(r *room) (mine bool, wait <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.complete || h.rooms[r.name] != r:
		return false, nil
	case r.fetching != nil:
		return false, r.fetching
	}
	r.fetching, r.missed = make(chan struct{}), false
	return true, nil
}

// endFetch notes that other nodes were asked. done says that there is no use in asking
// again. Who entered while nobody answered is told of what was found since.
func (h *hall) endFetch(r *room, done bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(r.fetching)
	r.fetching = nil
	r.complete = done && !r.missed
	if r.owed && r.found != "" && r.tabs > 0 {
		h.tellMissedLocked(idBefore(time.UnixMilli(timeOf(r.found))), r.name)
	}
	r.owed, r.found = !done, ""
}

// askOwed asks again for what nobody has told of rooms in which somebody is.
func (h *hall) askOwed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.people.Nodes()) == 0 {
		return
	}
	for _, r := range h.rooms {
		if r.owed && r.tabs > 0 && r.fetching == nil {
			h.running.Go(func() { h.complete(h.ended, r) })
		}
	}
}

// fetch asks one node after the other, until one had everything. done says that all who
// were asked have answered.
func (h *hall) fetch(ctx context.Context, room string) (done bool) {
	ctx, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	select {
	case <-h.people.Ready():
	case <-ctx.Done():
		return false
	}
	nodes := h.people.Nodes()
	if len(nodes) > askNodes {
		nodes = nodes[:askNodes]
	}
	done = len(nodes) > 0
	for _, node := range nodes {
		whole, answered := h.fetchFrom(ctx, node, room)
		if whole {
			return true
		}
		if ctx.Err() != nil || h.ended.Err() != nil {
			return false
		}
		done = done && answered
	}
	return done
}

// fetchFrom reports whether the node has answered, and had everything.
func (h *hall) fetchFrom(ctx context.Context, node, room string) (whole, answered bool) {
	request, parts := rand.Text(), make(chan *nodeMessage, maxHave)
	h.mu.Lock()
	h.fetches[request] = parts
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.fetches, request)
		h.mu.Unlock()
	}()
	if err := h.voice.toNodes(&nodeMessage{V: protocol, Kind: kindWant, Node: h.people.Node(), To: node, Request: request, Room: room}); err != nil {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	var log []*Message
	for n := 0; ; n++ {
		select {
		case m := <-parts:
			if m.Part != n {
				return false, false // a part was lost
			}
			log = append(log, m.Messages...)
			if !m.More {
				h.merge(room, m.Floor, m.Complete, log)
				return m.Complete, true
			}
		case <-ctx.Done():
			return false, false
		case <-h.ended.Done():
			return false, false
		}
	}
}

// merge takes over the history of another node. If that was all there is, what is here
// reaches back as far.
func (h *hall) merge(name, floor string, complete bool, log []*Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[name]
	if r == nil {
		return
	}
	if complete && floor != "" && floor < r.floor {
		r.floor = floor
	}
	for _, m := range log {
		if m.Room == name && h.rooms[name] == r {
			h.ids.follow(m.ID, h.now())
			if h.keepLocked(r, m) && (r.found == "" || m.ID < r.found) {
				r.found = m.ID
			}
		}
	}
}
