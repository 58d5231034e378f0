package auth

import (
	"encoding/json"
	"slices"
	"time"
)

// Principal is who a client is. It does not change: a new token makes a new one.
type Principal struct {
	// ID says whose connection this is, at most MaxID bytes; "" is nobody in particular.
	ID string
	// Name is how others are shown the principal; "" where nobody said.
	Name string
	// Roles are words of the site's own, such as "moderator".
	Roles []string
	// Join and Publish are the rooms it may enter, and say something to.
	Join, Publish Patterns
	// Scopes are what an API key is for, or a token whose claim "scope" says so; nobody
	// else has any.
	Scopes []Scope
	// Data is a JSON value for handlers; nil where there is none.
	Data json.RawMessage
	// Method is how the client proved who it is.
	Method Method
	// Expires is when it stops being true; zero is never.
	Expires time.Time
}

// MaxID is the most bytes of a principal's ID, as of socketio.Socket.SetUser.
const MaxID = 256

// Method is a way to prove who one is.
type Method string

// The methods.
const (
	MethodAnonymous Method = "anonymous" // nothing was shown, and that is allowed
	MethodToken     Method = "token"     // a JSON Web Token
	MethodSession   Method = "session"   // the site's backend was asked
	MethodKey       Method = "key"       // an API key
	// A ticket that a backend asked for; who got one for itself keeps its method.
	MethodTicket  Method = "ticket"
	MethodWebhook Method = "webhook" // a backend said so when it let the client in
)

// Anonymous returns the principal of a client that shows nothing where that is
// allowed: it may use every room.
func Anonymous() *Principal {
	return &Principal{Method: MethodAnonymous, Join: Everything(), Publish: Everything()}
}

// HasRole reports whether the principal has a role.
func (p *Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// HasScope reports whether the principal has a scope, or admin, which is all of them.
func (p *Principal) HasScope(s Scope) bool {
	return slices.Contains(p.Scopes, s) || slices.Contains(p.Scopes, ScopeAdmin)
}

// Scope is what an API key or a backend's token is for.
type Scope string

// The scopes.
const (
	ScopeRead    Scope = "read"    // join rooms and see what is in them
	ScopePublish Scope = "publish" // say something to rooms
	ScopeAdmin   Scope = "admin"   // everything, also what is for operators only
)

// Bearer is what may carry a principal, such as a *socketio.Socket.
type Bearer interface{ Identity() any }

// Of returns whose b is: never nil. What carries none is anonymous.
func Of(b Bearer) *Principal { return From(b.Identity()) }

// From is Of for an identity itself.
func From(identity any) *Principal {
	if p, ok := identity.(*Principal); ok && p != nil {
		return p
	}
	return anonymous
}

var anonymous = Anonymous()
