package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/spaces"
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
	rules := rooms.Rules{Max: c.MaxRooms, MaxName: c.MaxRoomName, Access: c.Access}
	names := newSeen(c.Logger)
	for _, key := range c.keys() {
		s, err := open(srv, key)
		if err != nil {
			return err
		}
		mountRules(s, key, c, rules, names)
	}
	if _, ruled := c.Namespaces["/"]; !ruled && c.HasContract() {
		mountRules(srv.Of("/"), "/", c, rules, names)
	}
	return recovering(srv, c)
}

// recovering turns recovery on where it is asked for.
func recovering(srv *socketio.Server, c Config) error {
	for _, key := range sortedKeys(c.Recovery) {
		err := srv.Of(key).EnableRecovery(socketio.Recovery{MaxDisconnection: c.Recovery[key], MaxBytes: c.RecoveryBytes})
		switch {
		case errors.Is(err, socketio.ErrNoRecovery):
			if c.Logger != nil {
				c.Logger.Warn("relay: the adapter has no recovery: clients that come back have missed what was said", slog.String("namespace", key))
			}
		case err != nil:
			return fmt.Errorf("recovery on %s: %w", key, err)
		}
	}
	return nil
}

func open(srv *socketio.Server, key string) (space, error) {
	if spaces.Exact(key) {
		return srv.Of(key), nil
	}
	re, err := spaces.Compile(key)
	if err != nil {
		return nil, err
	}
	return srv.OfPattern(re), nil
}

// mountRules registers one namespace's events. A rule replaces an event of the
// contract; "*" takes what nothing else does.
func mountRules(s space, key string, c Config, of rooms.Rules, names *seen) {
	rules := c.Namespaces[key]
	guard(s, of, c.Roles[key])
	forbidden := func() {}
	if c.Observer != nil {
		forbidden = func() { c.Observer.Forbidden(key) }
	}
	if key == "/" && c.HasContract() {
		for event, handler := range contract(of, forbidden) {
			if _, replaced := rules[event]; !replaced && !slices.Contains(c.Without, event) {
				s.On(event, handler)
			}
		}
	}
	for event, rule := range rules {
		if event != "*" {
			s.On(event, rule.handler(of, forbidden))
		}
	}
	rest := c.unknown(key, names)
	if rule, ruled := rules["*"]; ruled {
		rest = rule.handler(of, forbidden)
	}
	s.OnUnhandled(func(ctx context.Context, e *socketio.Event) {
		if c.Elsewhere == nil || !c.Elsewhere(e.Socket().Namespace().Name(), e.Name()) {
			rest(ctx, e)
		}
	})
}

// unknown answers events that nothing takes.
func (c Config) unknown(key string, names *seen) socketio.Handler {
	return func(ctx context.Context, e *socketio.Event) {
		if c.Observer != nil {
			c.Observer.UnknownEvent(key)
		}
		names.note(ctx, e)
		if e.HasAck() {
			answer(e, &rooms.Error{Code: "unknown_event", Message: "nothing on this server takes an event of this name"})
		}
	}
}

// handler compiles the rule, so that an event costs no decision that a rule has
// already made.
func (r Rule) handler(of rooms.Rules, forbidden func()) socketio.Handler {
	of.Only = r.Rooms
	act := r.relay(of)
	switch r.Do {
	case DoJoin:
		act = join(of, r.Ack == AckNone)
	case DoLeave:
		act = inRoom0(of, of.Leave)
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

// inRoom0 does something with the sender and the room that argument 0 names.
func inRoom0(of rooms.Rules, do func(s *socketio.Socket, room string) error) func(e *socketio.Event) error {
	return func(e *socketio.Event) error {
		room, err := of.Named(e.Args(), 0)
		if err != nil {
			return err
		}
		return do(e.Socket(), room)
	}
}

// relay returns what passes one event on.
func (r Rule) relay(of rooms.Rules) func(e *socketio.Event) error {
	return func(e *socketio.Event) error {
		s, args := e.Socket(), e.Args()
		name := cmp.Or(r.As, e.Name())
		if rooms.OwnEvent(name) {
			return &rooms.Error{Code: "reserved_event", Message: "the server keeps this event's name for itself"}
		}
		var targets []string // none is everyone
		switch r.To {
		case ToRooms:
			var err error
			if targets, err = of.ToPublish(s); err != nil {
				return err
			}
		case ToRoom0:
			room, err := of.Named(e.Args(), 0)
			if err == nil {
				err = of.May(s, auth.ActionPublish, room)
			}
			if err != nil {
				return err
			}
			targets, args = []string{room}, args.From(1)
		case ToAll, ToOthers:
			if err := of.May(s, auth.ActionPublish, ""); err != nil {
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
func contract(of rooms.Rules, forbidden func()) map[string]socketio.Handler {
	say, toSelf := Rule{To: ToRoom0, As: "msg"}, false
	typing := Rule{To: ToRoom0, Volatile: true, Self: &toSelf}
	return map[string]socketio.Handler{
		"join":   Rule{Do: DoJoin}.handler(of, forbidden),
		"leave":  Rule{Do: DoLeave}.handler(of, forbidden),
		"say":    say.handler(of, forbidden),
		"typing": typing.handler(of, forbidden),
		"echo":   echo,
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

// answer acknowledges e, if the client asked and it was not done: "ok", or the error. What fails here is
// the connection, which ends by itself. An event that only this node's clients got is
// not refused: sent again, they would have it twice. The adapter logs and counts it.
func answer(e *socketio.Event, err error) {
	switch {
	case !e.HasAck(), e.Acked():
	case err == nil, errors.Is(err, socketio.ErrThisNodeOnly):
		_ = e.Ack("ok")
	default:
		refuse(e, err)
	}
}

// refuse acknowledges e with an error.
func refuse(e *socketio.Event, err error) {
	var refused *rooms.Error
	var barred *auth.Error
	switch {
	case errors.As(err, &refused):
		_ = e.AckError(refused.Code, refused.Message)
	case errors.As(err, &barred):
		_ = e.AckError(string(barred.Code), barred.Message)
	default:
		_ = e.AckError("failed", "the server could not pass the event on")
	}
}
