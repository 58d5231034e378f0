package webhook

import (
	"context"
	"log/slog"
	"maps"
	"regexp"
	"sync"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/spaces"
)

// Options are what Hooks work with.
type Options struct {
	Config Config
	// Observer hears what a metric may count; nil hears nothing.
	Observer Observer
	// Logger logs failures; nil logs nothing.
	Logger *slog.Logger
}

// Hooks are the webhooks of one server. Admit and Entered are for socketio.Options.
type Hooks struct {
	exact    map[string]*backend
	patterns []pattern
	ctx      context.Context //nolint:containedctx // of calls that no socket lives for
	cancel   context.CancelFunc

	mu     sync.Mutex
	spaces map[*socketio.Namespace]struct{} // those that are listened in

	entering sync.Map // *socketio.Socket → func(): what to do when it is connected
	leaving  sync.Map // *socketio.Socket → []string: the rooms that it was in
}

// pattern is a key that stands for several namespaces.
type pattern struct {
	re *regexp.Regexp
	*backend
}

// New reads the secrets of a valid Config. Close it after the server.
func New(o Options) (*Hooks, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Hooks{exact: make(map[string]*backend), spaces: make(map[*socketio.Namespace]struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for _, key := range spaces.Sorted(maps.Keys(o.Config)) {
		b, err := newBackend(key, o.Config[key], o)
		if err != nil {
			return nil, &KeyError{key, err}
		}
		if spaces.Exact(key) {
			h.exact[key] = b
			continue
		}
		re, err := spaces.Compile(key)
		if err != nil {
			return nil, &KeyError{key, err}
		}
		h.patterns = append(h.patterns, pattern{re, b})
	}
	return h, nil
}

// KeyError is what is wrong with the backend of a key.
type KeyError struct {
	Key string
	Err error
}

// Error names the key.
func (e *KeyError) Error() string { return "webhooks[\"" + e.Key + "\"]: " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *KeyError) Unwrap() error { return e.Err }

// Mount makes the namespaces. It is called once, before srv serves, and after whatever
// else makes namespaces of patterns: their handlers count in those of webhooks too.
func (h *Hooks) Mount(srv *socketio.Server) {
	for name := range h.exact {
		srv.Of(name)
	}
	for _, p := range h.patterns {
		srv.OfPattern(p.re)
	}
}

// of returns the backend of a namespace, or nil.
func (h *Hooks) of(namespace string) *backend {
	if b := h.exact[namespace]; b != nil {
		return b
	}
	for _, p := range h.patterns {
		if p.re.MatchString(namespace) {
			return p.backend
		}
	}
	return nil
}

// Takes reports whether a backend takes an event that nothing takes by its name.
func (h *Hooks) Takes(namespace, event string) bool {
	b := h.of(namespace)
	return b != nil && b.hook.takes(event)
}

// Names lists the events that the backend of a namespace takes by their names.
func (h *Hooks) Names(namespace string) []string {
	if b := h.of(namespace); b != nil {
		return b.hook.Names()
	}
	return nil
}

// Admit asks the backend of a namespace about a client that connects.
func (h *Hooks) Admit(ctx context.Context, s *socketio.Socket) error {
	b := h.of(s.Namespace().Name())
	if b == nil {
		return nil
	}
	h.listenIn(s.Namespace(), b) //nolint:contextcheck // ends are told of when the sockets are gone
	if !b.hook.asks(Connect) {
		return nil
	}
	return h.connect(ctx, s, b)
}

// Entered does what is left to do for a client that was let in.
func (h *Hooks) Entered(s *socketio.Socket) {
	if f, ok := h.entering.LoadAndDelete(s); ok {
		f.(func())() //nolint:errcheck // the map holds nothing else
	}
}

// listenIn sees to it that a namespace's events and ends are told, before its first
// socket can send anything.
func (h *Hooks) listenIn(ns *socketio.Namespace, b *backend) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, done := h.spaces[ns]; done {
		return
	}
	h.spaces[ns] = struct{}{}
	if b.hook.asks(Event) {
		ns.OnUnhandled(b.event)
	}
	if b.hook.asks(Disconnect) {
		ns.OnDisconnecting(func(s *socketio.Socket, _ socketio.DisconnectReason) { h.leaving.Store(s, roomsOf(s)) })
		ns.OnDisconnect(func(s *socketio.Socket, r socketio.DisconnectReason) { h.disconnect(s, b, r) })
	}
	ns.OnClose(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.spaces, ns)
	})
}

// Close gives up what is under way, and connections that wait to be used again. The
// server should have closed, which waits for all calls.
func (h *Hooks) Close() {
	h.cancel()
	for _, b := range h.exact {
		b.client.CloseIdleConnections()
	}
	for _, p := range h.patterns {
		p.client.CloseIdleConnections()
	}
}
