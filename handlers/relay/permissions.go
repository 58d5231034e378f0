package relay

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// may asks whether a socket may do something with a room, "" being the whole namespace.
func (r rooms) may(s *socketio.Socket, do auth.Action, room string) error {
	if r.access == nil && r.only == nil {
		return nil // not even the identity is looked at
	}
	p := auth.Of(s)
	if r.only != nil && room != "" && !r.only.MatchFor(p.ID, room) {
		return &auth.Error{Code: auth.CodeForbidden, Message: "this event is not for the room " + strconv.Quote(room)}
	}
	if r.access == nil {
		return nil
	}
	return r.access.Allow(p, do, s.Namespace().Name(), room)
}

// toPublish lists those of the rooms of a socket that it may publish to. It is an error
// if there are none.
func (r rooms) toPublish(s *socketio.Socket) ([]string, error) {
	mine := r.of(s)
	if len(mine) == 0 {
		return nil, &refusal{"no_room", "join a room first; this event goes to the members of your rooms"}
	}
	if r.access == nil && r.only == nil {
		return mine, nil
	}
	var last error
	mine = slices.DeleteFunc(mine, func(room string) bool {
		err := r.may(s, auth.ActionPublish, room)
		if err != nil {
			last = err
		}
		return err != nil
	})
	if len(mine) == 0 {
		return nil, last
	}
	return mine, nil
}

// forRoles lets only senders with one of some roles do something.
func forRoles(roles []string, act func(e *socketio.Event) error) func(e *socketio.Event) error {
	denied := &auth.Error{Code: auth.CodeForbidden, Message: "this event needs " + list(roles)}
	return func(e *socketio.Event) error {
		if !hasOne(auth.Of(e.Socket()), roles) {
			return denied
		}
		return act(e)
	}
}

func hasOne(p *auth.Principal, roles []string) bool { return slices.ContainsFunc(roles, p.HasRole) }

// list names roles: "the role a", "one of the roles a, b".
func list(roles []string) string {
	if len(roles) == 1 {
		return "the role " + roles[0]
	}
	return "one of the roles " + strings.Join(roles, ", ")
}

func isForbidden(err error) bool {
	var barred *auth.Error
	return errors.As(err, &barred) && barred.Code == auth.CodeForbidden
}

// guard lets only clients with one of some roles into a namespace, if there are any, and
// sees to it that a client whose rights have changed is not where it may not be.
func guard(s space, r rooms, roles []string) {
	if len(roles) > 0 {
		message := "this namespace needs " + list(roles)
		s.Use(func(_ context.Context, s *socketio.Socket) error {
			if hasOne(auth.Of(s), roles) {
				return nil
			}
			return &socketio.ConnectError{Message: message, Data: map[string]string{"code": string(auth.CodeForbidden), "message": message}}
		})
		check := func(s *socketio.Socket) {
			if !hasOne(auth.Of(s), roles) {
				s.End(string(auth.CodeForbidden), message)
			}
		}
		s.OnIdentity(func(s *socketio.Socket, _ any) { check(s) })
		s.OnConnection(check) // who is recovered may have come past the middleware
	}
	if r.access == nil {
		return
	}
	s.OnConnection(func(s *socketio.Socket) {
		if s.Recovered() {
			r.withdraw(s, func(string) bool { return true })
		}
	})
	s.OnIdentity(func(s *socketio.Socket, was any) {
		before := auth.From(was)
		r.withdraw(s, func(room string) bool { // into others the server has put it
			return r.access.Allow(before, auth.ActionJoin, s.Namespace().Name(), room) == nil
		})
	})
}

// withdraw leaves the rooms that the socket may not be in, of those that which names.
func (r rooms) withdraw(s *socketio.Socket, which func(room string) bool) {
	p, namespace := auth.Of(s), s.Namespace().Name()
	for _, room := range r.of(s) {
		if r.access.Allow(p, auth.ActionJoin, namespace, room) != nil && which(room) {
			s.Leave(room)
		}
	}
}
