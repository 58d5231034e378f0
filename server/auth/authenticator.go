package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// ErrNotFound says that what should be taken back is not there.
var ErrNotFound = errors.New("not found")

// EventPrefix begins the names of the events by which a server and its clients speak of
// who they are: auth:expiring, auth:refresh. No client sends one to another.
const EventPrefix = "auth:"

// Credentials are what a client shows when it connects.
type Credentials struct {
	// Token is what the client says about itself: the auth.token of CONNECT, or the
	// token of auth:refresh. "" is nothing.
	Token string
	// Header is that of the handshake request, with the client's Authorization,
	// Cookie and Origin; nil for a refresh, which shows a token only.
	Header http.Header
	// Query is the handshake request's.
	Query url.Values
	// Address is the client's IP address.
	Address string
	// Namespace is what it connects to.
	Namespace string
}

// Authenticator makes a principal of what a client shows. It may wait for others, not
// longer than ctx. The error is an *Error where the client is to be told why.
type Authenticator interface {
	Authenticate(ctx context.Context, c *Credentials) (*Principal, error)
}

// Code says why a client was refused, in one word for programs.
type Code string

// The codes.
const (
	CodeUnauthorized Code = "unauthorized"     // nothing was shown
	CodeInvalidToken Code = "invalid_token"    // what was shown does not hold
	CodeTokenExpired Code = "token_expired"    // it held once
	CodeForbidden    Code = "forbidden"        // known, and may not do this
	CodeOtherUser    Code = "other_user"       // the token of a refresh is somebody else's
	CodeBlocked      Code = "blocked"          // known, and blocked
	CodeUnavailable  Code = "auth_unavailable" // nobody could be asked; try again
)

// Error is a refusal that the client is told.
type Error struct {
	Code    Code
	Message string
	// Err is for the log; the client does not hear of it.
	Err error
}

// Error says it with the cause. What the client is told is Message.
func (e *Error) Error() string {
	if e.Err != nil {
		return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
	}
	return string(e.Code) + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
