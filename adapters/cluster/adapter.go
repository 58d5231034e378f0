package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// DefaultRequestsTimeout is the default of Options.RequestsTimeout, as in Node.
const DefaultRequestsTimeout = 5 * time.Second

// listenerPatience is how long the listener of one event delays that of the next.
const listenerPatience = 100 * time.Millisecond

// closeGrace is how long Close waits for code of the application.
const closeGrace = 5 * time.Second

// Options configure an Adapter. The zero value of each field but NodeID means its
// default.
type Options struct {
	// NodeID is this node's name among the others.
	NodeID string
	// RequestsTimeout bounds how long other nodes may take to answer (5 s). Where a
	// caller gives a time-out of its own, that counts instead.
	RequestsTimeout time.Duration
	// Logger gets what cannot be told to a caller; nil logs nothing.
	Logger *slog.Logger
}

// Adapter is the adapter of one namespace on one of several nodes.
type Adapter struct {
	*socketio.Local

	o      Options
	driver Driver
	opened chan struct{} // closed when driver is set

	inbox     inbox    // what must be done in order and waits for code of the application
	listeners inbox    // listeners of the application that are to be called
	answers   answers  // what other nodes are to be told
	census    lookout  // who is there, shared by all questions
	asked     requests // questions that wait for answers

	closing   chan struct{} // closed by Close
	closeOnce sync.Once
	closeErr  error
}

var _ socketio.ClusterAdapter = (*Adapter)(nil)

// New returns the adapter of a namespace. open makes its driver, which may call
// Receive at once. It must not wait for the network.
func New(l *socketio.Local, open func(a *Adapter) (Driver, error), o Options) (*Adapter, error) {
	o.RequestsTimeout = cmp.Or(o.RequestsTimeout, DefaultRequestsTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Adapter{Local: l, o: o, opened: make(chan struct{}), closing: make(chan struct{})}
	a.inbox.init(0)
	a.listeners.init(listenerPatience)
	a.answers.init(o.Logger)
	d, err := open(a)
	if err != nil {
		return nil, err
	}
	a.driver = d
	a.census.init(d, a.closing)
	close(a.opened)
	return a, nil
}

// NodeID returns this node's name.
func (a *Adapter) NodeID() string { return a.o.NodeID }

// Broadcast delivers p to the sockets of this node that t names, and tells the
// other nodes. socketio.ErrThisNodeOnly is returned when these may not hear of it.
func (a *Adapter) Broadcast(p *socketio.Packet, t *socketio.Target) error {
	if err := a.Local.Broadcast(p, t); err != nil {
		return err
	}
	return a.tell(t, &Message{Kind: KindBroadcast, Packet: p})
}

// JoinSockets makes the sockets that t names enter rooms, on every node.
func (a *Adapter) JoinSockets(t *socketio.Target, rooms []string) error {
	if err := a.Local.JoinSockets(t, rooms); err != nil {
		return err
	}
	return a.tell(t, &Message{Kind: KindJoin, Rooms: rooms})
}

// LeaveSockets makes the sockets that t names leave rooms, on every node.
func (a *Adapter) LeaveSockets(t *socketio.Target, rooms []string) error {
	if err := a.Local.LeaveSockets(t, rooms); err != nil {
		return err
	}
	return a.tell(t, &Message{Kind: KindLeave, Rooms: rooms})
}

// DisconnectSockets disconnects the sockets that t names, on every node.
func (a *Adapter) DisconnectSockets(t *socketio.Target, closeTransport bool) error {
	if err := a.Local.DisconnectSockets(t, closeTransport); err != nil {
		return err
	}
	return a.tell(t, &Message{Kind: KindDisconnect, Close: closeTransport})
}

// ServerSideEmit brings an event to the listeners of the other nodes.
func (a *Adapter) ServerSideEmit(event string, args []any) error {
	return a.tell(&socketio.Target{}, &Message{Kind: KindServerSide, Event: event, Args: args})
}

// tell publishes what was done here already, unless it is for this node alone.
func (a *Adapter) tell(t *socketio.Target, m *Message) error {
	if t.Flags.Local {
		return nil
	}
	m.From, m.Target = a.o.NodeID, *t
	return a.publish(m)
}

func (a *Adapter) publish(m *Message) error {
	if a.closed() {
		return socketio.ErrServerClosed
	}
	if err := a.driver.Publish(m); err != nil {
		return notReached(err)
	}
	return nil
}

// notReached says that other nodes may not have heard.
func notReached(err error) error {
	var encoding *wire.EncodeError
	if errors.Is(err, socketio.ErrThisNodeOnly) || errors.As(err, &encoding) {
		return err
	}
	return fmt.Errorf("%w: %w", socketio.ErrThisNodeOnly, err)
}

// ServerCount returns the number of nodes, this one included.
func (a *Adapter) ServerCount(ctx context.Context) (int, error) {
	if a.closed() {
		return 0, socketio.ErrServerClosed
	}
	n, err := a.driver.Count(ctx)
	if err != nil {
		return 0, notReached(err)
	}
	return max(n, 1), nil
}

func (a *Adapter) closed() bool {
	select {
	case <-a.closing:
		return true
	default:
		return false
	}
}

// Close ends the adapter: what waits for answers gets an error, and the driver is
// closed. Code of the application that runs on the adapter's goroutines is waited
// for, but for no more than 5 s. A second call waits likewise.
func (a *Adapter) Close() error {
	a.closeOnce.Do(func() {
		close(a.closing)
		a.inbox.end() // or a driver that waits there could not end
		a.listeners.end()
		a.answers.end()
		a.census.end()
		a.closeErr = a.driver.Close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.inbox.wait()
			a.listeners.wait()
			a.answers.wait()
			a.census.wait()
		}()
		select {
		case <-ended:
		case <-time.After(closeGrace):
			a.o.Logger.Warn("a listener still runs after its adapter was closed", slog.String("namespace", a.Namespace().Name()))
		}
	})
	return a.closeErr
}

// requestMark begins the ids of this program's questions, and names their version:
// a node that is asked knows by it that a Sockeye asks, see Ours.
const requestMark = "s1-"

// newRequest returns the id of a question.
func newRequest() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return requestMark + base64.RawURLEncoding.EncodeToString(b[:])
}

// Ours reports whether a question comes from a Sockeye node, which understands more
// than Node's: KindClientLost, and answers with more than one argument.
func Ours(request string) bool { return len(request) > 3 && request[0] == 's' && request[2] == '-' }
