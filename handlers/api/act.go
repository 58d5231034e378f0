package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// targets name sockets: those that are in any of the rooms, of any of the users, or named.
type targets struct {
	Namespace string          `json:"namespace"`
	Rooms     json.RawMessage `json:"rooms"`
	Users     json.RawMessage `json:"users"`
	Sockets   json.RawMessage `json:"sockets"`
	Everyone  bool            `json:"everyone"`
}

// done is the answer to what was done. Degraded says that it may have been done for the
// clients of this node only.
type done struct {
	OK       bool `json:"ok"`
	Degraded bool `json:"degraded,omitempty"`
}

// on does something with the sockets that are named.
func (a *API) on(t *targets, do func(b *socketio.Broadcast) error) (any, error) {
	ns, release, err := a.namespace(t.Namespace, "/namespace")
	if err != nil {
		return nil, err
	}
	defer release()
	b := ns.To()
	named := 0
	for _, list := range []struct {
		text  json.RawMessage
		field string
		add   func(*socketio.Broadcast, ...string) *socketio.Broadcast
	}{
		{t.Rooms, "/rooms", (*socketio.Broadcast).To},
		{t.Users, "/users", (*socketio.Broadcast).ToUser},
		{t.Sockets, "/sockets", (*socketio.Broadcast).To},
	} {
		names, err := a.targets(list.text, list.field)
		if err != nil {
			return nil, err
		}
		named += len(names)
		b = list.add(b, names...)
	}
	switch {
	case named == 0 && !t.Everyone:
		return nil, wrong("", "nobody is named: give rooms, users or sockets, or everyone: true")
	case named > 0 && t.Everyone:
		return nil, wrong("/everyone", "somebody is named, too: leave it or them out")
	}
	switch err := do(b); {
	case errors.Is(err, socketio.ErrThisNodeOnly):
		return done{OK: true, Degraded: true}, nil
	case err != nil:
		return nil, unavailable("it could not be done at the moment: try again", err)
	}
	return done{OK: true}, nil
}

func unavailable(message string, err error) error {
	return &problem.Problem{Status: http.StatusServiceUnavailable, Code: problem.CodeUnavailable, Message: message, RetryAfter: retryLater, Err: err}
}

// targets reads a list of rooms, sockets or users that there may be.
func (a *API) targets(text json.RawMessage, field string) ([]string, error) {
	list, err := names(text, field)
	if err != nil {
		return nil, err
	}
	for i, name := range list {
		at := field + "/" + strconv.Itoa(i)
		if field == "/users" {
			err = checkUser(name, at)
		} else {
			err = pointed(a.opts.Rooms.Check(name), at)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// join puts sockets into rooms.
func (a *API) join(c *call) (any, error) {
	var m struct {
		targets
		Into json.RawMessage `json:"into"`
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	into, err := a.targets(m.Into, "/into")
	if err != nil {
		return nil, err
	}
	if len(into) == 0 {
		return nil, wrong("/into", "the rooms to join are missing")
	}
	return a.on(&m.targets, func(b *socketio.Broadcast) error { return b.SocketsJoin(into...) })
}

// leave takes sockets out of rooms.
func (a *API) leave(c *call) (any, error) {
	var m struct {
		targets
		From json.RawMessage `json:"from"`
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	from, err := a.targets(m.From, "/from")
	if err != nil {
		return nil, err
	}
	if len(from) == 0 {
		return nil, wrong("/from", "the rooms to leave are missing")
	}
	return a.on(&m.targets, func(b *socketio.Broadcast) error { return b.SocketsLeave(from...) })
}

// disconnect disconnects sockets from a namespace, or with close their connections.
func (a *API) disconnect(c *call) (any, error) {
	var m struct {
		targets
		Close bool `json:"close"`
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	return a.on(&m.targets, func(b *socketio.Broadcast) error { return b.DisconnectSockets(m.Close) })
}

// blockView is a block. Times are in milliseconds since 1970.
type blockView struct {
	ID     string `json:"id"`
	Since  int64  `json:"since"`
	Until  int64  `json:"until,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func viewOf(id string, b auth.Block) blockView {
	v := blockView{ID: id, Since: b.Since.UnixMilli(), Reason: b.Reason}
	if !b.Until.IsZero() {
		v.Until = b.Until.UnixMilli()
	}
	return v
}

// Bounds of a block.
const (
	maxReason   = 256           // bytes
	maxBlockFor = 3_153_600_000 // seconds: a hundred years
)

// block blocks somebody, whose sockets end.
func (a *API) block(c *call) (any, error) {
	var m struct {
		ID     string `json:"id"`
		For    *int64 `json:"for"` // seconds
		Reason string `json:"reason"`
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	if err := checkUser(m.ID, "/id"); err != nil {
		return nil, err
	}
	if len(m.Reason) > maxReason || !utf8.ValidString(m.Reason) {
		return nil, wrong("/reason", "a reason has at most %d bytes", maxReason)
	}
	var until time.Time
	if m.For != nil {
		if *m.For < 1 || *m.For > maxBlockFor {
			return nil, wrong("/for", "it is no number of seconds from 1 to %d: leave it out to block for ever", maxBlockFor)
		}
		until = time.Now().Add(time.Duration(*m.For) * time.Second)
	}
	if err := a.opts.Blocks.Block(c.ctx, m.ID, until, m.Reason); err != nil {
		return nil, unavailable("the block could not be kept: try again", err)
	}
	return viewOf(m.ID, auth.Block{Since: time.Now().Truncate(time.Second), Until: until, Reason: m.Reason}), nil
}

// unblock takes a block back.
func (a *API) unblock(c *call) (any, error) {
	var m struct {
		ID string `json:"id"`
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	if err := checkUser(m.ID, "/id"); err != nil {
		return nil, err
	}
	switch err := a.opts.Blocks.Unblock(c.ctx, m.ID); {
	case errors.Is(err, auth.ErrNotFound):
		return nil, &problem.Problem{Status: http.StatusNotFound, Code: problem.CodeNotFound, Field: "/id", Message: "nobody of this id is blocked"}
	case err != nil:
		return nil, unavailable("the block could not be taken back: try again", err)
	}
	return done{OK: true}, nil
}

type blocksAnswer struct {
	Blocks []blockView `json:"blocks"`
	Next   string      `json:"next,omitempty"`
}

// blocks lists who is blocked, by the ids.
func (a *API) blocks(c *call) (any, error) {
	q, err := a.query(c, "limit", "after")
	if err != nil {
		return nil, err
	}
	most, err := q.limit()
	if err != nil {
		return nil, err
	}
	answer := blocksAnswer{Blocks: []blockView{}}
	all := a.opts.Blocks.List()
	for _, id := range slices.SortedFunc(maps.Keys(all), cmp.Compare[string]) {
		if id <= q.Get("after") {
			continue
		}
		if len(answer.Blocks) == most {
			answer.Next = answer.Blocks[most-1].ID
			break
		}
		answer.Blocks = append(answer.Blocks, viewOf(id, all[id]))
	}
	return answer, nil
}
