package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Namespace is where the chat is.
const Namespace = "/chat"

// Sockets are in one Socket.IO room per room of the chat and in one of their user. The
// prefixes keep them apart from each other and from the ids of sockets.
const (
	roomPrefix = "room:"
	userPrefix = "user:"
)

// auth is the payload of CONNECT.
type auth struct {
	Secret string `json:"secret"`
	Nick   string `json:"nick"`
}

// Mount registers the chat on srv. It is called once, before srv serves; it fails when
// an option cannot be. Where the adapter has no recovery, a page that lost its connection
// asks for what it missed of its rooms.
func Mount(srv *socketio.Server, o Options) error {
	if err := o.Validate(); err != nil {
		return err
	}
	o = o.withDefaults()
	ns := srv.Of(Namespace)
	err := ns.EnableRecovery(socketio.Recovery{MaxDisconnection: o.Recovery, MaxBytes: o.RecoveryBytes})
	switch {
	case errors.Is(err, socketio.ErrNoRecovery):
		o.Logger.Info("chat: the adapter has no recovery: pages that come back ask for what they missed")
	case err != nil:
		return fmt.Errorf("chat: recovery on %s: %w", Namespace, err)
	}
	c := &chat{hall: newHall(o, namespaceVoice{ns, o.Logger}), opts: o, ns: ns}
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		_, _, err := identify(s)
		return err
	})
	ns.OnConnection(c.welcome)
	ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { c.hall.lose(s.ID()) })
	c.listen()
	return nil
}

// identify reads who a socket belongs to.
func identify(s *socketio.Socket) (id, nick string, err error) {
	var a auth
	if err := s.Handshake().Auth.Decode(&a); err != nil {
		return "", "", refuseConnect("bad_secret", "auth is an object with a secret and a nick, both strings")
	}
	id, err = userID(a.Secret)
	var refused *refusal
	if errors.As(err, &refused) {
		return "", "", refuseConnect(refused.code, refused.message)
	}
	return id, a.Nick, err
}

func refuseConnect(code, message string) error {
	return &socketio.ConnectError{Message: message, Data: map[string]string{"code": code}}
}

// chat binds the hall to the namespace.
type chat struct {
	hall *hall
	opts Options
	ns   *socketio.Namespace
}

// welcome takes a new socket in, or one that was recovered with its rooms.
func (c *chat) welcome(s *socketio.Socket) {
	id, nick, err := identify(s)
	if err != nil {
		s.Disconnect(false) // cannot be: the middleware let it pass
		return
	}
	user := c.hall.arrive(s.ID(), id, nick)
	for _, name := range s.Rooms() { // none, unless recovered
		c.returned(s, id, name)
	}
	if err := s.Join(userPrefix + id); err != nil {
		return // gone already; OnDisconnect follows
	}
	_ = s.Emit("welcome", greeting{User: user, Limits: limits{ // fails only when the socket is gone
		Text: c.opts.MaxText, Nick: c.opts.MaxNick, Room: c.opts.MaxRoomName,
		Rooms: c.opts.RoomsPerTab, History: c.opts.History,
	}})
}

// returned takes a recovered socket into a room again. A room that is full by now, and
// the room of another user (the secret was changed while the connection was lost), are
// left.
func (c *chat) returned(s *socketio.Socket, id, name string) {
	if owner, isUser := strings.CutPrefix(name, userPrefix); isUser && owner != id {
		s.Leave(name)
	}
	if room, isRoom := strings.CutPrefix(name, roomPrefix); isRoom {
		r, err := c.hall.enter(s.ID(), room)
		if err != nil {
			s.Leave(name)
			return
		}
		c.hall.speak(r)
	}
}

// namespaceVoice lets a hall speak to sockets.
type namespaceVoice struct {
	ns     *socketio.Namespace
	logger *slog.Logger
}

var _ voice = namespaceVoice{}

func (v namespaceVoice) toRoom(room, event string, payload any) {
	v.check(v.ns.To(roomPrefix+room).Emit(event, payload))
}

func (v namespaceVoice) toUsers(event string, payload any, ids ...string) {
	rooms := make([]string, len(ids))
	for i, id := range ids {
		rooms[i] = userPrefix + id
	}
	v.check(v.ns.To(rooms...).Emit(event, payload))
}

// check logs an emit that failed, which is no fault of the client whose event it was.
// That other nodes are away is logged by the adapter, once.
func (v namespaceVoice) check(err error) {
	if err != nil && !errors.Is(err, socketio.ErrServerClosed) && !errors.Is(err, socketio.ErrThisNodeOnly) {
		v.logger.Warn("chat: a notice was not sent", slog.Any("error", err))
	}
}
