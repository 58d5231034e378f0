package relay

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/spaces"
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

// noEntry is said of namespaces in which no event enters a room.
var noEntry = &auth.Error{Code: auth.CodeForbidden, Message: "clients enter no rooms of this namespace by themselves"}

// MayEnter asks whether a socket may enter a room as one of the namespace's events would
// have it do: join of the contract, or a rule that joins. It is for other ways in.
func (c Config) MayEnter(s *socketio.Socket, room string) error {
	var err error = noEntry
	for _, rule := range c.joins(s.Namespace().Name()) {
		of := rooms.Rules{Max: c.MaxRooms, MaxName: c.MaxRoomName, Access: c.Access, Only: rule.Rooms}
		if len(rule.Roles) > 0 && !hasOne(auth.Of(s), rule.Roles) {
			err = &auth.Error{Code: auth.CodeForbidden, Message: "entering rooms needs " + list(rule.Roles)}
			continue
		}
		if err = of.MayEnter(s, room); err == nil {
			return nil
		}
	}
	return err
}

// joins lists the rules by which clients of a namespace enter rooms.
func (c Config) joins(namespace string) (joins []Rule) {
	if slices.Contains(c.Reserved, namespace) {
		return nil
	}
	var rules Rules
	for _, key := range spaces.Sorted(maps.Keys(c.Namespaces)) {
		if re, err := spaces.Compile(key); err == nil && re.MatchString(namespace) {
			rules = c.Namespaces[key]
			break
		}
	}
	for _, event := range sortedKeys(rules) {
		if rules[event].Do == DoJoin {
			joins = append(joins, rules[event])
		}
	}
	if _, replaced := rules["join"]; namespace == "/" && c.HasContract() && !replaced && !slices.Contains(c.Without, "join") {
		joins = append(joins, Rule{Do: DoJoin})
	}
	return joins
}
