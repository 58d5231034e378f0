package comments

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// maxBan bounds a ban that is not for good.
const maxBan = 100 * 365 * 24 * time.Hour

// banForm is a ban as moderators see it.
type banForm struct {
	User    string `json:"user"`
	Name    string `json:"name"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
	Created int64  `json:"created"`
	Expires int64  `json:"expires,omitempty"`
}

func banOf(b *store.Ban) banForm {
	return banForm{User: b.User, Name: b.Name, By: b.By, Reason: b.Reason, Created: milliseconds(b.Created), Expires: milliseconds(b.Expires)}
}

// checkUser refuses what can be no public id.
func checkUser(id string) error {
	if len(id) != 18 || !utf8.ValidString(id) || id[1] != '_' {
		return badRequest("user", "user is the public id of a user, such as u_ and 16 characters")
	}
	return nil
}

func (r *request) ban(ctx context.Context) (any, error) {
	var q struct {
		User    string `json:"user"`
		Seconds int64  `json:"seconds"`
		Reason  string `json:"reason"`
		Reject  bool   `json:"reject"`
	}
	if err := r.bind(&q, "{user, seconds?, reason?, reject?}"); err != nil {
		return nil, err
	}
	if err := checkUser(q.User); err != nil {
		return nil, err
	}
	switch {
	case q.Seconds < 0 || q.Seconds > int64(maxBan/time.Second):
		return nil, badRequest("seconds", "seconds is for how long; 0 is for good")
	case !utf8.ValidString(q.Reason):
		return nil, badRequest("reason", "reason is no text")
	case strings.HasPrefix(q.User, "m_") || q.User == r.user.ID:
		return nil, &refusal{code: "forbidden", message: "a moderator cannot be banned"}
	}
	person, err := r.c.store.Person(ctx, r.site.name, q.User)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	b := store.Ban{User: q.User, Name: person.Name, By: r.user.Name, Reason: clip(q.Reason, maxReason), Created: time.Now()}
	if q.Seconds > 0 {
		b.Expires = b.Created.Add(time.Duration(q.Seconds) * time.Second)
	}
	d := r.decision(q.Reason)
	d.User, d.Action = q.User, store.BanUser
	comments, err := r.c.store.Ban(ctx, r.site.name, b, q.Reject, d)
	if err != nil {
		return nil, err
	}
	r.site.changedComments(comments)
	r.site.decided()
	return map[string]any{"ban": banOf(&b)}, nil
}

// someone reads of whom an event is.
func (r *request) someone() (user string, err error) {
	var q struct {
		User string `json:"user"`
	}
	if err = r.bind(&q, "{user}"); err == nil {
		err = checkUser(q.User)
	}
	return q.User, err
}

func (r *request) unban(ctx context.Context) (any, error) {
	user, err := r.someone()
	if err != nil {
		return nil, err
	}
	d := r.decision("")
	d.User, d.Action = user, store.UnbanUser
	if err = r.c.store.Unban(ctx, r.site.name, user, d); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return nil, &refusal{code: "not_found", message: "this user is not banned"}
		}
		return nil, err
	}
	r.site.decided()
	return struct{}{}, nil
}

func (r *request) bans(ctx context.Context) (any, error) {
	stored, err := r.c.store.Bans(ctx, r.site.name)
	if err != nil {
		return nil, err
	}
	bans := make([]banForm, len(stored))
	for i := range stored {
		bans[i] = banOf(&stored[i])
	}
	return map[string]any{"bans": bans}, nil
}

// personForm is what a moderator sees of a user.
type personForm struct {
	User      *userForm `json:"user"`
	Comments  int       `json:"comments"`
	Published int       `json:"published"`
	Rejected  int       `json:"rejected"`
	Flagged   int       `json:"flagged"`
	First     int64     `json:"first"`
	Ban       *banForm  `json:"ban,omitempty"`
}

func (r *request) person(ctx context.Context) (any, error) {
	user, err := r.someone()
	if err != nil {
		return nil, err
	}
	p, err := r.c.store.Person(ctx, r.site.name, user)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &refusal{code: "not_found", message: "this user has written nothing here"}
	case err != nil:
		return nil, err
	}
	f := personForm{
		User: formOfUser(&p.Author), Comments: p.Comments, Published: p.Published, Rejected: p.Rejected,
		Flagged: p.Flagged, First: milliseconds(p.First),
	}
	b, err := r.c.store.Banned(ctx, r.site.name, user)
	switch {
	case err == nil:
		form := banOf(&b)
		f.Ban = &form
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	return f, nil
}
