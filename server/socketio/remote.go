package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// RemoteSocket is a socket found by FetchSockets, of this node or another.
type RemoteSocket struct {
	ns    *Namespace
	id    string
	local *Socket // nil for a socket of another node

	rooms     []string
	data      Raw
	handshake *Handshake
}

// NewRemoteSocket returns a socket of another node. It is for adapters.
func NewRemoteSocket(n *Namespace, id string, rooms []string, data Raw, h *Handshake) *RemoteSocket {
	return &RemoteSocket{ns: n, id: id, rooms: rooms, data: data, handshake: h}
}

// ID returns the socket's id.
func (r *RemoteSocket) ID() string { return r.id }

// Local returns the socket itself if it is on this node.
func (r *RemoteSocket) Local() (*Socket, bool) { return r.local, r.local != nil }

// Rooms returns the rooms the socket is in.
func (r *RemoteSocket) Rooms() []string {
	if r.local != nil {
		return r.local.Rooms()
	}
	return r.rooms
}

// Handshake returns what the socket's connection began with.
func (r *RemoteSocket) Handshake() *Handshake {
	if r.local != nil {
		return r.local.Handshake()
	}
	return r.handshake
}

// Data returns the socket's data: the value itself on this node, and what is
// left of it after JSON from another.
func (r *RemoteSocket) Data() any {
	if r.local != nil {
		return r.local.Data()
	}
	v, err := r.data.Value()
	if err != nil {
		return nil
	}
	return v
}

// DecodeData stores the socket's data in dst, a pointer, by the rules of
// encoding/json, wherever the socket is.
func (r *RemoteSocket) DecodeData(dst any) error {
	if r.local == nil {
		return r.data.Decode(dst)
	}
	b, err := json.Marshal(r.local.Data())
	if err != nil {
		return fmt.Errorf("socketio: data of socket %s: %w", r.id, err)
	}
	return json.Unmarshal(b, dst)
}

func (r *RemoteSocket) target() *Broadcast {
	return &Broadcast{ns: r.ns, t: Target{Rooms: []string{r.id}}}
}

// Emit sends an event to the socket.
func (r *RemoteSocket) Emit(event string, args ...any) error { return r.target().Emit(event, args...) }

// EmitWithAck sends an event and waits for the answer. ErrDisconnected is
// returned when the socket is gone.
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	got, err := r.target().EmitWithAck(ctx, event, args...)
	var missing *AckError
	if errors.As(err, &missing) {
		return Args{}, missing.Err
	}
	if err != nil {
		return Args{}, err
	}
	if len(got) == 0 {
		return Args{}, ErrDisconnected
	}
	return got[0], nil
}

// Join makes the socket enter rooms.
func (r *RemoteSocket) Join(rooms ...string) error { return r.target().SocketsJoin(rooms...) }

// Leave makes the socket leave rooms.
func (r *RemoteSocket) Leave(rooms ...string) error { return r.target().SocketsLeave(rooms...) }

// Disconnect disconnects the socket.
func (r *RemoteSocket) Disconnect(closeTransport bool) error {
	return r.target().DisconnectSockets(closeTransport)
}
