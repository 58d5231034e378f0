package socketio

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// GuestKind says how a guest is spoken to.
type GuestKind uint8

const (
	// GuestWebSocket is a WebSocket of text messages without Engine.IO and Socket.IO.
	GuestWebSocket GuestKind = iota
	// GuestStream is the reader of an event stream, which only listens.
	GuestStream
)

// GuestOptions say who comes without Socket.IO, and what a handler does with it. Every
// function may be nil.
type GuestOptions struct {
	Kind GuestKind
	// Namespace is the one that the guest is in; "" is "/".
	Namespace string
	// Auth is what CONNECT would carry, such as {"token": "..."}; nil is nothing.
	Auth any
	// Subprotocol is chosen if the client of a WebSocket offers it.
	Subprotocol string

	// Admit may refuse the guest, when it is known who it is and middleware had no
	// objection. It may wait as long as ctx lasts. The reader of an event stream has no
	// answer yet; what Admit returns is then returned by ServeGuest.
	Admit func(ctx context.Context, s *Socket) error
	// Welcome returns what the guest is told first, in the form that it reads.
	Welcome func(s *Socket) []byte
	// Envelope makes the data of a stream's events what a plain WebSocket would be sent,
	// which says the room.
	Envelope bool
	// Backlog is called when the socket is connected, after the listeners of
	// OnConnection and on the same goroutine. What it returns goes out after the welcome,
	// and everything that comes meanwhile behind it: Socket.JoinSince fits here. If there
	// is more it is called again when the client has taken that, on any goroutine, but
	// never twice at once.
	Backlog func(ctx context.Context, s *Socket) (page []GuestMessage, more bool)
	// Message takes one text message of a WebSocket, which is valid during the call. It is
	// called on the goroutine that reads the connection, in order, and not while it is
	// found out who the guest is. An error ends the connection.
	Message func(g *Guest, text []byte) error
	// Refused is told why a guest with a WebSocket was not let in; by default it is
	// disconnected. True says that it may try again: see Guest.Connect.
	Refused func(g *Guest, err error) (again bool)
	// Closed is called when the connection is over.
	Closed func(g *Guest)
}

// GuestMessage is an event for one guest, from what was said before.
type GuestMessage struct {
	Room, Event, Offset string
	Args                []any
}

// Guest is one client that came without Socket.IO. It is a Socket of its namespace like
// any other: rooms, broadcasts, presence, FetchSockets, disconnects and limits are the
// same. It is never recovered; it may ask for what it missed. All methods may be called
// from any goroutine.
type Guest struct {
	srv  *Server
	opts GuestOptions
	conn *conn
	sess *engineio.Session

	backlog chan backlogPage // holds one; nil without GuestOptions.Backlog

	mu      sync.Mutex
	settled chan struct{} // closed when it is known whether the guest is let in
	pending bool
	socket  *Socket // once it is let in
	refusal error   // otherwise
}

// ServeGuest serves the request of a client that comes without Socket.IO: a WebSocket
// handshake, or the GET of an event stream. An error says that it was refused and that
// nothing was answered yet but for CORS headers: a *Refused for the request as such, a
// *ConnectError of Options.Admit and middleware, or what GuestOptions.Admit returned. A
// client with a WebSocket is told later who it is that is refused, by a close code.
// ServeGuest answers preflights too.
func (s *Server) ServeGuest(w http.ResponseWriter, r *http.Request, o *GuestOptions) error {
	if s.engine.Preflight(w, r) {
		return nil
	}
	g := &Guest{srv: s, opts: *o}
	if o.Backlog != nil {
		g.backlog = make(chan backlogPage, 1)
	}
	if g.opts.Namespace == "" {
		g.opts.Namespace = "/"
	}
	if wire.CheckNamespace(g.opts.Namespace) != nil {
		return errNoNamespace
	}
	eo := &engineio.GuestOptions{Transport: engineio.TransportPlainWebSocket, Subprotocol: o.Subprotocol, CloseFrame: closeFrame}
	if o.Kind == GuestStream {
		eo.Transport = engineio.TransportEventStream
	}
	sess, err := s.engine.Arrive(w, r, eo, g.open)
	if err != nil {
		return refusedRequest(err)
	}
	if o.Kind == GuestStream {
		err := g.await(r.Context())
		switch {
		case r.Context().Err() != nil: // there is nobody to tell
			sess.Abort(engineio.ReasonTransportClose, engineio.DetailConnectionLost, r.Context().Err())
			return nil
		case err != nil:
			sess.Abort(engineio.ReasonForcedServer, engineio.DetailRefused, err)
			return err
		}
	}
	if err := sess.Begin(w, r); errors.Is(err, engineio.ErrClosed) {
		return errNotBegun
	}
	return nil // what else went wrong was answered, or cannot be any more
}

// await returns when it is known whether the guest is let in, and the reason if it is not.
func (g *Guest) await(ctx context.Context) error {
	g.mu.Lock()
	settled := g.settled
	g.mu.Unlock()
	if settled == nil {
		return errNotBegun
	}
	select {
	case <-settled:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.sess.Done():
		return errNotBegun
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal
}

// open is told of the session.
func (g *Guest) open(sess *engineio.Session) engineio.Receiver {
	g.sess = sess
	r := g.srv.newConn(sess)
	if r == nil {
		return nil
	}
	g.conn, _ = r.(*conn)
	g.conn.guest = g
	g.conn.variant = variantPlain
	if g.opts.Kind == GuestStream {
		g.conn.variant = variantStream
		if g.opts.Envelope {
			g.conn.variant = variantEnvelope
		}
	}
	_ = g.Connect(g.opts.Auth)
	return guestReceiver{g.conn, g}
}

// guestReceiver is the conn of a guest as the engine sees it.
type guestReceiver struct {
	*conn

	g *Guest
}

var _ engineio.Receiver = guestReceiver{}

// Receive takes one message of the client.
func (r guestReceiver) Receive(data []byte, binary bool) error {
	g := r.g
	if _, err := g.wait(); err != nil {
		return err
	}
	if binary {
		return &engineio.CloseError{Reason: engineio.ReasonTransportError, Detail: engineio.DetailUnexpectedPacket, Err: errBinary}
	}
	err := errPanicked
	if g.opts.Message == nil {
		return nil
	}
	r.srv.guarded(g.opts.Namespace, "guest", func() { err = g.opts.Message(g, data) })
	return err
}

var errBinary = errors.New("socketio: a guest sent a binary message")

// wait returns the socket, or nil if the guest is not let in so far.
func (g *Guest) wait() (*Socket, error) {
	g.mu.Lock()
	if !g.pending {
		defer g.mu.Unlock()
		return g.socket, nil
	}
	settled := g.settled
	g.mu.Unlock()
	select {
	case <-settled:
	case <-g.sess.Done():
		return nil, ErrDisconnected
	}
	return g.Socket(), nil
}

// Closed ends the socket of a connection that is over.
func (r guestReceiver) Closed(why *engineio.CloseError) {
	r.conn.Closed(why)
	if r.g.opts.Closed != nil {
		r.srv.guarded(r.g.opts.Namespace, "guest", func() { r.g.opts.Closed(r.g) })
	}
}

// Connect asks again whether the guest is let in, after Refused said that it may try
// again. It returns ErrDisconnected if it is in already or just being asked about.
func (g *Guest) Connect(auth any) error {
	var payload Raw
	if auth != nil {
		var err error
		if payload, err = NewRaw(auth); err != nil {
			return err
		}
	}
	g.mu.Lock()
	if g.pending || g.socket != nil {
		g.mu.Unlock()
		return ErrDisconnected
	}
	g.pending, g.settled, g.refusal = true, make(chan struct{}), nil
	g.mu.Unlock()
	return g.conn.connect(g.opts.Namespace, payload)
}

// Socket returns the guest's socket, or nil before it is let in.
func (g *Guest) Socket() *Socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.socket
}

// settle ends an attempt to connect.
func (g *Guest) settle(s *Socket, refusal error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pending {
		g.pending, g.socket, g.refusal = false, s, refusal
		close(g.settled)
	}
}

// told makes an error of middleware, whose text is for the client, one that says so.
func (g *Guest) told(err error) error {
	var ce *ConnectError
	if g == nil || errors.As(err, &ce) {
		return err
	}
	return &ConnectError{Message: err.Error()}
}

// refused is told why the guest is not let in.
func (g *Guest) refused(namespace string, err error, why string) {
	if why == refusedUnknown {
		err = errNoNamespace
	}
	again := false
	if g.opts.Kind == GuestWebSocket && g.opts.Refused != nil {
		g.srv.guarded(namespace, "guest", func() { again = g.opts.Refused(g, err) })
	}
	g.settle(nil, err)
	if again {
		return
	}
	g.srv.opts.Observer.ConnectRefused(namespace, why)
	if g.opts.Kind == GuestWebSocket { // a stream has yet to begin, and is answered otherwise
		g.end(cmp.Or(CodeOf(err), "forbidden"))
	}
}

// Close disconnects the guest for good; code says why, as that of Socket.End.
func (g *Guest) Close(code string) {
	if s := g.Socket(); s != nil {
		s.disconnect(code)
	}
	g.end(code)
}

// end closes the connection. It is what the guest gets instead of DISCONNECT.
func (g *Guest) end(code string) {
	g.sess.Close(engineio.ReasonForcedServer, detailOf(code), &ended{code})
}

// Send sends the guest a message in the form that it reads.
func (g *Guest) Send(text []byte) error {
	err := g.sess.Send(g.message(text), 0)
	if errors.Is(err, engineio.ErrClosed) {
		return ErrDisconnected
	}
	return nil
}

func (g *Guest) message(text []byte) *engineio.Message {
	if g.opts.Kind == GuestStream {
		return engineio.NewStreamMessage(text)
	}
	return engineio.NewBareMessage(text)
}

// backlogPage is what Options.Backlog has returned.
type backlogPage struct {
	messages []GuestMessage
	more     bool
}

// page calls Options.Backlog.
func (g *Guest) page(s *Socket) (p backlogPage) {
	s.guarded("guest", func() { p.messages, p.more = g.opts.Backlog(s.Context(), s) })
	return p
}

// connected gets the backlog on its way, on the goroutine of the socket's events.
func (g *Guest) connected(s *Socket) {
	if g.opts.Backlog == nil {
		return
	}
	var first backlogPage
	defer func() { g.backlog <- first }()
	first = g.page(s)
}

// replay gives the backlog message by message, as soon as it is there.
func (g *Guest) replay() func() *engineio.Message {
	if g.opts.Backlog == nil {
		return nil
	}
	var left backlogPage
	came := false
	return func() *engineio.Message {
		if !came {
			select {
			case left = <-g.backlog:
				came = true
			case <-g.sess.Done():
				return nil
			}
		}
		for {
			for len(left.messages) > 0 {
				m := left.messages[0]
				left.messages = left.messages[1:]
				if out := g.encode(&m); out != nil {
					return out
				}
			}
			if !left.more || g.sess.Err() != nil {
				return nil
			}
			left = g.page(g.Socket())
		}
	}
}

// encode is one message of the backlog, or nil if it cannot be encoded.
func (g *Guest) encode(m *GuestMessage) *engineio.Message {
	p := Packet{ns: g.opts.Namespace, room: m.Room, event: m.Event, args: m.Args, offset: m.Offset}
	text, err := p.guestText(g.conn.variant)
	if err != nil {
		g.srv.opts.Logger.Warn("a kept message could not be encoded", slog.String("namespace", p.ns), slog.Any("error", err))
		return nil
	}
	return g.message(text)
}
