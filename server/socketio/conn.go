package socketio

import (
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// conn is one client's connection and its sockets, one per namespace.
type conn struct {
	srv  *Server
	sess *engineio.Session
	gate Gate // nil: nothing is limited

	guest *Guest // nil for a client that speaks Socket.IO

	// Owned by the reading goroutine.
	dec   *wire.Decoder // made with the first message
	owing bool          // attachments are awaited
	came  int           // bytes of the packet that is being read

	backlog backlog

	mu        sync.Mutex
	variant   variant
	sockets   []*Socket
	pending   []*pendingConnect
	left      []string // namespaces the server ended, where packets may still be under way
	closed    bool
	authBytes int         // of sockets and pending connects
	refs      int         // the open session, every unfinished socket and pending connect
	timer     *time.Timer // closes a connection without namespace

	awaiting time.Time   // since when attachments are awaited; zero if none are
	stalled  *time.Timer // closes a connection that owes attachments
}

var _ engineio.UpgradeReceiver = (*conn)(nil)

// newConn is told of each new session. A client of protocol 3 is in "/" by itself.
func (s *Server) newConn(sess *engineio.Session) engineio.Receiver {
	if !s.open.add() {
		return nil
	}
	c := &conn{srv: s, sess: sess, refs: 1}
	c.gate, _ = sess.Pass().(Gate) // nil is asked nothing
	c.timer = time.AfterFunc(s.opts.ConnectTimeout, c.connectOverdue)
	if sess.Protocol() == 3 {
		c.variant = variantOf(s.formatAtOpen(), 4)
		_ = c.connect("/", Raw{}) // "/" cannot be taken yet
	}
	return c
}

func (c *conn) connectOverdue() {
	c.mu.Lock()
	idle := len(c.sockets) == 0
	c.mu.Unlock()
	if idle {
		c.sess.Close(engineio.ReasonForcedServer, engineio.DetailConnectTimeout, nil)
	}
}

// stopTimerLocked stops the timer of a connection without namespace, and lets go
// of its memory.
func (c *conn) stopTimerLocked() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// Receive takes one message of the client.
func (c *conn) Receive(data []byte, binary bool) error {
	if c.dec == nil {
		c.dec = wire.NewDecoder(wire.Options{Format: c.srv.formatFor(c.sess), Protocol: c.sess.Protocol() + 1})
	}
	c.came += len(data)
	var p *wire.Packet
	var err error
	if binary {
		p, err = c.dec.Binary(data)
	} else {
		p, err = c.dec.Text(data)
	}
	if err != nil {
		return c.malformed(err)
	}
	if p == nil {
		c.awaitAttachments()
		return nil
	}
	c.attachmentsCame()
	bytes := c.came
	c.came = 0
	return c.dispatch(p, bytes)
}

// malformed tells the sockets' error listeners and ends the connection, as in
// Node with the reason "forced close".
func (c *conn) malformed(err error) error {
	c.mu.Lock()
	socks := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range socks {
		s.pushFailure(err)
	}
	return &engineio.CloseError{Reason: engineio.ReasonForcedClose, Detail: engineio.DetailBadMessage, Err: err}
}

func (c *conn) unexpected() error {
	return &engineio.CloseError{Reason: engineio.ReasonForcedServer, Detail: engineio.DetailUnexpectedPacket}
}

func (c *conn) dispatch(p *wire.Packet, bytes int) error {
	s, expected := c.find(p.Namespace)
	if c.gate != nil && c.overRate(p, s) {
		return nil
	}
	switch {
	case p.Type == wire.Connect && s == nil:
		auth := p.Payload
		if c.sess.Protocol() == 3 {
			auth = authOfQuery(p.Query)
		}
		return c.connect(p.Namespace, auth)
	case s == nil && expected:
		return nil // sent before the client heard that it was disconnected
	case s == nil:
		return c.unexpected()
	}
	switch p.Type {
	case wire.Event, wire.BinaryEvent:
		if s.nameTooLong(p) {
			return nil
		}
		c.srv.opts.Observer.EventReceived(p.Namespace, bytes)
		s.push(&Event{
			socket: s, name: p.Event, args: p.Args, id: p.ID, hasAck: p.HasID,
			size: p.Args.Held() + len(p.Event) + eventOverhead,
		})
		return nil
	case wire.Ack, wire.BinaryAck:
		s.onAck(p.ID, p.Args)
		return nil
	case wire.Disconnect:
		c.forget(s, false)
		s.stop(DisconnectReason{Reason: ReasonClientDisconnect}, stateEnding)
		return nil
	case wire.Connect, wire.ConnectError:
	}
	return c.unexpected()
}

// find returns the socket in a namespace. expected says that there was one until
// the server ended it, so that packets to it are no fault of the client.
func (c *conn) find(namespace string) (s *Socket, expected bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s, true
		}
	}
	return nil, slices.Contains(c.left, namespace)
}

// forget takes a socket off the connection. byServer remembers its namespace, as
// packets to it may be under way.
func (c *conn) forget(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, s)
	if i < 0 {
		return
	}
	c.sockets = slices.Delete(c.sockets, i, i+1)
	if byServer && len(c.left) < c.srv.opts.MaxNamespaces {
		c.left = append(c.left, s.ns.name)
	}
}

// awaitAttachments sees to it that announced attachments come in time.
func (c *conn) awaitAttachments() {
	if c.owing {
		return
	}
	c.owing = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaiting = time.Now()
	if c.stalled == nil {
		c.stalled = time.AfterFunc(c.srv.opts.ConnectTimeout, c.attachmentsOverdue)
	}
}

func (c *conn) attachmentsCame() {
	if !c.owing {
		return
	}
	c.owing = false
	c.mu.Lock()
	c.awaiting = time.Time{}
	c.mu.Unlock()
}

// attachmentsOverdue runs some time after attachments were awaited; the packet
// may be another one by now, so that there is one timer and not one per packet.
func (c *conn) attachmentsOverdue() {
	c.mu.Lock()
	since := c.awaiting
	if since.IsZero() || c.closed {
		c.stalled = nil
		c.mu.Unlock()
		return
	}
	if left := c.srv.opts.ConnectTimeout - time.Since(since); left > 0 {
		c.stalled = time.AfterFunc(left, c.attachmentsOverdue)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.sess.Close(engineio.ReasonForcedServer, engineio.DetailAttachmentTimeout, nil)
}

// disconnectAll disconnects every socket and closes the transport.
func (c *conn) disconnectAll() {
	c.mu.Lock()
	socks := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range socks {
		s.disconnect("")
	}
	c.sess.Close(engineio.ReasonForcedServer, engineio.DetailServerDisconnect, nil)
}

// Upgraded tells the sockets that the connection has moved to WebSocket. A socket
// whose connect is pending finds that in Conn.Transport.
func (c *conn) Upgraded() {
	c.mu.Lock()
	socks := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range socks {
		s.pushUpgrade()
	}
}

// Closed ends the sockets of a connection that is over.
func (c *conn) Closed(why *engineio.CloseError) {
	c.mu.Lock()
	c.closed = true
	socks, pending := c.sockets, c.pending
	c.sockets, c.pending = nil, nil
	c.stopTimerLocked()
	if c.stalled != nil {
		c.stalled.Stop()
	}
	c.mu.Unlock()
	r := DisconnectReason{Reason: string(why.Reason), Detail: string(why.Detail)}
	for _, s := range socks {
		s.stop(r, stateEnding)
	}
	for _, p := range pending {
		p.abandon()
	}
	c.release(0)
}

// release undoes one reference, which kept authBytes of auth data. The last one
// tells the server that the connection is done with.
func (c *conn) release(authBytes int) {
	c.mu.Lock()
	c.authBytes -= authBytes
	c.refs--
	last := c.refs == 0
	c.mu.Unlock()
	if last {
		c.srv.open.done()
	}
}
