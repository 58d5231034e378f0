package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Bounds of an event.
const (
	maxKey      = 255 // bytes of an idempotency key
	maxProblems = 20  // that are listed of one batch
)

// message is one event as the caller sends it.
type message struct {
	Namespace string          `json:"namespace"`
	Rooms     json.RawMessage `json:"rooms"`
	Users     json.RawMessage `json:"users"`
	Except    json.RawMessage `json:"except"`
	Event     string          `json:"event"`
	Args      json.RawMessage `json:"args"`
	Binary    bool            `json:"binary"`
	Volatile  bool            `json:"volatile"`
}

// keyed is a message that is emitted once, however often it is sent.
type keyed struct {
	message
	Key string `json:"key"`
}

// emission is a message that may be emitted.
type emission struct {
	ns    *socketio.Namespace
	to    *socketio.Broadcast
	event string
	args  socketio.Args // or, with binary ones,
	other []any

	key string
	sum [sha256.Size]byte // of its text
}

func (e *emission) arguments() []any {
	if e.other != nil {
		return e.other
	}
	return []any{e.args}
}

// emitted is the answer to a batch. Every event of it was emitted, now or before.
type emitted struct {
	Accepted int  `json:"accepted"`
	Repeated int  `json:"repeated,omitempty"` // of these, were emitted before with the same key
	Degraded bool `json:"degraded,omitempty"` // some reached this node's clients and maybe no others
}

// emit emits one event or a batch: all of it, or nothing if anything is wrong with it. The
// events go out in the order of the batch.
func (a *API) emit(c *call) (any, error) {
	parts, single, err := split(c)
	if err != nil {
		return nil, err
	}
	if len(parts) > a.opts.MaxBatch {
		return nil, problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, fmt.Sprintf("there are %d events in the batch; the most is %d", len(parts), a.opts.MaxBatch))
	}
	spaces := make(spaces)
	defer spaces.release()
	all := make([]emission, len(parts))
	var wrongs []*problem.Problem
	for i, text := range parts {
		at := ""
		if !single {
			at = "/" + strconv.Itoa(i)
		}
		if err := a.prepare(&all[i], text, at, c.who, spaces); err != nil {
			if wrongs = append(wrongs, problem.Of(err)); len(wrongs) == maxProblems {
				break
			}
		}
	}
	if len(wrongs) > 0 {
		return nil, together(wrongs)
	}
	return a.emitAll(c, all, single)
}

// together is one problem of several: the first, with the others beside it.
func together(all []*problem.Problem) *problem.Problem {
	first := *all[0]
	if len(all) > 1 {
		first.All = all
	}
	return &first
}

// split takes a body apart into the texts of its events.
func split(c *call) (parts []json.RawMessage, single bool, err error) {
	body := bytes.TrimSpace(c.body)
	switch {
	case c.kind == typeNDJSON:
		for line := range bytes.Lines(body) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				parts = append(parts, line)
			}
		}
	case len(body) > 0 && body[0] == '[':
		if err := json.Unmarshal(body, &parts); err != nil {
			return nil, false, mistake(err, "")
		}
	default:
		return []json.RawMessage{body}, true, nil
	}
	if len(parts) == 0 {
		return nil, false, wrong("", "the batch is empty")
	}
	return parts, false, nil
}

// spaces are the namespaces of one request.
type spaces map[string]space

type space struct {
	*socketio.Namespace
	release func()
}

func (s spaces) release() {
	for _, one := range s {
		one.release()
	}
}

// of returns the namespace of a name, which is kept until release.
func (s spaces) of(a *API, name, field string) (*socketio.Namespace, error) {
	if known, ok := s[name]; ok {
		return known.Namespace, nil
	}
	n, release, err := a.namespace(name, field)
	if err != nil {
		return nil, err
	}
	s[name] = space{n, release}
	return n, nil
}

// prepare reads an event and asks whether the caller may emit it.
func (a *API) prepare(e *emission, text []byte, at string, who *auth.Principal, s spaces) error {
	var m keyed
	if err := decode(text, at, &m); err != nil {
		return err
	}
	if len(m.Key) > maxKey {
		return wrong(at+"/key", "the key has %d bytes; the most is %d", len(m.Key), maxKey)
	}
	if m.Key != "" {
		e.key, e.sum = m.Key, sha256.Sum256(text)
	}
	return a.prepareMessage(e, &m.message, at, who, s)
}

func (a *API) prepareMessage(e *emission, m *message, at string, who *auth.Principal, s spaces) (err error) {
	if e.ns, err = s.of(a, m.Namespace, at+"/namespace"); err != nil {
		return err
	}
	if err := a.checkEvent(m.Event, at+"/event"); err != nil {
		return err
	}
	e.event = m.Event
	if err := e.read(m, at+"/args"); err != nil {
		return err
	}
	return a.address(e, m, at, who)
}

// checkEvent says what is wrong with an event's name.
func (a *API) checkEvent(event, field string) error {
	switch {
	case event == "":
		return wrong(field, "the event's name is missing")
	case len(event) > a.opts.MaxEventName:
		return wrong(field, "the event's name has %d bytes; the most is %d", len(event), a.opts.MaxEventName)
	case wire.Reserved(event):
		return wrong(field, "Socket.IO keeps the event %q for itself", event)
	case rooms.OwnEvent(event):
		return wrong(field, "events whose names begin with %q or %q are the server's own", rooms.EventPrefix, auth.EventPrefix)
	}
	return nil
}

// address finds out whom an event is for, and whether the caller may say something to
// them.
func (a *API) address(e *emission, m *message, at string, who *auth.Principal) error {
	to, err := names(m.Rooms, at+"/rooms")
	if err != nil {
		return err
	}
	users, err := names(m.Users, at+"/users")
	if err != nil {
		return err
	}
	except, err := names(m.Except, at+"/except")
	if err != nil {
		return err
	}
	allow := func(room, field string) error {
		err := a.opts.Rooms.Allow(who, auth.ActionPublish, e.ns.Name(), room)
		return pointed(err, field)
	}
	if len(to) == 0 && len(users) == 0 {
		if err := allow("", at); err != nil {
			return err
		}
	}
	for i, room := range to {
		field := at + "/rooms/" + strconv.Itoa(i)
		if err := pointed(a.opts.Rooms.Check(room), field); err != nil {
			return err
		}
		if err := allow(room, field); err != nil {
			return err
		}
	}
	for i, user := range users {
		field := at + "/users/" + strconv.Itoa(i)
		if err := checkUser(user, field); err != nil {
			return err
		}
		if err := allow(userPrefix+user, field); err != nil {
			return err
		}
	}
	for i, room := range except {
		if err := pointed(a.opts.Rooms.Check(room), at+"/except/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	e.to = e.ns.To(to...).ToUser(users...).Except(except...)
	if m.Volatile {
		e.to = e.to.Volatile()
	}
	return nil
}

// userPrefix and the id of a user are the room whose pattern says who may say something to
// the user, as in the chat's private messages. Nobody is in it.
const userPrefix = "user:"

func checkUser(id, field string) error {
	if id == "" || len(id) > socketio.MaxUserID || !utf8.ValidString(id) {
		return wrong(field, "the id of a user has 1 to %d bytes", socketio.MaxUserID)
	}
	return nil
}

// pointed says where in the body an error is.
func pointed(err error, field string) error {
	if err == nil {
		return nil
	}
	p := *problem.Of(err)
	p.Field = field
	return &p
}

// emitAll emits what may be emitted, in order.
func (a *API) emitAll(c *call, all []emission, single bool) (any, error) {
	claims, err := a.claim(c, all, single)
	if err != nil {
		return nil, err
	}
	answer := emitted{Accepted: len(all)}
	for i := range all {
		if claims.repeated(i) {
			answer.Repeated++
			continue
		}
		err := all[i].to.Emit(all[i].event, all[i].arguments()...)
		switch {
		case errors.Is(err, socketio.ErrThisNodeOnly):
			// It is out, and must not be sent again: the clients here have it.
			answer.Degraded = true
		case err != nil:
			claims.giveBack(i)
			return nil, &problem.Problem{
				Status: http.StatusServiceUnavailable, Code: problem.CodeUnavailable, RetryAfter: retryLater, Err: err,
				Message: fmt.Sprintf("the event could not be emitted; of the batch the first %d were", i), Field: "/" + strconv.Itoa(i),
			}
		}
	}
	return answer, nil
}
