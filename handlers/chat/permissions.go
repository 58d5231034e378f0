package chat

import (
	"errors"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// privatePrefix and the id of a user are the room that a private message is asked to be
// published to. Nobody is in it.
const privatePrefix = "user:"

// may asks whether a socket may do something with a room of the chat.
func (c *chat) may(s *socketio.Socket, do auth.Action, room string) error {
	if c.opts.Access == nil {
		return nil
	}
	err := c.opts.Access.Allow(auth.Of(s), do, Namespace, room)
	var barred *auth.Error
	if errors.As(err, &barred) {
		return &refusal{string(barred.Code), barred.Message}
	}
	return err
}

// look returns what a socket that entered a room is told of it: nothing of those who are
// there and of what was said, if it may not read that.
func (c *chat) look(s *socketio.Socket, r *room, after string) joinedRoom {
	here, err := c.hall.people.As(auth.Of(s), c.opts.Access).Room(r.name)
	if err != nil {
		return joinedRoom{Room: r.name, Users: []User{}, Messages: []*Message{}}
	}
	return c.hall.look(r, here, after)
}

// withdraw takes a socket whose identity has changed out of the rooms that it may not be
// in any more.
func (c *chat) withdraw(s *socketio.Socket) {
	for _, name := range s.Rooms() {
		inside, isRoom := strings.CutPrefix(name, roomPrefix)
		if !isRoom || c.may(s, auth.ActionJoin, inside) == nil {
			continue
		}
		s.Leave(name)
		_ = c.hall.leave(s, inside) // fails only when the connection is gone
	}
}
