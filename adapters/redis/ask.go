package redis

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// request acts on a request of another node or of an emitter.
func (d *driver) request(payload []byte) error {
	q, err := decodeRequest(payload)
	if err != nil {
		return err
	}
	if q.uid == d.hub.o.NodeID || q.id != "" && d.a.Asked(q.id) {
		return nil
	}
	m := &cluster.Message{From: q.uid, Request: q.id, Rooms: q.rooms, Close: q.close}
	if q.opts != nil {
		m.Target = *q.opts
	}
	switch q.kind {
	case typeJoin, typeLeave, typeDisconnect:
		return d.move(q, m)
	case typeFetch:
		m.Kind = cluster.KindFetch
	case typeServerSide:
		m.Kind = cluster.KindServerSide
		if m.Event, err = eventName(q.data); err != nil {
			return err
		}
		m.Args = []any{q.data.From(1)}
	case typeBroadcast:
		m.Kind = cluster.KindBroadcast
		if m.Packet, err = q.event(d.namespace()); err != nil {
			return err
		}
	case typeSockets, typeAllRooms:
		d.tell(q)
		return nil
	default:
		return fmt.Errorf("a request of type %v", q.kind)
	}
	if m.Request == "" && m.Kind != cluster.KindServerSide {
		return fmt.Errorf("a request of type %v without an id", q.kind)
	}
	d.a.Receive(m)
	return nil
}

// move has sockets join, leave or be disconnected. The old form names one socket, and
// whoever has it answers.
func (d *driver) move(q *request, m *cluster.Message) error {
	switch q.kind {
	case typeJoin:
		m.Kind = cluster.KindJoin
	case typeLeave:
		m.Kind = cluster.KindLeave
	default:
		m.Kind = cluster.KindDisconnect
	}
	m.Request = ""
	if q.opts != nil {
		d.a.Receive(m)
		return nil
	}
	if _, here := d.a.Socket(q.sid); !here {
		return nil
	}
	m.Target, m.Rooms = socketio.Target{Rooms: []string{q.sid}}, []string{q.room}
	d.a.Receive(m)
	if q.id == "" {
		return nil
	}
	payload, err := json.Marshal(responseText{RequestID: q.id})
	if err != nil {
		return err
	}
	d.a.Answer(func() func() error {
		return func() error { return d.respond(q.uid, q.id, payload) }
	})
	return nil
}

// tell answers what only Node's nodes ask: which sockets are in some rooms, and which
// rooms there are.
func (d *driver) tell(q *request) {
	d.a.Answer(func() func() error {
		var payload []byte
		var err error
		if q.kind == typeSockets {
			payload, err = respondSockets(q.id, d.sockets(q.rooms))
		} else {
			payload, err = respondRooms(q.id, append(d.a.Namespace().Rooms(), d.sockets(nil)...))
		}
		return func() error {
			if err != nil {
				return err
			}
			return d.respond(q.uid, q.id, payload)
		}
	})
}

// sockets returns the ids of this node's sockets in any of the rooms, of all if there
// are none.
func (d *driver) sockets(rooms []string) []string {
	found, _ := d.a.Local.FetchSockets(context.Background(), &socketio.Target{Rooms: rooms}) // it never fails
	ids := make([]string, len(found))
	for i, s := range found {
		ids[i] = s.ID()
	}
	return ids
}
