package engineio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio/ready"
	"github.com/sockeye-io/sockeye/server/engineio/wire"
	"github.com/sockeye-io/sockeye/server/workers"
)

// sidBytes is the randomness of a session id: 144 bits, 24 characters, after
// Options.SIDPrefix.
const sidBytes = 18

// shutdownFlush bounds how long Server.Close lets a client take what is queued.
const shutdownFlush = 2 * time.Second

// shutdownRetry is when a client that was refused by a server that is stopping should try
// again: by then a balancer has noticed. The official client has delays of its own.
const shutdownRetry = 2 * time.Second

// Server is an http.Handler that serves Engine.IO on every path it is given. The
// caller routes, with and without a trailing slash.
type Server struct {
	opts           Options
	handler        Handler
	holds          *holds
	idleCuts       *cuts // of WebSockets
	upgrades       *upgradeHolds
	stats          counters
	queued         outboxTotal
	flushers       flushers
	readers, woken workers.Pool[*wsConn] // read what came, see reader.go; woken begin with what the poller has seen
	lane           *lane                 // nil without Options.TakeOver
	wg             sync.WaitGroup        // sessions, and readers of WebSockets
	poller         *ready.Poller         // of idle mode, or nil

	mu       sync.RWMutex
	sessions map[string]*Session
	closed   bool // new sessions are refused
}

// counters are kept by the server for the metrics.
type counters struct {
	messagesIn, messagesOut, bytesIn, bytesOut atomic.Uint64
}

// Stats is a snapshot of what a server counts. Messages count Engine.IO
// messages, bytes those of payloads read and of frames and bodies written. The answer to a
// WebSocket handshake counts where it goes out with the first frame.
type Stats struct {
	Sessions                                   int
	MessagesIn, MessagesOut, BytesIn, BytesOut uint64
	// UpgradesWithheld counts the addresses that are offered no upgrade at the
	// moment, KeptAlive those whose WebSockets get pings in silence, HoldsShortened
	// those whose waiting GETs are answered earlier.
	UpgradesWithheld, KeptAlive, HoldsShortened int
	// Queued are the bytes in all outboxes, without those that hold less than 4 KiB.
	Queued int64
}

// NewServer returns a server that tells h of its sessions. o may be nil.
func NewServer(h Handler, o *Options) (*Server, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, handler: h, holds: newHolds(opts.PollHold), sessions: make(map[string]*Session)}
	s.queued.limit = opts.OutboxTotal
	s.flushers.init()
	s.readers.Work, s.woken.Work = (*wsConn).read, (*wsConn).readFirst
	if opts.TakeOver {
		s.lane = newLane(s)
	}
	s.idleCuts, s.upgrades = newCuts(opts.PingInterval), newUpgradeHolds(&s.opts)
	if opts.IdleMode {
		if s.poller, err = ready.New(); err != nil {
			return nil, fmt.Errorf("engineio: IdleMode: %w", err)
		}
	}
	return s, nil
}

// Len returns the number of open sessions.
func (s *Server) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.sessions)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	return Stats{
		Sessions: s.Len(), MessagesIn: s.stats.messagesIn.Load(), MessagesOut: s.stats.messagesOut.Load(),
		BytesIn: s.stats.bytesIn.Load(), BytesOut: s.stats.bytesOut.Load(),
		UpgradesWithheld: s.upgrades.withheld(), KeptAlive: s.idleCuts.rules(), HoldsShortened: s.holds.cuts.rules(),
		Queued: s.queued.bytes.Load(),
	}
}

// Outboxes returns how many bytes wait in the outboxes of all sessions, and how many of
// these are above OutboxLimit. It looks at every session, and is for a scrape now and
// then: nothing is counted on the way of a message.
func (s *Server) Outboxes() (bytes int64, above int) {
	s.mu.RLock()
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	s.mu.RUnlock()
	for _, session := range all {
		session.mu.Lock()
		n := session.out.bytes
		session.mu.Unlock()
		bytes += int64(n)
		if n > s.opts.OutboxLimit {
			above++
		}
	}
	return bytes, above
}

// ServeHTTP serves one request: a handshake, a poll, a POST or an upgrade.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{srv: s, w: w, r: r, q: parseQuery(r.URL.RawQuery)}
	if f := x.checkOrigin(); f != nil {
		x.refuse(*f)
		return
	}
	if r.Method == http.MethodOptions && s.opts.Origins != nil {
		x.preflight()
		return
	}
	session, f := s.verify(x)
	switch {
	case f != nil:
		x.refuse(*f)
		return
	case session == nil:
		s.handshake(x)
		return
	}
	switch {
	case !session.payRequest(r.Context().Done()):
		x.refuse(heldBackRefusal)
	case isUpgrade(r):
		session.serveUpgrade(x)
	case r.Method == http.MethodGet:
		session.servePoll(x)
		x.takeOver()
	case r.Method == http.MethodPost:
		session.servePost(x)
		x.takeOver()
	default:
		x.refuse(refusal{code: codeBadRequest, context: map[string]any{"name": "METHOD"}})
	}
}

// verify checks a request in the order of Node's server, so that a request that
// is wrong in two ways gets the same answer. It returns the session of a request
// that names one.
func (s *Server) verify(x *exchange) (*Session, *refusal) {
	q, upgrade := &x.q, isUpgrade(x.r)
	if !slices.Contains(s.opts.Transports, q.transport) {
		return nil, &refusal{code: codeUnknownTransport, context: map[string]any{"transport": q.transport}}
	}
	if q.sid != "" {
		return s.verifySession(x, upgrade)
	}
	switch {
	case x.r.Method != http.MethodGet:
		return nil, &refusal{code: codeBadMethod, context: map[string]any{"method": x.r.Method}}
	case (q.transport == TransportWebSocket) != upgrade, upgrade && !canUpgrade(x.r):
		return nil, &refusal{code: codeBadRequest, message: x.withoutUpgrade(upgrade), context: map[string]any{"name": "TRANSPORT_HANDSHAKE_ERROR"}}
	}
	if s.closing() {
		return nil, &shutdownRefusal
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(x.r); err != nil {
			return nil, refusalOf(err)
		}
	}
	if q.protocol == 3 && !s.opts.AllowEIO3 {
		return nil, &refusal{code: codeBadProtocol, context: map[string]any{"protocol": 3}}
	}
	return nil, nil
}

func (s *Server) verifySession(x *exchange, upgrade bool) (*Session, *refusal) {
	q := &x.q
	s.mu.RLock()
	session := s.sessions[q.sid]
	s.mu.RUnlock()
	if session == nil {
		return nil, &refusal{code: codeUnknownSID, context: map[string]any{"sid": q.sid}}
	}
	now := session.Transport()
	if upgrade && q.transport != TransportWebSocket || !upgrade && (now != q.transport || now != TransportPolling) {
		return nil, &refusal{code: codeBadRequest, context: map[string]any{"name": "TRANSPORT_MISMATCH", "transport": q.transport, "previousTransport": now}}
	}
	if session.protocol != q.protocol {
		return nil, &refusal{code: codeBadRequest, context: map[string]any{"name": "PROTOCOL_MISMATCH", "protocol": q.protocol, "previousProtocol": session.protocol}}
	}
	if upgrade && !canUpgrade(x.r) {
		return nil, &refusal{code: codeBadRequest, message: x.withoutUpgrade(upgrade), context: map[string]any{"name": "TRANSPORT_HANDSHAKE_ERROR"}}
	}
	return session, nil
}

// handshake opens a session and answers with its open packet.
func (s *Server) handshake(x *exchange) {
	if s.queued.full() {
		x.refuse(outboxTotalRefusal)
		return
	}
	var pass Pass
	if s.opts.Enter != nil {
		var err error
		if pass, err = s.opts.Enter(x.r); err != nil {
			x.refuse(*refusalOf(err))
			return
		}
	}
	id := s.opts.SIDPrefix + newSID()
	session := &Session{srv: s, id: id, protocol: x.q.protocol, pass: pass, origin: snapshotOf(x.r, time.Now())}
	if s.opts.Attach != nil {
		session.attached = s.opts.Attach(x.r)
	}
	open := control(wire.Open, s.openData(session, x.q.transport))
	var c *wsConn
	if x.q.transport == TransportWebSocket {
		var err error
		if c, err = s.takeWebSocket(x.w, x.r, id, ""); err != nil {
			session.leave()
			s.opts.Observer.RequestRefused(codeBadRequest, refusedHandshake)
			s.opts.Logger.Debug("websocket handshake failed", "error", err)
			return
		}
		c.s, session.ws = session, c
		session.out.push(entry{m: open})
		session.flushing = true
	} else {
		session.poll = &poller{b64: x.q.b64}
	}
	if !s.admit(session, s.handler.Open) {
		session.leave()
		if c != nil {
			_ = answerNow(c.conn, c.takeAnswer()) // as it is closed anyway
			_ = c.conn.Close()
			return
		}
		x.refuse(shutdownRefusal)
		return
	}
	if c != nil {
		session.flushFirst(c)
		c.begin()
		return
	}
	s.setHeaders(x.w.Header(), x.r, id)
	x.writePoll(x.packetAnswer(open))
}

// shutdownRefusal answers a handshake once the server is releasing its sessions or
// closing. A WebSocket handshake is told the status too: proxies understand it.
var shutdownRefusal = refusal{
	code: codeBadRequest, status: http.StatusServiceUnavailable, always: true, message: "Server is shutting down",
	retryAfter: shutdownRetry, context: map[string]any{"name": "SHUTDOWN"},
}

func (s *Server) closing() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// admit enters a session into the table and tells open of it, unless the server is
// closing.
func (s *Server) admit(session *Session, open func(*Session) Receiver) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.sessions[session.id] = session
	s.wg.Add(1)
	if session.ws != nil {
		s.wg.Add(1) // its reader
	}
	s.mu.Unlock()

	s.opts.Observer.SessionOpened(session.Transport(), session.protocol)
	var cut time.Duration
	if session.ws != nil {
		cut = s.idleCuts.known(session.origin.addr)
	}
	session.mu.Lock()
	if session.guest == nil { // whose transport is yet to come
		session.startHeartbeatLocked()
	}
	if session.ws != nil {
		session.keepAliveLocked(session.ws, cut)
	}
	session.delivering = true // so that Closed cannot overtake Open
	session.mu.Unlock()
	session.recv = open(session)
	if session.recv == nil {
		session.recv = nobody{}
		session.end(&CloseError{Reason: ReasonForcedServer, Detail: DetailRefused})
	}
	session.delivered()
	return true
}

// nobody receives for a session that was refused.
type nobody struct{}

func (nobody) Receive([]byte, bool) error { return nil }
func (nobody) Closed(*CloseError)         {}

// remove takes an ended session out of the table.
func (s *Server) remove(session *Session, why *CloseError) {
	s.mu.Lock()
	delete(s.sessions, session.id)
	s.mu.Unlock()
	s.opts.Observer.SessionClosed(session.Transport(), session.protocol, why)
}

// Close refuses new sessions, ends all there are, and waits until every Closed
// has returned or ctx is done. Waiting polls are answered; what is queued still
// goes out, within two seconds; no Socket.IO packet is sent, so that clients
// reconnect. It is idempotent. When ctx is done first, what is left is cut.
func (s *Server) Close(ctx context.Context) error {
	all := s.refuseNew()
	s.lane.close()
	why := &CloseError{Reason: ReasonShutdown, Detail: DetailShutdown}
	for _, session := range all {
		session.closeWithin(why, shutdownFlush)
	}
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		if s.poller != nil {
			_ = s.poller.Close() // nobody waits any more
		}
		s.readers.Close()
		s.woken.Close()
		s.flushers.pool.Close()
		if s.lane != nil {
			s.lane.servers.Close()
		}
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, session := range all {
		session.end(why)
		session.cut()
	}
	s.lane.cut()
	return ctx.Err()
}

// cut closes the connection of an ended session without ceremony.
func (s *Session) cut() {
	s.mu.Lock()
	c := s.ws
	s.mu.Unlock()
	if c != nil {
		_ = c.conn.Close()
	}
}

// openData is the handshake of the protocol: what the client must know.
func (s *Server) openData(session *Session, transport string) string {
	upgrades := ""
	if transport == TransportPolling && !s.opts.DisableUpgrades && slices.Contains(s.opts.Transports, TransportWebSocket) {
		if s.upgrades.offers(session.origin.addr) {
			upgrades = `"` + TransportWebSocket + `"`
		} else {
			s.opts.Observer.UpgradeWithheld()
		}
	}
	// None of it needs escapes: see sidAlphabet.
	b := make([]byte, 0, 192)
	b = append(append(append(b, `{"sid":"`...), session.id...), `","upgrades":[`...)
	b = append(append(b, upgrades...), `],"pingInterval":`...)
	b = append(strconv.AppendInt(b, s.opts.PingInterval.Milliseconds(), 10), `,"pingTimeout":`...)
	b = append(strconv.AppendInt(b, s.opts.PingTimeout.Milliseconds(), 10), `,"maxPayload":`...)
	return string(append(strconv.AppendInt(b, s.opts.MaxPayload, 10), '}'))
}

// setHeaders adds the headers of the hooks; sid is given at the handshake.
func (s *Server) setHeaders(h http.Header, r *http.Request, sid string) {
	if sid != "" {
		if s.opts.Cookie != nil {
			c := *s.opts.Cookie //nolint:gosec // its attributes are the caller's choice
			c.Value = sid
			h.Add("Set-Cookie", c.String())
		}
		if s.opts.InitialHeaders != nil {
			s.opts.InitialHeaders(h, r)
		}
	}
	if s.opts.Headers != nil {
		s.opts.Headers(h, r)
	}
}

func newSID() string {
	var b [sidBytes]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // documented never to fail
	}
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// canUpgrade reports whether an upgrade request keeps to RFC 6455, section 4.2.1,
// so that it can be refused while the connection still answers HTTP.
func canUpgrade(r *http.Request) bool {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	return err == nil && len(key) == 16 && r.Header.Get("Sec-WebSocket-Version") == "13" &&
		r.ProtoAtLeast(1, 1) && r.Host != "" && hasToken(r.Header.Values("Connection"), "upgrade")
}

// hasToken reports whether a header that lists tokens names one.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(one), token) {
				return true
			}
		}
	}
	return false
}

// isUpgrade reports whether the request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
