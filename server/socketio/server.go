package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/workers"
)

// Server is a Socket.IO server: an http.Handler to be mounted at a path of one's
// choice. All methods may be called from any goroutine.
type Server struct {
	opts      Options
	preferred variant // what every event is encoded as at least, to find errors
	engine    *engineio.Server
	root      *Namespace
	open      tally                 // connections not done with
	pumps     workers.Pool[*Socket] // handle events

	mu         sync.RWMutex
	namespaces map[string]*Namespace
	parents    []*ParentNamespace
	onNew      []func(n *Namespace)
	closed     bool
}

// New returns a server with the namespace "/". Close it when it is done with.
func New(o *Options) (*Server, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, namespaces: map[string]*Namespace{}}
	s.pumps.Work = (*Socket).pump
	s.open.init()
	s.preferred = variantOf(s.formatAtOpen(), 5)
	if s.root, err = s.openNamespace("/", nil); err != nil {
		return nil, fmt.Errorf("socketio: opening namespace %q: %w", "/", err)
	}
	s.namespaces["/"] = s.root
	if s.engine, err = engineio.NewServer(opener{s}, &s.opts.Engine); err != nil {
		_ = s.root.adapter.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

// opener is the Server as the engine sees it.
type opener struct{ s *Server }

var _ engineio.Handler = opener{}

func (o opener) Open(sess *engineio.Session) engineio.Receiver { return o.s.newConn(sess) }

// ServeHTTP serves polling and WebSocket. The path is the caller's business.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Engine returns the Engine.IO server below.
func (s *Server) Engine() *engineio.Server { return s.engine }

// HeartbeatSpan is how long it takes at most until a connection that broke
// silently is noticed: the ping interval and the ping timeout.
func (s *Server) HeartbeatSpan() time.Duration {
	interval, timeout := s.opts.Engine.PingInterval, s.opts.Engine.PingTimeout
	if interval == 0 {
		interval = engineio.DefaultPingInterval
	}
	if timeout == 0 {
		timeout = engineio.DefaultPingTimeout
	}
	return interval + timeout
}

// Of returns the namespace of a name, making it if need be. A missing "/" at the
// beginning is added. A name that a pattern of OfPattern matches becomes a child
// of that.
func (s *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	s.mu.RLock()
	n := s.namespaces[name]
	s.mu.RUnlock()
	if n != nil {
		return n
	}
	n, created := s.create(name, s.patternOf(name), 0)
	s.announce(n, created)
	return n
}

// Find returns the namespace of a name if there is one, or if a pattern of OfPattern has
// it: then it is made, for its clients may be on other nodes. It is kept until release,
// which must be called unless n is nil. It is for what comes from outside, where a name
// may be wrong.
func (s *Server) Find(name string) (n *Namespace, release func()) {
	if n = s.hold(name); n == nil {
		p := s.patternOf(name)
		if p == nil {
			return nil, nil
		}
		var created bool
		n, created = s.create(name, p, 1)
		s.announce(n, created)
	}
	return n, sync.OnceFunc(func() { s.releaseNamespace(n) })
}

// patternOf returns the first pattern that matches, or nil.
func (s *Server) patternOf(name string) *ParentNamespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.parents {
		if p.pattern && p.match(context.Background(), name, nil) {
			return p
		}
	}
	return nil
}

// create makes the namespace unless it is there, and adds holds to what keeps
// it. An adapter that does not open leaves the namespace with this node's sockets
// only, and says so in the log.
func (s *Server) create(name string, parent *ParentNamespace, holds int) (n *Namespace, created bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.namespaces[name]; n != nil {
		n.refs += holds
		return n, false
	}
	n, err := s.openNamespace(name, parent)
	if err != nil {
		s.opts.Logger.Error("adapter did not open", slog.String("namespace", name), slog.Any("error", err))
		n = &Namespace{srv: s, name: name, parent: parent}
		n.local = &Local{ns: n}
		n.adapter = n.local
		n.hooks.Store(&hooks{})
		if parent != nil {
			n.hooks.Store(parent.hooks.Load())
		}
	}
	n.refs = holds
	s.namespaces[name] = n
	if parent != nil {
		parent.children = append(parent.children, n)
	}
	return n, true
}

func (s *Server) announce(n *Namespace, created bool) {
	if !created {
		return
	}
	s.mu.RLock()
	fs := s.onNew
	s.mu.RUnlock()
	for _, f := range fs {
		s.guarded(n.name, "namespace listener", func() { f(n) })
	}
}

// guarded runs a listener whose panic must not stop what follows.
func (s *Server) guarded(namespace, what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(namespace, what, v)
		}
	}()
	f()
}

// panicked logs and counts a panic of the application. No line of the log has the id of
// a socket or a session.
func (s *Server) panicked(namespace, what string, v any) {
	s.opts.Observer.HandlerPanicked(namespace)
	s.opts.Logger.Error("handler panicked", slog.String("namespace", namespace),
		slog.String("handler", what), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
}

// OnNewNamespace adds a listener of namespaces that come into being.
func (s *Server) OnNewNamespace(f func(n *Namespace)) {
	s.mu.Lock()
	s.onNew = appended(s.onNew, f)
	s.mu.Unlock()
}

// Namespaces returns the namespaces there are.
func (s *Server) Namespaces() []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Namespace, 0, len(s.namespaces))
	for _, n := range s.namespaces {
		out = append(out, n)
	}
	return out
}

// OfPattern makes a namespace of every name that matches, when it is asked for.
// Anchor the expression: an unanchored one matches any name that contains it.
func (s *Server) OfPattern(re *regexp.Regexp) *ParentNamespace {
	return s.addParent(true, func(_ context.Context, name string, _ func() *Handshake) bool {
		return re.MatchString(name)
	})
}

// OfFunc makes a namespace of every name that allow accepts, when a client asks
// for it. allow may take its time; its context ends with the connection.
func (s *Server) OfFunc(allow func(ctx context.Context, name string, h *Handshake) bool) *ParentNamespace {
	return s.addParent(false, func(ctx context.Context, name string, h func() *Handshake) bool {
		return allow(ctx, name, h())
	})
}

func (s *Server) addParent(pattern bool, match func(context.Context, string, func() *Handshake) bool) *ParentNamespace {
	p := &ParentNamespace{srv: s, match: match, pattern: pattern}
	p.hooks.Store(&hooks{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parents = appended(s.parents, p)
	return p
}

// acquireNamespace returns the namespace a client asks for, held until
// releaseNamespace, or nil.
func (s *Server) acquireNamespace(p *pendingConnect) *Namespace {
	if n := s.hold(p.name); n != nil {
		return n
	}
	s.mu.RLock()
	parents := s.parents
	s.mu.RUnlock()
	for _, parent := range parents {
		if !s.matches(parent, p) {
			continue
		}
		n, created := s.create(p.name, parent, 1)
		s.announce(n, created)
		return n
	}
	return nil
}

func (s *Server) hold(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n != nil {
		n.refs++
	}
	return n
}

// matches asks a parent about a name. A panic counts as no.
func (s *Server) matches(parent *ParentNamespace, p *pendingConnect) (ok bool) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !parent.pattern && !p.waitFor(cancel) {
		return false
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked(p.name, "namespace function", v)
			ok = false
		}
	}()
	return parent.match(ctx, p.name, func() *Handshake {
		auth := p.auth
		if auth.IsZero() {
			auth = emptyObject()
		}
		return newHandshake(p.conn.sess.Request(), time.Now(), auth)
	})
}

// releaseNamespace undoes hold, and removes an empty child if that is asked for.
func (s *Server) releaseNamespace(n *Namespace) {
	s.mu.Lock()
	n.refs--
	gone := n.refs == 0 && n.parent != nil && s.opts.CleanupEmptyChildNamespaces && s.namespaces[n.name] == n
	if gone {
		delete(s.namespaces, n.name)
		n.parent.children = slices.DeleteFunc(slices.Clone(n.parent.children), func(c *Namespace) bool { return c == n })
	}
	s.mu.Unlock()
	if gone {
		if err := n.close(); err != nil {
			s.opts.Logger.Warn("adapter did not close", slog.String("namespace", n.name), slog.Any("error", err))
		}
	}
}

// Close closes every connection's transport, without DISCONNECT packets, so that
// the clients come back by themselves; waits until the last handlers have
// returned, whose contexts it ends; and closes the adapters. It returns the
// context's error when that ends first. A second call waits likewise.
func (s *Server) Close(ctx context.Context) error {
	defer s.pumps.Close()
	errs := []error{s.engine.Close(ctx)}
	s.open.shut()
	if err := s.open.wait(ctx); err != nil {
		return errors.Join(append(errs, err)...)
	}
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		for _, n := range s.Namespaces() {
			errs = append(errs, n.close())
		}
	}
	return errors.Join(errs...)
}

// tally counts what must be done before Close returns.
type tally struct {
	mu     sync.Mutex
	n      int
	closed bool
	zero   chan struct{} // closed when closed and n is 0
}

func (t *tally) init() { t.zero = make(chan struct{}) }

// add counts one more, unless the server is closing.
func (t *tally) add() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.n++
	return true
}

func (t *tally) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.closed && t.n == 0 {
		close(t.zero)
	}
}

// shut lets no more in.
func (t *tally) shut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		if t.n == 0 {
			close(t.zero)
		}
	}
}

func (t *tally) wait(ctx context.Context) error {
	select {
	case <-t.zero:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
