package auth

import (
	"context"
	"errors"
	"strings"
)

// Verifier makes a principal of a token or key. Its errors are like those of an
// Authenticator.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Principal, error)
}

// Observer counts how attempts to authenticate end: outcome is "ok", or the Code.
type Observer interface {
	Authenticated(method, outcome string)
}

// Chain is the ways that a server has to know its clients. What a client shows
// decides which of them is asked, and its answer counts: a token that does not hold is
// refused, also where clients may show nothing.
type Chain struct {
	// Keys, Tickets, Tokens and Session are the ways; nil where there is none. Tickets may
	// also be in the address: see TicketQuery. Session is asked about cookies, and about
	// tokens that are for nobody else.
	Keys, Tickets, Tokens Verifier
	Session               Authenticator
	// Anonymous admits clients that show nothing.
	Anonymous bool
	// Lenient takes what no way is for as not shown.
	Lenient bool
	// Cookie and Query name a cookie and a parameter of the handshake's query that may
	// hold a token; "" is none.
	Cookie, Query string
	// Observer may be nil.
	Observer Observer
}

var _ Authenticator = (*Chain)(nil)

// Authenticate asks the way that is for what the client shows. The error is an *Error.
func (c *Chain) Authenticate(ctx context.Context, shown *Credentials) (*Principal, error) {
	method, p, err := c.ask(ctx, shown)
	outcome := "ok"
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) {
			refusal = &Error{Code: CodeUnavailable, Message: "who you are could not be found out: try again", Err: err}
		}
		p, err, outcome = nil, refusal, string(refusal.Code)
	}
	if c.Observer != nil {
		c.Observer.Authenticated(string(method), outcome)
	}
	return p, err
}

func (c *Chain) ask(ctx context.Context, shown *Credentials) (Method, *Principal, error) {
	token := c.shown(shown)
	switch {
	case len(token) > MaxToken:
		return MethodToken, nil, &Error{Code: CodeInvalidToken, Message: "the token is too large"}
	case c.Keys != nil && IsKey(token):
		p, err := c.Keys.Verify(ctx, token)
		return MethodKey, p, err
	case c.Tickets != nil && IsTicket(token):
		p, err := c.Tickets.Verify(ctx, token)
		if err == nil && p.Method == MethodKey {
			err = c.keyHolds(p.ID)
		}
		return MethodTicket, p, err
	case c.Tokens != nil && token != "" && (c.Session == nil || strings.Count(token, ".") == 2):
		p, err := c.Tokens.Verify(ctx, token)
		return MethodToken, p, err
	case c.Session != nil && (token != "" || shown.Header.Get("Cookie") != "" || shown.Header.Get("Authorization") != ""):
		return c.askSession(ctx, shown, token)
	case token != "" && !c.Lenient:
		return MethodKey, nil, &Error{Code: CodeInvalidToken, Message: "what was shown is no API key, and this server knows nothing else"}
	case c.Anonymous:
		return MethodAnonymous, anonymous, nil
	}
	return MethodAnonymous, nil, &Error{Code: CodeUnauthorized, Message: "log in first: no token, key or session came along"}
}

// keyHolds asks whether the key holds that a ticket was got with: a key that is revoked
// takes its tickets along.
func (c *Chain) keyHolds(id string) error {
	if keys, ok := c.Keys.(interface{ Holds(id string) error }); ok {
		return keys.Holds(id)
	}
	return nil
}

// shown returns the token that a client shows. A ticket in the address was put there for
// this request, and counts before a cookie, which comes along by itself.
func (c *Chain) shown(shown *Credentials) string {
	if c.Tickets != nil {
		if t := shown.ticket(); t != "" && shown.Shown("", "") == "" {
			return t
		}
	}
	return shown.Shown(c.Cookie, c.Query)
}

// askSession asks the site. A visitor whose cookies say nothing to it is anonymous,
// where that is allowed.
func (c *Chain) askSession(ctx context.Context, shown *Credentials, token string) (Method, *Principal, error) {
	ask := *shown
	ask.Token = token
	p, err := c.Session.Authenticate(ctx, &ask)
	var refusal *Error
	if c.Anonymous && token == "" && shown.Header.Get("Authorization") == "" && errors.As(err, &refusal) && refusal.Code == CodeUnauthorized {
		return MethodAnonymous, anonymous, nil
	}
	return MethodSession, p, err
}
