package comments

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/staff"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/visitor"
)

// Bounds of what is shown of a user.
const (
	maxName   = 60 // characters
	maxAvatar = 500
)

// roleModerator is the role of who decides.
const roleModerator = "moderator"

// user is who somebody is on a site. It does not change. The zero value is a reader.
type user struct {
	store.Author           // ID is "" of a reader
	signed       string    // the site's secret that said so; "" where it was not the site
	secret       string    // of a session of package staff
	expires      time.Time // zero: never
}

func (u *user) known() bool     { return u.ID != "" }
func (u *user) moderator() bool { return u.Role == roleModerator }

// given is what CONNECT and sign-in carry.
type given struct {
	Site     string `json:"site"`
	Token    string `json:"token"`
	Moderate bool   `json:"moderate"`
	Guest    *struct {
		Secret string `json:"secret"`
		Name   string `json:"name"`
	} `json:"guest"`
}

// cookieName is the cookie that holds the secret of a moderator's session. Its path is "/": the
// Socket.IO server must be sent it.
func cookieName(site string) string { return "sockeye-comments-" + site }

// sameOrigin passes pages of the server itself, and programs.
var sameOrigin = func() *origin.Policy {
	p, err := origin.Parse(nil)
	if err != nil {
		panic(err) // no list has nothing wrong in it
	}
	return p
}()

// identify finds out who somebody is. came is the request that the connection began with.
func (s *site) identify(ctx context.Context, g *given, came *http.Request) (*user, error) {
	ways := 0
	for _, is := range []bool{g.Token != "", g.Guest != nil, g.Moderate} {
		if is {
			ways++
		}
	}
	a := s.about.Load()
	switch {
	case ways > 1:
		return nil, &refusal{code: "bad_request", message: "give one of token, guest and moderate: you are one person"}
	case g.Moderate:
		return s.ofSession(ctx, came)
	case g.Token != "":
		return a.ofToken(ctx, g.Token)
	case g.Guest != nil:
		return a.ofGuest(g.Guest.Secret, g.Guest.Name)
	}
	return reader, nil
}

// reader is who only reads.
var reader = &user{}

// ofToken is who a token of the site names.
func (a *about) ofToken(ctx context.Context, text string) (*user, error) {
	p, err := a.tokens.Verify(ctx, text)
	var refused *auth.Error
	switch {
	case errors.As(err, &refused):
		return nil, &refusal{code: string(refused.Code), message: refused.Message}
	case err != nil:
		return nil, &refusal{code: "invalid_token", message: "the token does not hold"}
	case p.Expires.IsZero():
		return nil, &refusal{code: "invalid_token", message: "the token has no exp: who is signed in must be so for a time"}
	case !time.Now().Before(p.Expires):
		return nil, &refusal{code: "token_expired", message: "the token has expired"}
	}
	name := shownName(p.Name)
	if name == "" {
		return nil, &refusal{code: "invalid_token", message: "the token has no name to show"}
	}
	u := &user{signed: a.Secret, expires: p.Expires}
	u.Author = store.Author{ID: UserID(a.Name, p.ID), Subject: p.ID, Name: name, Avatar: avatarOf(text)}
	if p.HasRole(roleModerator) {
		u.Role = roleModerator
	}
	return u, nil
}

// avatarOf reads the address of a picture from a token that holds.
func avatarOf(text string) string {
	_, rest, _ := strings.Cut(text, ".")
	body, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	var claims struct {
		Avatar string `json:"avatar"`
	}
	if err != nil || json.Unmarshal(raw, &claims) != nil || len(claims.Avatar) > maxAvatar {
		return ""
	}
	u, err := url.Parse(claims.Avatar)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// ofGuest is who made up a secret.
func (a *about) ofGuest(secret, name string) (*user, error) {
	if !a.Settings.Guests {
		return nil, &refusal{code: "guests_refused", message: "this site takes no guests: sign in there"}
	}
	if _, err := visitor.ID(secret); err != nil {
		return nil, &refusal{code: visitor.CodeBadSecret, message: strings.ReplaceAll(err.Error(), "auth.secret", "guest.secret")}
	}
	if name = shownName(name); name == "" {
		name = "Guest"
	}
	return &user{Author: store.Author{ID: publicID("g_", a.Name, secret), Name: name, Guest: true}}, nil
}

// ofSession is the moderator whose session the page's cookie is of.
func (s *site) ofSession(ctx context.Context, came *http.Request) (*user, error) {
	if !sameOrigin.Allow(came) {
		return nil, &refusal{code: "origin_refused", message: "moderators are known on the server's own pages only"}
	}
	cookie, err := came.Cookie(cookieName(s.name))
	if err != nil {
		return nil, errNoSession
	}
	return s.ofSecret(ctx, cookie.Value)
}

var errNoSession = &refusal{code: "unauthorized", message: "sign in as a moderator of this site"}

// ofSecret is the moderator of a session.
func (s *site) ofSecret(ctx context.Context, secret string) (*user, error) {
	session, err := s.c.staff.Session(ctx, secret)
	switch {
	case errors.Is(err, staff.ErrWrong):
		return nil, errNoSession
	case err != nil:
		return nil, err
	case session.Site != s.name || !time.Now().Before(session.Expires):
		return nil, errNoSession
	}
	return &user{
		Author: store.Author{ID: session.Account, Name: session.Name, Role: roleModerator},
		secret: secret, expires: session.Expires,
	}, nil
}

// recheck signs moderators out whose session or account is gone.
func (s *site) recheck(ctx context.Context) {
	for _, one := range s.everybody() {
		if u := one.who(); u.secret != "" {
			_ = one.confirm(ctx, u) // asked again soon
		}
	}
}

// confirm reports whether a moderator's session holds, and ends the sign-in if it does not.
func (s *session) confirm(ctx context.Context, u *user) error {
	_, err := s.site.ofSecret(ctx, u.secret)
	if errors.Is(err, errNoSession) {
		s.signOutOf(u, errNoSession)
	}
	return err
}

// publicID is 16 characters, behind what kind of user it is, that are others on another site. They
// have no key, so that users are the same after a new secret and an import elsewhere: who can
// guess what they are made of can tell.
func publicID(kind, site, of string) string {
	sum := sha256.Sum256([]byte("sockeye:comments:" + kind + "\x00" + site + "\x00" + of))
	return kind + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// UserID is the public id of a user of a site who has this id there (sub of its tokens).
func UserID(site, subject string) string { return publicID("u_", site, subject) }

// shownName is a name without what would spoil a page.
func shownName(name string) string {
	name = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d':
			return -1
		}
		return r
	}, name)), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = strings.TrimSpace(string(runes[:maxName]))
	}
	return name
}

// randomText is n random bytes as text.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // does not fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// admit finds out which site a client is on, and who it is.
func (c *Comments) admit(ctx context.Context, socket *socketio.Socket) error {
	err := c.enter(ctx, socket)
	var refused *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
	default:
		c.opts.Logger.Warn("comments: a client could not be let in", slog.Any("error", err))
		refused = errFailed
	}
	return &socketio.ConnectError{Message: refused.message, Data: map[string]string{"code": refused.code, "message": refused.message}}
}

func (c *Comments) enter(ctx context.Context, socket *socketio.Socket) error {
	var g given
	if err := socket.Auth().Decode(&g); err != nil || !validSite(g.Site) {
		return &refusal{code: "bad_request", message: `auth is an object with site, and perhaps one of token, guest and moderate: {"site": "blog"}`}
	}
	s, err := c.site(ctx, g.Site)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &refusal{code: "unknown_site", message: "there is no site of this name: sockeye comments init makes one"}
	case err != nil:
		return err
	}
	came := socket.Conn().Request()
	r := &http.Request{Host: came.Host, Header: came.Header, URL: came.URL}
	if !s.about.Load().origins.Allow(r) {
		return &refusal{code: "origin_refused", message: "pages of this origin may not use the site: its owner adds them to the origins"}
	}
	u, err := s.identify(ctx, &g, r)
	if err != nil {
		return err
	}
	socket.SetIdentity(newSession(s, socket, u))
	return nil
}
