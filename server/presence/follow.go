package presence

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Tracking by the rooms of the namespace, Options.Rooms.

// follow tracks a new socket, or one that was recovered, in the rooms it is in.
func (p *Presence) follow(s *socketio.Socket) {
	for _, room := range s.Rooms() {
		p.reconcile(s, room)
	}
}

func (p *Presence) roomEvent(e socketio.RoomEvent) {
	switch e.Kind {
	case socketio.RoomCreated, socketio.RoomDeleted:
		return
	case socketio.RoomJoined, socketio.RoomLeft:
	}
	s, ok := p.ns.Socket(e.Socket)
	switch {
	case !ok: // not yet: follow will see it; or not any more: it is lost
	case strings.HasPrefix(e.Room, socketio.UserRoomPrefix):
		p.follow(s) // it is another user's now
	default:
		p.reconcile(s, e.Room)
	}
}

// reconcile makes what is tracked of a socket and a room what is so now. Events of
// rooms may come in any order, but after each change comes one.
func (p *Presence) reconcile(s *socketio.Socket, room string) {
	if room == s.ID() || socketio.ReservedRoom(room) || checkName(room) != nil || !p.opts.Rooms(room) {
		return
	}
	var meta any
	if p.opts.Meta != nil {
		meta = p.opts.Meta(s)
	}
	text, err := encodeMeta(meta)
	if err == nil {
		err = p.reconcileMeta(s, room, text)
	}
	if err != nil && p.warned.CompareAndSwap(false, true) {
		p.opts.Logger.Warn("presence: a socket is not tracked (logged once)", slog.String("room", room), slog.Any("error", err))
	}
}

func (p *Presence) reconcileMeta(s *socketio.Socket, room, meta string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !s.Connected() {
		return nil // OnDisconnect was, or is yet to come
	}
	if !slices.Contains(s.Rooms(), room) {
		p.untrackLocked(s, room)
		p.settleLocked()
		return nil
	}
	err := p.trackLocked(s, room, s.User(), meta)
	p.settleLocked()
	return err
}
