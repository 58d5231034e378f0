package relay

import (
	"cmp"
	"context"
	"errors"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// space is what a namespace and a parent namespace have in common: handlers shared by
// all their sockets.
type space interface {
	On(event string, h socketio.Handler) socketio.Listener
	OnUnhandled(f func(ctx context.Context, e *socketio.Event)) socketio.Listener
	Use(mw func(ctx context.Context, s *socketio.Socket) error) socketio.Listener
	OnConnection(f func(s *socketio.Socket)) socketio.Listener
	OnIdentity(f func(s *socketio.Socket, was any)) socketio.Listener
}

var (
	_ space = (*socketio.Namespace)(nil)
	_ space = (*socketio.ParentNamespace)(nil)
)

// Mount registers the contract and the rules on srv, or fails as Validate does. It is
// called once, before srv serves.
func Mount(srv *socketio.Server, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	if c.MaxRooms == 0 {
		c.MaxRooms = DefaultMaxRooms
	}
	if c.MaxRoomName == 0 {
		c.MaxRoomName = DefaultMaxRoomName
	}
	rooms := rooms{maxRooms: c.MaxRooms, maxName: c.MaxRoomName, access: c.Access}
	names := newSeen(c.Logger)
	for _, key := range c.keys() {
		s, err := open(srv, key)
		if err != nil {
			return err
		}
		mountRules(s, key, c, rooms, names)
	}
	if _, ruled := c.Namespaces["/"]; !ruled && c.HasContract() {
		mountRules(srv.Of("/"), "/", c, rooms, names)
	}
	return nil
}

func open(srv *socketio.Server, key string) (space, error) {
	if isExact(key) {
		return srv.Of(key), nil
	}
	re, err := compile(key)
	if err != nil {
		return nil, err
	}
	return srv.OfPattern(re), nil
}

// mountRules registers one namespace's events. A rule replaces an event of the
// contract; "*" takes what nothing else does.
func mountRules(s space, key string, c Config, rooms rooms, names *seen) {
	rules := c.Namespaces[key]
	guard(s, rooms, c.Roles[key])
	forbidden := func() {}
	if c.Observer != nil {
		forbidden = func() { c.Observer.Forbidden(key) }
	}
	if key == "/" && c.HasContract() {
		for event, handler := range contract(rooms, forbidden) {
			if _, replaced := rules[event]; !replaced {
				s.On(event, handler)
			}
		}
	}
	for event, rule := range rules {
		if event != "*" {
			s.On(event, rule.handler(rooms, forbidden))
		}
	}
	if rest, ruled := rules["*"]; ruled {
		s.OnUnhandled(rest.handler(rooms, forbidden))
		return
	}
	s.OnUnhandled(func(ctx context.Context, e *socketio.Event) {
		if c.Observer != nil {
			c.Observer.UnknownEvent(key)
		}
		names.note(ctx, e)
		if e.HasAck() {
			answer(e, &refusal{"unknown_event", "nothing on this server takes an event of this name"})
		}
	})
}

// handler compiles the rule, so that an event costs no decision that a rule has
// already made.
func (r Rule) handler(rooms rooms, forbidden func()) socketio.Handler {
	rooms.only = r.Rooms
	act := r.relay(rooms)
	switch r.Do {
	case DoJoin:
		act = rooms.join
	case DoLeave:
		act = rooms.leave
	}
	if len(r.Roles) > 0 {
		act = forRoles(r.Roles, act)
	}
	silent := r.Ack == AckNone
	return func(_ context.Context, e *socketio.Event) {
		err := act(e)
		if err != nil && isForbidden(err) {
			forbidden()
		}
		if err != nil || !silent {
			answer(e, err)
		}
	}
}

// relay returns what passes one event on.
func (r Rule) relay(rooms rooms) func(e *socketio.Event) error {
	return func(e *socketio.Event) error {
		s, args := e.Socket(), e.Args()
		name := cmp.Or(r.As, e.Name())
		if owned(name) {
			return &refusal{"reserved_event", "the server keeps this event's name for itself"}
		}
		var targets []string // none is everyone
		switch r.To {
		case ToRooms:
			var err error
			if targets, err = rooms.toPublish(s); err != nil {
				return err
			}
		case ToRoom0:
			room, err := rooms.named(e)
			if err == nil {
				err = rooms.may(s, auth.ActionPublish, room)
			}
			if err != nil {
				return err
			}
			targets, args = []string{room}, args.From(1)
		case ToAll, ToOthers:
			if err := rooms.may(s, auth.ActionPublish, ""); err != nil {
				return err
			}
		}
		to := s.Namespace().To(targets...)
		if r.Volatile {
			to = to.Volatile()
		}
		if !r.toSelf() {
			to = to.Except(s.ID())
		}
		return to.Emit(name, args.Values()...)
	}
}

// contract is the relay contract of the namespace "/".
func contract(rooms rooms, forbidden func()) map[string]socketio.Handler {
	say := Rule{To: ToRoom0, As: "msg"}
	return map[string]socketio.Handler{
		"join":  Rule{Do: DoJoin}.handler(rooms, forbidden),
		"leave": Rule{Do: DoLeave}.handler(rooms, forbidden),
		"say":   say.handler(rooms, forbidden),
		"echo":  echo,
	}
}

func echo(_ context.Context, e *socketio.Event) {
	values := e.Args().Values()
	if e.HasAck() {
		_ = e.Ack(values...) // fails only when the client has gone
		return
	}
	_ = e.Socket().Emit("echo", values...)
}

// refusal is an error that the client is told: the code and message of its ack.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

// answer acknowledges e, if the client asked: "ok", or the error. What fails here is
// the connection, which ends by itself. An event that only this node's clients got is
// not refused: sent again, they would have it twice. The adapter logs and counts it.
func answer(e *socketio.Event, err error) {
	switch {
	case !e.HasAck():
	case err == nil, errors.Is(err, socketio.ErrThisNodeOnly):
		_ = e.Ack("ok")
	default:
		refuse(e, err)
	}
}

// refuse acknowledges e with an error.
func refuse(e *socketio.Event, err error) {
	var refused *refusal
	var barred *auth.Error
	switch {
	case errors.As(err, &refused):
		_ = e.AckError(refused.code, refused.message)
	case errors.As(err, &barred):
		_ = e.AckError(string(barred.Code), barred.Message)
	default:
		_ = e.AckError("failed", "the server could not pass the event on")
	}
}
