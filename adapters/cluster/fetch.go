package cluster

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// FetchSockets returns the sockets that t names, of every node.
func (a *Adapter) FetchSockets(ctx context.Context, t *socketio.Target) ([]*socketio.RemoteSocket, error) {
	found, err := a.Local.FetchSockets(ctx, t)
	if err != nil || t.Flags.Local {
		return found, err
	}
	got, err := a.ask(ctx, &Message{Kind: KindFetch, Target: *t}, KindSockets, "fetchSockets")
	for _, m := range got {
		for i := range m.Sockets {
			found = append(found, a.remote(&m.Sockets[i]))
		}
	}
	return found, err
}

// remote makes a socket of another node out of what that says of it.
func (a *Adapter) remote(s *SocketState) *socketio.RemoteSocket {
	var data socketio.Raw
	if len(s.Data) > 0 {
		if err := data.UnmarshalJSON(s.Data); err != nil {
			data = socketio.Raw{} // it was checked with the message it came in
		}
	}
	return socketio.NewRemoteSocket(a.Namespace(), s.ID, s.Rooms, data, decodeHandshake(s.Handshake))
}

// answerFetch tells another node which sockets are here.
func (a *Adapter) answerFetch(m *Message) {
	a.answers.put(a.describe(m))
}

// describe looks up the sockets at once, and puts them into words when the answer
// is sent: that runs code of the application, which made their data.
func (a *Adapter) describe(m *Message) (send func() error) {
	found, _ := a.Local.FetchSockets(context.Background(), &m.Target) // it never fails
	return func() error {
		r := &Message{Kind: KindSockets, From: a.o.NodeID, Request: m.Request, Sockets: make([]SocketState, 0, len(found))}
		for _, remote := range found {
			if s, here := remote.Local(); here {
				r.Sockets = append(r.Sockets, a.state(s))
			}
		}
		return a.driver.Reply(m.From, r)
	}
}

// state is what other nodes see of a socket.
func (a *Adapter) state(s *socketio.Socket) SocketState {
	data, err := json.Marshal(s.Data())
	if err != nil {
		a.o.Logger.Warn("the data of a socket cannot be sent to other nodes", slog.String("namespace", a.Namespace().Name()),
			slog.Any("error", err))
		data = []byte("null")
	}
	return SocketState{ID: s.ID(), Handshake: encodeHandshake(s.Handshake()), Rooms: s.Rooms(), Data: data}
}
