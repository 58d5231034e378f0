package relay

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

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
func guard(s space, r rooms.Rules, roles []string) {
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
	r.Watch(s)
}
