package socketio

import (
	"context"
	"time"
)

// The methods of this file are those of the namespace "/".

// Use is Namespace.Use of "/".
func (s *Server) Use(mw func(ctx context.Context, s *Socket) error) Listener { return s.root.Use(mw) }

// OnConnection is Namespace.OnConnection of "/".
func (s *Server) OnConnection(f func(s *Socket)) Listener { return s.root.OnConnection(f) }

// On is Namespace.On of "/".
func (s *Server) On(event string, h Handler) Listener { return s.root.On(event, h) }

// Off is Namespace.Off of "/".
func (s *Server) Off(events ...string) { s.root.Off(events...) }

// OnAny is Namespace.OnAny of "/".
func (s *Server) OnAny(f func(ctx context.Context, e *Event)) Listener { return s.root.OnAny(f) }

// OnUnhandled is Namespace.OnUnhandled of "/".
func (s *Server) OnUnhandled(f func(ctx context.Context, e *Event)) Listener {
	return s.root.OnUnhandled(f)
}

// OnDisconnecting is Namespace.OnDisconnecting of "/".
func (s *Server) OnDisconnecting(f func(s *Socket, r DisconnectReason)) Listener {
	return s.root.OnDisconnecting(f)
}

// OnDisconnect is Namespace.OnDisconnect of "/".
func (s *Server) OnDisconnect(f func(s *Socket, r DisconnectReason)) Listener {
	return s.root.OnDisconnect(f)
}

// OnRoom is Namespace.OnRoom of "/".
func (s *Server) OnRoom(f func(e RoomEvent)) Listener { return s.root.OnRoom(f) }

// OnServerSide is Namespace.OnServerSide of "/".
func (s *Server) OnServerSide(event string, f func(args Args, ack func(args ...any))) Listener {
	return s.root.OnServerSide(event, f)
}

// Socket is Namespace.Socket of "/".
func (s *Server) Socket(id string) (*Socket, bool) { return s.root.Socket(id) }

// Sockets is Namespace.Sockets of "/".
func (s *Server) Sockets() []*Socket { return s.root.Sockets() }

// ServerCount is Namespace.ServerCount of "/".
func (s *Server) ServerCount(ctx context.Context) (int, error) { return s.root.ServerCount(ctx) }

// To is Namespace.To of "/".
func (s *Server) To(rooms ...string) *Broadcast { return s.root.To(rooms...) }

// ToUser is Namespace.ToUser of "/".
func (s *Server) ToUser(ids ...string) *Broadcast { return s.root.ToUser(ids...) }

// In is Namespace.In of "/".
func (s *Server) In(rooms ...string) *Broadcast { return s.root.In(rooms...) }

// Except is Namespace.Except of "/".
func (s *Server) Except(rooms ...string) *Broadcast { return s.root.Except(rooms...) }

// Volatile is Namespace.Volatile of "/".
func (s *Server) Volatile() *Broadcast { return s.root.Volatile() }

// Local is Namespace.Local of "/".
func (s *Server) Local() *Broadcast { return s.root.Local() }

// Compress is Namespace.Compress of "/".
func (s *Server) Compress(on bool) *Broadcast { return s.root.Compress(on) }

// Timeout is Namespace.Timeout of "/".
func (s *Server) Timeout(d time.Duration) *Broadcast { return s.root.Timeout(d) }

// Emit is Namespace.Emit of "/".
func (s *Server) Emit(event string, args ...any) error { return s.root.Emit(event, args...) }

// Send is Namespace.Send of "/".
func (s *Server) Send(args ...any) error { return s.root.Send(args...) }

// EmitWithAck is Namespace.EmitWithAck of "/".
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return s.root.EmitWithAck(ctx, event, args...)
}

// FetchSockets is Namespace.FetchSockets of "/".
func (s *Server) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return s.root.FetchSockets(ctx)
}

// SocketsJoin is Namespace.SocketsJoin of "/".
func (s *Server) SocketsJoin(rooms ...string) error { return s.root.SocketsJoin(rooms...) }

// SocketsLeave is Namespace.SocketsLeave of "/".
func (s *Server) SocketsLeave(rooms ...string) error { return s.root.SocketsLeave(rooms...) }

// DisconnectSockets is Namespace.DisconnectSockets of "/".
func (s *Server) DisconnectSockets(closeTransport bool) error {
	return s.root.DisconnectSockets(closeTransport)
}

// ServerSideEmit is Namespace.ServerSideEmit of "/".
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.root.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck is Namespace.ServerSideEmitWithAck of "/".
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	return s.root.ServerSideEmitWithAck(ctx, event, args...)
}
