package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/presence"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Namespace is where the chat is.
const Namespace = "/chat"

// roomPrefix and the name of a room of the chat are the Socket.IO room of its sockets.
// The prefix keeps it apart from the ids of sockets and from rooms of the server.
const roomPrefix = "room:"

// payload is that of CONNECT.
type payload struct {
	Secret string `json:"secret"`
	Nick   string `json:"nick"`
}

// owner is who a socket belongs to.
type owner struct {
	id    string
	nick  string // the one that is wanted
	named bool   // the site gave the nickname, and the user keeps it
}

// Mount registers the chat on srv. It is called once, before srv serves; it fails when
// an option cannot be. It ends with the namespace. Where the adapter has no recovery, a
// page that lost its connection asks for what it missed of its rooms.
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
	people := presence.New(ns, presence.Options{
		Grace: o.LeaveGrace, MaxMembers: o.MaxListed, MaxMembersOf: listed, Logger: o.Logger,
	})
	v := namespaceVoice{ns: ns, logger: o.Logger}
	_, v.cluster = ns.Adapter().(socketio.ClusterAdapter)
	c := &chat{hall: newHall(o, v, people), opts: o, ns: ns}
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		who, err := identify(s)
		if err != nil {
			return err
		}
		return s.SetUser(who.id)
	})
	ns.OnConnection(c.welcome)
	if o.Access != nil {
		ns.OnIdentity(func(s *socketio.Socket, _ any) { c.withdraw(s) })
	}
	ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { c.hall.lose(s) })
	if v.cluster {
		ns.OnServerSide(eventName, func(args socketio.Args, _ func(...any)) { c.hall.hear(args) })
		ns.OnAdapter(c.hall.adapterEvent)
	}
	ns.OnClose(c.hall.close)
	c.listen()
	return nil
}

// listed says that everybody is listed, for the nicknames.
func listed(room string) int {
	if room == everywhere {
		return math.MaxInt
	}
	return 0 // as other rooms
}

// identify reads who a socket belongs to: who has an id is that user, and anybody else
// is the user of a secret.
func identify(s *socketio.Socket) (owner, error) {
	var given payload
	err := s.Handshake().Auth.Decode(&given)
	if p := auth.Of(s); p.ID != "" {
		if p.Name != "" {
			return owner{id: p.ID, nick: p.Name, named: true}, nil
		}
		return owner{id: p.ID, nick: given.Nick}, nil
	}
	if err != nil {
		return owner{}, refuseConnect("bad_secret", "auth is an object with a secret and a nick, both strings")
	}
	id, err := userID(given.Secret)
	var refused *refusal
	if errors.As(err, &refused) {
		return owner{}, refuseConnect(refused.code, refused.message)
	}
	return owner{id: id, nick: given.Nick}, err
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
	who, err := identify(s)
	if err != nil {
		s.Disconnect(false) // cannot be: the middleware let it pass
		return
	}
	user, err := c.hall.arrive(s, who)
	switch {
	case errors.Is(err, presence.ErrFull):
		s.End("server_full", "this server has as many visitors as it can")
		return
	case err != nil:
		return // gone already; OnDisconnect follows
	}
	for _, name := range s.Rooms() { // none of the chat, unless recovered
		c.returned(s, name)
	}
	_ = s.Emit("welcome", greeting{User: user, Named: who.named, Limits: limits{ // fails only when the socket is gone
		Text: c.opts.MaxText, Nick: c.opts.MaxNick, Room: c.opts.MaxRoomName,
		Rooms: c.opts.RoomsPerTab, History: c.opts.History,
	}})
}

// returned takes a recovered socket into a room again. A room that is full by now, or
// that the user may not be in any more, is left.
func (c *chat) returned(s *socketio.Socket, name string) {
	inside, isRoom := strings.CutPrefix(name, roomPrefix)
	if !isRoom {
		return
	}
	err := c.may(s, auth.ActionJoin, inside)
	if err == nil {
		var r *room
		if r, err = c.hall.enter(s, inside); err == nil {
			err = c.hall.appear(s, r)
		}
	}
	if err != nil {
		s.Leave(name)
	}
}

// namespaceVoice lets a hall speak to sockets and nodes.
type namespaceVoice struct {
	ns      *socketio.Namespace
	logger  *slog.Logger
	cluster bool
}

var _ voice = namespaceVoice{}

func (v namespaceVoice) toRoom(room, event string, payload any) error {
	return toAnybody(v.ns.To(roomPrefix+room).Emit(event, payload))
}

// note tells the sockets of this node: every node says by itself who came and went. On
// a node without others the adapter keeps the notice for clients that come back.
func (v namespaceVoice) note(room, event string, payload any) {
	to := v.ns.To(roomPrefix + room)
	if v.cluster {
		to = to.Local()
	}
	if err := to.Emit(event, payload); err != nil && !errors.Is(err, socketio.ErrServerClosed) {
		v.logger.Warn("chat: a notice was not sent", slog.Any("error", err))
	}
}

func (v namespaceVoice) toUsers(event string, payload any, ids ...string) error {
	return toAnybody(v.ns.ToUser(ids...).Emit(event, payload))
}

func (v namespaceVoice) toNodes(m *nodeMessage) error {
	if !v.cluster {
		return nil
	}
	return v.ns.ServerSideEmit(eventName, m)
}

func (v namespaceVoice) alone() bool { return !v.cluster }

// toAnybody is no error where only this node's sockets were told: said again, they would
// have it twice. The adapter logs and counts it.
func toAnybody(err error) error {
	if errors.Is(err, socketio.ErrThisNodeOnly) {
		return nil
	}
	return err
}
