package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisauth"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/authfile"
	"github.com/sockeye-io/sockeye/server/auth/session"
	"github.com/sockeye-io/sockeye/server/auth/ticket"
	"github.com/sockeye-io/sockeye/server/auth/token"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// identityParts is what knows who clients are.
type identityParts struct {
	chain   *auth.Chain
	ledger  *auth.Ledger
	remote  *token.Remote     // nil without --auth-jwks-url
	session *session.Verifier // nil without --auth-verify-url
	tickets *ticket.Office
	keeper  *doors.Keeper
}

// openIdentity builds the ways to know clients that the configuration names.
func (a *App) openIdentity() error {
	c, id := &a.cfg, &a.identity
	id.chain = &auth.Chain{
		Anonymous: a.anonymous, Lenient: !c.knowsClients(), Cookie: c.AuthCookie, Query: c.AuthQuery,
		Observer: a.metrics,
	}
	secrets := ticket.Alone()
	if a.nodes.registry != nil {
		secrets = a.nodes.registry
	}
	id.tickets = ticket.NewOffice(secrets, nil)
	id.chain.Tickets = id.tickets
	keys, err := TokenKeys(c)
	if err != nil {
		return err
	}
	if c.AuthJWKSURL != "" {
		id.remote = token.NewRemote(c.AuthJWKSURL, a.log)
		if len(c.AuthAudience) == 0 {
			a.log.Warn("tokens that the login service makes for other apps hold here too", "remedy", "say by --auth-audience what aud of this server's tokens is")
		}
	}
	if c.verifiesTokens() {
		id.chain.Tokens = token.NewVerifier(token.Options{
			Keys: keys, Remote: id.remote, Issuer: c.AuthIssuer, Audiences: c.AuthAudience, Leeway: c.AuthLeeway,
		})
	}
	if c.AuthVerifyURL != "" {
		id.session = session.New(session.Options{
			URL: c.AuthVerifyURL, Timeout: c.AuthVerifyTimeout, Cache: c.AuthVerifyCache.Duration, Logger: a.log,
		})
		id.chain.Session = id.session
	}
	return a.openLedger()
}

// openLedger opens the API keys and blocks. A file that cannot be read is an error; a
// Redis that is away is not.
func (a *App) openLedger() error {
	ctx := context.Background() // the backends' own time-outs bound it
	var backend auth.Backend
	switch {
	case a.nodes.redis != nil:
		backend = redisauth.New(a.nodes.redis, a.cfg.RedisPrefix, a.log)
	case a.cfg.AuthFile != "":
		backend = authfile.New(a.cfg.AuthFile)
	}
	ledger := auth.NewLedger(backend, a.log)
	if err := ledger.Open(ctx); err != nil && a.nodes.redis == nil {
		return fmt.Errorf("--auth-file: %w", err)
	}
	ledger.Follow(ctx)
	a.identity.ledger = ledger
	if backend != nil {
		a.identity.chain.Keys = auth.KeyVerifier{Ledger: ledger}
	}
	return nil
}

// closeIdentity ends what openIdentity began, and waits for it.
func (a *App) closeIdentity() {
	id := &a.identity
	if a.hooks != nil {
		a.hooks.Close()
	}
	if id.keeper != nil {
		id.keeper.Close()
	}
	if id.ledger != nil {
		id.ledger.Close()
	}
	if id.remote != nil {
		id.remote.Close()
	}
	if id.session != nil {
		id.session.Close()
	}
}

// stopIdentity is closeIdentity within a time.
func (a *App) stopIdentity(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		a.closeIdentity()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// canKnow reports whether a client may be somebody: there is a way to know it.
func (a *App) canKnow() bool { return a.cfg.knowsClients() || a.identity.ledger.HasKeys() }

// openDoors binds who clients are to the sockets.
func (a *App) openDoors() (err error) {
	a.identity.keeper, err = doors.New(doors.Options{
		Authenticator: a.identity.chain, Blocks: a.identity.ledger,
		Expiring: a.cfg.AuthExpiring, Leeway: a.cfg.AuthLeeway,
		Observer: a.metrics, Logger: a.log,
	})
	return err
}

// whoIs finds out who a client is that connects to a namespace, and refuses those who
// may not.
func (a *App) whoIs(ctx context.Context, s *socketio.Socket) error {
	if a.anonymous && !a.canKnow() && a.identity.ledger.Loaded() && !a.cfg.Webhooks.KnowsClients() {
		return nil // a socket without identity is anonymous
	}
	return a.identity.keeper.Admit(ctx, s)
}

// admitSocket decides about each client that comes to a namespace.
func (a *App) admitSocket(ctx context.Context, s *socketio.Socket) error {
	if s.Namespace().Name() == comments.Namespace { // which knows who may by itself
		return nil
	}
	if err := a.onlyForComments(s); err != nil {
		return err
	}
	if err := a.whoIs(ctx, s); err != nil {
		return err
	}
	if err := a.hooks.Admit(ctx, s); err != nil || a.limits.door == nil {
		return err
	}
	return a.limitUser(ctx, s)
}

// entered hears of each client that was let in.
func (a *App) entered(s *socketio.Socket) {
	a.identity.keeper.Entered(s)
	a.hooks.Entered(s)
}

// access decides what clients may do; nil is everything, where nobody can be told from
// anybody else.
func (a *App) access() auth.Access {
	c := a.identity.chain
	if a.cfg.Auth.Open() && c.Keys == nil && c.Tokens == nil && c.Session == nil && !a.cfg.Webhooks.KnowsClients() {
		return nil
	}
	return auth.Rooms{Anonymous: a.cfg.Auth.Anonymous}
}

// knownBy lists the ways to know clients, for the log.
func (a *App) knownBy() string {
	c := &a.cfg
	var ways []string
	for _, w := range []struct {
		name string
		on   bool
	}{
		{"tokens", c.verifiesTokens()},
		{"the site's session", c.AuthVerifyURL != ""},
		{"API keys", a.identity.chain.Keys != nil},
		{"nothing (--anonymous)", a.anonymous},
	} {
		if w.on {
			ways = append(ways, w.name)
		}
	}
	return strings.Join(ways, ", ")
}

// TokenKeys reads the keys of a configuration's files, for verifying tokens or for
// making one.
func TokenKeys(c *Config) (token.Keys, error) {
	var ks token.Keys
	switch {
	case c.AuthSecret != "":
		k, err := token.NewSecret([]byte(c.AuthSecret))
		if err != nil {
			return nil, fmt.Errorf("--auth-secret: %w", err)
		}
		ks = append(ks, k)
	case c.AuthSecretFile != "":
		k, err := token.ReadSecretFile(c.AuthSecretFile)
		if err != nil {
			return nil, fmt.Errorf("--auth-secret-file: %w", err)
		}
		ks = append(ks, k)
	}
	for _, name := range c.AuthKeys {
		more, err := token.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("--auth-keys: %w", err)
		}
		ks = append(ks, more...)
	}
	return ks, nil
}

// ErrNoLedger says that a configuration names no place for API keys and blocks.
var ErrNoLedger = errors.New("there is no place for API keys and blocks: set --auth-file to a file, or --redis-url to the Redis of several nodes, here and for the server")

// ledgerTimeout bounds what a command does with the ledger.
const ledgerTimeout = 10 * time.Second

// WithLedger opens the API keys and blocks of a configuration for a command that reads
// or changes them.
func WithLedger(ctx context.Context, c *Config, log *slog.Logger, do func(ctx context.Context, l *auth.Ledger) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	var backend auth.Backend
	switch {
	case c.RedisURL != "":
		client, err := redisclient.Open(c.RedisURL)
		if err != nil {
			return fmt.Errorf("--redis-url: %w", err)
		}
		defer func() { err = errors.Join(err, client.Close()) }()
		goredis.SetLogger(redisLog{log})
		backend = redisauth.New(client, c.RedisPrefix, log)
	case c.AuthFile != "":
		backend = authfile.New(c.AuthFile)
	default:
		return ErrNoLedger
	}
	l := auth.NewLedger(backend, log)
	defer l.Close()
	if err := l.Open(ctx); err != nil {
		return err
	}
	return do(ctx, l)
}
