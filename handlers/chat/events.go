package chat

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// What clients hear beside messages.
type (
	greeting struct {
		User   User   `json:"user"`
		Limits limits `json:"limits"`
		Named  bool   `json:"named,omitempty"` // the site gave the nickname
	}
	limits struct {
		Text    int `json:"text"`    // characters of a message
		Nick    int `json:"nick"`    // characters of a nickname
		Room    int `json:"room"`    // characters of a room's name
		Rooms   int `json:"rooms"`   // of one connection
		History int `json:"history"` // messages kept of a room
	}
	whereabouts struct {
		Room string `json:"room"`
		User User   `json:"user"`
	}
	crowd struct {
		Room  string `json:"room"`
		Count int    `json:"count"`
		Users []User `json:"users,omitempty"`
	}
	renamed struct {
		Room string `json:"room"`
		User User   `json:"user"`
		Was  string `json:"was"`
	}
	typing struct {
		Room string `json:"room"`
		User User   `json:"user"`
		On   bool   `json:"on"`
	}
	joinedRoom struct {
		Room     string     `json:"room"`
		Users    []User     `json:"users"`
		Count    int        `json:"count"`
		Messages []*Message `json:"messages"`
		Gap      bool       `json:"gap"`
	}
)

// request is the argument of every event; each reads its own fields.
type request struct {
	Nick  string `json:"nick"`
	Room  string `json:"room"`
	After string `json:"after"`
	To    string `json:"to"`
	Text  string `json:"text"`
	Key   string `json:"key"`
	On    bool   `json:"on"`
}

func (c *chat) listen() {
	for event, f := range map[string]func(ctx context.Context, s *socketio.Socket, q request) (any, error){
		"nick":    c.nick,
		"join":    c.join,
		"leave":   c.leave,
		"message": c.message,
		"private": c.private,
		"typing":  c.typing,
	} {
		c.ns.On(event, c.answering(f))
	}
	c.ns.OnUnhandled(func(_ context.Context, e *socketio.Event) {
		c.acknowledge(e, nil, &refusal{"unknown_event", "the chat has no event of this name"})
	})
}

// answering reads the request of an event and acknowledges it with the outcome.
func (c *chat) answering(f func(ctx context.Context, s *socketio.Socket, q request) (any, error)) socketio.Handler {
	return func(ctx context.Context, e *socketio.Event) {
		var q request
		if err := e.Bind(&q); err != nil {
			c.acknowledge(e, nil, &refusal{"bad_request", "the first argument is an object with the fields of " + e.Name()})
			return
		}
		outcome, err := f(ctx, e.Socket(), q)
		c.acknowledge(e, outcome, err)
	}
}

// acknowledge answers, if the client asked. What fails here is the connection, which
// ends by itself.
func (c *chat) acknowledge(e *socketio.Event, outcome any, err error) {
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		c.opts.Logger.Warn("chat: an event failed", slog.String("event", e.Name()), slog.Any("error", err))
		refused = &refusal{"failed", "the server could not do this"}
	}
	switch {
	case !e.HasAck():
	case refused != nil:
		_ = e.AckError(refused.code, refused.message)
	default:
		_ = e.Ack(outcome)
	}
}

// room returns the one form of the name of a room with which a socket may do something.
func (c *chat) room(s *socketio.Socket, do auth.Action, name string) (string, error) {
	name, err := checkRoom(name, c.opts.MaxRoomName)
	if err != nil {
		return "", err
	}
	return name, c.may(s, do, name)
}

func (c *chat) nick(_ context.Context, s *socketio.Socket, q request) (any, error) {
	user, err := c.hall.rename(s, q.Nick)
	return map[string]User{"user": user}, err
}

// join enters the room before it looks around: what is said in between is both heard
// and in the history, and has an id to tell so; in the other order it could be neither.
// It appears there when it can hear that itself.
func (c *chat) join(ctx context.Context, s *socketio.Socket, q request) (any, error) {
	name, err := c.room(s, auth.ActionJoin, q.Room)
	if err != nil {
		return nil, err
	}
	r, err := c.hall.enter(s, name)
	if err != nil {
		return nil, err
	}
	if err := s.Join(roomPrefix + name); err != nil {
		return nil, err // the socket is gone, and OnDisconnect takes it out of the room
	}
	if err := c.hall.appear(s, r); err != nil {
		s.Leave(roomPrefix + name)
		return nil, err
	}
	c.hall.complete(ctx, r)
	return c.look(s, r, q.After), nil
}

func (c *chat) leave(_ context.Context, s *socketio.Socket, q request) (any, error) {
	name, err := checkRoom(q.Room, c.opts.MaxRoomName)
	if err != nil {
		return nil, err
	}
	s.Leave(roomPrefix + name)
	return map[string]string{"room": name}, c.hall.leave(s, name)
}

func (c *chat) message(_ context.Context, s *socketio.Socket, q request) (any, error) {
	name, err := c.room(s, auth.ActionPublish, q.Room)
	if err != nil {
		return nil, err
	}
	return c.hall.say(s, name, q.Text, q.Key)
}

func (c *chat) private(_ context.Context, s *socketio.Socket, q request) (any, error) {
	if err := c.may(s, auth.ActionPublish, privatePrefix+q.To); err != nil {
		return nil, err
	}
	return c.hall.whisper(s, q.To, q.Text, q.Key)
}

// typing tells the room's other users. It is volatile: who has no time for it now has
// no use for it later.
func (c *chat) typing(_ context.Context, s *socketio.Socket, q request) (any, error) {
	name, err := c.room(s, auth.ActionPublish, q.Room)
	if err != nil {
		return nil, err
	}
	user, err := c.hall.typist(s, name)
	if err != nil {
		return nil, err
	}
	others := c.ns.To(roomPrefix + name).ExceptUser(user.ID).Volatile()
	return struct{}{}, toAnybody(others.Emit("typing", typing{Room: name, User: user, On: q.On}))
}
