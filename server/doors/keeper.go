package doors

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Defaults of Options.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultExpiring = 30 * time.Second
)

// Options configure a Keeper.
type Options struct {
	// Authenticator says who a client is. It must be set.
	Authenticator auth.Authenticator
	// Blocks says who may not be here; nil is nobody.
	Blocks auth.Blocks
	// Timeout bounds how long the Authenticator may take; 0 means 10 s.
	Timeout time.Duration
	// Expiring is how long before its end a client is told; 0 means 30 s. It is told
	// when half of the time is left if that is later.
	Expiring time.Duration
	// Leeway is how long after the end of a principal its sockets end: what the
	// Authenticator adds to the end of a token. 0 is none.
	Leeway time.Duration
	// Observer hears what a metric may count; nil hears nothing.
	Observer Observer
	// Logger logs who could not be asked; nil logs nothing.
	Logger *slog.Logger
}

// Observer is told what a metric may count. It is called by many goroutines at once and
// must not block.
type Observer interface {
	// TokenRefreshed counts an auth:refresh; c is "" if it held.
	TokenRefreshed(c auth.Code)
	// ClientEnded counts a socket that was ended for c.
	ClientEnded(c auth.Code)
}

// Keeper stands at the doors of one server. Admit and Entered are for
// socketio.Options.
type Keeper struct {
	opts    Options // with defaults
	unwatch func()

	mu     sync.Mutex
	spaces map[*socketio.Namespace]struct{} // those it listens in
	terms  map[*socketio.Socket]*term       // of sockets whose principal has an end
}

// New returns a Keeper. Close it after the server.
func New(o Options) (*Keeper, error) {
	switch {
	case o.Authenticator == nil:
		return nil, errors.New("doors: Options.Authenticator is missing: say who clients are")
	case o.Timeout < 0 || o.Expiring < 0 || o.Leeway < 0:
		return nil, errors.New("doors: durations must not be negative")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Expiring == 0 {
		o.Expiring = DefaultExpiring
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	k := &Keeper{
		opts: o, unwatch: func() {},
		spaces: make(map[*socketio.Namespace]struct{}), terms: make(map[*socketio.Socket]*term),
	}
	if o.Blocks != nil {
		k.unwatch = o.Blocks.OnBlocked(k.evict)
	}
	return k, nil
}

// Admit is socketio.Options.Admit.
func (k *Keeper) Admit(ctx context.Context, s *socketio.Socket) error {
	k.listenIn(s.Namespace())
	h := s.Handshake()
	c := &auth.Credentials{Header: h.Headers, Query: h.Query, Address: h.Address, Namespace: s.Namespace().Name()}
	p, err := k.identify(ctx, c, &h.Auth)
	if err == nil {
		if err = s.SetUser(p.ID); err != nil {
			err = &auth.Error{Code: auth.CodeInvalidToken, Message: "this id cannot be a user's: it is too long, or not valid text", Err: err}
		}
	}
	if err != nil {
		refused := k.refusal(ctx, err)
		k.opts.Logger.DebugContext(ctx, "client refused", slog.String("code", string(refused.Code)), slog.String("message", refused.Message),
			slog.Any("error", refused.Err), slog.String("namespace", c.Namespace), slog.String("remote", c.Address))
		return &socketio.ConnectError{Message: refused.Message, Data: told{refused.Code, refused.Message}}
	}
	s.SetIdentity(p)
	return nil
}

// Identify finds out who makes a request that no socket is made for, and whether it may:
// it is Admit for other ways in. The error is an *auth.Error.
func (k *Keeper) Identify(ctx context.Context, c *auth.Credentials) (*auth.Principal, error) {
	p, err := k.authenticate(ctx, c)
	if err != nil {
		return nil, k.refusal(ctx, err)
	}
	return p, nil
}

// told is what a client is told of a refusal.
type told struct {
	Code    auth.Code `json:"code"`
	Message string    `json:"message"`
}

// identify asks who a client is that connects.
func (k *Keeper) identify(ctx context.Context, c *auth.Credentials, payload *socketio.Raw) (*auth.Principal, error) {
	token, err := tokenOf(payload)
	if err != nil {
		return nil, err
	}
	c.Token = token
	return k.authenticate(ctx, c)
}

// authenticate asks the Authenticator, in time, and whether the principal is blocked.
func (k *Keeper) authenticate(ctx context.Context, c *auth.Credentials) (*auth.Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, k.opts.Timeout)
	defer cancel()
	p, err := k.opts.Authenticator.Authenticate(ctx, c)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, errNobody
	}
	if b, blocked := k.blocked(p.ID); blocked {
		return nil, b.Refusal()
	}
	return p, nil
}

var errNobody = errors.New("doors: the authenticator returned neither a principal nor an error")

func (k *Keeper) blocked(id string) (auth.Block, bool) {
	if k.opts.Blocks == nil || id == "" {
		return auth.Block{}, false
	}
	return k.opts.Blocks.Blocked(id)
}

// refusal is what a client is told of an error, of which the log hears more.
func (k *Keeper) refusal(ctx context.Context, err error) *auth.Error {
	var refused *auth.Error
	if !errors.As(err, &refused) {
		refused = &auth.Error{Code: auth.CodeUnavailable, Message: "who you are could not be found out; try again later", Err: err}
		if ctx.Err() == nil { // the client is still there
			k.opts.Logger.WarnContext(ctx, "a client could not be authenticated", slog.Any("error", err))
		}
	}
	return refused
}

// tokenOf reads auth.token. What has none shows no token.
func tokenOf(payload *socketio.Raw) (string, error) {
	var a struct {
		Token any `json:"token"`
	}
	if payload.Decode(&a) != nil || a.Token == nil {
		return "", nil
	}
	token, ok := a.Token.(string)
	if !ok {
		return "", &auth.Error{Code: auth.CodeInvalidToken, Message: "auth.token is not a string"}
	}
	return token, nil
}

// listenIn sees to it that the sockets of a namespace can refresh, before they can send
// anything.
func (k *Keeper) listenIn(ns *socketio.Namespace) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, done := k.spaces[ns]; done {
		return
	}
	k.spaces[ns] = struct{}{}
	ns.On(RefreshEvent, k.refresh)
	ns.OnDisconnect(func(s *socketio.Socket, _ socketio.DisconnectReason) { k.drop(s) })
	ns.OnClose(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.spaces, ns)
	})
}

// Entered is socketio.Options.Entered. Who was blocked since Admit goes, and the time of
// the others begins.
func (k *Keeper) Entered(s *socketio.Socket) {
	if b, blocked := k.blocked(auth.Of(s).ID); blocked {
		k.end(s, b.Refusal())
		return
	}
	if auth.Of(s).Expires.IsZero() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timeLocked(s)
}

// evict ends all sockets here of somebody who is blocked. One that is about to be
// connected is ended by Entered.
func (k *Keeper) evict(id string, b auth.Block) {
	k.mu.Lock()
	spaces := make([]*socketio.Namespace, 0, len(k.spaces))
	for ns := range k.spaces {
		spaces = append(spaces, ns)
	}
	k.mu.Unlock()
	for _, ns := range spaces {
		for _, s := range ns.Sockets() {
			if auth.Of(s).ID == id {
				k.end(s, b.Refusal())
			}
		}
	}
}

// end tells a client why, and disconnects it for good.
func (k *Keeper) end(s *socketio.Socket, why *auth.Error) {
	k.opts.Observer.ClientEnded(why.Code)
	s.End(string(why.Code), why.Message)
}

// Close ends what listens to Blocks, and all timers. The sockets should have ended.
func (k *Keeper) Close() {
	k.unwatch()
	k.mu.Lock()
	defer k.mu.Unlock()
	for s, t := range k.terms {
		t.stop()
		delete(k.terms, s)
	}
}

// nobody is the Observer of those who have none.
type nobody struct{}

var _ Observer = nobody{}

func (nobody) TokenRefreshed(auth.Code) {}
func (nobody) ClientEnded(auth.Code)    {}
