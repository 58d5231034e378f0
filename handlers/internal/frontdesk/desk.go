package frontdesk

import (
	"context"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Desk admits who shows a token that Give has given, and anonymously who shows none.
type Desk struct {
	auth.Blocks

	// Strict refuses who shows nothing.
	Strict bool
	// Query names a parameter of the query that may hold a token; "" is none. The cookie
	// session may in any case.
	Query string
	// Hear is what was given to OnBlocked.
	Hear func(id string, b auth.Block)

	mu     sync.Mutex
	tokens map[string]*auth.Principal
}

var (
	_ auth.Authenticator = (*Desk)(nil)
	_ auth.Blocks        = (*Desk)(nil)
)

// Authenticate answers from memory.
func (d *Desk) Authenticate(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	token := c.Shown("session", d.Query)
	p := d.tokens[token]
	switch {
	case p != nil && !p.Expires.IsZero() && p.Expires.Before(time.Now()):
		return nil, &auth.Error{Code: auth.CodeTokenExpired, Message: "the ticket has expired"}
	case p != nil:
		one := *p
		return &one, nil
	case token != "":
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "this token does not hold"}
	case d.Strict:
		return nil, &auth.Error{Code: auth.CodeUnauthorized, Message: "show a token"}
	}
	return &auth.Principal{Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodAnonymous}, nil
}

// Blocked says that nobody is.
func (d *Desk) Blocked(string) (auth.Block, bool) { return auth.Block{}, false }

// OnBlocked keeps f as Hear.
func (d *Desk) OnBlocked(f func(id string, b auth.Block)) func() {
	d.Hear = f
	return func() {}
}

// Give makes a token of somebody who may join public:* and publish to public:talk. It
// holds so long; 0 is for ever.
func (d *Desk) Give(token, id string, holds time.Duration) {
	p := &auth.Principal{ID: id, Join: auth.Patterns{"public:*"}, Publish: auth.Patterns{"public:talk"}, Method: auth.MethodToken}
	if holds != 0 {
		p.Expires = time.Now().Add(holds)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tokens == nil {
		d.tokens = make(map[string]*auth.Principal)
	}
	d.tokens[token] = p
}
