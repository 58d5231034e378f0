// Package staff is moderators who sign in with a password: one-time links, passwords and sessions.
package staff

import (
	"context"
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// ErrWrong is for a name or a password that is wrong, or a session or link that does not hold. Which it was is
// not said.
var ErrWrong = errors.New("wrong")

// Staff knows moderators. Its methods may be called from any goroutine.
type Staff struct{ store store.Staff }

// New makes a Staff.
func New(s store.Staff) *Staff { return &Staff{s} }

// Invite makes a one-time link and returns its secret. name "" leaves the name to whoever uses it.
func (s *Staff) Invite(_ context.Context, _, _ string, _ time.Duration) (secret string, err error) {
	return "", ErrWrong
}

// SetUp uses a link: the account has the password then. The error is ErrWrong, or says what is wrong
// with name or password.
func (s *Staff) SetUp(_ context.Context, _, _, _ string) (store.Account, error) {
	return store.Account{}, ErrWrong
}

// SignIn begins a session and returns its secret, for a cookie.
func (s *Staff) SignIn(_ context.Context, _, _, _ string) (secret string, session store.Session, err error) {
	return "", store.Session{}, ErrWrong
}

// Session is the session of a secret, or ErrWrong.
func (s *Staff) Session(_ context.Context, _ string) (store.Session, error) {
	return store.Session{}, ErrWrong
}

// SignOut ends a session.
func (s *Staff) SignOut(_ context.Context, _ string) error { return ErrWrong }
