package socketio

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Raw is wire.Raw: one received value.
type Raw struct{}

func (r Raw) Decode(dst any) error         { panic("skeleton") }
func (r Raw) Value() (any, error)          { panic("skeleton") }
func (r Raw) String() (string, bool)       { panic("skeleton") }
func (r Raw) IsZero() bool                 { panic("skeleton") }
func (r Raw) HasBinary() bool              { panic("skeleton") }
func (r Raw) Size() int                    { panic("skeleton") }
func (r Raw) MarshalJSON() ([]byte, error) { panic("skeleton") }

// Args is wire.Args: received arguments.
type Args struct{}

func (a Args) Len() int              { panic("skeleton") }
func (a Args) At(i int) Raw          { panic("skeleton") }
func (a Args) From(i int) Args       { panic("skeleton") }
func (a Args) Bind(dst ...any) error { panic("skeleton") }
func (a Args) Values() []any         { panic("skeleton") }
func (a Args) Size() int             { panic("skeleton") }

type Server struct{}

func New(o *Options) (*Server, error)                              { panic("skeleton") }
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("skeleton") }
func (s *Server) Engine() *engineio.Server                         { panic("skeleton") }
func (s *Server) Of(name string) *Namespace                        { panic("skeleton") }
func (s *Server) Namespaces() []*Namespace                         { panic("skeleton") }
func (s *Server) OfPattern(re *regexp.Regexp) *ParentNamespace     { panic("skeleton") }
func (s *Server) OfFunc(allow func(ctx context.Context, name string, h *Handshake) bool) *ParentNamespace {
	panic("skeleton")
}
func (s *Server) OnNewNamespace(f func(n *Namespace))               { panic("skeleton") }
func (s *Server) Close(ctx context.Context) error                   { panic("skeleton") }
func (s *Server) Use(mw func(ctx context.Context, s *Socket) error) { panic("skeleton") }
func (s *Server) OnConnection(f func(s *Socket))                    { panic("skeleton") }
func (s *Server) To(rooms ...string) *Broadcast                     { panic("skeleton") }
func (s *Server) In(rooms ...string) *Broadcast                     { panic("skeleton") }
func (s *Server) Except(rooms ...string) *Broadcast                 { panic("skeleton") }
func (s *Server) Volatile() *Broadcast                              { panic("skeleton") }
func (s *Server) Local() *Broadcast                                 { panic("skeleton") }
func (s *Server) Compress(on bool) *Broadcast                       { panic("skeleton") }
func (s *Server) Timeout(d time.Duration) *Broadcast                { panic("skeleton") }
func (s *Server) Emit(event string, args ...any) error              { panic("skeleton") }
func (s *Server) Send(args ...any) error                            { panic("skeleton") }
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	panic("skeleton")
}
func (s *Server) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) { panic("skeleton") }
func (s *Server) SocketsJoin(rooms ...string) error                         { panic("skeleton") }
func (s *Server) SocketsLeave(rooms ...string) error                        { panic("skeleton") }
func (s *Server) DisconnectSockets(closeTransport bool) error               { panic("skeleton") }
func (s *Server) ServerSideEmit(event string, args ...any) error            { panic("skeleton") }

type Namespace struct{}

func (n *Namespace) Name() string                                      { panic("skeleton") }
func (n *Namespace) Server() *Server                                   { panic("skeleton") }
func (n *Namespace) Adapter() Adapter                                  { panic("skeleton") }
func (n *Namespace) EnableRecovery(r Recovery) error                   { panic("skeleton") }
func (n *Namespace) Use(mw func(ctx context.Context, s *Socket) error) { panic("skeleton") }
func (n *Namespace) OnConnection(f func(s *Socket))                    { panic("skeleton") }

// On adds a handler shared by all sockets of the namespace.
func (n *Namespace) On(event string, h Handler)                            { panic("skeleton") }
func (n *Namespace) OnAny(f func(ctx context.Context, e *Event))           { panic("skeleton") }
func (n *Namespace) OnUnhandled(f func(ctx context.Context, e *Event))     { panic("skeleton") }
func (n *Namespace) OnDisconnecting(f func(s *Socket, r DisconnectReason)) { panic("skeleton") }
func (n *Namespace) OnDisconnect(f func(s *Socket, r DisconnectReason))    { panic("skeleton") }
func (n *Namespace) OnRoom(f func(e RoomEvent))                            { panic("skeleton") }
func (n *Namespace) OnServerSide(event string, f func(args Args, ack func(args ...any))) {
	panic("skeleton")
}
func (n *Namespace) Sockets() []*Socket                   { panic("skeleton") }
func (n *Namespace) Socket(id string) (*Socket, bool)     { panic("skeleton") }
func (n *Namespace) Len() int                             { panic("skeleton") }
func (n *Namespace) RoomSize(room string) int             { panic("skeleton") }
func (n *Namespace) Rooms() []string                      { panic("skeleton") }
func (n *Namespace) To(rooms ...string) *Broadcast        { panic("skeleton") }
func (n *Namespace) In(rooms ...string) *Broadcast        { panic("skeleton") }
func (n *Namespace) Except(rooms ...string) *Broadcast    { panic("skeleton") }
func (n *Namespace) Volatile() *Broadcast                 { panic("skeleton") }
func (n *Namespace) Local() *Broadcast                    { panic("skeleton") }
func (n *Namespace) Compress(on bool) *Broadcast          { panic("skeleton") }
func (n *Namespace) Timeout(d time.Duration) *Broadcast   { panic("skeleton") }
func (n *Namespace) Emit(event string, args ...any) error { panic("skeleton") }
func (n *Namespace) Send(args ...any) error               { panic("skeleton") }
func (n *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	panic("skeleton")
}
func (n *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) { panic("skeleton") }
func (n *Namespace) SocketsJoin(rooms ...string) error                         { panic("skeleton") }
func (n *Namespace) SocketsLeave(rooms ...string) error                        { panic("skeleton") }
func (n *Namespace) DisconnectSockets(closeTransport bool) error               { panic("skeleton") }
func (n *Namespace) ServerSideEmit(event string, args ...any) error            { panic("skeleton") }
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	panic("skeleton")
}

type RoomEventKind uint8

const (
	RoomCreated RoomEventKind = iota
	RoomDeleted
	RoomJoined
	RoomLeft
)

type RoomEvent struct {
	Kind   RoomEventKind
	Room   string
	Socket string // id; empty for created and deleted
}

type ParentNamespace struct{}

func (p *ParentNamespace) Children() []*Namespace                                { panic("skeleton") }
func (p *ParentNamespace) EnableRecovery(r Recovery) error                       { panic("skeleton") }
func (p *ParentNamespace) Use(mw func(ctx context.Context, s *Socket) error)     { panic("skeleton") }
func (p *ParentNamespace) OnConnection(f func(s *Socket))                        { panic("skeleton") }
func (p *ParentNamespace) On(event string, h Handler)                            { panic("skeleton") }
func (p *ParentNamespace) OnAny(f func(ctx context.Context, e *Event))           { panic("skeleton") }
func (p *ParentNamespace) OnUnhandled(f func(ctx context.Context, e *Event))     { panic("skeleton") }
func (p *ParentNamespace) OnDisconnecting(f func(s *Socket, r DisconnectReason)) { panic("skeleton") }
func (p *ParentNamespace) OnDisconnect(f func(s *Socket, r DisconnectReason))    { panic("skeleton") }
func (p *ParentNamespace) OnRoom(f func(e RoomEvent))                            { panic("skeleton") }
func (p *ParentNamespace) To(rooms ...string) *Broadcast                         { panic("skeleton") }
func (p *ParentNamespace) In(rooms ...string) *Broadcast                         { panic("skeleton") }
func (p *ParentNamespace) Except(rooms ...string) *Broadcast                     { panic("skeleton") }
func (p *ParentNamespace) Volatile() *Broadcast                                  { panic("skeleton") }
func (p *ParentNamespace) Local() *Broadcast                                     { panic("skeleton") }
func (p *ParentNamespace) Compress(on bool) *Broadcast                           { panic("skeleton") }
func (p *ParentNamespace) Timeout(d time.Duration) *Broadcast                    { panic("skeleton") }
func (p *ParentNamespace) Emit(event string, args ...any) error                  { panic("skeleton") }

type Socket struct{}

func (s *Socket) ID() string                                        { panic("skeleton") }
func (s *Socket) Namespace() *Namespace                             { panic("skeleton") }
func (s *Socket) Handshake() *Handshake                             { panic("skeleton") }
func (s *Socket) Context() context.Context                          { panic("skeleton") }
func (s *Socket) Conn() *Conn                                       { panic("skeleton") }
func (s *Socket) Recovered() bool                                   { panic("skeleton") }
func (s *Socket) Connected() bool                                   { panic("skeleton") }
func (s *Socket) Rooms() []string                                   { panic("skeleton") }
func (s *Socket) Data() any                                         { panic("skeleton") }
func (s *Socket) SetData(v any)                                     { panic("skeleton") }
func (s *Socket) Join(rooms ...string) error                        { panic("skeleton") }
func (s *Socket) Leave(rooms ...string)                             { panic("skeleton") }
func (s *Socket) On(event string, h Handler)                        { panic("skeleton") }
func (s *Socket) Off(event string)                                  { panic("skeleton") }
func (s *Socket) OnAny(f func(ctx context.Context, e *Event))       { panic("skeleton") }
func (s *Socket) OnAnyOutgoing(f func(event string, args []any))    { panic("skeleton") }
func (s *Socket) OnUnhandled(f func(ctx context.Context, e *Event)) { panic("skeleton") }
func (s *Socket) Use(mw func(ctx context.Context, e *Event) error)  { panic("skeleton") }
func (s *Socket) OnError(f func(err error))                         { panic("skeleton") }
func (s *Socket) OnDisconnecting(f func(r DisconnectReason))        { panic("skeleton") }
func (s *Socket) OnDisconnect(f func(r DisconnectReason))           { panic("skeleton") }
func (s *Socket) Emit(event string, args ...any) error              { panic("skeleton") }
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	panic("skeleton")
}
func (s *Socket) Send(args ...any) error { panic("skeleton") }

// Volatile and Compress give an emitter to this socket alone; To, In, Except,
// Local and Broadcast give one to the others, as in Node.
func (s *Socket) Volatile() *Emitter                { panic("skeleton") }
func (s *Socket) Compress(on bool) *Emitter         { panic("skeleton") }
func (s *Socket) Timeout(d time.Duration) *Emitter  { panic("skeleton") }
func (s *Socket) Broadcast() *Broadcast             { panic("skeleton") }
func (s *Socket) To(rooms ...string) *Broadcast     { panic("skeleton") }
func (s *Socket) In(rooms ...string) *Broadcast     { panic("skeleton") }
func (s *Socket) Except(rooms ...string) *Broadcast { panic("skeleton") }
func (s *Socket) Local() *Broadcast                 { panic("skeleton") }
func (s *Socket) Disconnect(closeTransport bool)    { panic("skeleton") }

// End emits EndEvent {code, message} and then disconnects the socket, so that
// the client knows why and does not come back by itself.
func (s *Socket) End(code, message string) { panic("skeleton") }

// EndEvent names why the server is about to disconnect a socket for good. Its
// argument is {code, message}.
const EndEvent = "sockeye:end"

// Emitter emits to one socket with flags.
type Emitter struct{}

func (e *Emitter) Volatile() *Emitter                   { panic("skeleton") }
func (e *Emitter) Compress(on bool) *Emitter            { panic("skeleton") }
func (e *Emitter) Timeout(d time.Duration) *Emitter     { panic("skeleton") }
func (e *Emitter) Emit(event string, args ...any) error { panic("skeleton") }
func (e *Emitter) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	panic("skeleton")
}

// Broadcast turns to everyone else in the namespace, keeping the flags.
func (e *Emitter) Broadcast() *Broadcast             { panic("skeleton") }
func (e *Emitter) To(rooms ...string) *Broadcast     { panic("skeleton") }
func (e *Emitter) Except(rooms ...string) *Broadcast { panic("skeleton") }

// DisconnectReason says why a socket ended: Node's word, and Sockeye's detail.
type DisconnectReason struct {
	Reason string
	Detail string
}

type Handler func(ctx context.Context, e *Event)

type Event struct{}

func (e *Event) Name() string                                      { panic("skeleton") }
func (e *Event) Args() Args                                        { panic("skeleton") }
func (e *Event) Bind(dst ...any) error                             { panic("skeleton") }
func (e *Event) HasAck() bool                                      { panic("skeleton") }
func (e *Event) Ack(args ...any) error                             { panic("skeleton") }
func (e *Event) AckError(code, message string, extra ...any) error { panic("skeleton") }
func (e *Event) Socket() *Socket                                   { panic("skeleton") }

// Conn is the connection below a socket.
type Conn struct{}

func (c *Conn) Protocol() int      { panic("skeleton") }
func (c *Conn) Transport() string  { panic("skeleton") }
func (c *Conn) RemoteAddr() string { panic("skeleton") }

type Broadcast struct{}

func (b *Broadcast) To(rooms ...string) *Broadcast        { panic("skeleton") }
func (b *Broadcast) In(rooms ...string) *Broadcast        { panic("skeleton") }
func (b *Broadcast) Except(rooms ...string) *Broadcast    { panic("skeleton") }
func (b *Broadcast) Volatile() *Broadcast                 { panic("skeleton") }
func (b *Broadcast) Local() *Broadcast                    { panic("skeleton") }
func (b *Broadcast) Compress(on bool) *Broadcast          { panic("skeleton") }
func (b *Broadcast) Timeout(d time.Duration) *Broadcast   { panic("skeleton") }
func (b *Broadcast) Emit(event string, args ...any) error { panic("skeleton") }
func (b *Broadcast) Send(args ...any) error               { panic("skeleton") }
func (b *Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	panic("skeleton")
}
func (b *Broadcast) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) { panic("skeleton") }
func (b *Broadcast) SocketsJoin(rooms ...string) error                         { panic("skeleton") }
func (b *Broadcast) SocketsLeave(rooms ...string) error                        { panic("skeleton") }
func (b *Broadcast) DisconnectSockets(closeTransport bool) error               { panic("skeleton") }

type RemoteSocket struct{}

func (r *RemoteSocket) ID() string                           { panic("skeleton") }
func (r *RemoteSocket) Rooms() []string                      { panic("skeleton") }
func (r *RemoteSocket) Data() any                            { panic("skeleton") }
func (r *RemoteSocket) DecodeData(dst any) error             { panic("skeleton") }
func (r *RemoteSocket) Handshake() *Handshake                { panic("skeleton") }
func (r *RemoteSocket) Local() (*Socket, bool)               { panic("skeleton") }
func (r *RemoteSocket) Emit(event string, args ...any) error { panic("skeleton") }
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	panic("skeleton")
}
func (r *RemoteSocket) Join(rooms ...string) error           { panic("skeleton") }
func (r *RemoteSocket) Leave(rooms ...string) error          { panic("skeleton") }
func (r *RemoteSocket) Disconnect(closeTransport bool) error { panic("skeleton") }

type Adapter interface{ Close() error }
type AdapterFactory func(l *Local) (Adapter, error)
type Local struct{}

func openLocal(l *Local) (Adapter, error) { panic("skeleton") }
