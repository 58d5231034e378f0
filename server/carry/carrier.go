package carry

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// Options configure a Carrier. New copies them.
type Options struct {
	// Local serves the sessions of this node, such as a socketio.Server whose session
	// ids begin with the node's id.
	Local http.Handler
	// Unavailable answers a request that could not be carried, such as
	// engineio.Server.Unavailable.
	Unavailable func(w http.ResponseWriter, r *http.Request, message string)
	// Release lets the waiting poll of a session of this node go, such as
	// engineio.Server.ReleasePoll.
	Release func(sid string)
	// End ends a session of this node, whose WebSocket comes through a node that is about
	// to stop, such as engineio.Server.ReleaseSession. Nil: that node cuts it.
	End func(sid string)
	// Genuine, if set, is told of each request that another node carried here, before it
	// is served: whose connection it came by is known then.
	Genuine func(r *http.Request)

	Nodes   nodes.Registry
	Secrets nodes.Secrets
	// Path is where Local is mounted on every node ("/socket.io/").
	Path string
	// TLS returns what is needed to connect to a node whose URL is https with this host,
	// such as certs.Store.Peer. It is asked for each connection. Nil is the default of
	// crypto/tls: the node proves by an authority of the system that it is the host.
	TLS func(host string) *tls.Config

	Logger   *slog.Logger
	Observer Observer
}

// Carrier is an http.Handler before the Socket.IO server of a node. Close it when it
// is done with.
type Carrier struct {
	opts Options
	self string
	seal sealer
	said sayOnce

	flights atomic.Int64  // requests under way
	wake    chan struct{} // holds one token: there are requests under way again
	ticking atomic.Bool   // whether they are being watched
	done    chan struct{} // closed by Close
	tasks   sync.WaitGroup

	mu     sync.Mutex
	peers  map[string]*peer // by node id
	relays map[*relay]struct{}
	closed bool
}

// New returns a Carrier. Local, Unavailable, Release, Nodes and Secrets must be given.
func New(o *Options) (*Carrier, error) {
	c := &Carrier{
		opts: *o, self: o.Nodes.Self().ID, seal: sealer{secrets: o.Secrets},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		peers: make(map[string]*peer), relays: make(map[*relay]struct{}),
	}
	if nodes.IDOf(c.self+"x") == "" {
		return nil, errors.New("carry: this node has no id: make one with nodes.NewID")
	}
	if c.opts.Path == "" {
		c.opts.Path = "/socket.io/"
	}
	if c.opts.Logger == nil {
		c.opts.Logger = slog.New(slog.DiscardHandler)
	}
	if c.opts.Observer == nil {
		c.opts.Observer = noObserver{}
	}
	c.tasks.Go(c.watch)
	return c, nil
}

// ServeHTTP serves a request here, or has its owner do it.
func (c *Carrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if sealed, carried := r.Header[headerCarried]; carried {
		c.receive(w, r, sealed)
		return
	}
	sid := ""
	if r.Method == http.MethodGet || r.Method == http.MethodPost {
		sid = sidOf(r.URL.RawQuery)
	}
	id := nodes.IDOf(sid)
	if id == "" || id == c.self {
		c.opts.Local.ServeHTTP(w, r)
		return
	}
	owner, ok := c.opts.Nodes.Lookup(r.Context(), id)
	if !ok || owner.ID == c.self {
		c.opts.Local.ServeHTTP(w, r) // it says that it knows no such session
		return
	}
	c.carry(w, r, owner, sid)
}

// sidOf returns the sid of a query; of several the last counts, as in engineio.
func sidOf(query string) string {
	sid := ""
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		value, ok := strings.CutPrefix(pair, "sid=")
		if !ok {
			continue
		}
		if strings.ContainsAny(value, "%+") {
			if v, err := url.QueryUnescape(value); err == nil {
				value = v
			}
		}
		sid = value
	}
	return sid
}

// peerOf returns a node as an owner.
func (c *Carrier) peerOf(n nodes.Node) (*peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errStopping
	}
	if p := c.peers[n.ID]; p != nil {
		return p, nil
	}
	p, err := newPeer(n, c.opts.TLS)
	if err != nil {
		return nil, &failure{ReasonUnreachable, err}
	}
	c.peers[n.ID] = p
	return p, nil
}

// enter begins a flight to a node.
func (c *Carrier) enter(n nodes.Node, f *flight) error {
	for {
		p, err := c.peerOf(n)
		if err != nil {
			return err
		}
		if p.enter(f) {
			break
		}
		c.forget(p)
	}
	c.flights.Add(1)
	if !c.ticking.Load() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// forget drops a closed peer.
func (c *Carrier) forget(p *peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peers[p.node.ID] == p {
		delete(c.peers, p.node.ID)
	}
}

// fail answers a request that could not be carried, counts and logs it.
func (c *Carrier) fail(w http.ResponseWriter, r *http.Request, n nodes.Node, err error) {
	if errors.Is(err, errAborted) || r.Context().Err() != nil {
		return // there is nobody to tell
	}
	if errors.Is(err, errBody) {
		c.opts.Unavailable(w, r, "Request body incomplete")
		return
	}
	reason := c.failed(n, err)
	message := "Session unavailable: its node cannot be reached"
	if reason == ReasonStopping {
		message = "Session unavailable: this node is stopping"
	}
	c.opts.Unavailable(w, r, message)
}

// failed counts and logs a failure.
func (c *Carrier) failed(n nodes.Node, err error) Reason {
	reason := ReasonBroken
	var f *failure
	if errors.As(err, &f) {
		reason = f.reason
	}
	c.opts.Observer.CarryFailed(Sent, reason)
	if reason != ReasonStopping && c.said.may(n.ID+string(reason), time.Now()) {
		c.opts.Logger.Warn("a request could not be carried to the node of its session (logged at most every 10s)",
			"node", n.ID, "url", n.URL, "reason", string(reason), "error", err)
	}
	return reason
}

// Close lets the polls of other nodes' sessions go, which their owners answer, so that
// their clients ask again, elsewhere; closes the WebSockets of other nodes' sessions,
// whose clients connect again; cuts what is left, and waits for all of it. Requests
// that come later for sessions of other nodes are refused. It is idempotent. When ctx
// is done first, it returns its error, and what is left ends by itself.
func (c *Carrier) Close(ctx context.Context) error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	peers := make([]*peer, 0, len(c.peers))
	for _, p := range c.peers {
		peers = append(peers, p)
	}
	c.mu.Unlock()
	for _, r := range c.openRelays() { // none begins any more
		r.close()
	}
	if first {
		c.release(ctx, peers)
		close(c.done)
	}
	for _, p := range peers {
		p.close()
	}
	ended := make(chan struct{})
	go func() {
		c.tasks.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
