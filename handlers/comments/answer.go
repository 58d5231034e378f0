package comments

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// refusal is an error that the client is told.
type refusal struct {
	code, message string
	field         string
	retryAfter    time.Duration
	expires       time.Time // of a ban
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// Refusals that do not differ.
var (
	errFailed       = &refusal{code: "failed", message: "the server could not do this: try again"}
	errUnauthorized = &refusal{code: "unauthorized", message: "sign in first"}
	errModerators   = &refusal{code: "forbidden", message: "this is for moderators of the site"}
	errOther        = &refusal{code: "forbidden", message: "this comment is somebody else's"}
	errNotFound     = &refusal{code: "not_found", message: "there is no such comment on this site"}
)

// badRequest refuses an argument.
func badRequest(field, message string) *refusal {
	return &refusal{code: "bad_request", message: message, field: field}
}

// role is who may send an event.
type role uint8

const (
	anybody    role = iota // who only reads, too
	users                  // who is signed in, or a guest
	moderators             // of the site
)

// request is an event of a client that may send it.
type request struct {
	*session
	c    *Comments
	user *user // as the event began
	e    *socketio.Event
}

// listen registers what clients send.
func (c *Comments) listen() {
	for _, on := range []struct {
		event string
		who   role
		f     func(r *request, ctx context.Context) (any, error)
	}{
		{"join", anybody, (*request).join},
		{"leave", anybody, (*request).leave},
		{"watch-counts", anybody, (*request).watchCounts},
		{"sign-in", anybody, (*request).signInEvent},
		{"sign-out", anybody, (*request).signOutEvent},
		{"post", users, (*request).post},
		{"edit", users, (*request).edit},
		{"delete", users, (*request).remove},
		{"source", users, (*request).source},
		{"vote", users, (*request).vote},
		{"react", users, (*request).react},
		{"flag", users, (*request).flag},
		{"typing", users, (*request).typing},
		{"preview", users, (*request).preview},
		{"watch", moderators, (*request).watch},
		{"queue", moderators, (*request).queue},
		{"moderate", moderators, (*request).moderate},
		{"ban", moderators, (*request).ban},
		{"unban", moderators, (*request).unban},
		{"bans", moderators, (*request).bans},
		{"lock", moderators, (*request).lock},
		{"log", moderators, (*request).log},
		{"person", moderators, (*request).person},
		{"site", moderators, (*request).siteEvent},
		{"settings", moderators, (*request).settings},
	} {
		c.ns.On(on.event, func(ctx context.Context, e *socketio.Event) {
			outcome, err := c.handle(ctx, e, on.who, on.f)
			c.acknowledge(e, outcome, err)
		})
	}
	c.ns.OnUnhandled(func(_ context.Context, e *socketio.Event) {
		c.acknowledge(e, nil, &refusal{code: "unknown_event", message: "the comments have no event of this name"})
	})
}

func (c *Comments) handle(ctx context.Context, e *socketio.Event, who role, f func(*request, context.Context) (any, error)) (any, error) {
	one := sessionOf(e.Socket())
	if one == nil {
		return nil, errFailed
	}
	r := &request{session: one, c: c, user: one.who(), e: e}
	if !r.user.expires.IsZero() && !time.Now().Before(r.user.expires) {
		one.expire(r.user)
		r.user = one.who()
	}
	switch {
	case who >= users && !r.user.known():
		return nil, errUnauthorized
	case who == moderators && !r.user.moderator():
		return nil, errModerators
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if r.user.secret != "" && who == moderators { // the account may be gone
		if err := one.confirm(ctx, r.user); err != nil {
			return nil, err
		}
	}
	return f(r, ctx)
}

// acknowledge answers, if the client asked. What fails here is the connection, which ends by
// itself.
func (c *Comments) acknowledge(e *socketio.Event, outcome any, err error) {
	var refused *refusal
	switch {
	case err == nil:
	case errors.As(err, &refused):
	case errors.Is(err, store.ErrNotFound):
		refused = errNotFound
	default:
		if !errors.Is(err, context.Canceled) {
			c.opts.Logger.Warn("comments: an event failed", slog.String("event", e.Name()), slog.Any("error", err))
		}
		refused = errFailed
	}
	switch {
	case !e.HasAck():
	case refused != nil:
		_ = e.AckError(refused.code, refused.message, refused.extra()...)
	case outcome != nil:
		_ = e.Ack(outcome)
	}
}

// extra is what an error says beyond code and message.
func (r *refusal) extra() (pairs []any) {
	if r.field != "" {
		pairs = append(pairs, "field", r.field)
	}
	if r.retryAfter > 0 {
		pairs = append(pairs, "retryAfter", int(math.Ceil(r.retryAfter.Seconds())))
	}
	if !r.expires.IsZero() {
		pairs = append(pairs, "expires", r.expires.UnixMilli())
	}
	return pairs
}

// bind decodes the argument of an event.
func (r *request) bind(dst any, form string) error {
	if err := r.e.Bind(dst); err != nil {
		return badRequest("", "the first argument is an object: "+form)
	}
	return nil
}

// take counts something that the user does, or says when to come again.
func (r *request) take(ctx context.Context, what string) error {
	a := r.site.about.Load()
	if r.user.moderator() {
		return nil
	}
	if wait := a.guard.Take(ctx, &a.Site, what, r.user.ID, r.address()); wait > 0 {
		return &refusal{
			code: "rate_limited", retryAfter: wait,
			message: "this is too much at once: come again in " + strconv.Itoa(int(math.Ceil(wait.Seconds()))) + " s",
		}
	}
	return nil
}

// address is where the client is.
func (r *request) address() string {
	address := r.socket.Conn().RemoteAddr()
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// writes refuses a user who is banned.
func (r *request) writes(ctx context.Context) error {
	if r.user.Guest && !r.site.about.Load().Settings.Guests {
		return &refusal{code: "unauthorized", message: "this site takes no guests any more: sign in there"}
	}
	ban, err := r.c.store.Banned(ctx, r.site.name, r.user.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return &refusal{code: "banned", message: "a moderator has banned you from writing here", expires: ban.Expires}
}
