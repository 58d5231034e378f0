package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// ErrWrong is for a name or a password that is wrong, or a session or link that does not hold. Which it was is
// not said.
var ErrWrong = errors.New("wrong")

const (
	// LinkLife is how long a link holds where nothing else is said.
	LinkLife = 24 * time.Hour
	// SessionLife is how long a session holds.
	SessionLife = 30 * 24 * time.Hour
)

// Invalid says what is wrong with a name or a password that somebody has chosen.
type Invalid struct {
	Field   string // "name" or "password"
	Message string // a sentence for people
}

// Error is the sentence.
func (i *Invalid) Error() string { return i.Message }

// Staff knows moderators. Its methods may be called from any goroutine.
type Staff struct {
	store  store.Staff
	hashes *hasher
	now    func() time.Time
}

// New makes a Staff.
func New(s store.Staff) *Staff {
	return &Staff{store: s, hashes: newHasher(strong), now: time.Now}
}

// Invite makes a one-time link for a site and returns its secret. name "" leaves the name to whoever uses
// it; a name that there is gets a new password. life 0 is LinkLife.
func (s *Staff) Invite(ctx context.Context, site, name string, life time.Duration) (secret string, err error) {
	if name != "" {
		if name, err = checkName(name); err != nil {
			return "", err
		}
	}
	if life <= 0 {
		life = LinkLife
	}
	secret = newSecret()
	l := store.Link{Site: site, Hash: hashOf(secret), Name: name, Expires: s.now().Add(life)}
	if err := s.store.AddLink(ctx, l); err != nil {
		return "", fmt.Errorf("keep a link of %s: %w", site, err)
	}
	return secret, nil
}

// SetUp uses a link of a site: the account has the password then. Where the link has a name, that
// counts, and name may be "". The error is ErrWrong where the link does not hold for this site, an *Invalid that says what is
// wrong with name or password, or ErrBusy. A link that was refused for these can be used again.
func (s *Staff) SetUp(ctx context.Context, site, secret, name, password string) (store.Account, error) {
	if !isSecret(secret) {
		return store.Account{}, ErrWrong
	}
	if name != "" {
		var err error
		if name, err = checkName(name); err != nil {
			return store.Account{}, err
		}
	}
	password, err := checkPassword(password, name)
	if err != nil {
		return store.Account{}, err
	}
	hash, err := s.hashes.hash(ctx, password)
	if err != nil {
		return store.Account{}, err
	}
	now := s.now()
	a, err := s.store.UseLink(ctx, hashOf(secret), store.Account{
		Site: site, Name: name, ID: newID(), Password: hash, Created: now,
	}, now)
	switch {
	case errors.Is(err, store.ErrExpired):
		return store.Account{}, ErrWrong
	case errors.Is(err, store.ErrNotFound): // neither has the link one
		return store.Account{}, &Invalid{"name", "choose a name"}
	case errors.Is(err, store.ErrExists):
		return store.Account{}, &Invalid{"name", "this name is taken: choose another one, or ask for a link with your name"}
	case err != nil:
		return store.Account{}, fmt.Errorf("use a link of %s: %w", site, err)
	}
	return a, nil
}

// SignIn begins a session and returns its secret, for a cookie. The error is ErrWrong, or ErrBusy.
func (s *Staff) SignIn(ctx context.Context, site, name, password string) (secret string, session store.Session, err error) {
	a, ok, err := s.account(ctx, site, name)
	if err != nil {
		return "", store.Session{}, err
	}
	right, err := s.hashes.matches(ctx, a.Password, normal(password))
	if err != nil {
		return "", store.Session{}, err
	}
	if !ok || !right {
		return "", store.Session{}, ErrWrong
	}
	secret = newSecret()
	session = store.Session{
		Hash: hashOf(secret), Site: a.Site, Name: a.Name, Account: a.ID, Expires: s.now().Add(SessionLife),
	}
	if err := s.store.AddSession(ctx, session); err != nil {
		return "", store.Session{}, fmt.Errorf("keep a session of %s: %w", site, err)
	}
	return secret, session, nil
}

// account finds an account. One that is not there has a password that nobody knows, so that to
// look it up takes the same time.
func (s *Staff) account(ctx context.Context, site, name string) (a store.Account, ok bool, err error) {
	nobody := store.Account{Password: s.hashes.nobody}
	name, err = checkName(name)
	if err != nil {
		return nobody, false, nil //nolint:nilerr // there is no account of such a name
	}
	a, err = s.store.Account(ctx, site, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nobody, false, nil
	case err != nil:
		return nobody, false, fmt.Errorf("find an account of %s: %w", site, err)
	}
	return a, true, nil
}

// Session is the session of a secret, or ErrWrong.
func (s *Staff) Session(ctx context.Context, secret string) (store.Session, error) {
	if !isSecret(secret) {
		return store.Session{}, ErrWrong
	}
	now := s.now()
	session, err := s.store.Session(ctx, hashOf(secret), now)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrExpired), err == nil && !now.Before(session.Expires):
		return store.Session{}, ErrWrong
	case err != nil:
		return store.Session{}, fmt.Errorf("find a session: %w", err)
	}
	return session, nil
}

// SignOut ends a session. One that has ended already is no error.
func (s *Staff) SignOut(ctx context.Context, secret string) error {
	if !isSecret(secret) {
		return nil
	}
	err := s.store.RemoveSession(ctx, hashOf(secret))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}
