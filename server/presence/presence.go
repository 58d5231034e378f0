package presence

import (
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// readyAfter is how long a node waits for the others to tell it who is where.
const readyAfter = time.Second

// Socket is what can be tracked: a *socketio.Socket, or something else with an id of its
// own, of which Lose says when it ends.
type Socket interface {
	ID() string
	// Connected says whether it has not ended. It must not wait, nor call the Presence.
	Connected() bool
}

var _ Socket = (*socketio.Socket)(nil)

// Presence knows who is in the rooms of one namespace. All methods may be called from
// any goroutine.
type Presence struct {
	ns    *socketio.Namespace
	opts  Options
	link  func(h head, body any) error // to the other nodes; nil if there cannot be any
	ready chan struct{}

	isReady      sync.Once
	stop, silent chan struct{} // the speaker is to end, and has
	woken        chan struct{}
	warned       atomic.Bool // that a socket is not tracked
	unheard      bool        // the last message was not sent; the speaker's
	tellers      sync.WaitGroup

	ears        sync.Mutex
	unread      []socketio.Args
	unreadBytes int
	listening   bool
	deaf        bool
	listeners   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	self     *node
	others   map[string]*node
	gone     map[string]struct{} // nodes that said goodbye
	cutOff   bool                // the adapter cannot reach other nodes
	rooms    map[string]*room
	people   map[string]*person
	sockets  map[string]*tracked // of this node
	seats    int                 // of all of them
	touched  []*room             // by the change under way
	handlers []*func(Event)
	queue    []*room // to be told of
	telling  bool

	diary   diary
	alarm   *time.Timer
	alarmAt time.Time

	// What the speaker is to say.
	changes      map[*room]*change
	changedMetas map[string]struct{}
	batchAt      time.Time // when the changes are told
	countedAt    time.Time // when counts were told
	log          deltaLog
	beatAt       time.Time
	asks         map[string]int64 // node to version
	askUnknown   bool
	askedAt      time.Time
	wanted       bool
	wantedFrom   int64
	wholeAt      time.Time

	// pause, if not nil, is called before each look for what there is to say: a test has
	// everything that is done in one moment told together.
	pause func()
}

// New starts the presence of a namespace, before its first socket connects. It ends with
// the namespace, or with Close. A namespace has one at most on each node, and should
// have one on all nodes.
func New(ns *socketio.Namespace, o Options) *Presence {
	p := newPresence(o)
	p.ns = ns
	if _, ok := ns.Adapter().(socketio.ClusterAdapter); ok {
		p.link = func(h head, b any) error {
			if b == nil {
				return ns.ServerSideEmit(EventName, h)
			}
			return ns.ServerSideEmit(EventName, h, b)
		}
		ns.OnServerSide(EventName, func(args socketio.Args, _ func(...any)) { p.hear(args) })
		ns.OnAdapter(p.adapterEvent)
	}
	ns.OnDisconnect(func(s *socketio.Socket, r socketio.DisconnectReason) {
		switch r.Reason {
		case socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect:
			p.Leave(s)
		default:
			p.Lose(s)
		}
	})
	if o.Rooms != nil {
		ns.OnConnection(p.follow)
		ns.OnRoom(p.roomEvent)
	}
	ns.OnClose(p.Close)
	p.start()
	return p
}

func newPresence(o Options) *Presence {
	return &Presence{
		opts: o.withDefaults(), ready: make(chan struct{}),
		stop: make(chan struct{}), silent: make(chan struct{}), woken: make(chan struct{}, 1),
		self: newNode(rand.Text()[:12]), others: make(map[string]*node), gone: make(map[string]struct{}),
		rooms: make(map[string]*room), people: make(map[string]*person), sockets: make(map[string]*tracked),
		changes: make(map[*room]*change), changedMetas: make(map[string]struct{}), asks: make(map[string]int64),
	}
}

// start lets a node that has others speak to them.
func (p *Presence) start() {
	if p.link == nil {
		p.readyNow()
		close(p.silent)
		return
	}
	p.mu.Lock()
	p.askUnknown = true
	p.laterLocked(p.now().Add(readyAfter), func(time.Time) { p.readyNow() })
	p.mu.Unlock()
	go p.speak()
}

func (p *Presence) readyNow() { p.isReady.Do(func() { close(p.ready) }) }

func (p *Presence) now() time.Time { return time.Now() }

// Node returns the id of this node: other than any other's, and another one after each
// start.
func (p *Presence) Node() string { return p.self.id }

// Nodes returns the ids of the other nodes that are there, in their order.
func (p *Presence) Nodes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	ids := slices.Sorted(maps.Keys(p.others))
	return slices.DeleteFunc(ids, func(id string) bool { return p.others[id].leaving })
}

// Ready is closed when the other nodes have had a second to tell this one who is where;
// at once if there cannot be others. Nothing has to wait for it: what comes later comes
// as events.
func (p *Presence) Ready() <-chan struct{} { return p.ready }

// Track says that a connected socket is in a room, as a user or, with "", as nobody. The
// socket need not be in a Socket.IO room of that name. It is taken out by Untrack, or
// when it ends. meta is anything that encodes as JSON and describes the user if nothing
// is known yet; nil is nothing. SetMeta changes it.
//
// Errors: socketio.ErrDisconnected, ErrFull, ErrClosed, or a name or meta that is too
// long.
func (p *Presence) Track(s Socket, room, user string, meta any) error {
	text, err := encodeMeta(meta)
	if err := errors.Join(err, checkName(room), checkName(user)); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.Connected() { // if it still is, Lose is yet to come
		return socketio.ErrDisconnected
	}
	err = p.trackLocked(s, room, user, text)
	p.settleLocked()
	return err
}

// Untrack says that a socket has left a room. The user leaves without grace if it was
// the last one.
func (p *Presence) Untrack(s Socket, room string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.untrackLocked(s, room)
		p.settleLocked()
	}
}

// Leave says that a socket has left all rooms on purpose: no grace begins. For sockets
// of the namespace this happens by itself when the client disconnects, or is
// disconnected.
func (p *Presence) Leave(s Socket) { p.end(s, false) }

// Lose says that a socket was lost to all rooms, after it has stopped being Connected.
// For sockets of the namespace this happens by itself.
func (p *Presence) Lose(s Socket) { p.end(s, true) }

func (p *Presence) end(s Socket, grace bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.sockets[s.ID()]; t != nil && t.socket == s && !p.closed {
		p.vacateLocked(t, grace)
		p.settleLocked()
	}
}

// SetMeta writes the meta of a user who has a tracked socket on this node, or whose
// grace runs here: in all rooms, on all nodes. ErrUnknown is returned for any other.
func (p *Presence) SetMeta(user string, meta any) error {
	text, err := encodeMeta(meta)
	if err != nil {
		return err
	}
	if text == "" {
		text = "null"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err = p.setMetaLocked(user, text)
	p.settleLocked()
	return err
}

// SpeaksFor reports whether this node is the one that acts for a user, of those where
// the user has a tracked socket in a room with a list: what should be done once for a
// user is done by that node. For a moment after a change there may be two or none.
func (p *Presence) SpeaksFor(user string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.self.profiles[user] == nil {
		return false
	}
	for id, n := range p.others {
		if n.profiles[user] != nil && !n.leaving && strings.Compare(id, p.self.id) < 0 {
			return false
		}
	}
	return true
}

// Close tells the other nodes that this one stops, and waits for what runs here. The
// users of this node leave on the others after the grace; here nothing changes any more.
// It must not be called from a handler of OnChange. A second call does nothing.
func (p *Presence) Close() {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	if p.alarm != nil {
		p.alarm.Stop()
	}
	p.mu.Unlock()
	if first {
		close(p.stop)
		p.readyNow()
	}
	<-p.silent
	p.ears.Lock()
	p.deaf = true
	p.ears.Unlock()
	p.listeners.Wait()
	p.tellers.Wait()
}
