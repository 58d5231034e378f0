package redisstreams

import (
	"encoding/json"
	"errors"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// take deals with an entry of the log that is for this namespace. It runs on the
// reader's goroutine. j is the node's own call that waits for it, if there is one.
func (a *Adapter) take(e *entry, next position, own bool, j *job) {
	switch {
	case e.kind == typeBroadcast && j != nil:
		a.takePacket(j.packet, j.target, next, j.deliver)
		return
	case own && (e.kind != typeBroadcast || a.recovery.Load() == nil):
		// It was done when it was said.
	case e.kind == typeBroadcast:
		p, t, err := decodeBroadcast(a.name, e.data)
		if err != nil {
			a.leaveOut(e, err)
			break
		}
		if own && t.Flags.Volatile {
			break
		}
		if !e.ours() {
			a.hub.keepForeign(e, next, &t)
		}
		a.takePacket(p, &t, next, func(track bool) (func(), error) { return a.Deliver(p, &t, track) })
		return
	default:
		a.takeMove(e)
	}
	a.hub.moveTo(next)
}

func (a *Adapter) leaveOut(e *entry, err error) {
	a.hub.o.Observer.NotUnderstood(cluster.Log)
	a.hub.log.Warn("an entry of the stream cannot be read and is left out",
		"id", e.id.String(), "namespace", e.nsp, "uid", e.uid, "type", e.kind, "error", err)
}

// takePacket delivers a packet of the log.
func (a *Adapter) takePacket(p *socketio.Packet, t *socketio.Target, next position, deliver deliverFunc) {
	h := a.hub
	r := a.recovery.Load()
	held := 0
	if r != nil {
		p.SetOffset(next.offset())
		if !t.Flags.Volatile {
			var err error
			if held, err = p.Freeze(); err != nil {
				h.log.Warn("an event of the stream cannot be encoded and is left out", "id", next.id.String(), "error", err)
				h.moveTo(next)
				return
			}
		}
	}
	track := r != nil && !t.Flags.Volatile
	prev := *h.at.Load()
	if r != nil && a.heldFrom.Load() == nil {
		a.heldFrom.Store(&prev)
	}
	a.mu.Lock()
	h.current.Store(&next)
	after, err := deliver(track)
	if err != nil && !errors.Is(err, socketio.ErrDisconnected) {
		h.log.Warn("an event of the stream cannot be encoded and is left out", "id", next.id.String(), "error", err)
	} else if track {
		p.DropEncodings() // the outboxes have them
		h.recent.add(prev, newKept(next, a.name, p, t, held), h.clock().Add(-a.keeps()))
	}
	h.moveTo(next)
	a.mu.Unlock()
	a.Soon(after)
}

// takeMove acts on sockets as another node said.
func (a *Adapter) takeMove(e *entry) {
	switch e.kind {
	case typeJoin, typeLeave, typeDisconnect:
	case typeServerSide:
		a.takeServerSide(e)
		return
	default:
		return // of later versions, or for other kinds of adapters
	}
	var m movesText
	if err := json.Unmarshal([]byte(e.data), &m); err != nil {
		a.leaveOut(e, err)
		return
	}
	t := m.Opts.target()
	switch e.kind {
	case typeJoin:
		a.Soon(a.ApplyJoin(&t, m.Rooms))
	case typeLeave:
		a.Soon(a.ApplyLeave(&t, m.Rooms))
	case typeDisconnect:
		if err := a.Local.DisconnectSockets(&t, m.Close); err != nil {
			a.leaveOut(e, err)
		}
	}
}
