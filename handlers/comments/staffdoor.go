package comments

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/staff"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Codes of what is said to moderators alone.
const (
	codeWrongPassword = "wrong_password"
	codeLinkRefused   = "link_refused"
)

const (
	// maxStaffBody is in bytes: names and passwords are short.
	maxStaffBody = 8 << 10
	// actionLogin is what guard counts.
	actionLogin = "login"
	// busyRetry is when somebody may try again for whom there was no turn.
	busyRetry = 2 * time.Second
)

// staffAnswer is what the moderator page is told of who it is.
type staffAnswer struct {
	Site    string   `json:"site"`
	User    userForm `json:"user"`
	Expires int64    `json:"expires"`
}

// credentials are what a moderator sends.
type credentials struct {
	Link     string `json:"link"`
	Name     string `json:"name"`
	Password string `json:"password"`
}

// errNotSignedIn is the answer to who has no session that holds.
var errNotSignedIn = problem.New(http.StatusUnauthorized, string(auth.CodeUnauthorized), "nobody is signed in here: sign in with name and password")

// setUp makes an account of a one-time link, and signs in.
func (c *Comments) setUp(w http.ResponseWriter, r *http.Request, a *about) error {
	var in credentials
	if err := c.staffBody(r, a, &in); err != nil {
		return err
	}
	account, err := c.staff.SetUp(r.Context(), a.Name, in.Link, in.Name, in.Password)
	switch {
	case errors.Is(err, staff.ErrWrong):
		return problem.New(http.StatusForbidden, codeLinkRefused, "this link does not hold: it was used, or is too old; make another with sockeye comments invite")
	case err != nil:
		return staffProblem(err)
	}
	return c.beginSession(w, r, a, account.Name, in.Password)
}

// logIn signs in with a password.
func (c *Comments) logIn(w http.ResponseWriter, r *http.Request, a *about) error {
	var in credentials
	if err := c.staffBody(r, a, &in); err != nil {
		return err
	}
	return c.beginSession(w, r, a, in.Name, in.Password)
}

// staffBody reads what somebody sends who wants to sign in, not too often.
func (c *Comments) staffBody(r *http.Request, a *about, in any) error {
	if err := readJSON(r, maxStaffBody, in); err != nil {
		return err
	}
	return c.mayTry(r, a)
}

// mayTry counts an attempt to sign in.
func (c *Comments) mayTry(r *http.Request, a *about) error {
	if wait := a.guard.Take(r.Context(), &a.Site, actionLogin, "", r.RemoteAddr); wait > 0 {
		return &problem.Problem{
			Status: http.StatusTooManyRequests, Code: socketio.CodeRateLimited, RetryAfter: wait,
			Message: "too many attempts to sign in: try again later",
		}
	}
	return nil
}

// beginSession signs in, and answers with who that is and a cookie.
func (c *Comments) beginSession(w http.ResponseWriter, r *http.Request, a *about, name, password string) error {
	secret, session, err := c.staff.SignIn(r.Context(), a.Name, name, password)
	switch {
	case errors.Is(err, staff.ErrWrong):
		return problem.New(http.StatusForbidden, codeWrongPassword, "name or password is wrong")
	case err != nil:
		return staffProblem(err)
	}
	d := store.Decision{By: session.Account, ByName: session.Name, Action: store.SignIn, Time: time.Now()}
	if err := c.store.Note(r.Context(), a.Name, d); err != nil {
		c.opts.Logger.WarnContext(r.Context(), "that a moderator signed in could not be noted", slog.String("site", a.Name), slog.Any("error", err))
	}
	http.SetCookie(w, sessionCookie(r, a.Name, secret, session.Expires))
	writeJSON(w, http.StatusOK, answerOf(&session))
	return nil
}

// demoName is who moderates the demo page.
const demoName = "Demo moderator"

// demoDoor lets anybody moderate the site of the demo page. Its account has a password that
// is in the memory of this node alone.
type demoDoor struct {
	mu       sync.Mutex
	password string
}

// tryDemo begins a session of a moderator for whoever asks.
func (c *Comments) tryDemo(w http.ResponseWriter, r *http.Request, a *about) error {
	if a.Name != demoSite || len(a.Origins) > 0 { // or somebody's own site, which has the name
		return problem.New(http.StatusNotFound, problem.CodeNotFound, "only the site of the demo pages may be tried")
	}
	var in struct{}
	if err := c.staffBody(r, a, &in); err != nil {
		return err
	}
	c.demo.mu.Lock()
	defer c.demo.mu.Unlock()
	if c.demo.password != "" {
		err := c.beginSession(w, r, a, demoName, c.demo.password)
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != codeWrongPassword {
			return err
		}
	}
	link, err := c.staff.Invite(r.Context(), a.Name, demoName, time.Minute)
	if err != nil {
		return err
	}
	password := rand.Text()
	if _, err := c.staff.SetUp(r.Context(), a.Name, link, "", password); err != nil {
		return staffProblem(err)
	}
	c.demo.password = password
	return c.beginSession(w, r, a, demoName, password)
}

// staffProblem is an error of package staff that is for whoever asked, or not.
func staffProblem(err error) error {
	var wrong *staff.Invalid
	switch {
	case errors.As(err, &wrong):
		return &problem.Problem{Status: http.StatusBadRequest, Code: problem.CodeBadRequest, Message: wrong.Error(), Field: "/" + wrong.Field}
	case errors.Is(err, staff.ErrBusy):
		return &problem.Problem{Status: http.StatusServiceUnavailable, Code: problem.CodeUnavailable, Message: "too many sign in at the moment: try again", RetryAfter: busyRetry}
	}
	return err
}

// logOut ends the session, and answers also where there is none.
func (c *Comments) logOut(w http.ResponseWriter, r *http.Request, a *about) error {
	if cookie, err := r.Cookie(cookieName(a.Name)); err == nil {
		if err := c.staff.SignOut(r.Context(), cookie.Value); err != nil && !errors.Is(err, staff.ErrWrong) {
			return err
		}
	}
	http.SetCookie(w, sessionCookie(r, a.Name, "", time.Unix(0, 0)))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// whoIs says who is signed in.
func (c *Comments) whoIs(w http.ResponseWriter, r *http.Request, a *about) error {
	session, err := c.staffSession(r, a.Name)
	switch {
	case errors.Is(err, staff.ErrWrong):
		return errNotSignedIn
	case err != nil:
		return err
	}
	writeJSON(w, http.StatusOK, answerOf(&session))
	return nil
}

// staffSession is the session of a request, for one site: staff.ErrWrong where there is none.
func (c *Comments) staffSession(r *http.Request, site string) (store.Session, error) {
	cookie, err := r.Cookie(cookieName(site))
	if err != nil {
		return store.Session{}, staff.ErrWrong
	}
	session, err := c.staff.Session(r.Context(), cookie.Value)
	if err == nil && session.Site != site {
		err = staff.ErrWrong
	}
	return session, err
}

// sessionCookie is a cookie that pages of other origins neither read nor have sent. It is kept
// to TLS where the client came by it, also by a trusted proxy.
func sessionCookie(r *http.Request, site, secret string, expires time.Time) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure where there is TLS: a server on a loopback address has none
		Name: cookieName(site), Value: secret, Path: "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

func answerOf(s *store.Session) staffAnswer {
	return staffAnswer{s.Site, userForm{ID: s.Account, Name: s.Name, Moderator: true}, s.Expires.UnixMilli()}
}

// readJSON reads the one JSON value of a body.
func readJSON(r *http.Request, most int64, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem.New(http.StatusUnsupportedMediaType, problem.CodeUnsupported, "the body is JSON: send it with Content-Type: application/json")
	}
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, most))
	err := dec.Decode(into)
	if err == nil {
		if _, after := dec.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "the body is too long")
	case err != nil:
		return &problem.Problem{Status: http.StatusBadRequest, Code: problem.CodeBadRequest, Message: "the body is no JSON object of the documented form", Err: err}
	}
	return nil
}
